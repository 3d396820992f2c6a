"""A GAN that is made to collapse, watched and unwatched, beside one with the settings that `fit` takes.

    python benchmarks/image/collapse.py [--quick] [--steps 700]

The first 5,000 training images of MNIST with their classes. "fragile" has no gradient penalty and a rate several times
too high; all else is alike. Each check of the watch is kept: the share of training images covered, the bins reached,
the spread, each beside what as many real images reach. At the end 1,000 drawn images stand beside 1,000 test images, by
a network that learnt to name the classes, with 1,000 other test images for what can be reached.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import keep
import numpy as np
import torch
from PIL import Image, ImageDraw
from sets import CODEC, images

from genapps.metrics.reaching import reach
from genapps_image.codec import Batch
from genapps_image.evaluation.distances import frechet
from genapps_image.features import Extractor, extractor_of
from genapps_image.generation.fitting import Study, fit
from genapps_image.writing import sheet, write_image

NAME = "collapse"
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "collapse.png"
FRAGILE = ("penalty=0", "training.learning_rate=0.005")
ARMS = {
    "fragile, unwatched": (*FRAGILE, "watch=false"),
    "fragile, watched": FRAGILE,
    "as fit has it": (),
}
INK = {"fragile, unwatched": (200, 60, 40), "fragile, watched": (30, 110, 190), "as fit has it": (110, 110, 110)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 images and 60 steps; nothing is written")
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--checks", type=int, default=50, help="steps between two checks")
    parser.add_argument("--only", choices=ARMS, help="one arm; nothing is written")
    parser.add_argument("--set", action="append", default=[], help="a setting of all arms, key=value")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    train = images("mnist", most=1000 if asked.quick else 5000)
    test = images("mnist", "t10k", 400 if asked.quick else 2000).images
    steps, every = (60, 10) if asked.quick else (asked.steps, asked.checks)
    fixed = [f"training.max_steps={steps}", f"training.min_steps={steps}", "training.epochs=1000000"]
    fixed += [f"training.check_steps={every}", *asked.set]
    extractor = extractor_of("pixels" if asked.quick else "self", train.images, train.labels)
    half = len(test) // 2
    rows = [
        arm(name, (*settings, *fixed), train, extractor, test[:half])
        for name, settings in ARMS.items()
        if asked.only in (None, name)
    ]
    rows.append({"arm": "other test images", **figures(extractor, test[:half], test[half:])})
    for row in rows:
        print({key: value for key, value in row.items() if key not in ("checks", "strip")}, flush=True)
    if not asked.quick and asked.only is None:
        picture(rows, steps)
        for row in rows:
            row.pop("strip", None)
        keep.write(NAME, rows, {"protocol": __doc__, "threads": 1, "steps": steps, "learnt": len(train.images)})


def arm(name: str, settings: tuple[str, ...], train: Batch, extractor: Extractor, test: torch.Tensor) -> dict[str, Any]:
    """One training: what the watch saw and did, and the figures at the end."""
    start = time.process_time()
    model = fit(train, CODEC, "gan", Study(settings, device="cpu"))
    spent = time.process_time() - start
    made = model.sample(len(test), generator=torch.Generator().manual_seed(1))
    strip = model.sample(30, [name for name in model.classes for _ in range(3)]).unflatten(0, (10, 3)).transpose(0, 1)
    course = model.card["course"]
    return {
        "arm": name,
        "settings": list(settings),
        "cpu_seconds": round(spent, 1),
        **figures(extractor, test, made),
        **{f"watch_{key}": value for key, value in course["final"].items()},
        "events": course["events"],
        "checks": course["checks"],
        "strip": sheet(CODEC.decode(strip.flatten(0, 1)), columns=10),
    }


def figures(extractor: Extractor, test: torch.Tensor, made: torch.Tensor) -> dict[str, Any]:
    """Of drawn beside test images."""
    real, rows = extractor.features(test), extractor.features(made)
    found = reach(real, rows)
    shares = {key: round(getattr(found, key), 4) for key in ("precision", "recall", "density", "coverage")}
    return {"fd_self": round(frechet(real, rows), 2), **shares, "n": len(made)}


# The picture: coverage check after check, with a mark where a run went back, and images of each class at the end. ----

WIDE, HIGH, LEFT, GAP = 420, 96, 44, 14


def picture(rows: list[dict[str, Any]], steps: int) -> None:
    """A row an arm."""
    arms = [row for row in rows if "strip" in row]
    strip_high, strip_wide = arms[0]["strip"].shape[:2]
    row_high = max(HIGH, strip_high) + 24 + GAP
    whole = Image.new("RGB", (LEFT + WIDE + 2 * GAP + strip_wide, len(arms) * row_high), "white")
    draw = ImageDraw.Draw(whole)
    most = max(len(row["checks"]) for row in arms)
    for k, row in enumerate(arms):
        top = k * row_high
        coverage, fd = row["coverage"], row["fd_self"]
        draw.text((LEFT, top + 4), f"{row['arm']}: at the end FD-self {fd:.0f}, coverage {coverage:.2f}", fill="black")
        _curve(draw, row, top + 24, most)
        whole.paste(Image.fromarray(np.repeat(row["strip"], 3, 2)), (LEFT + WIDE + 2 * GAP, top + 24))
    write_image(PICTURE, np.asarray(whole))


def _curve(draw: ImageDraw.ImageDraw, row: dict[str, Any], top: int, most: int) -> None:
    """The share of training images covered, at each check in order; dotted: what real images cover."""
    ink, checks = INK[row["arm"]], row["checks"]
    backs = [event["step"] for event in row["events"] if "went back" in event["told"]]

    def at(k: int, share: float) -> tuple[float, float]:
        return LEFT + WIDE * k / max(most - 1, 1), top + HIGH * (1 - share)

    draw.rectangle((LEFT, top, LEFT + WIDE, top + HIGH), outline=(200, 200, 200))
    for share in (0.0, 0.5, 1.0):
        draw.text((8, at(0, share)[1] - 6), f"{share:.0%}", fill=(90, 90, 90))
    real = at(0, checks[0]["real_coverage"])[1]
    for x in range(LEFT, LEFT + WIDE, 8):
        draw.line((x, real, x + 3, real), fill=(120, 120, 120))
    places = [at(k, check["coverage"]) for k, check in enumerate(checks)]
    for k, (one, other) in enumerate(pairwise(places)):
        went = checks[k + 1]["step"] <= checks[k]["step"]
        draw.line((*one, *other), fill=(225, 200, 160) if went else ink, width=1 if went else 2)
    for k, (x, y) in enumerate(places):
        if checks[k]["step"] in backs and "distance" not in checks[k]:  # it went back from here
            draw.line((x - 4, y - 4, x + 4, y + 4), fill=ink, width=2)
            draw.line((x - 4, y + 4, x + 4, y - 4), fill=ink, width=2)


if __name__ == "__main__":
    main()
