"""Sequences of frames some cells of which are shown, and the random patterns of them that a network learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genapps.batches import Ragged, as_batch, tensor_of
from genapps.errors import InputError, UsageError


@dataclass(frozen=True)
class Partly(Ragged):
    """Sequences of frames (sum of lengths, V), and which of their cells are known beforehand, truth values alike."""

    known: Tensor

    def take(self, rows: Tensor) -> Partly:
        """The sequences of those numbers (M,), in that order."""
        taken = super().take(rows)
        return Partly(taken.values, taken.lengths, Ragged(self.known, self.lengths).take(rows).values)


def nothing_known(data: Ragged) -> Partly:
    """The sequences with no cell known, or as they are where some are."""
    return (
        data if isinstance(data, Partly) else Partly(data.values, data.lengths, torch.zeros(data.values.shape).bool())
    )


def with_known(data: Ragged, known: Any) -> Partly:
    """The sequences with those cells known: truth values (V,) for all frames, or (T, V) for all or each of them."""
    if isinstance(known, Ragged):
        flat = known
    elif isinstance(known, list | tuple) and known and tensor_of(known[0]).ndim == 2:
        flat = Ragged.of(known)
    else:
        mask = tensor_of(known).bool()
        each = mask.expand(len(data.values), -1) if mask.ndim == 1 else mask.repeat(len(data), 1)
        flat = Ragged(each, data.lengths if mask.ndim == 1 else torch.full((len(data),), len(mask)))
    if not flat.lengths.equal(data.lengths) or flat.values.shape != data.values.shape:
        raise UsageError("known must hold a truth value for each cell: (variables,), or (steps, variables) a sequence")
    return Partly(data.values, data.lengths, flat.values.bool())


def patterns(data: Ragged, unshown: float, generator: torch.Generator) -> Partly:
    """Each sequence with a random pattern of cells known: none in a share of them, else voices, times, or both.

    Voices: some variables all the time. Times: all variables but in one stretch of time. Both: what is unknown is some
    variables within one stretch. A few have single cells known, each with the same random probability.
    """
    count = data.values.shape[1]
    known = []
    for length in data.lengths.tolist():
        kind = float(torch.rand((), generator=generator))
        if kind < unshown or not length:
            known.append(torch.zeros(length, count, dtype=torch.bool))
            continue
        kind = (kind - unshown) / (1 - unshown)
        asked = _voices(count, generator).expand(length, -1)  # what is to be learnt
        if kind < 0.55:
            pattern = asked
        elif kind < 0.7:
            pattern = _stretch(length, generator)[:, None].expand(-1, count)
        elif kind < 0.85:
            pattern = asked & _stretch(length, generator)[:, None]
        else:
            pattern = torch.rand(length, count, generator=generator) < torch.rand((), generator=generator)
        known.append(~pattern)
    return Partly(data.values, data.lengths, torch.cat([torch.zeros(0, count, dtype=torch.bool), *known]))


def _voices(count: int, generator: torch.Generator) -> Tensor:
    """Some of the variables, at least one, and not all of several, (count,)."""
    number = int(torch.randint(1, max(count, 2), (), generator=generator))
    return torch.randperm(count, generator=generator) < number


def _stretch(length: int, generator: torch.Generator) -> Tensor:
    """A random stretch of the time, (length,)."""
    ends = torch.randint(length + 1, (2,), generator=generator).sort().values.tolist()
    time = torch.arange(length)
    inside: Tensor = (time >= ends[0]) & (time < max(ends[1], ends[0] + 1))
    return inside


def known_of(prompt: Any, n: int, space: Any) -> Ragged:
    """Codes (T, V) of n sequences, -1 where a cell is to be drawn. Raises InputError, UsageError for what is none."""
    batch = as_batch(prompt, space)
    if not isinstance(batch, Ragged) or len(batch) not in (1, n):
        raise UsageError(f"known holds {len(batch)} sequences for {n} to draw: give one for all, or one for each")
    if int(batch.lengths.max()) > space.longest:
        raise InputError(f"known: a sequence of {int(batch.lengths.max())} steps where {space.longest} are the most")
    return batch if len(batch) == n else batch.take(torch.zeros(n, dtype=torch.long))
