"""Images in memory enlarged by a mix, as those on the disk are: for trials, and for what a generator learns."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genapps_image.augmentation.mixes import Mix
from genapps_image.augmentation.steps import Example, Step, apply, draw
from genapps_image.records import Bytes


def transformed(pixels: Bytes, mix: Mix, key: tuple[int, ...]) -> tuple[Bytes, list[Step]]:
    """One image (H, W, C) by the mix, and what was done; `key` is all that chance depends on."""
    steps = draw(mix.chances, np.random.default_rng(key))
    steps = [step for step in steps if step.name != "turn"] if pixels.shape[0] != pixels.shape[1] else steps
    return apply(Example(pixels), steps).pixels, steps


def enlarged(images: Tensor, mix: Mix, copies: int, seed: int) -> Tensor:
    """(N * copies, C, H, W): `copies` of each of images (N, C, H, W) of bytes, next to each other."""
    found = np.empty((len(images) * copies, *images.shape[1:]), np.uint8)
    for i, image in enumerate(images.permute(0, 2, 3, 1).contiguous().numpy()):
        for k in range(copies):
            found[i * copies + k] = transformed(image, mix, (seed, i, k))[0].transpose(2, 0, 1)
    return torch.from_numpy(found)
