"""Whatever an image is stored as, the same pixels come out; what is damaged or too large is told, not decoded."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from genapps_image.reading.decoding import ImageLimits, decode
from genapps_image.records import Unreadable

GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
COLOR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], 2)


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_grey_and_color_come_back_as_they_were(kind: str) -> None:
    assert np.array_equal(decode(stored(Image.fromarray(GREY), kind))[0], GREY[:, :, None])
    assert np.array_equal(decode(stored(Image.fromarray(COLOR), kind))[0], COLOR)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_nearly(kind: str) -> None:
    smooth = np.broadcast_to(np.linspace(30, 220, 32).astype(np.uint8)[:, None, None], (32, 32, 3)).copy()
    assert np.abs(decode(stored(Image.fromarray(smooth), kind, quality=95))[0].astype(int) - smooth).mean() < 3


def test_modes_are_brought_to_bytes() -> None:
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    pixels, kind, notes = decode(stored(deep, "PNG"))
    assert np.array_equal(pixels[:, :, 0], GREY)
    assert "16 bit" in kind
    assert notes == ("16 bits a pixel brought to 8",)
    assert decode(stored(Image.fromarray(GREY > 100), "PNG"))[0].tolist() == (255 * (GREY > 100))[:, :, None].tolist()
    assert decode(stored(Image.fromarray(COLOR).convert("CMYK"), "TIFF"))[0].shape == (4, 6, 3)
    assert decode(stored(Image.fromarray(GREY).convert("P"), "PNG"))[0].shape == (4, 6, 1)
    assert decode(stored(Image.fromarray(COLOR).convert("P"), "PNG"))[0].shape == (4, 6, 3)
    see_through = Image.fromarray(COLOR).convert("RGBA")
    see_through.putalpha(Image.fromarray(GREY))
    assert np.array_equal(decode(stored(see_through, "PNG"))[0][:, :, 3], GREY)
    assert decode(stored(Image.fromarray(GREY / np.float32(255)), "TIFF"))[0][:, :, 0].tolist() == GREY.tolist()


def test_a_photograph_is_turned_as_its_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    pixels, _, notes = decode(stored(Image.fromarray(COLOR), "PNG", exif=exif))
    assert np.array_equal(pixels, np.rot90(COLOR, -1))
    assert notes == ("turned as its EXIF says",)


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that declares side x side pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no image at all", "no image of a known format"),
        (b"\x89PNG\r\n\x1a\n", "no image of a known format"),
        (stored(Image.fromarray(COLOR).resize((99, 99)), "PNG")[:200], "cut short or damaged"),
        (stored(Image.fromarray(COLOR).resize((99, 99)), "JPEG")[:500], "cut short or damaged"),
        (bomb(50_000), "declares"),
        (bomb(12_000), "declares 12,000 x 12,000 pixels"),
        (
            stored(
                Image.fromarray(GREY), "GIF", save_all=True, append_images=[Image.fromarray(GREY[::-1])], duration=100
            ),
            "animated",
        ),
    ],
    ids=["text", "signature alone", "cut PNG", "cut JPEG", "bomb", "large", "animated"],
)
def test_what_is_no_image_has_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        decode(data)


def test_the_limit_is_on_what_is_declared() -> None:
    with pytest.raises(Unreadable, match="declares 6 x 4"):
        decode(stored(Image.fromarray(GREY), "PNG"), ImageLimits(pixels=23))
    assert decode(stored(Image.fromarray(GREY[:1, :1]), "PNG"))[0].shape == (1, 1, 1)
