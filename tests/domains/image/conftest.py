"""A small folder of images in two classes, made by a generator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def pattern(kind: int, generator: np.random.Generator, side: int = 12) -> np.ndarray:
    """A grey image of stripes that lie (0) or stand (1), somewhere, with a little noise."""
    wave = 110 * np.sin(np.arange(side) * 1.3 + generator.uniform(0, 6)) + 128
    image = np.broadcast_to(wave[:, None] if kind == 0 else wave[None, :], (side, side))
    return np.clip(image + generator.normal(0, 8, (side, side)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders `lying` and `standing` of 24 images each."""
    folder, generator = tmp_path_factory.mktemp("images") / "stripes", np.random.default_rng(0)
    for kind, name in enumerate(("lying", "standing")):
        (folder / name).mkdir(parents=True)
        for i in range(24):
            Image.fromarray(pattern(kind, generator)).save(folder / name / f"{i:02}.png")
    return folder
