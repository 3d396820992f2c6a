"""Files made of images: each a function of the image and of what is wanted, so that any process may make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genapps_image.augmentation.annotations import Annotated
from genapps_image.augmentation.boxes import Box
from genapps_image.augmentation.masks import Mask, Masks, encoded_mask
from genapps_image.augmentation.planning import Wanted
from genapps_image.augmentation.steps import Chance, Example, apply, draw, from_json
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Skipped
from genapps_image.writing import encoded

Item = tuple[int, str, list[Wanted], tuple[Box, ...]]
IMAGES, MASKS = "images", "masks"


@dataclass(frozen=True)
class Made:
    """One file that was written: its row in the manifest, and its boxes."""

    row: dict[str, Any]
    boxes: Annotated


@dataclass(frozen=True)
class Making:
    """source: what `open_pictures` takes. masks: a folder of them. target: where files go. visible: share of a box."""

    source: str
    masks: str | None
    target: str
    chances: tuple[Chance, ...]
    visible: float = 0.3


def maker(making: Making) -> Callable[[int, str, list[Wanted], tuple[Box, ...]], list[Made] | Skipped]:
    """What makes the files of one item; importable, so that a process of its own can have one."""
    pictures = open_pictures(making.source)
    masks = None if making.masks is None else Masks.of(making.masks, pictures.names)
    target = Path(making.target)

    def make(i: int, label: str, wanted: list[Wanted], boxes: tuple[Box, ...]) -> list[Made] | Skipped:
        picture = pictures.one(i)
        if isinstance(picture, Skipped):  # it could be read a moment ago
            return picture
        size = (picture.pixels.shape[0], picture.pixels.shape[1])
        mask = None if masks is None else masks.read(picture.name, size)
        example = Example(picture.pixels, boxes, None if mask is None else mask.values)
        found = []
        for one in wanted:
            steps = from_json(one.steps) if one.steps is not None else []
            if one.key is not None:
                steps = draw(making.chances, np.random.default_rng(one.key))
            new = apply(example, steps, making.visible)
            write(target / IMAGES / one.file, encoded(new.pixels, Path(one.file).suffix))
            if mask is not None and new.mask is not None:
                moved = Mask(new.mask, mask.mode, mask.palette)
                write((target / MASKS / one.file).with_suffix(".png"), encoded_mask(moved))
            plain = one.key is None and one.steps is None
            row = {
                "file": f"{IMAGES}/{one.file}",
                "kind": "real" if plain else "classical",
                "label": label or None,
                "source": picture.name,
                "number": i,
                "seed": None if one.key is None else list(one.key),
                "steps": [step.to_json() for step in steps],
            }
            if boxes:
                row |= {"boxes": len(new.boxes), "boxes_lost": len(boxes) - len(new.boxes)}
            shape = (new.pixels.shape[0], new.pixels.shape[1])
            found.append(Made(row, Annotated(one.file, shape, new.boxes)))
        return found

    return make


def write(path: Path, data: bytes) -> None:
    """One file of a folder that is published as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
