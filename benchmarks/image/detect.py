"""Odd images and where in them: one class of MNIST and of Fashion-MNIST as good, boards, textures with planted faults.

One class: the detector learns images of one class from the training part; of the test part those of the class are good
and all others odd; the mean over the ten classes counts. Its members were chosen on scikit-learn's 8 x 8 digits; what
single members reach here was seen before they were joined, and did not decide.

Boards: crops of bare circuit boards, learnt from templates and judged on other boards as they were tested.

Textures: scikit-image's brick, grass and gravel, tinted. Crops for learning are from the upper part of each; those that
are judged, as they are and with a scratch, a blob, a missing part or another color, are from the lower part. None
overlap. A row of each tells what overlapping crops among those that are learnt do to the promise.

Features and settings of places were chosen on the boards that are not told here, on cracks in roads (CrackForest) and
on faults planted in other pictures. Beside them stands what needs no detector: how far mean and spread of an image's
colors, or a pixel's color, are from those of good images.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import boards
import keep
import numpy as np
import photographs
import planted
import sets
import torch
from torch import Tensor

from genapps.metrics.ranking import auroc
from genapps_image.detection.model import pixels_of
from genapps_image.detection.overlaps import overlapping
from genapps_image.detection.patches import Patches
from genapps_image.detection.places import FILTERS, NAMES
from genapps_image.detection.promising import Promise
from genapps_image.detection.sources import SMALL, Shape
from genapps_image.detection.truth import Found
from genapps_image.detection.whole import MEMBERS, Whole
from genapps_image.features.lite0 import installed
from genapps_image.reading.arrays import read_idx

WHOLE = "whole images"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["mnist", "fashion", "boards", "textures"])
    parser.add_argument("--train", type=int, default=2_000, help="images of the class that are learnt, at most")
    parser.add_argument("--test", type=int, default=5_000, help="of the 10,000 test images, evenly spread")
    parser.add_argument("--features", nargs="+", default=list(NAMES) if installed() else [FILTERS], help="of places")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="small sets, and nothing is written")
    asked = parser.parse_args()
    train, test = (150, 500) if asked.quick else (asked.train, asked.test)
    torch.set_num_threads(1)
    for name in asked.sets:
        begun = time.process_time()
        settings: dict[str, Any] = {"seed": asked.seed}
        if name in PLACES:
            rows = PLACES[name](asked.seed, asked.features, 1 if asked.quick else 9)
        else:
            rows = one_class(name, train, test, asked.seed)
            settings |= {"train": train, "test": test}
        summary = {**means(rows), "cpu_seconds": round(time.process_time() - begun, 1)}
        print(name, summary)
        if not asked.quick:
            keep.write(f"detect_{name}", rows, settings, summary)


def one_class(name: str, train: int, test: int, seed: int) -> list[dict[str, Any]]:
    """A row a class: AUROC of the detector and of each member, alarms at a promised rate of 0.01."""
    (images, labels), (others, truth) = (_part(name, part) for part in ("train", "t10k"))
    chosen = torch.arange(0, len(others), max(1, len(others) // test))
    others, truth = others[chosen], truth[chosen]
    rows = []
    for number in range(10):
        begun = time.process_time()
        good = images[labels == number][:train]
        judge, held = Whole.learn(good, seed)
        learnt = time.process_time() - begun
        raw, _ = judge.panel.raw(others)
        scores = judge.combined(raw).double().numpy()
        each = (time.process_time() - begun - learnt) / len(others)
        odd = (truth != number).numpy()
        alarms = scores > Promise.of(held.double().numpy(), 0.01).threshold
        rows.append(
            {
                "class": number,
                "good_images": len(good),
                "judged": len(others),
                "auroc": rounded(auroc(odd, scores)),
                "members": {one: rounded(auroc(odd, raw[:, k].numpy())) for k, one in enumerate(MEMBERS)},
                "false_alarms_at_0.01": rounded(float(alarms[~odd].mean())),
                "found_at_0.01": rounded(float(alarms[odd].mean())),
                "learning_cpu_seconds": round(learnt, 2),
                "seconds_an_image": round(each, 5),
            }
        )
        print(rows[-1], flush=True)
    return rows


def _part(name: str, part: str) -> tuple[Tensor, Tensor]:
    folder = sets.folder(name)
    images, labels = (read_idx(folder / f"{part}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    return torch.from_numpy(np.array(images))[:, None], torch.from_numpy(np.array(labels)).long()


def textures(seed: int, kinds: list[str], most: int) -> list[dict[str, Any]]:
    """A row a texture and kind of features, none of whose crops overlap; then what overlapping ones do to a promise."""
    rows = []
    for number, texture in enumerate(planted.TEXTURES[:most]):
        path = photographs.folder() / f"{texture}.png"
        good, judged = planted.apart(path, np.random.default_rng([seed, number]))
        rows += [{"texture": texture, **row} for row in beside(good, judged, kinds, seed)]
        rows.append({"texture": texture, **overlapped(path, seed, number)})
        print(rows[-1], flush=True)
    return rows


def overlapped(path: Path, seed: int, number: int) -> dict[str, Any]:
    """Alarms at 0.05 among unseen good crops where those that are learnt overlap, minded or not."""
    good, fresh = planted.overlapping(path, np.random.default_rng([seed, number]), 60, 60)
    links = overlapping(good)
    told: dict[str, Any] = {"features": FILTERS, "crops": "overlapping"}
    for name, minded in (("alarms_at_0.05_links_not_minded", []), ("alarms_at_0.05", links)):
        judge, held = Patches.learn(good, seed, features=FILTERS, links=minded)
        alarms = judge.scores(fresh).double().numpy() > Promise.of(held.double().numpy(), 0.05).threshold
        told[name] = f"{int(alarms.sum())} of {len(alarms)}"
    return told


def board_crops(seed: int, kinds: list[str], most: int) -> list[dict[str, Any]]:
    """A row a way and kind of features; by whole images, too."""
    rows = []
    for way in (0, 1)[:most]:
        learnt, crops = boards.split(way)
        good = [torch.from_numpy(crop.pixels.copy())[None] for crop in learnt]
        judged = [(torch.from_numpy(crop.pixels.copy())[None], crop.kind, crop.mask) for crop in crops]
        rows += [{"way": way, **row} for row in beside(good, judged, [*kinds, WHOLE], seed)]
    return rows


def beside(good: list[Tensor], judged: list[planted.Judged], kinds: list[str], seed: int) -> list[dict[str, Any]]:
    """A row each kind of features, and one of mean and spread of colors: AUROC, alarms at a promised rate of 0.05."""
    rows = []
    for features in kinds:
        begun = time.process_time()
        judge: Whole | Patches
        shape = Shape(len(good[0]), (SMALL, SMALL) if features == WHOLE else None)
        shown = [shape.tensor(pixels_of(image)) for image in good]
        if features == WHOLE:
            judge, held = Whole.learn(torch.stack(shown), seed)
        else:
            judge, held = Patches.learn(shown, seed, features=features, links=overlapping(shown))
        learnt, found = time.process_time() - begun, Found()
        promise = Promise.of(held.double().numpy(), 0.05)
        begun = time.process_time()
        results = [judge.judge(shape.tensor(pixels_of(image))) for image, _, _ in judged]
        seconds = (time.process_time() - begun) / len(judged)
        for one, (_, kind, mask) in zip(results, judged, strict=True):
            known = mask if one.heat.shape == mask.shape else None
            found.add(kind, one.score, one.score > promise.threshold, one.heat.numpy(), known)
        rows.append({"features": features, **figures(found), "good_images": len(good)})
        rows[-1] |= {"learning_cpu_seconds": round(learnt, 2), "seconds_an_image": round(seconds, 4)}
        print(rows[-1], flush=True)
    rows.append({"features": "none: mean and spread of colors", **plain(good, judged)})
    print(rows[-1], flush=True)
    return rows


def figures(found: Found) -> dict[str, Any]:
    """What is kept of a detection."""
    told = found.figures()
    return {
        "image_auroc": rounded(told["image_auroc"]),
        "pixel_auroc": rounded(told["pixel_auroc"]),
        "by_fault": {kind: rounded(value) for kind, value in told["image_auroc_by_kind"].items()},
        "false_alarms_at_0.05": f"{told['false_alarms']} of {told['good']}",
        "found_at_0.05": f"{told['found']} of {told['odd']}",
    }


def plain(good: list[Tensor], judged: list[planted.Judged]) -> dict[str, Any]:
    """The floor."""
    known = torch.stack([_colors(image) for image in good])
    middle, spread = known.mean(0), known.std(0) + 1e-6
    pixels = torch.stack(good).float()
    usual, apart = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3)) + 1e-6
    found = Found()
    for image, kind, mask in judged:
        heat = (((image.float() - usual[:, None, None]) / apart[:, None, None]) ** 2).sum(0)
        found.add(kind, float((((_colors(image) - middle) / spread) ** 2).sum()), False, heat.numpy(), mask)
    told = figures(found)
    return {key: told[key] for key in ("image_auroc", "pixel_auroc", "by_fault")}


def _colors(image: Tensor) -> Tensor:
    return torch.cat([image.float().mean((1, 2)), image.float().std((1, 2))])


def rounded(value: float | None) -> float | None:
    """Four digits."""
    return None if value is None else round(value, 4)


def means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Over classes, or over textures of each kind of features."""
    if "class" in rows[0]:
        keys = ("auroc", "false_alarms_at_0.01", "found_at_0.01", "seconds_an_image")
        return {f"mean_{key}": rounded(float(np.mean([row[key] for row in rows]))) for key in keys}
    rows = [row for row in rows if "image_auroc" in row]
    kinds = dict.fromkeys(row["features"] for row in rows)
    return {
        f"mean_{key}: {kind}": rounded(float(np.mean([row[key] for row in rows if row["features"] == kind])))
        for kind in kinds
        for key in ("image_auroc", "pixel_auroc")
        if all(row[key] is not None for row in rows if row["features"] == kind)
    }


PLACES = {"textures": textures, "boards": board_crops}


if __name__ == "__main__":
    main()
