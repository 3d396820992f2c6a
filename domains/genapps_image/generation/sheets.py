"""A sheet of samples beside the model's file, while it learns: what figures do not say is seen at a glance."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from genapps.training.settings import Event
from genapps_image.model import ImageModel
from genapps_image.records import Bytes
from genapps_image.writing import sheet, write_image

_SIDE = 8  # images in a row of a model without classes
_MOST = 10  # classes, or images of a class, on a sheet
_FIRST = 5.0  # seconds until the first sheet
_SHARE = 20  # a sheet may take one part in so many of the time


@dataclass
class Sheets:
    """Writes `path` now and then, more rarely where drawing takes long; the same noise each time, so that it moves."""

    path: Path
    seed: int = 0
    wait: float = _FIRST
    _at: float = field(default_factory=time.monotonic)

    def __call__(self, make: Callable[[], ImageModel], event: Event) -> None:
        """Write a sheet if it is time; `make` gives the model as it stands."""
        began = time.monotonic()
        if event.loss is None or began - self._at < self.wait:
            return
        write_sheet(self.path, make(), self.seed)
        self._at = time.monotonic()
        self.wait = max(2 * self.wait, _SHARE * (self._at - began)) if self.wait < 60 else self.wait


def sheet_beside(model: str | Path) -> Path:
    """Where the sheet of a model's file is: mine.genapps has mine.png."""
    return Path(model).with_suffix(".png")


def write_sheet(path: Path, model: ImageModel, seed: int = 0) -> None:
    """A row a class where there are classes, else a square; whole or not at all."""
    write_image(path, sample_sheet(model, seed))


def sample_sheet(model: ImageModel, seed: int = 0) -> Bytes:
    """Pixels (H, W, C) of the sheet."""
    draws = torch.Generator().manual_seed(seed)
    names = model.classes[:_MOST]
    labels = [name for name in names for _ in range(_MOST)] or None
    n = len(labels) if labels else _SIDE * _SIDE
    images = model.sample(n, labels, generator=draws)
    return sheet(model.codec.decode(images), columns=_MOST if labels else _SIDE)
