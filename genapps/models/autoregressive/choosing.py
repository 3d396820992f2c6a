"""One code a row from logits: by its probability, bolder, or among the likeliest alone."""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.constraints import draw


def pick(
    logits: Tensor,
    temperature: float,
    generator: torch.Generator,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    """One code a row (B,) of logits (B, size), drawn in proportion to p^(1/temperature); 0 takes the likeliest."""
    if temperature == 0:
        return logits.argmax(-1)
    shares = restricted((logits / temperature).softmax(-1), top_k, top_p)
    return draw(shares, shares.sum(-1), generator)


def restricted(shares: Tensor, top_k: int | None = None, top_p: float | None = None) -> Tensor:
    """Shares (B, size) of the likeliest codes alone, summing to one.

    `top_k` of them, and of these the fewest whose shares reach `top_p` (Holtzman et al. 2020, "The curious case of
    neural text degeneration", section 3.1).
    """
    if top_k is None and top_p is None:
        return shares
    ranked, codes = shares.sort(dim=-1, descending=True)
    kept = torch.ones_like(ranked, dtype=torch.bool)
    if top_k is not None:
        kept[:, top_k:] = False
    if top_p is not None:
        among = ranked * kept
        kept &= among.cumsum(-1) - among < top_p * among.sum(-1, keepdim=True)
    left = torch.zeros_like(shares).scatter(-1, codes, ranked * kept)
    return left / left.sum(-1, keepdim=True)
