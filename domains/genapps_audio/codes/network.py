"""Waves down to a few latents a frame and back: strided convolutions with residual blocks.

The first stride comes before any block, so that nothing is computed at the rate of the samples: minutes on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genapps.errors import UsageError
from genapps.nets.mlp import fresh
from genapps_audio.codes.quantizing import Quantized, ResidualQuantizer


@dataclass(frozen=True)
class Shape:
    """The network's: channels after the first stride, doubled twice; and the books' number, size, width."""

    channels: int = 16
    strides: tuple[int, ...] = (4, 4, 4, 2)
    latent: int = 64
    books: int = 4
    size: int = 256
    dimensions: int = 8

    def __post_init__(self) -> None:
        if min(self.channels, self.latent, self.books, self.dimensions, *self.strides) < 1 or self.size < 2:
            raise UsageError("a codec has at least one channel, latent, book and dimension, and two codes a book")

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        found = 1
        for stride in self.strides:
            found *= stride
        return found

    def to_json(self) -> dict[str, Any]:
        """For a model file."""
        return asdict(self)


class Snake(nn.Module):
    """x + sin²(a x) / a, a for each channel: it repeats, as tones do (Ziyin et al. 2020)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.ones(channels, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = inputs + (self.rate * inputs).sin().square() / (self.rate + 1e-4)
        return found


class Block(nn.Module):
    """A residual block that reaches `dilation` samples to either side."""

    def __init__(self, channels: int, dilation: int, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Snake(channels),
            fresh(nn.Conv1d, channels, channels, 3, padding=dilation, dilation=dilation, generator=generator),
            Snake(channels),
            fresh(nn.Conv1d, channels, channels, 1, generator=generator, gain=0.3),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = inputs + self.layers(inputs)
        return found


class CodecNet(nn.Module):
    """Waves (B, 1, T), T a multiple of the hop, to codes and back."""

    def __init__(self, shape: Shape, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = shape
        widths = [1, *(shape.channels * min(2**k, 4) for k in range(len(shape.strides)))]
        self.encoder = nn.Sequential(*_down(shape, widths, generator))
        self.quantizer = ResidualQuantizer(shape.latent, shape.books, shape.size, shape.dimensions, generator)
        self.decoder = nn.Sequential(*_up(shape, widths, generator))

    def forward(self, waves: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Quantized]:
        """Waves (B, 1, T) as they come back, and what they were coded as."""
        found = self.quantizer(self.encoder(waves), generator)
        return self.decoder(found.latents), found

    def decoded(self, codes: Tensor) -> Tensor:
        """Waves (B, 1, T) of codes (B, Q', T')."""
        waves: Tensor = self.decoder(self.quantizer.decoded(codes))
        return waves


def _down(shape: Shape, widths: Sequence[int], generator: torch.Generator) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for stride, narrow, wide in zip(shape.strides, widths, widths[1:], strict=False):
        # Kernel and padding such that a wave of n strides becomes n numbers, whatever the stride.
        kernel = 2 * stride - stride % 2
        layers.append(fresh(nn.Conv1d, narrow, wide, kernel, stride=stride, padding=stride // 2, generator=generator))
        layers += [Block(wide, 1, generator), Block(wide, 3, generator), Snake(wide)]
    return [*layers, fresh(nn.Conv1d, widths[-1], shape.latent, 3, padding=1, generator=generator)]


def _up(shape: Shape, widths: Sequence[int], generator: torch.Generator) -> list[nn.Module]:
    layers: list[nn.Module] = [fresh(nn.Conv1d, shape.latent, widths[-1], 3, padding=1, generator=generator)]
    for stride, narrow, wide in reversed(list(zip(shape.strides, widths, widths[1:], strict=False))):
        layers += [Block(wide, 1, generator), Block(wide, 3, generator), Snake(wide)]
        layers.append(Upward(wide, narrow, stride, generator))
    return layers


class Upward(nn.Module):
    """As many samples more as the stride: each channel's groups become samples one after the other.

    So no sample is made by more weights than its neighbor, which would be heard as a tone (Shi et al. 2016, in one
    dimension).
    """

    def __init__(self, wide: int, narrow: int, stride: int, generator: torch.Generator) -> None:
        super().__init__()
        self.stride = stride
        self.layer = fresh(nn.Conv1d, wide, narrow * stride, 3, padding=1, generator=generator)

    def forward(self, inputs: Tensor) -> Tensor:
        found: Tensor = self.layer(inputs).unflatten(1, (-1, self.stride)).permute(0, 1, 3, 2).flatten(2)
        return found
