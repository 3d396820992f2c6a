"""Large images piece by piece: memory holds one tile's work, and the seams do not show."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Work = Callable[[Tensor], Tensor]  # (1, C, h, w) bytes to (1, D, f h, f w) bytes


def tiled(work: Work, image: Tensor, *, tile: int, overlap: int, factor: int = 1) -> Tensor:
    """`work` on all of an image (C, H, W), tile by tile: (D, factor H, factor W), bytes.

    Each tile is seen with `overlap` pixels around it, beyond the border with the border's own repeated, and only its
    own part is kept. Where no pixel of the result depends on more than `overlap` pixels around it, the result does not
    depend on the size of the tiles.
    """
    height, width = image.shape[-2:]
    whole: Tensor | None = None
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            found = work(_around(image, top, bottom, left, right, overlap)[None])[0]
            inner = found[
                :,
                overlap * factor : (overlap + bottom - top) * factor,
                overlap * factor : (overlap + right - left) * factor,
            ]
            if whole is None:
                whole = torch.empty(len(inner), height * factor, width * factor, dtype=torch.uint8)
            whole[:, top * factor : bottom * factor, left * factor : right * factor] = inner
    if whole is None:
        raise ValueError("an image without pixels")
    return whole


def _around(image: Tensor, top: int, bottom: int, left: int, right: int, overlap: int) -> Tensor:
    """The tile with `overlap` pixels on each side."""
    height, width = image.shape[-2:]
    rows = slice(max(0, top - overlap), min(height, bottom + overlap))
    columns = slice(max(0, left - overlap), min(width, right + overlap))
    beyond = (
        overlap - (left - columns.start),
        overlap - (columns.stop - right),
        overlap - (top - rows.start),
        overlap - (rows.stop - bottom),
    )
    return functional.pad(image[None, :, rows, columns].float(), beyond, mode="replicate")[0].to(torch.uint8)
