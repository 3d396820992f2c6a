"""Stripes in two classes, 8 x 8, and a model of each family that learnt them for a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

from genapps_image.codec import Batch, Codec
from genapps_image.generation.fitting import Study, fit
from genapps_image.model import ImageModel

SMALL = {
    "autoregressive": ("hidden=8", "layers=1", "heads=2", "head=16"),
    "gan": ("latent=4", "channels=4"),
    "vae": ("latent=2", "hidden=16"),
    "gmm": ("n_components=2", "n_factors=2", "max_iter=5"),
    "rbm": ("n_components=4", "ais_steps=20", "ais_chains=10"),
    "hmm": ("n_components=3", "max_iter=5"),
}
SHORT = ("training.max_steps=4", "training.min_steps=1")
CODEC = Codec(8, 8, 1)


def stripes(count: int, channels: int = 1) -> Batch:
    draws = torch.Generator().manual_seed(0)
    wave = (torch.sin(torch.arange(8) * 1.5 + 6 * torch.rand(count, 1, generator=draws)) * 100 + 128)[:, None, :, None]
    lying = wave.expand(-1, channels, -1, 8)
    labels = torch.arange(count) % 2
    images = torch.where(labels[:, None, None, None] == 0, lying, lying.transpose(2, 3))
    noisy = (images + 8 * torch.randn(images.shape, generator=draws)).round().clamp(0, 255).to(torch.uint8)
    return Batch(noisy, labels, [str(k) for k in range(count)], ["lying", "standing"], [])


@pytest.fixture(scope="session")
def batch() -> Batch:
    """48 images, 24 of each class."""
    return stripes(48)


@pytest.fixture(scope="session")
def model_of(batch: Batch) -> Callable[[str], ImageModel]:
    """A model of a family, fitted once."""

    @cache
    def fitted(family: str) -> ImageModel:
        return fit(batch, CODEC, family, Study(settings=(*SMALL[family], *SHORT)))

    return fitted


@pytest.fixture(scope="session")
def small() -> Callable[[str], tuple[str, ...]]:
    """Settings that make a family small and quick."""
    return lambda family: (*SMALL[family], *SHORT)
