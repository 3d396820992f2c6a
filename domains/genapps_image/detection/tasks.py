"""Odd images, as a task: each one scored, with a p-value, where it is odd, and the good image that is most like it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from genapps.errors import InputError
from genapps.io.atomic import check_target
from genapps_image.detection.heat import Region, overlay, region
from genapps_image.detection.judging import Judged, Watch
from genapps_image.detection.model import OddModel, pixels_of, shrunk
from genapps_image.detection.promising import Promise
from genapps_image.detection.sources import Truth
from genapps_image.detection.truth import Found
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Bytes, Picture, Skipped
from genapps_image.writing import write_image

SHOWN = 24  # of the oddest images, with pictures
DIGITS = 6


@dataclass(frozen=True)
class Row:
    """One image: what it is called, how strange, how rare that is among good ones, where, and the nearest good one.

    region: the box around its strangest place. size: height and width in pixels. kind: what is known of it, or None.
    """

    name: str
    score: float
    p_value: float
    alarm: bool
    region: Region
    size: tuple[int, int]
    nearest: str
    kind: str | None = None

    @property
    def words(self) -> str:
        """Where it is odd, and what it is most like."""
        box = self.region
        place = "all over" if box.width * box.height > 0.8 * self.size[0] * self.size[1] else (
            f"at the {box.words(*self.size)}, {box.width} x {box.height} pixels from x {box.left}, y {box.top}"
        )  # fmt: skip
        return f"{place}; most like {self.nearest}"


@dataclass(frozen=True)
class Shown:
    """An odd image with its pictures as files' bytes: itself, its heat, and the nearest good one where it is kept."""

    row: Row
    image: bytes
    heat: bytes
    nearest: bytes | None


@dataclass(frozen=True)
class Detection:
    """Every image that was judged, in the order they came; shown: the oddest, oddest first."""

    model: OddModel
    promise: Promise
    rows: tuple[Row, ...]
    shown: tuple[Shown, ...]
    skipped: tuple[Skipped, ...]
    truth: dict[str, Any] | None = None
    maps: int = 0

    @property
    def alarms(self) -> int:
        """Images with an alarm."""
        return sum(row.alarm for row in self.rows)


@dataclass
class _Oddest:
    """Keeps the pictures of the oddest images only, so that memory does not grow with the folder."""

    most: int
    heap: list[tuple[float, int, Shown]] = field(default_factory=list)

    def wants(self, score: float) -> bool:
        return len(self.heap) < self.most or score > self.heap[0][0]

    def add(self, score: float, number: int, shown: Shown) -> None:
        entry = (score, -number, shown)
        (heapq.heappush if len(self.heap) < self.most else heapq.heappushpop)(self.heap, entry)

    def sorted(self) -> tuple[Shown, ...]:
        return tuple(shown for _, _, shown in sorted(self.heap, key=lambda one: (-one[0], -one[1])))


def detect(
    new: Pictures,
    model: OddModel,
    *,
    rate: float | None = None,
    truth: Truth | None = None,
    maps: Path | None = None,
    shown: int = SHOWN,
    watch: Watch | None = None,
) -> Detection:
    """Judge images one at a time.

    rate: of false alarms; without one 0.01, or the least that the good images can promise. truth: what is known of the
    images. maps: a folder for pictures of the heat of each. Raises UsageError for a rate nobody can mean, InputError
    where no image can be used.
    """
    promise = Promise.of(model.scores, rate)
    rows, skipped, oddest, found = [], [], _Oddest(shown), Found()
    paths = _paths(maps)
    for number, one in enumerate(new):
        if watch is not None:
            watch("judging", number + 1, len(new))
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        image = model.shape.tensor(one.pixels)
        judged = model.judge.judge(image)
        row = _row(one, judged, model, promise, None if truth is None else truth.kind(one.name))
        rows.append(row)
        if truth is not None:
            mask = truth.mask(one.name, *judged.heat.shape)
            found.add(row.kind or "", row.score, row.alarm, judged.heat.numpy(), mask)
        if maps is not None or oddest.wants(row.score):
            picture = _overlaid(image, judged, promise, model)
            if maps is not None:
                write_image(paths(one.name), picture)
            if oddest.wants(row.score):
                near = model.small.get(judged.nearest)
                oddest.add(row.score, number, Shown(row, shrunk(pixels_of(image)), shrunk(picture), near))
    if not rows:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{new.where}: no image that can be used{why}")
    figures = None if truth is None else found.figures()
    made = len(rows) if maps is not None else 0
    return Detection(model, promise, tuple(rows), oddest.sorted(), tuple(skipped), figures, made)


def _row(one: Picture, judged: Judged, model: OddModel, promise: Promise, kind: str | None) -> Row:
    p = float(promise.p(np.array([judged.score]))[0])
    height, width = judged.heat.shape
    hottest = float(judged.heat.max())
    level = promise.threshold if model.judge.kind == "patches" and judged.score > promise.threshold else 0.5 * hottest
    box = region(judged.heat, max(level, 0.5 * hottest))
    near = model.names[judged.nearest]
    return Row(one.name, judged.score, p, p <= promise.rate, box, (height, width), near, kind)


def _overlaid(image: Tensor, judged: Judged, promise: Promise, model: OddModel) -> Bytes:
    """Of places the heat shows from what good images usually reach, so that pictures compare; else from a fifth."""
    hottest = float(judged.heat.max())
    if model.judge.kind != "patches":
        return overlay(image, judged.heat, 0.2 * hottest, hottest)
    usual, limit = (float(value) for value in np.quantile(promise.reference, (0.5, 0.95)))
    return overlay(image, judged.heat, usual, max(limit, 0.8 * hottest))


def _paths(folder: Path | None) -> Callable[[str], Path]:
    """Where the picture of an image goes: the same path below the folder, as PNG; two of one name get numbers."""
    taken: set[str] = set()

    def path(name: str) -> Path:
        assert folder is not None
        parts = [part for part in Path(name).with_suffix("").parts if part not in ("/", "..", ".")]
        stem = "/".join(parts) or "image"
        chosen, number = stem, 1
        while chosen in taken:
            number += 1
            chosen = f"{stem}-{number}"
        taken.add(chosen)
        target = folder / f"{chosen}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    return path


def prepare(maps: Path | None) -> None:
    """Make the folder for maps, refused where it could not be. Raises as `check_target` does."""
    if maps is not None:
        check_target(maps.with_name(f"{maps.name}.png"))
        maps.mkdir(exist_ok=True)


def by_score(rows: tuple[Row, ...]) -> Iterator[Row]:
    """The oddest first."""
    return iter(sorted(rows, key=lambda row: -row.score))
