"""MNIST and Fashion-MNIST as they come, for the benchmarks of this room: where they lie, and their images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from genapps_image import Codec, gather, open_pictures
from genapps_image.codec import Batch

CODEC = Codec(28, 28, 1)
CLASSES = [str(digit) for digit in range(10)]
# Where Debian's package dataset-fashion-mnist puts its files.
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def folder(name: str) -> Path:
    """Where the four files of "mnist" or "fashion" lie. Ends the program, saying so, where they are not."""
    own = "fashion-mnist" if name == "fashion" else name
    places = [Path(os.environ["GENAPPS_DATA"]) / "image" / own] if os.environ.get("GENAPPS_DATA") else []
    places += [Path(__file__).resolve().parents[3] / "shared" / "data" / "image" / own]
    places += [DEBIAN] if name == "fashion" else []
    for place in places:
        if (place / "train-images-idx3-ubyte.gz").exists():
            return place
    print(
        f"skipped: no {own} in GENAPPS_DATA/image{' or ' + str(DEBIAN) if name == 'fashion' else ''}", file=sys.stderr
    )
    raise SystemExit(0)


def images(name: str, part: str = "train", most: int | None = None) -> Batch:
    """The first `most` images of the part "train" or "t10k", in the order of the files, with their classes."""
    pictures = open_pictures(folder(name) / f"{part}-images-idx3-ubyte.gz")
    return gather(pictures if most is None else pictures.take(range(most)), CODEC, CLASSES)
