"""Every family on two-dimensional toys: 25 Gaussians on a grid, and three rings; which modes does it make?

    python benchmarks/core/toys.py [--quick] [--families gan gmm ...] [--seeds 5]

A mode of the grid is covered where at least a tenth of its share of 10,000 rows lies within four standard deviations of
its middle; `good` is the share of all rows that lie so near to any mode. On the rings `good` is the share within four
deviations of a ring, and `modes` counts 36 arcs, twelve a ring. The GAN is run with several seeds, the others with one.
The numbers of the autoregressive family are put into 100 bins of equal mass, and drawn evenly within them. Hidden
Markov models learn sequences, so they have no row here. Rows go to results/toys.json, the picture to docs/pictures.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from keep import read, write
from torch import Tensor

from genapps.models import build
from genapps.report.charts import tag
from genapps.spaces import Categorical, Columns, Continuous
from genapps.training import TrainingConfig

ROWS, MADE, DEVIATION, BINS = 5000, 10_000, 0.05, 100
SIDE = 5
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "toys.svg"
SPACE = Columns((Continuous(), Continuous()))
GAN_TRAINING = TrainingConfig(epochs=1000, max_steps=3500, learning_rate=2e-3)
SETTINGS: dict[str, tuple[dict[str, Any], TrainingConfig]] = {
    "gmm": ({"n_components": 25, "n_init": 3}, TrainingConfig()),
    "vae": ({"latent": 2, "hidden": 128}, TrainingConfig(epochs=200, max_steps=4000)),
    "gan": ({"latent": 2, "hidden": 128, "depth": 2, "penalty": 0.02, "waves": 5}, GAN_TRAINING),
    "rbm": ({"n_components": 128}, TrainingConfig()),
    "autoregressive": ({"hidden": 96, "dropout": 0.0}, TrainingConfig(max_steps=2000)),
}


def grid(n: int, generator: torch.Generator) -> Tensor:
    """25 Gaussians, two apart, 0.05 wide (Dumoulin et al. 2017)."""
    mode = torch.randint(SIDE * SIDE, (n,), generator=generator)
    middle = torch.stack([mode // SIDE, mode % SIDE], 1) * 2.0 - (SIDE - 1)
    return middle + DEVIATION * torch.randn(n, 2, generator=generator)


def rings(n: int, generator: torch.Generator) -> Tensor:
    """Three rings of radius 1, 2 and 3, each as likely."""
    radius = torch.randint(1, 4, (n,), generator=generator) + DEVIATION * torch.randn(n, generator=generator)
    angle = 2 * math.pi * torch.rand(n, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


def judge_grid(rows: Tensor) -> dict[str, Any]:
    """Modes covered of 25, and the share of rows near one."""
    mode = ((rows + SIDE - 1) / 2).round().clamp(0, SIDE - 1)
    near = (rows - (mode * 2.0 - (SIDE - 1))).norm(dim=1) < 4 * DEVIATION
    count = torch.bincount((mode[:, 0] * SIDE + mode[:, 1]).long()[near], minlength=SIDE * SIDE)
    return _row(count, near)


def judge_rings(rows: Tensor) -> dict[str, Any]:
    """Arcs covered of 36, and the share of rows near a ring."""
    radius = rows.norm(dim=1)
    ring = radius.round().clamp(1, 3)
    near = (radius - ring).abs() < 4 * DEVIATION
    arc = ((torch.atan2(rows[:, 1], rows[:, 0]) / (2 * math.pi) + 0.5) * 12).long().clamp(0, 11)
    return _row(torch.bincount(((ring.long() - 1) * 12 + arc)[near], minlength=36), near)


def _row(count: Tensor, near: Tensor) -> dict[str, Any]:
    least = 0.1 * len(near) / len(count)
    return {"modes": int((count >= least).sum()), "of": len(count), "good": round(float(near.double().mean()), 4)}


TOYS: dict[str, tuple[Callable[[int, torch.Generator], Tensor], Callable[[Tensor], dict[str, Any]]]] = {
    "grid": (grid, judge_grid),
    "rings": (rings, judge_rings),
}


def made(family: str, data: Tensor, seed: int, quick: bool) -> tuple[Tensor, float, dict[str, Any]]:
    """Rows that the family makes after learning `data`, the CPU seconds of learning, and what it says of itself."""
    options, training = SETTINGS[family]
    if quick:
        training = TrainingConfig(epochs=2, min_steps=20, max_steps=40)
    generator = torch.Generator().manual_seed(seed)
    coded = family == "autoregressive"
    edges = torch.quantile(data, torch.linspace(0, 1, BINS + 1), dim=0) if coded else None
    space = Columns((Categorical(BINS, ordered=True),) * 2) if coded else SPACE
    rows = data
    if edges is not None:
        rows = torch.stack([torch.bucketize(data[:, j].contiguous(), edges[1:-1, j].contiguous()) for j in (0, 1)], 1)
    began = time.process_time()
    model = build(family, space, **options).fit(rows, generator=generator, training=training)
    seconds = time.process_time() - began
    drawn = model.sample(MADE, generator=torch.Generator().manual_seed(seed + 1000))
    if edges is not None:
        low, high = edges.gather(0, drawn), edges.gather(0, drawn + 1)
        drawn = low + (high - low) * torch.rand(drawn.shape, generator=generator)
    return drawn.float(), seconds, getattr(model.engine, "variety_", {})


def picture(panels: dict[tuple[str, str], Tensor]) -> str:
    """Panels (toy, who) of points as one SVG: a line of panels a toy."""
    size, gap, top = 150, 10, 22
    columns = list(dict.fromkeys(who for _, who in panels))
    parts = []
    for j, who in enumerate(columns):
        x = gap + j * (size + gap) + size / 2
        parts.append(tag("text", who, x=x, y=15.0, text_anchor="middle", font_size=13, fill="#777"))
    for i, toy in enumerate(TOYS):
        for j, who in enumerate(columns):
            left, above = gap + j * (size + gap), top + i * (size + gap)
            parts.append(tag("rect", x=left, y=above, width=size, height=size, fill="#8881", rx=4))
            points = panels.get((toy, who))
            if points is None:
                continue
            reach = 4.6 if toy == "grid" else 3.6
            spots = ((points[:1200].clamp(-reach, reach) / reach + 1) / 2 * (size - 2)).round().long().unique(dim=0)
            path = "".join(f"M{left + x} {above + size - 2 - y}h1" for x, y in spots.tolist())
            color = "#777" if who == "data" else "#2a78d6"
            parts.append(tag("path", d=path, stroke=color, stroke_width=1.6, stroke_linecap="round"))
    width, height = gap + len(columns) * (size + gap), top + len(TOYS) * (size + gap)
    box = f"0 0 {width} {height}"
    label = "Two-dimensional toys: the data, and what each family makes of it"
    drawing = tag(
        "svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=box, role="img", aria_label=label,
        font_family="system-ui, sans-serif",
    )  # fmt: skip
    return str(drawing)


def main() -> None:
    """Learn, judge, write results/toys.json (what is not asked for stays) and, of a whole run, the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some steps of each; nothing is written")
    parser.add_argument("--families", nargs="+", choices=sorted(SETTINGS), default=sorted(SETTINGS))
    parser.add_argument("--seeds", type=int, default=5, help="of the GAN on the grid")
    given = parser.parse_args()
    torch.set_num_threads(1)
    before = read("toys")
    rows = [row for row in before.get("rows", []) if row["family"] not in (*given.families, "data")]
    panels: dict[tuple[str, str], Tensor] = {}
    options = {name: own for name, (own, _) in SETTINGS.items()}
    for toy, (draw, judge) in TOYS.items():
        data = draw(ROWS, torch.Generator().manual_seed(0))
        panels[toy, "data"] = data
        rows.append({"toy": toy, "family": "data", "seed": 0, **judge(draw(MADE, torch.Generator().manual_seed(1)))})
        for family in given.families:
            for seed in range(given.seeds if family == "gan" and toy == "grid" and not given.quick else 1):
                drawn, seconds, variety = made(family, data, seed, given.quick)
                row = {"toy": toy, "family": family, "seed": seed, **judge(drawn), "cpu_seconds": round(seconds, 1)}
                row |= {"variety": variety} if variety else {}
                print(json.dumps(row), flush=True)
                rows.append(row)
                if seed == 0:
                    panels[toy, family] = drawn
                if not given.quick:
                    write("toys", rows, {"rows": ROWS, "made": MADE, "deviation": DEVIATION, "families": options})
    if not given.quick and set(given.families) == set(SETTINGS):  # the picture shows all of one run
        PICTURE.write_text(picture(panels) + "\n")


if __name__ == "__main__":
    main()
