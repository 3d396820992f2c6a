"""Samples as few levels, closer together where it is quiet (ITU-T G.711's mu-law, continuous)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def mu_law(wave: Tensor, levels: int = 256) -> Tensor:
    """Codes 0..levels-1 (int64) of samples in -1..1, which are cut to that range."""
    mu = levels - 1
    cut = wave.clamp(-1, 1)
    squeezed = torch.sign(cut) * torch.log1p(mu * cut.abs()) / math.log1p(mu)
    return ((squeezed + 1) / 2 * mu + 0.5).floor().long()


def from_mu_law(codes: Tensor, levels: int = 256) -> Tensor:
    """Samples in -1..1 (float32) of codes; a code comes back as itself."""
    mu = levels - 1
    squeezed = codes.float() / mu * 2 - 1
    return torch.sign(squeezed) * torch.expm1(squeezed.abs() * math.log1p(mu)) / mu
