"""The pictures that the scikit-image package brings, found without importing it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Fixed before anything was measured: the photographs that its gallery shows most are the test, all else is learnt from.
TEST = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png")
TRAIN = (
    "brick.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
)


def folder() -> Path:
    """Where the pictures are; ends with a sentence where the package is not installed."""
    found = importlib.util.find_spec("skimage")
    for place in found.submodule_search_locations or [] if found is not None else []:
        if (Path(place) / "data" / TEST[0]).exists():
            return Path(place) / "data"
    sys.exit("skipped: scikit-image's pictures are not installed; pip install scikit-image")
