"""The measures of `genapps image evaluate` under control: real images that are made bad in known ways.

Digits of MNIST, and pieces of scikit-image's photographs. Every kind stands beside the same held-out images: other real
ones, a class left out, grey noise, a blur, copies of the training images, and half copies. The features that are learnt
here and the levels of the verdict were chosen after a first look at these very controls: they show that the measures
tell such faults apart, and are no independent proof of the levels.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keep
import photographs
import torch
import torch.nn.functional as F
from torch import Tensor

from genapps_image import Codec, gather, open_pictures
from genapps_image.evaluation.judging import Judged, Search, Sides, judge
from genapps_image.features import Extractor, extractor_of
from genapps_image.features.base import resized

NOISE = 40.0  # standard deviation, of 255
SIDE = 16  # of the images that copies are looked for in
PIECE, MOST_PIECES = 64, 200  # pixels of a piece of a photograph; of one photograph at most so many
Labelled = tuple[Tensor, Tensor]  # images (N, C, H, W) of bytes, classes (N,)


class Remembering(Extractor):
    """An extractor that measures the same images once."""

    def __init__(self, inner: Extractor) -> None:
        self.name, self._inner, self._known = inner.name, inner, dict[bytes, Tensor]()

    def features(self, images: Tensor) -> Tensor:
        """As the extractor has them."""
        key = images.numpy().tobytes()
        if key not in self._known:
            self._known[key] = self._inner.features(images)
        return self._known[key]

    def _features(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def _maps(self, images: Tensor) -> list[Tensor]:
        raise NotImplementedError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=sorted(SETS))
    parser.add_argument("--features", nargs="+", help="these alone; the rows of others are kept")
    parser.add_argument("--quick", action="store_true", help="fewer images, and nothing is written")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in asked.sets:
        load, features, n, left_out = SETS[name]
        n = n // 5 if asked.quick else n
        images, labels = load(5 * n)
        reference, classes, held_out = images[:n], labels[:n], images[n : 2 * n]
        kinds = made((images, labels), n, left_out)
        search = [small(part) for part in (reference, held_out)]
        for extractor_name in [one for one in features if one in (asked.features or features)]:
            start = time.process_time()
            extractor = Remembering(extractor_of(extractor_name, reference, classes))
            told = {"set": name, "features": extractor_name, "n": n, "reference": n}
            rows.append({**told, "kind": "learning", "cpu_seconds": round(time.process_time() - start, 2)})
            for kind, one in kinds.items():
                start = time.process_time()
                sides = Sides(reference, held_out, one, tuple(map(str, range(int(labels.max()) + 1))), classes)
                found = judge(sides, Search(search[0], small(one), search[1]), extractor)
                rows.append({**told, "kind": kind, **figures(found)})
                rows[-1]["cpu_seconds"] = round(time.process_time() - start, 2)
                print(name, extractor_name, kind, found.finding.level, found.finding.text, flush=True)
            for k, control in enumerate(found.measures[0].controls):
                values = {one.key: round(one.controls[k].value or 0.0, 4) for one in found.measures}
                rows.append({**told, "kind": control.name, **values})
    if not asked.quick:
        new = {(row["set"], row["features"]) for row in rows}
        rows += [row for row in keep.read("metrics").get("rows", []) if (row["set"], row["features"]) not in new]
        settings = {name: {"n": n, "left_out": left_out} for name, (_, _, n, left_out) in SETS.items()}
        keep.write(
            "metrics",
            sorted(rows, key=lambda row: (row["set"], row["features"])),
            {"noise": NOISE, "sets": settings, "seed": 0},
        )


def figures(found: Judged) -> dict[str, Any]:
    """What is kept of a verdict."""
    spans = found.intervals["made"]
    return {
        "level": found.finding.level,
        **{measure.key: round(measure.value or 0.0, 4) for measure in found.measures},
        "kd_interval": [round(spans.low, 3), round(spans.high, 3)],
        "missing": [one.name for one in found.classes if one.is_missing],
    }


def made(given: Labelled, n: int, left_out: int) -> dict[str, Tensor]:
    """Images that are good or bad in known ways; the first 2 n are the reference and what is held out."""
    images, labels = given
    generator = torch.Generator().manual_seed(0)
    real, more, theirs = images[2 * n : 3 * n], images[2 * n :], labels[2 * n :]
    noise = NOISE * torch.randn(real.shape, generator=generator)
    blurred = F.avg_pool2d(F.pad(real.float(), (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    copied = images[torch.randint(n, (n,), generator=generator)]
    return {
        "other real": real,
        f"without class {left_out}": more[theirs != left_out][:n],
        "noise": (real + noise).round().clamp(0, 255).to(torch.uint8),
        "blur": blurred.round().to(torch.uint8),
        "copies": copied,
        "half copies": torch.cat([copied[: n // 2], real[: n - n // 2]]),
    }


def digits(count: int) -> Labelled:
    """Digits of the training set, in an order drawn at random."""
    folder = Path(os.environ.get("GENAPPS_DATA", "shared/data")) / "image" / "mnist"
    pictures = open_pictures(next(folder.glob("train-images*")))
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))[:count].tolist()
    found = gather(pictures.take(order), Codec(28, 28, 1), pictures.classes)
    assert found.labels is not None
    return found.images, found.labels


def pieces(count: int) -> Labelled:
    """Pieces of photographs that do not overlap, their class the photograph, in an order drawn at random."""
    generator, images, labels = torch.Generator().manual_seed(0), [], []
    for number, name in enumerate((*photographs.TRAIN, *photographs.TEST)):
        pictures = open_pictures(photographs.folder() / name)
        height, width = (side // PIECE * PIECE for side in pictures.one(0).pixels.shape[:2])  # type: ignore[union-attr]
        whole = gather(pictures, Codec(height, width, 3)).images[0]
        parts = whole.unfold(1, PIECE, PIECE).unfold(2, PIECE, PIECE).permute(1, 2, 0, 3, 4).flatten(0, 1)
        chosen = torch.randperm(len(parts), generator=generator)[:MOST_PIECES]
        images.append(parts[chosen])
        labels.append(torch.full((len(chosen),), number))
    order = torch.randperm(sum(map(len, images)), generator=generator)[:count]
    return torch.cat(images)[order], torch.cat(labels)[order]


def small(images: Tensor) -> Tensor:
    """As copies are looked for."""
    return resized(images.float(), SIDE, SIDE).round().to(torch.uint8)


# Name -> (images, features, how many of each kind, the class that is left out).
SETS: dict[str, tuple[Callable[[int], Labelled], tuple[str, ...], int, int]] = {
    "mnist": (digits, ("self", "pixels"), 1000, 9),
    "photographs": (pieces, ("lite0", "self"), 250, 2),
}

if __name__ == "__main__":
    main()
