"""Generators and critics of plain vectors: residual networks without normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh

SLOPE = 0.2  # of leaky rectifiers


class Residual(nn.Module):
    """x + outer(f(inner(f(x)))), the identity at first (fix-up: Zhang, Dauphin and Ma 2019), as in R3GAN."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.inner = fresh(nn.Linear, width, width, generator=generator, gain=2**0.5)
        self.outer = fresh(nn.Linear, width, width, generator=generator, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H) to (B, H)."""
        inner = self.inner(functional.leaky_relu(x, SLOPE))
        out: Tensor = x + self.outer(functional.leaky_relu(inner, SLOPE))
        return out


class VectorGenerator(nn.Module):
    """Noise (B, Z), and classes (B,) where there are any, to outputs (B, W); `offset` (W,) is where they begin."""

    def __init__(
        self, latent: int, hidden: int, depth: int, offset: Tensor, classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.latent = latent
        self.enter = fresh(nn.Linear, latent, hidden, generator=generator)
        wide = hidden**0.5  # a class counts as much as the noise
        self.named = fresh(nn.Embedding, classes, hidden, generator=generator, gain=wide) if classes else None
        self.blocks = nn.Sequential(*(Residual(hidden, generator) for _ in range(depth)))
        self.leave = fresh(nn.Linear, hidden, len(offset), generator=generator)
        with torch.no_grad():
            self.leave.bias.copy_(offset)

    def forward(self, noise: Tensor, classes: Tensor | None) -> Tensor:
        """Outputs (B, W)."""
        x = self.enter(noise)
        if self.named is not None and classes is not None:
            x = x + self.named(classes)
        out: Tensor = self.leave(functional.leaky_relu(self.blocks(x), SLOPE))
        return out


class VectorCritic(nn.Module):
    """Points (B, W), and classes, to scores (B,).

    It reads the point, the fixed directions `extra` (W, E), such as the order of codes, and sines and cosines of the
    `numbers`, `waves` octaves from one radian a deviation: without them a network is slow to see fine structure (Tancik
    et al. 2020, "Fourier features let networks learn high frequency functions"). Classes enter by projection (Miyato
    and Koyama 2018, "cGANs with projection discriminator").
    """

    extra: Tensor
    octaves: Tensor

    def __init__(
        self,
        extra: Tensor,
        numbers: slice,
        waves: int,
        hidden: int,
        depth: int,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.numbers = numbers
        self.register_buffer("extra", extra)
        self.register_buffer("octaves", 2.0 ** torch.arange(waves), persistent=False)
        inputs = sum(extra.shape) + 2 * waves * (numbers.stop - numbers.start)
        self.enter = fresh(nn.Linear, inputs, hidden, generator=generator)
        self.blocks = nn.Sequential(*(Residual(hidden, generator) for _ in range(depth)))
        self.leave = fresh(nn.Linear, hidden, 1, bias=False, generator=generator)  # only differences count
        self.named = fresh(nn.Embedding, classes, hidden, generator=generator) if classes else None

    def forward(self, points: Tensor, classes: Tensor | None) -> Tensor:
        """Scores (B,)."""
        x = functional.leaky_relu(self.blocks(self.enter(self._read(points))), SLOPE)
        scores: Tensor = self.leave(x)[:, 0]
        if self.named is not None and classes is not None:
            scores = scores + (x * self.named(classes)).sum(1)
        return scores

    def _read(self, points: Tensor) -> Tensor:
        parts = [points]
        if self.extra.shape[1]:
            parts.append(points @ self.extra)
        if len(self.octaves) and self.numbers.stop > self.numbers.start:
            angles = (points[:, self.numbers, None] * self.octaves).flatten(1)
            parts += [angles.sin(), angles.cos()]
        return torch.cat(parts, 1) if len(parts) > 1 else points
