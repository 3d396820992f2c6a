"""Bare circuit boards with faults (DeepPCB: Tang et al., 2019) as crops of 128 pixels in their own scale.

Each board comes as its template and as it was tested, with boxes around faults. Good crops to learn are from the
templates of some boards; those that are judged are from other boards as they were tested: good ones without a box, odd
ones with one. No two crops overlap. Boards that stand next to one another in the list come from one layout, so a half
is learnt and the other one judged, both ways: what is judged is another part of the layout, or another layout.

Every second board was looked at while settings were chosen (`chosen=True`); figures are told of the others.

    python benchmarks/image/boards.py FOLDER    writes them as MVTec AD lays its sets out
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 128
_LEAST = 200  # pixels of a box within a crop; with fewer it is neither good nor odd
_NAME = "deeppcb-120"

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Crop:
    """One crop: what it is called, its pixels (128, 128), its kind, "good" or "odd", and where it is odd."""

    name: str
    pixels: Grey
    kind: str
    mask: NDArray[np.bool_]


def folder() -> Path:
    """Where the boards lie. Ends the program, saying so, where they are not."""
    places = [Path(os.environ["GENAPPS_DATA"]) / "image" / _NAME] if os.environ.get("GENAPPS_DATA") else []
    places += [Path(__file__).resolve().parents[3] / "shared" / "data" / "image" / _NAME]
    for place in places:
        if any(place.glob("*_temp.jpg")):
            return place
    print(f"skipped: no {_NAME} in GENAPPS_DATA/image", file=sys.stderr)
    raise SystemExit(0)


def split(way: int, *, chosen: bool = False) -> tuple[list[Crop], list[Crop]]:
    """Good crops to learn and crops to judge; way 1 has the boards of way 0 the other way around."""
    names = sorted(path.name.removesuffix("_temp.jpg") for path in folder().glob("*_temp.jpg"))[0 if chosen else 1 :: 2]
    middle = len(names) // 2
    learnt, judged = (names[:middle], names[middle:]) if way == 0 else (names[middle:], names[:middle])
    good = [crop for name in learnt for crop in _crops(name, "temp")]
    return good, [crop for name in judged for crop in _crops(name, "test") if crop.kind]


def _crops(name: str, part: str) -> list[Crop]:
    """All crops of a board; kind is empty where a box is only touched."""
    pixels = np.array(Image.open(folder() / f"{name}_{part}.jpg").convert("L"))
    odd = np.zeros(pixels.shape, bool)
    if part == "test":
        for line in (folder() / f"{name}.txt").read_text().splitlines():
            left, top, right, bottom = (int(word) for word in line.split()[:4])
            odd[top:bottom, left:right] = True
    found = []
    for top in range(0, pixels.shape[0] - SIDE + 1, SIDE):
        for left in range(0, pixels.shape[1] - SIDE + 1, SIDE):
            place = np.s_[top : top + SIDE, left : left + SIDE]
            count = int(odd[place].sum())
            kind = "good" if not count else "odd" if count >= _LEAST else ""
            found.append(Crop(f"{name}-{top}-{left}", pixels[place], kind, odd[place]))
    return found


def main() -> None:
    """Write one way as folders of PNG."""
    root = Path(sys.argv[1])
    good, judged = split(1)
    for part, crops in (("train", good), ("test", judged)):
        for crop in crops:
            path = root / part / crop.kind / f"{crop.name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop.pixels).save(path)
            if crop.kind == "odd":
                mask = root / "ground_truth" / "odd" / f"{crop.name}_mask.png"
                mask.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(crop.mask.astype(np.uint8) * 255).save(mask)


if __name__ == "__main__":
    main()
