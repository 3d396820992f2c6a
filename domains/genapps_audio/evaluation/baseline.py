"""The least that a model has to beat: noise with the clips' mean spectrum, and real frames in any order."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from genapps_audio.codec import FLOOR, Batch


def noise(batch: Batch, count: int, generator: torch.Generator) -> Batch:
    """Steady noise: each frame the mean spectrum of the clips of a class, each bin with the spread that noise has.

    Classes, lengths and loudness are those of clips drawn at random.
    """
    rows = torch.randint(len(batch), (count,), generator=generator)
    like = batch.take(rows)
    patches = torch.empty_like(like.patches)
    for label, mine in _by_class(like):
        own = batch.patches if batch.labels is None else batch.patches[batch.labels == label]
        power = (10 ** (own / 10)).mean((0, 1))
        drawn = torch.empty(int(mine.sum()), *own.shape[1:]).exponential_(generator=generator)
        patches[mine] = (10 * (power * drawn).clamp_min(1e-12).log10()).clamp_min(FLOOR)
    return replace(like, patches=patches)


def shuffled(batch: Batch, count: int, generator: torch.Generator) -> Batch:
    """Real clips whose frames stand in an order drawn at random: the right sounds, at the wrong time."""
    rows = torch.randint(len(batch), (count,), generator=generator)
    like = batch.take(rows)
    order = torch.rand(like.patches.shape[:2], generator=generator).argsort(1)
    return replace(like, patches=like.patches.gather(1, order[..., None].expand_as(like.patches)))


def _by_class(batch: Batch) -> list[tuple[int, Tensor]]:
    if batch.labels is None:
        return [(0, torch.ones(len(batch), dtype=torch.bool))]
    return [(label, batch.labels == label) for label in batch.labels.unique().tolist()]
