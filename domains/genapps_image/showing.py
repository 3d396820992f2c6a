"""Pictures inside a page: small files, and the part of an image that is worth a look."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import torch
from markupsafe import Markup
from PIL import Image
from torch.nn import functional

from genapps_image.codec import image_of, to_channels
from genapps_image.fidelity import luminance
from genapps_image.records import Bytes
from genapps_image.writing import encoded


def fitted(pixels: Bytes, most: int) -> Bytes:
    """(H, W, C) whose longer side is `most` pixels at most; what is smaller stays as it is."""
    height, width = pixels.shape[:2]
    scale = most / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(image_of(pixels).resize(size, Image.Resampling.LANCZOS), np.uint8).reshape(size[1], size[0], -1)


def inlined(pixels: Bytes, label: str) -> Markup:
    """Pixels (H, W, C) as an image inside the page: a JPEG, or a PNG where that is smaller; alpha on white."""
    plain = to_channels(pixels, 1 if pixels.shape[2] <= 2 else 3)
    kind, data = min((("jpeg", encoded(plain, ".jpg")), ("png", encoded(plain))), key=lambda pair: len(pair[1]))
    text = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return Markup('<img src="{0}" alt="{1}" style="width:100%;height:auto">').format(text, label)


def side_by_side(pictures: Sequence[tuple[str, Bytes]], name: str) -> Markup:
    """Pictures (title, pixels) of one image in a row, each above its title."""
    cell = '<figure style="margin:0">{0}<figcaption style="font-size:12px;color:var(--soft)">{1}</figcaption></figure>'
    cells = (Markup(cell).format(inlined(pixels, f"{name}: {title}"), title) for title, pixels in pictures)
    row = '<div style="display:grid;grid-template-columns:repeat({0},1fr);gap:8px;align-items:start">{1}</div>'
    return Markup(row).format(len(pictures), Markup("").join(cells))


def richest(pixels: Bytes, side: int, step: int = 4) -> tuple[int, int]:
    """(top, left), multiples of `step`, of the square of that side in which (H, W, C) has the steepest slopes."""
    light = luminance(to_channels(pixels, 1))
    steep = torch.zeros_like(light)
    steep[..., 1:, :] += light.diff(dim=-2).abs()
    steep[..., :, 1:] += light.diff(dim=-1).abs()
    height, width = pixels.shape[:2]
    window = min(side, height), min(side, width)
    means = functional.avg_pool2d(steep, window, stride=step)[0, 0]
    place = int(means.argmax())
    return place // means.shape[1] * step, place % means.shape[1] * step


def magnified(pixels: Bytes, factor: int) -> Bytes:
    """Each pixel of (H, W, C) as a square of pixels, so that a browser does not smooth them."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
