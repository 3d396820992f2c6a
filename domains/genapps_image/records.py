"""What goes from room to room: a picture that could be read, or the reason why it could not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One image.

    name: where it is from: the path below the folder, or its number in a set. pixels: (H, W, C) with C = 1 grey, 2 grey
    and alpha, 3 red, green and blue, 4 those and alpha. label: the class, where there are classes. kind: format and
    mode as they were stored, such as "PNG, 16 bit". notes: what was done to read it.
    """

    name: str
    pixels: Bytes
    label: str | None = None
    kind: str = ""
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Skipped:
    """A file, or an entry of a set, that is no image that could be used, and why."""

    name: str
    reason: str


class Unreadable(ValueError):
    """Why one file is no image; its text is the reason that people are told."""
