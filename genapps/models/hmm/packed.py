"""Sequences of different lengths side by side, without padding: first all first steps, then all second steps, ...

The longest sequence comes first, so that those still running at a step are always a prefix. One step of a recursion
over all sequences is then one matrix product of a contiguous block by the transition matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from genapps.batches import Ragged


@dataclass(frozen=True)
class Packed:
    """The places of S steps of N sequences.

    rows: (S,) which step of the end-to-end values lies at each place. order: (N,) the sequences, longest first.
    counts: (T,) how many run at each step; T is the longest length. All on one device.
    """

    rows: Tensor
    order: Tensor
    counts: Tensor

    @classmethod
    def of(cls, lengths: Tensor) -> Packed:
        """The places of sequences of those lengths (N,), laid end to end."""
        order = lengths.argsort(descending=True, stable=True)
        longest = int(lengths.max()) if len(lengths) else 0
        ended = torch.bincount(lengths, minlength=longest + 1).cumsum(0)[:longest]  # with at most t steps
        counts = len(lengths) - ended
        step = torch.repeat_interleave(torch.arange(longest), counts)
        place = torch.arange(len(step)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        starts = (lengths.cumsum(0) - lengths)[order]
        return cls(starts[place] + step, order, counts)

    def to(self, device: torch.device) -> Packed:
        """The same on another device."""
        return Packed(self.rows.to(device), self.order.to(device), self.counts.to(device))

    @property
    def sequences(self) -> int:
        """N, empty sequences among them."""
        return len(self.order)

    @property
    def steps(self) -> int:
        """S, over all sequences."""
        return len(self.rows)

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each step begins and ends, T pairs."""
        ends = self.counts.cumsum(0).tolist()
        return list(zip([0, *ends[:-1]], ends, strict=True)) if ends else []

    @cached_property
    def sequence(self) -> Tensor:
        """The sequence of each place, (S,)."""
        places = torch.arange(self.steps, device=self.rows.device)
        begins = self.counts.cumsum(0) - self.counts
        return self.order[places - torch.repeat_interleave(begins, self.counts)]

    @cached_property
    def later(self) -> slice:
        """The places of all steps but the first of each sequence."""
        return slice(int(self.counts[0]) if len(self.counts) else 0, self.steps)

    @cached_property
    def before(self) -> Tensor | slice:
        """The places one step before those of `later`; a slice where all sequences are of one length."""
        if not len(self.counts) or int(self.counts[-1]) == int(self.counts[0]):
            return slice(0, self.steps - (self.later.start or 0))
        back = torch.repeat_interleave(self.counts[:-1], self.counts[1:])
        return torch.arange(self.later.start, self.steps, device=self.rows.device) - back

    def per_sequence(self, values: Tensor) -> Tensor:
        """Sums (N,) over the steps of each sequence, in float64, of values (S,)."""
        total = torch.zeros(self.sequences, dtype=torch.double, device=values.device)
        if isinstance(self.before, slice):  # all that are not empty have the same length
            count = int(self.counts[0]) if len(self.counts) else 0
            total[self.order[:count]] = values.double().view(len(self.counts), count).sum(0)
            return total
        return total.index_add_(0, self.sequence, values.double())

    def unpack(self, values: Tensor) -> Tensor:
        """Values (S, ...) at their places, as they lie end to end."""
        result = torch.empty_like(values)
        result[self.rows] = values
        return result


def ragged(values: Tensor, packed: Packed, lengths: Tensor) -> Ragged:
    """Values (S, ...) at their places as sequences of those lengths."""
    return Ragged(packed.unpack(values), lengths)
