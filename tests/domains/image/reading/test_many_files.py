"""A folder of very many files is read one image at a time: what is held of each is its name, not its pixels."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
from PIL import Image

from genapps_image.inspecting import Found
from genapps_image.reading.pictures import open_pictures

SIDE = 48
LEAST, MOST = 200, 1200


def peak(folder: Path) -> int:
    """Bytes held at the most while the whole folder is looked at."""
    tracemalloc.start()
    try:
        pictures = open_pictures(folder)
        found = Found(pictures.where)
        for one in pictures:
            found.add(one)
        assert found.count == len(pictures)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_by_names_alone(tmp_path: Path) -> None:
    first = tmp_path / "first.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(first)
    peaks = []
    for count in (LEAST, MOST):
        folder = tmp_path / str(count)
        folder.mkdir()
        for k in range(count):
            os.link(first, folder / f"{k}.png")
        peaks.append(peak(folder))
    grown = (peaks[1] - peaks[0]) / (MOST - LEAST)
    assert grown < 0.2 * SIDE * SIDE * 3, f"{grown:.0f} bytes an image"
