"""One file as pixels of 8 bits: whatever its format and mode, within limits that are checked before it is decoded."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from genapps_image.records import Bytes, Unreadable

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".pbm"))
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # the decoders that may be asked; none runs code
_PLAIN = {"1": "L", "P": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB", "RGBX": "RGB"}
_CUT = ("truncated", "not enough", "unexpected end", "broken data", "premature")  # as the decoders put it
_WITH_ALPHA = {"PA": "RGBA", "La": "LA", "RGBa": "RGBA"}


@dataclass(frozen=True)
class ImageLimits:
    """What one file may declare; beyond it nothing is decoded."""

    pixels: int = 64_000_000
    side: int = 30_000
    bytes: int = 512 * 2**20


LIMITS = ImageLimits()


def decode(file: bytes | BinaryIO, limits: ImageLimits = LIMITS) -> tuple[Bytes, str, tuple[str, ...]]:
    """Pixels (H, W, C), format and mode, and notes. Raises Unreadable with the reason."""
    stream = io.BytesIO(file) if isinstance(file, bytes) else file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged EXIF and the like; sizes are checked here
        try:
            with Image.open(stream, formats=FORMATS) as image:
                return _decoded(image, limits)
        except Unreadable:
            raise
        except UnidentifiedImageError:
            raise Unreadable("no image of a known format") from None
        except Image.DecompressionBombError:
            raise Unreadable(f"declares more than {limits.pixels:,} pixels") from None
        except MemoryError:
            raise Unreadable("larger than memory when decoded") from None
        except Exception as error:  # decoders of damaged files raise anything
            raise Unreadable(_said(error)) from None


def _decoded(image: Image.Image, limits: ImageLimits) -> tuple[Bytes, str, tuple[str, ...]]:
    width, height = image.size
    if width * height > limits.pixels or max(width, height) > limits.side:
        raise Unreadable(f"declares {width:,} x {height:,} pixels, more than the {limits.pixels:,} allowed")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise Unreadable(f"animated or of several pages: {frames} pictures; save the one that is wanted")
    kind = f"{image.format}, {_mode(image)}"
    notes = []
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
        notes.append("turned as its EXIF says")
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N", "F"):
        notes.append("16 bits a pixel brought to 8" if image.mode != "F" else "real numbers brought to 8 bits")
        return _to_bytes(np.asarray(image)), kind, tuple(notes)
    if image.mode == "CMYK":
        notes.append("CMYK brought to RGB")
    return _pixels(image), kind, tuple(notes)


def _pixels(image: Image.Image) -> Bytes:
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else _of_palette(image))
    elif image.mode in _WITH_ALPHA:
        image = image.convert(_WITH_ALPHA[image.mode])
    elif image.mode in _PLAIN:
        image = image.convert(_PLAIN[image.mode])
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        raise Unreadable(f"mode {image.mode} is not known; save it as PNG")
    pixels = np.array(image, np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _of_palette(image: Image.Image) -> str:
    """L where every color of the palette that is used is grey."""
    palette = np.array(image.getpalette("RGB") or [0, 0, 0], np.uint8).reshape(-1, 3)
    used = palette[[index for index in np.unique(np.asarray(image)).tolist() if index < len(palette)]]
    return "L" if len(used) and bool((used == used[:, :1]).all()) else "RGB"


def _to_bytes(values: np.ndarray) -> Bytes:
    """(H, W, 1) of values of 16 bits by their range, of others between their least and greatest."""
    found = values.astype(np.float64)
    if not np.isfinite(found).all():
        raise Unreadable("has pixels that are no numbers")
    low, high = float(found.min()), float(found.max())
    if low >= 0 and high <= 65_535 and values.dtype.kind in "iu":
        low, high = 0.0, 255.0 if high <= 255 else 65_535.0
    elif values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = (found - low) * (255 / (high - low) if high > low else 0.0)
    return np.round(scaled).astype(np.uint8)[:, :, None]


def _mode(image: Image.Image) -> str:
    names = {"1": "black and white", "L": "grey", "LA": "grey and alpha", "P": "palette", "RGB": "RGB", "RGBA": "RGBA"}
    return "16 bit" if image.mode.startswith("I") else names.get(image.mode, image.mode)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())[:120] or type(error).__name__
    cut = any(word in text.lower() for word in _CUT)
    return f"cut short or damaged ({text})" if cut else f"damaged ({text})"
