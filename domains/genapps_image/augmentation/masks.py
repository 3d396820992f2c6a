"""Masks of images: found by name, read without changing a value, written as they were."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps.io.folders import files_of
from genapps_image.reading.decoding import FORMATS, LIMITS, SUFFIXES, ImageLimits
from genapps_image.records import Unreadable

_KEPT = ("1", "L", "P", "RGB", "RGBA", "I;16", "I")  # modes whose values are kept as they are
_ENDINGS = ("", "_mask", "-mask", "_segmentation", "_label")


@dataclass(frozen=True)
class Mask:
    """values: (H, W) or (H, W, C) as they were stored. palette: the colors of the values, where they are numbers."""

    values: NDArray[Any]
    mode: str
    palette: bytes | None = None


@dataclass(frozen=True)
class Masks:
    """The masks of a folder by the path of their images without suffix."""

    folder: Path
    files: dict[str, str]

    @classmethod
    def of(cls, folder: str | Path, names: Sequence[str]) -> Masks:
        """Those of images of these names: of the same path, or its last part, with or without "_mask" behind it.

        Raises UsageError where there is no such folder, InputError where none belongs to an image.
        """
        place = Path(folder)
        if not place.is_dir():
            raise UsageError(f"{folder}: no such folder of masks")
        there: dict[str, list[str]] = {}
        for file in files_of(place):
            path = PurePosixPath(file)
            if path.suffix.lower() in SUFFIXES:
                for key in {path.with_suffix("").as_posix(), path.stem}:
                    there.setdefault(key, []).append(file)
        files: dict[str, str] = {}
        for name in names:
            path = PurePosixPath(name).with_suffix("")
            keys = [f"{stem}{ending}" for stem in (path.as_posix(), path.name) for ending in _ENDINGS]
            found = next((there[key] for key in keys if len(there.get(key, ())) == 1), None)
            if found:
                files[name] = found[0]
        if not files:
            raise InputError(f"{folder}: no mask in it has the name of an image, with or without _mask behind it")
        return cls(place, files)

    def read(self, name: str, size: tuple[int, int], limits: ImageLimits = LIMITS) -> Mask:
        """The mask of an image of that size. Raises Unreadable with the reason."""
        if name not in self.files:
            raise Unreadable("there is no mask for it")
        try:
            mask = read_mask(self.folder / self.files[name], limits)
        except (Unreadable, OSError) as error:
            raise Unreadable(f"its mask {self.files[name]}: {error}") from None
        if mask.values.shape[:2] != size:
            height, width = mask.values.shape[:2]
            raise Unreadable(f"its mask is {width} x {height}, the image {size[1]} x {size[0]}")
        return mask


def read_mask(path: Path, limits: ImageLimits = LIMITS) -> Mask:
    """A mask's values as they are stored. Raises Unreadable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=FORMATS) as image:
                width, height = image.size
                if width * height > limits.pixels or max(width, height) > limits.side:
                    raise Unreadable(f"declares {width:,} x {height:,} pixels")
                if image.mode not in _KEPT:
                    raise Unreadable(f"mode {image.mode} is not known; save it as PNG")
                palette = image.getpalette("RGB") if image.mode == "P" else None
                return Mask(np.array(image), image.mode, None if palette is None else bytes(palette))
        except Unreadable:
            raise
        except Exception as error:  # decoders of damaged files raise anything
            raise Unreadable(" ".join(str(error).split())[:120] or type(error).__name__) from None


def encoded_mask(mask: Mask) -> bytes:
    """A PNG file of it."""
    held = io.BytesIO()
    values = mask.values.astype(np.uint16) if mask.mode.startswith("I") else mask.values
    image = Image.fromarray(np.ascontiguousarray(values))
    if mask.palette is not None:
        image.putpalette(mask.palette)  # makes L a P
    image.save(held, "PNG")
    return held.getvalue()
