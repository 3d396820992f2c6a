"""Files out of pixels: one image, many on one sheet, and figures as JSON; each is written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import UsageError
from genapps.io.atomic import replacing
from genapps_image.codec import image_of, to_channels
from genapps_image.records import Bytes

WRITTEN = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}


def encoded(pixels: Bytes, suffix: str = ".png") -> bytes:
    """A file of that suffix with pixels (H, W, C). Raises UsageError for a suffix that is not written."""
    if suffix.lower() not in WRITTEN:
        raise UsageError(f"{suffix!r} is no format that is written; there are: {', '.join(WRITTEN)}")
    kind, held = WRITTEN[suffix.lower()], io.BytesIO()
    if kind in ("JPEG", "BMP") and pixels.shape[2] in (2, 4):
        pixels = to_channels(pixels, pixels.shape[2] - 1)
    image_of(pixels).save(held, kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}))
    return held.getvalue()


def write_image(path: str | Path, pixels: Bytes) -> None:
    """Write pixels (H, W, C), whole or not at all, in the format of the suffix."""
    data = encoded(pixels, Path(path).suffix)
    with replacing(path) as file:
        file.write(data)


def sheet(images: Sequence[Bytes], columns: int = 0, gap: int = 2) -> Bytes:
    """Images (H, W, C) of one size side by side on white, row by row: about as many columns as rows if not given."""
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    rows = -(-len(images) // columns)
    height, width, channels = images[0].shape
    whole = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for k, image in enumerate(images):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        whole[top : top + height, left : left + width] = image
    return whole


def write_json(path: str | Path, value: Any) -> None:
    """Write figures as JSON."""
    with replacing(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1, default=str).encode() + b"\n")
