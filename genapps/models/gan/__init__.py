"""Generative adversarial networks: a generator learns to make what a critic cannot tell from the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from genapps.models.base import Family
from genapps.spaces import Columns, Frames, Pixels, Tokens


class GAN(Family):
    """Rows made from noise. No likelihood; what it makes is watched for collapse while it learns."""

    family: ClassVar[str] = "gan"
    engines: ClassVar[Mapping[type, str]] = {
        Columns: "genapps.models.gan.columns:ColumnsGAN",
        Tokens: "genapps.models.gan.tokens:TokensGAN",
        Frames: "genapps.models.gan.frames:FramesGAN",
        Pixels: "genapps.models.gan.pixels:PixelsGAN",
    }
