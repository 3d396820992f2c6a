"""Memory that lasts from one iteration to the next.

The E-step fills a few numbers for every step and state. Handing so much memory back to the system after each iteration
and asking for it again takes as long as a recursion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


class Room:
    """Room for one tensor at a time: what is taken is overwritten by whoever takes it next."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None

    def take(self, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
        """A tensor of that shape, filled with anything."""
        kept, size = self._kept, math.prod(shape)
        if kept is None or kept.dtype != dtype or kept.device != device or len(kept) < size:
            kept = self._kept = torch.empty(size, dtype=dtype, device=device)
        return kept[:size].view(*shape)


@dataclass(frozen=True)
class Workspace:
    """What chunks of sequences, one after the other, need for their E-step: two numbers a step and state."""

    emission: Room = field(default_factory=Room)
    alpha: Room = field(default_factory=Room)
