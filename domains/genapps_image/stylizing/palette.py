"""A style's colors as they are kept with a network, and any photograph's moved to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps_image.stylizing.color import pooled, quantiles

ROUNDS = 8  # bases along which distributions are matched one after another
LEVELS = 128  # steps that a distribution is kept as
_MOST = 4096  # pixels that a photograph's own distribution is taken from


@dataclass(frozen=True)
class Palette:
    """Colors of the styles. bases: (R, 3, 3), turned at random; levels: (R, 3, K), sorted, along the axes of each."""

    bases: Tensor
    levels: Tensor

    def transfer(self, image: Tensor) -> Transfer:
        """What moves the colors of an image (3, H, W) between -1 and 1 to these, as `color.recolored` does.

        The same colors always become the same: where much of an image is of one color, the mean of what it stands for.
        """
        step = max(1, round((image.shape[-2] * image.shape[-1] / _MOST) ** 0.5))
        colors = image[:, ::step, ::step].reshape(3, -1)
        froms, tos = [], []
        for basis, levels in zip(self.bases, self.levels, strict=True):
            along = basis.T @ colors
            before = quantiles(along.sort(1).values, levels.shape[1]).contiguous()
            after = _evened(before, levels)
            colors = basis @ _moved(along, before, after)
            froms.append(before)
            tos.append(after)
        return Transfer(self.bases, torch.stack(froms), torch.stack(tos))


@dataclass(frozen=True)
class Transfer:
    """Colors to colors, pixel by pixel. bases: (R, 3, 3); before, after: (R, 3, K), sorted."""

    bases: Tensor
    before: Tensor
    after: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W) recolored."""
        colors = images.transpose(0, 1).reshape(3, -1)
        for basis, before, after in zip(self.bases, self.before, self.after, strict=True):
            colors = basis @ _moved(basis.T @ colors, before, after)
        return colors.reshape(3, len(images), *images.shape[2:]).transpose(0, 1).clamp(-1, 1)


def palette_of(styles: Sequence[Tensor], generator: torch.Generator) -> Palette:
    """The colors of styles (1, 3, h, w), each with the same say."""
    bases = torch.stack([torch.linalg.qr(torch.randn(3, 3, generator=generator))[0] for _ in range(ROUNDS)])
    colors = [style.reshape(3, -1) for style in styles]
    levels = [quantiles(pooled([basis.T @ part for part in colors]), LEVELS) for basis in bases]
    return Palette(bases, torch.stack(levels))


def _moved(values: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """(C, N) values, between levels (C, K) where they lie between those, beyond them the last ones."""
    right = torch.searchsorted(before, values.contiguous()).clamp(1, before.shape[1] - 1)
    low, high = before.gather(1, right - 1), before.gather(1, right)
    share = ((values - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)
    return torch.lerp(after.gather(1, right - 1), after.gather(1, right), share)


def _evened(before: Tensor, after: Tensor) -> Tensor:
    """Levels (C, K) with one value, the mean, wherever those before are equal."""
    first, last = torch.searchsorted(before, before), torch.searchsorted(before, before, right=True)
    sums = torch.nn.functional.pad(after.double().cumsum(1), (1, 0))
    return ((sums.gather(1, last) - sums.gather(1, first)) / (last - first)).to(after.dtype)
