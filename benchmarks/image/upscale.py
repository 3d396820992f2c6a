"""Super-resolution learnt from ten of scikit-image's pictures, judged on four other photographs, beside bicubic.

Images are made small by Pillow's bicubic filter. Nothing is chosen on the four; steps are fixed in advance. Where both
kinds are learnt at x2, a picture of pieces is drawn for the page: bicubic, regression, adversarial, the original.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import keep
import numpy as np
import photographs
import torch

from genapps_image.codec import to_channels
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Bytes, Picture
from genapps_image.showing import magnified
from genapps_image.upscaling.judging import Judged, judge, mean
from genapps_image.upscaling.model import UpscaleModel
from genapps_image.upscaling.network import Shape
from genapps_image.upscaling.patches import Patches
from genapps_image.upscaling.shrinking import cropped
from genapps_image.upscaling.training import RECIPE, SIDE, learn, steps_only
from genapps_image.writing import sheet, write_image

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
RUNS = {
    "regression-x2": ("regression", 2, 2400),
    "regression-x2-short": ("regression", 2, 600),
    "gan-x2": ("gan", 2, 2400),
    "regression-x4": ("regression", 4, 500),
}


def read(names: tuple[str, ...], factor: int) -> list[Bytes]:
    """Pictures of the package as RGB, their sides made divisible."""
    found = []
    for name in names:
        one = open_pictures(photographs.folder() / name).one(0)
        assert isinstance(one, Picture), one
        found.append(cropped(to_channels(one.pixels, 3), factor))
    return found


def run(name: str, steps: int | None, seed: int) -> tuple[list[dict[str, Any]], list[Judged]]:
    """One row a photograph and their mean, without and with the eight turns; and the photographs with them."""
    family, factor, planned = RUNS[name]
    began = time.process_time()
    patches = Patches(read(photographs.TRAIN, factor), factor, SIDE)
    recipe = steps_only(RECIPE, steps or planned)
    network, taken = learn(patches, Shape(factor, 3), family=family, recipe=recipe, seed=seed)
    learning = time.process_time() - began
    model, rows = UpscaleModel(network, family), []
    truths = read(photographs.TEST, factor)
    for ensemble in (False, True):
        began = time.process_time()
        judged = judge(model, truths, photographs.TEST, ensemble=ensemble, most=10**9)
        judging = time.process_time() - began
        for row in [*judged, mean(judged)]:
            told = {key: _rounded(value) for key, value in row.to_json().items()}
            rows.append({"run": name, "ensemble": ensemble, "steps": taken, "seed": seed, "n": len(judged), **told})
        rows[-1] |= {"learning_cpu_s": round(learning, 1), "judging_cpu_s": round(judging, 1)}
        print(name, "ensemble" if ensemble else "plain", rows[-1], flush=True)
    return rows, judged


def drawn(regression: list[Judged], gan: list[Judged]) -> Bytes:
    """A row a photograph: the piece of it with most details, four times."""
    shown = []
    for first, second in zip(regression, gan, strict=True):
        assert first.pieces is not None and second.pieces is not None
        row = (first.pieces.bicubic, first.pieces.learnt, second.pieces.learnt, first.pieces.truth)
        shown += [magnified(piece[16:80, 16:80], 2) for piece in row]  # a small file
    return sheet(shown, columns=4, gap=4)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return round(value, 4) if isinstance(value, float | np.floating) else value


def main() -> None:
    """Measure what is asked for, and keep it beside what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", default=",".join(RUNS), help="names, with commas")
    parser.add_argument("--steps", type=int, help="instead of each run's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="ten steps, nothing is written")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    names = asked.runs.split(",")
    before = keep.read("upscale").get("rows", [])
    rows = [row for row in before if row["run"] not in names]
    seen = {}
    for name in names:
        more, seen[name] = run(name, 10 if asked.quick else asked.steps, asked.seed)
        rows += more
    picture = drawn(seen["regression-x2"], seen["gan-x2"]) if {"regression-x2", "gan-x2"} <= set(names) else None
    if not asked.quick:
        if picture is not None:
            write_image(PICTURES / "upscale.jpg", picture)
        split = {"train": photographs.TRAIN, "test": photographs.TEST}
        keep.write("upscale", rows, {**split, "degradation": "bicubic, Pillow", "threads": 1})


if __name__ == "__main__":
    main()
