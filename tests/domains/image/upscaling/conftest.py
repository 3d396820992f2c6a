"""A network that was not learnt, but is not bicubic either."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from genapps_image.upscaling.model import UpscaleModel
from genapps_image.upscaling.network import Shape, Upscaler


def drawn(factor: int = 2, channels: int = 3, size: float = 0.05) -> UpscaleModel:
    generator = torch.Generator().manual_seed(0)
    network = Upscaler(Shape(factor, channels, width=4, blocks=1), generator).eval()
    with torch.no_grad():
        network.leave.weight.normal_(0, size, generator=generator)
    return UpscaleModel(network, "regression", {"images": 3}, frozenset({"ab"}))


@pytest.fixture
def draw() -> Callable[..., UpscaleModel]:
    return drawn


@pytest.fixture
def model() -> UpscaleModel:
    return drawn()


@pytest.fixture
def photo() -> np.ndarray:
    down, across = np.mgrid[:13, :10]
    light = 128 + 60 * np.sin(down / 2) + 50 * np.cos(across)
    return np.clip(light[..., None] + (0, 10, -20), 0, 255).astype(np.uint8)
