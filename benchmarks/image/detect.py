"""Odd images and where in them: one class of MNIST and of Fashion-MNIST as good, and textures with planted faults.

One class: the detector learns images of one class from the training part; of the test part those of the class are good
and all others odd; the mean over the ten classes counts. Its members were chosen on scikit-learn's 8 x 8 digits; what
single members reach here was seen before they were joined, and did not decide.

Textures: scikit-image's brick, grass and gravel, tinted. Good crops for learning are from the upper part of each,
those that are judged, good ones and ones with a scratch, a blob, a missing part or another color, from the lower part,
which nothing was learnt from. Crops that are learnt overlap, so alarms exceed what is promised. Features and settings
were chosen on other pictures. Beside them stands what needs no detector: how far mean and spread of an image's colors,
or a pixel's color, are from those of good images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keep
import numpy as np
import photographs
import sets
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from genapps_image.detection.patches import Patches
from genapps_image.detection.places import FILTERS, NAMES
from genapps_image.detection.promising import Promise
from genapps_image.detection.truth import Found, auroc
from genapps_image.detection.whole import MEMBERS, Whole
from genapps_image.features.lite0 import installed
from genapps_image.reading.arrays import read_idx

TEXTURES = ("brick", "grass", "gravel")
FAULTS = ("scratch", "blob", "missing", "color")
SIDE = 128
BORDER = 320  # row of a texture above which crops are learnt from
TINT = np.array([1.0, 0.93, 0.82])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["mnist", "fashion", "textures"])
    parser.add_argument("--train", type=int, default=2_000, help="images of the class that are learnt, at most")
    parser.add_argument("--test", type=int, default=5_000, help="of the 10,000 test images, evenly spread")
    parser.add_argument("--features", nargs="+", default=list(NAMES) if installed() else [FILTERS], help="of textures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="small sets, and nothing is written")
    asked = parser.parse_args()
    train, test = (150, 500) if asked.quick else (asked.train, asked.test)
    torch.set_num_threads(1)
    for name in asked.sets:
        begun = time.process_time()
        if name == "textures":
            rows, settings = (
                textures(asked.seed, 6 if asked.quick else 12, asked.features),
                {"seed": asked.seed, "crops": SIDE},
            )
        else:
            rows, settings = (
                one_class(name, train, test, asked.seed),
                {"seed": asked.seed, "train": train, "test": test},
            )
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


def textures(seed: int, each: int, kinds: list[str]) -> list[dict[str, Any]]:
    """A row a texture and kind of features: AUROC of images and pixels, alarms at a promised rate of 0.05."""
    rows = []
    for texture in TEXTURES:
        generator = np.random.default_rng([seed, TEXTURES.index(texture)])
        good, judged = made(photographs.folder() / f"{texture}.png", generator, 60, each)
        for features in kinds:
            begun = time.process_time()
            judge, held = Patches.learn(good, seed, features=features)
            learnt, found = time.process_time() - begun, Found()
            promise = Promise.of(held.double().numpy(), 0.05)
            begun = time.process_time()
            results = [judge.judge(image) for image, _, _ in judged]
            seconds = (time.process_time() - begun) / len(judged)
            for one, (_, kind, mask) in zip(results, judged, strict=True):
                found.add(kind, one.score, one.score > promise.threshold, one.heat.numpy(), mask)
            rows.append({"texture": texture, "features": features, **figures(found), "good_images": len(good)})
            rows[-1] |= {"learning_cpu_seconds": round(learnt, 2), "seconds_an_image": round(seconds, 4)}
            print(rows[-1], flush=True)
        rows.append({"texture": texture, "features": "none: mean and spread of colors", **plain(good, judged)})
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


def plain(good: list[Tensor], judged: list[tuple[Tensor, str, NDArray[np.bool_]]]) -> dict[str, Any]:
    """The floor."""
    known = torch.stack([_colors(image) for image in good])
    middle, spread = known.mean(0), known.std(0) + 1e-6
    pixels = torch.stack(good).float()
    usual, apart = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))
    found = Found()
    for image, kind, mask in judged:
        heat = (((image.float() - usual[:, None, None]) / apart[:, None, None]) ** 2).sum(0)
        found.add(kind, float((((_colors(image) - middle) / spread) ** 2).sum()), False, heat.numpy(), mask)
    told = figures(found)
    return {key: told[key] for key in ("image_auroc", "pixel_auroc", "by_fault")}


def _colors(image: Tensor) -> Tensor:
    return torch.cat([image.float().mean((1, 2)), image.float().std((1, 2))])


def made(
    path: Path, generator: np.random.Generator, count: int, each: int
) -> tuple[list[Tensor], list[tuple[Tensor, str, NDArray[np.bool_]]]]:
    """Good crops to learn, and crops to judge with their kind and mask: twice as many good ones as of each fault."""
    grey = np.asarray(Image.open(path).convert("L"), np.float64)
    whole = grey[:, :, None] * TINT
    good = [_tensor(crop) for crop in crops(whole[:BORDER], generator, count)]
    judged = [
        (_tensor(crop), "good", np.zeros((SIDE, SIDE), bool)) for crop in crops(whole[BORDER:], generator, 2 * each)
    ]
    for kind in FAULTS:
        for crop in crops(whole[BORDER:], generator, each):
            broken, mask = fault(crop, kind, generator)
            judged.append((_tensor(broken), kind, mask))
    return good, judged


def crops(whole: NDArray[np.float64], generator: np.random.Generator, count: int) -> Iterator[NDArray[np.float64]]:
    """So many squares of an image (H, W, 3)."""
    for _ in range(count):
        top, left = (int(generator.integers(0, side - SIDE + 1)) for side in whole.shape[:2])
        yield whole[top : top + SIDE, left : left + SIDE]


def fault(
    crop: NDArray[np.float64], kind: str, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A crop (H, W, 3) with one fault, and where it is (H, W)."""
    down, across = np.mgrid[:SIDE, :SIDE]
    y, x = generator.uniform(24, SIDE - 24, 2)
    shade = crop.mean((0, 1)) + generator.choice([-1.0, 1.0]) * 60
    if kind == "scratch":
        turn, length = generator.uniform(0, np.pi), generator.uniform(24, 48)
        along = (across - x) * np.cos(turn) + (down - y) * np.sin(turn)
        beside = (down - y) * np.cos(turn) - (across - x) * np.sin(turn) + 3 * np.sin(along / 9)
        cover = np.clip(1.5 - np.abs(beside), 0, 1) * (np.abs(along) < length / 2)
        other = np.broadcast_to(shade, crop.shape)
    elif kind == "blob":
        cover = 0.7 * np.clip(generator.uniform(6, 11) - np.hypot(across - x, (down - y) * 1.2), 0, 1)
        other = np.broadcast_to(shade, crop.shape)
    elif kind == "missing":
        cover = ((np.abs(across - x) < generator.uniform(8, 14)) & (np.abs(down - y) < 10)).astype(float)
        other = np.broadcast_to(crop.mean((0, 1)), crop.shape)
    else:
        cover = np.clip((generator.uniform(9, 15) - np.hypot(across - x, down - y)) / 2, 0, 1)
        other = crop * generator.permutation([1.25, 1.0, 0.75])
    return crop * (1 - cover[:, :, None]) + other * cover[:, :, None], cover > 0.3


def _tensor(crop: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.round(crop).clip(0, 255).astype(np.uint8)).permute(2, 0, 1).contiguous()


def rounded(value: float | None) -> float | None:
    """Four digits."""
    return None if value is None else round(value, 4)


def means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Over classes, or over textures of each kind of features."""
    if "class" in rows[0]:
        keys = ("auroc", "false_alarms_at_0.01", "found_at_0.01", "seconds_an_image")
        return {f"mean_{key}": rounded(float(np.mean([row[key] for row in rows]))) for key in keys}
    kinds = dict.fromkeys(row["features"] for row in rows)
    return {
        f"mean_{key}: {kind}": rounded(float(np.mean([row[key] for row in rows if row["features"] == kind])))
        for kind in kinds
        for key in ("image_auroc", "pixel_auroc")
    }


if __name__ == "__main__":
    main()
