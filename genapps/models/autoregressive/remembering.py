"""What is remembered of each key of a roll before a step, as planes over the keys: lags, traces, the best repetition.

Planes lie side by side on the key axis, so that a convolution over them says the same of every key, wherever it lies.
"""

from __future__ import annotations

import torch
from torch import Tensor

LAGS = (1, 2, 3, 4, 8, 16)  # steps ago, as they were
_DECAYS, _GAINS = (0.7, 0.93), (1.0, 3.0)  # exponential averages, scaled to about the same size
_LONG = 4  # steps from which on a repetition is told apart from a short one
PLANES = len(LAGS) + len(_DECAYS) + 3
LEVELS = 8  # of the length of a repetition, powers of two


class Memory:
    """The steps of B rolls of K keys so far: `look` before a step, `add` after it.

    The best repetition is the earlier step of the same roll before which the most steps are as they are now, the latest
    of several; what came there is a plane, as a match model has it (Salomon and Motta 2010, section 5.1: PPMZ, lpaq).
    """

    def __init__(self, rows: int, keys: int, longest: int) -> None:
        self.rolls = torch.zeros(rows, longest + max(LAGS), keys)
        self.time = 0
        self.traces = torch.zeros(rows, len(_DECAYS), keys)
        self.lasting = torch.zeros(rows, keys)
        self.codes = torch.zeros(rows, longest, dtype=torch.long)
        self.alike = torch.zeros(rows, longest + 1, dtype=torch.long)  # [s]: steps before s as those before now
        self.words = torch.randint(1 << 62, (keys,), generator=torch.Generator().manual_seed(1))
        self.all = torch.arange(rows)

    def look(self) -> tuple[Tensor, Tensor]:
        """Planes (B, PLANES, K) of what was before this step, and the level (B,) of the repetition's length."""
        now = self.time + max(LAGS)
        lags = self.rolls[:, [now - lag for lag in LAGS]]
        where = torch.where(
            self.alike > 0, self.alike * (self.alike.shape[1] + 1) + torch.arange(self.alike.shape[1]), 0
        )
        source = where[:, : self.time].argmax(1) if self.time else self.all * 0
        length = self.alike[self.all, source] if self.time else self.all * 0
        came = self.rolls[self.all, source + max(LAGS)] * (length > 0)[:, None]
        long = (length >= _LONG)[:, None]
        extra = torch.stack([came * ~long, came * long, torch.log1p(self.lasting) / 2], 1)
        level = (length + 1).double().log2().long().clamp_max(LEVELS - 1)
        return torch.cat([lags, self.traces * torch.tensor(_GAINS)[:, None], extra], 1), level

    def add(self, step: Tensor) -> None:
        """Remember a step (B, K) of 0 and 1."""
        step = step.float()
        code = (step.long() * self.words).sum(1)
        same = self.codes[:, : self.time] == code[:, None]
        longer = torch.where(same, self.alike[:, : self.time] + 1, 0)
        self.alike[:, 1 : self.time + 1] = longer
        self.codes[:, self.time] = code
        self.rolls[:, self.time + max(LAGS)] = step
        decay = torch.tensor(_DECAYS)[:, None]
        self.traces = decay * self.traces + (1 - decay) * step[:, None]
        self.lasting = (self.lasting + 1) * step
        self.time += 1


@torch.no_grad()
def memories(rolls: Tensor) -> tuple[Tensor, Tensor]:
    """Planes (B, T + 1, PLANES, K) and levels (B, T + 1) before each step of rolls (B, T, K) and after the last."""
    rows, steps, keys = rolls.shape
    device, rolls = rolls.device, rolls.cpu()  # many small steps
    memory = Memory(rows, keys, steps)
    planes, levels = torch.empty(rows, steps + 1, PLANES, keys), torch.empty(rows, steps + 1, dtype=torch.long)
    for t in range(steps + 1):
        planes[:, t], levels[:, t] = memory.look()
        if t < steps:
            memory.add(rolls[:, t])
    return planes.to(device), levels.to(device)
