"""Waves of several lengths side by side, which transforms take and give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """wave: (B, T), zeros beyond `lengths` (B,) of each. rate: samples a second of all."""

    wave: Tensor
    lengths: Tensor
    rate: int

    @classmethod
    def of(cls, waves: Sequence[Tensor], rate: int) -> Rows:
        """Waves (T,) of any lengths, padded."""
        lengths = torch.tensor([len(wave) for wave in waves])
        return cls(torch.nn.utils.rnn.pad_sequence(list(waves), batch_first=True), lengths, rate)

    @property
    def inside(self) -> Tensor:
        """(B, T): 1 where a row has samples."""
        return (torch.arange(self.wave.shape[1])[None] < self.lengths[:, None]).float()

    def power(self) -> Tensor:
        """(B,): mean square of each row's samples."""
        return self.wave.double().square().sum(1) / self.lengths

    def put(self, wave: Tensor, lengths: Tensor | None = None) -> Rows:
        """Other samples, silenced beyond the lengths."""
        found = replace(self, wave=wave, lengths=self.lengths if lengths is None else lengths)
        return replace(found, wave=(wave * found.inside).float())

    def alone(self) -> list[Tensor]:
        """Each wave (T,) by itself."""
        return [row[:length] for row, length in zip(self.wave, self.lengths.tolist(), strict=True)]


def frame_length(rate: int) -> int:
    """Samples of a frame in which speech and most sounds hold still: the power of two nearest to 40 ms."""
    return max(32, 1 << round(math.log2(rate * 0.04)))
