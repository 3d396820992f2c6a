"""Rolls of keys, each key by one network that all keys share: translation along the keys changes little."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.gru import GRU, State
from genapps.nets.mlp import fresh
from genapps.nets.transformer import drop

_PERIODS = (2, 3, 4, 16)  # the place in bars of these lengths is told
_CHOSEN = 7  # keys chosen so far in a step are counted up to this


class KeyNet(nn.Module):
    """Logits of each key given those above it in its step and planes of what was before (Johnson 2017, biaxial LSTM).

    Every key reads the planes around it, within `reach` keys, and the keys above it in its own step by the same
    weights; a recurrent trunk over whole steps, the number of keys chosen so far and the key's own vector, which makes
    keys differ, are added. classes: of sequences.
    """

    def __init__(
        self,
        keys: int,
        planes: int,
        levels: int,
        *,
        width: int,
        channels: int,
        reach: int,
        blocks: int,
        dropout: float,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.keys, self.reach, self.dropout = keys, reach, dropout
        self.begin = nn.Parameter(torch.randn(width, generator=generator))
        self.classes = nn.Parameter(torch.randn(classes, width, generator=generator) * 0.5)
        self.places = nn.ParameterList(torch.randn(p, width, generator=generator) * 0.5 for p in _PERIODS)
        self.levels = nn.Parameter(torch.randn(levels, width, generator=generator) * 0.5)
        self.read = fresh(nn.Linear, keys, width, generator=generator, gain=(keys / 4) ** 0.5)
        self.trunk = GRU(width, 1, dropout=dropout, generator=generator)
        self.around = nn.Parameter(
            torch.randn(channels, planes + 1, 2 * reach + 1, generator=generator) / (6 * planes) ** 0.5
        )
        self.counts = nn.Parameter(torch.zeros(_CHOSEN, channels))
        self.own = nn.Parameter(torch.zeros(keys, channels))
        self.onto = fresh(nn.Linear, width, channels, generator=generator)
        self.straight = fresh(nn.Linear, width, keys, generator=generator, gain=0.0)
        self.blocks = nn.ModuleList(fresh(nn.Linear, channels, channels, generator=generator) for _ in range(blocks))
        self.tell = fresh(nn.Linear, channels, 1, generator=generator, gain=0.0)
        self.end = fresh(nn.Linear, width, 1, generator=generator, gain=0.0)

    def trace(
        self,
        before: Tensor,
        levels: Tensor,
        labels: Tensor,
        time: Tensor,
        cache: State | None,
        generator: torch.Generator | None,
    ) -> Tensor:
        """What the trunk knows (B, T, C) at times (T,), after steps `before` (B, T, K); time 0 has none before it."""
        read = torch.where((time == 0)[:, None], self.begin, self.read(before))
        place = torch.stack([table[time % len(table)] for table in self.places]).sum(0)
        x = read + self.levels[levels] + place + self.classes[labels][:, None]
        return drop(self.trunk(drop(x, self.dropout, generator), cache, generator), self.dropout, generator)

    def surroundings(self, planes: Tensor, hidden: Tensor) -> Tensor:
        """What each key is told of before its step (N, K, channels), of planes (N, P, K) and the trunk (N, C)."""
        found = functional.conv1d(planes, self.around[:, :-1], padding=self.reach).transpose(1, 2)
        told: Tensor = found + self.own + self.onto(hidden)[:, None]
        return told

    def chosen(self, step: Tensor) -> Tensor:
        """What each key is told of the keys above it in its step (N, K) of 0 and 1, (N, K, channels)."""
        above = self.around[:, -1:, self.reach + 1 :]
        further = functional.pad(step, (0, self.reach))[:, None, 1:]
        count = (step.flip(-1).cumsum(-1).flip(-1) - step).long().clamp_max(_CHOSEN - 1)
        told: Tensor = functional.conv1d(further, above).transpose(1, 2)
        counted: Tensor = functional.one_hot(count, _CHOSEN).to(step.dtype) @ self.counts
        return told + counted

    def chosen_by(self, step: Tensor, key: int) -> Tensor:
        """What one key is told of those above it, (N, channels)."""
        above = step[:, key + 1 : key + 1 + self.reach]
        count = step[:, key + 1 :].sum(1).long().clamp_max(_CHOSEN - 1)
        told: Tensor = above @ self.around[:, -1, self.reach + 1 : self.reach + 1 + above.shape[1]].T
        return told + self.counts[count]

    def logits(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The logit (...) of each key from all that it is told of (..., channels)."""
        x = functional.gelu(x)
        for block in self.blocks:
            x = x + functional.gelu(block(self._dropped(x, generator)))
        return self.tell(self._dropped(x, generator))[..., 0]  # type: ignore[no-any-return]

    def _dropped(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Normed, and the same entries switched off of all keys of a step."""
        x = functional.rms_norm(x, x.shape[-1:])
        if generator is None or not self.dropout:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2], generator=generator, device=x.device) >= self.dropout
        return x * (kept / (1 - self.dropout))
