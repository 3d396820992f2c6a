"""Frames of a spectrum in decibels down to a few latents a block of frames, and back.

Both ways begin as principal components, which no step of learning has to find, and convolutions over blocks of frames
learn what these leave out. Everything is computed once a block of frames, and nothing once a sample: minutes on a CPU.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.errors import UsageError
from genapps.nets.mlp import fresh
from genapps_audio.codes.quantizing import Quantized, ResidualQuantizer
from genapps_audio.generation.views import Basis


@dataclass(frozen=True)
class Shape:
    """The network's: frames of a block, latents, channels and residual layers; and the books' number and size."""

    together: int = 2
    latent: int = 64
    channels: int = 192
    layers: int = 2
    books: int = 6
    size: int = 256

    def __post_init__(self) -> None:
        if min(self.together, self.latent, self.channels, self.books) < 1 or self.layers < 0 or self.size < 2:
            raise UsageError("a codec has at least one frame, latent, channel and book, and two codes a book")

    def to_json(self) -> dict[str, Any]:
        """For a model file."""
        return asdict(self)


@dataclass(frozen=True)
class Coding(Shape):
    """A shape, how many steps its codec learns, and by up to how many frames clips are moved before they are coded."""

    steps: int = 1500
    moved: int = 0

    @property
    def shape(self) -> Shape:
        """Without the steps."""
        return Shape(**{one.name: getattr(self, one.name) for one in fields(Shape)})


class Layer(nn.Module):
    """A residual layer that sees a block to either side."""

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.near = fresh(nn.Conv1d, channels, channels, 3, padding=1, generator=generator)
        self.back = fresh(nn.Conv1d, channels, channels, 1, generator=generator, gain=0.3)

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = inputs + self.back(functional.gelu(self.near(functional.gelu(inputs))))
        return found


class Way(nn.Module):
    """A linear map of blocks (B, I, T) to (B, O, T), and what convolutions add to it, at first nothing."""

    def __init__(self, inputs: int, outputs: int, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        self.straight = fresh(nn.Conv1d, inputs, outputs, 1, generator=generator)
        self.around = nn.Sequential(
            fresh(nn.Conv1d, inputs, shape.channels, 1, generator=generator),
            *(Layer(shape.channels, generator) for _ in range(shape.layers)),
            nn.GELU(),
            fresh(nn.Conv1d, shape.channels, outputs, 1, generator=generator, gain=0.0),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.straight(inputs) + self.around(inputs)
        return found


class CodecNet(nn.Module):
    """Blocks of frames (B, I, T) in decibels, I numbers a block, to codes and back."""

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: Shape, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(()))
        self.encoder = Way(width, shape.latent, shape, generator)
        self.quantizer = ResidualQuantizer(shape.latent, shape.books, shape.size)
        self.decoder = Way(shape.latent, width, shape, generator)

    @torch.no_grad()
    def start(self, rows: Tensor, generator: torch.Generator) -> None:
        """Begin as principal components of blocks (N, I), and books as centers of these."""
        basis = Basis.of(rows, self.shape.latent)
        count = len(basis.directions)
        self.mean.copy_(basis.mean)
        self.scale.copy_((rows - basis.mean).std().clamp_min(1e-3))
        for way, directions in ((self.encoder, basis.directions), (self.decoder, basis.directions.T)):
            way.straight.weight.zero_()
            way.straight.weight[: directions.shape[0], : directions.shape[1], 0] = directions
        latents = functional.pad(basis.project(rows) / self.scale, (0, self.shape.latent - count))
        self.quantizer.start(latents, generator)

    def forward(self, blocks: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Quantized]:
        """Blocks (B, I, T) as they come back, and what they were coded as."""
        found = self.quantizer(self.encoder(self._even(blocks)), generator)
        return self._whole(self.decoder(found.latents)), found

    def coded(self, blocks: Tensor) -> Tensor:
        """Codes (B, Q, T) of blocks (B, I, T)."""
        codes: Tensor = self.quantizer(self.encoder(self._even(blocks))).codes
        return codes

    def decoded(self, codes: Tensor) -> Tensor:
        """Blocks (B, I, T) of codes (B, Q', T)."""
        return self._whole(self.decoder(self.quantizer.decoded(codes)))

    def _even(self, blocks: Tensor) -> Tensor:
        return (blocks - self.mean[:, None]) / self.scale

    def _whole(self, blocks: Tensor) -> Tensor:
        return blocks * self.scale + self.mean[:, None]
