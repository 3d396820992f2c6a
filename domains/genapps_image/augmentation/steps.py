"""What is done to one image, step by step: drawn from a mix by a seed, written down in full, done again from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps_image.augmentation.boxes import Box, moved, uncovered
from genapps_image.augmentation.geometry import Size, Warp
from genapps_image.augmentation.placing import PLACINGS, Values
from genapps_image.augmentation.resampling import resample, resample_mask
from genapps_image.augmentation.toning import TONINGS, hidden
from genapps_image.records import Bytes

NAMES = (*PLACINGS, *TONINGS)


@dataclass(frozen=True)
class Step:
    """One transform with the numbers it was done with."""

    name: str
    values: Values = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a row of a manifest has it."""
        return {"name": self.name, **self.values}


@dataclass(frozen=True)
class Chance:
    """name: of the transform. chance: that an image gets it. amount: how far it may go; what it means is its own."""

    name: str
    chance: float = 1.0
    amount: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise UsageError(f"no transform is called {self.name!r}.{did_you_mean(self.name, NAMES)}")
        if not 0 <= self.chance <= 1:
            raise UsageError(f"{self.name}: a chance of {self.chance:g}; it lies between 0 and 1")


@dataclass(frozen=True)
class Example:
    """An image with all that is known of its places. mask: (H, W) or (H, W, C) of any values, or None."""

    pixels: Bytes
    boxes: tuple[Box, ...] = ()
    mask: NDArray[Any] | None = None


def draw(chances: Sequence[Chance], rng: np.random.Generator) -> list[Step]:
    """Steps for one image."""
    found = []
    for one in chances:
        if rng.random() < one.chance:
            table = PLACINGS[one.name] if one.name in PLACINGS else TONINGS[one.name]
            found.append(Step(one.name, table.draw(rng, one.amount)))
    return found


def apply(example: Example, steps: Sequence[Step], visible: float = 0.3) -> Example:
    """The example after all steps; what moves is done first, as one map, so that pixels are only read once.

    visible: the share of a box that must be left inside the image, and not hidden, for it to stay.
    """
    pixels, boxes, mask = example.pixels, example.boxes, example.mask
    warp = warp_of(steps, (pixels.shape[0], pixels.shape[1]))
    if warp.maps:
        pixels = resample(pixels, warp)
        mask = None if mask is None else resample_mask(mask, warp)
        boxes = tuple(box for box in (moved(box, warp, visible) for box in boxes) if box is not None)
    for step in steps:
        if step.name in TONINGS:
            pixels = TONINGS[step.name].apply(pixels, step.values)
        if step.name == "cutout":
            part = hidden(step.values, *pixels.shape[:2])
            boxes = tuple(box for box in boxes if uncovered(box, *part) >= visible)
    return Example(pixels, boxes, mask)


def warp_of(steps: Sequence[Step], size: Size) -> Warp:
    """Where the steps move what an image of that size shows."""
    maps = []
    for step in steps:
        if step.name in PLACINGS:
            placing = PLACINGS[step.name]
            maps.append(placing.build(step.values, size))
            size = (size[1], size[0]) if placing.turns(step.values) else size
    return Warp(tuple(maps), size)


def from_json(rows: Any) -> list[Step]:
    """Steps as a manifest has them. Raises InputError for what is none."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get("name") in NAMES for row in rows):
        raise InputError("no list of transforms that are known")
    return [Step(row["name"], {key: value for key, value in row.items() if key != "name"}) for row in rows]
