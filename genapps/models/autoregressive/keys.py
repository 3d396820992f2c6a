"""Rolls: at each step a set of keys, from the highest to the lowest; exact probabilities of sets and of sequences.

model = Autoregressive(within="keys", space=Frames((Categorical(2),) * 88, 1800), hidden=128)
model.fit(rolls)                          # a list of (T, 88) of 0 and 1
model.log_prob(rolls)                     # exact log p(roll), its end included
model.engine.frame_log_prob(rolls)        # of each step's set alone, given that there is a step
model.sample(3, length=100)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models.autoregressive.counts import Counts, context
from genapps.models.autoregressive.remembering import LEVELS, PLANES, Memory, memories
from genapps.models.autoregressive.sequences import Drawing, SequenceEngine, by_length
from genapps.models.base import Job, split
from genapps.nets.gru import State
from genapps.nets.keys import KeyNet
from genapps.spaces import Constraint, Frames
from genapps.training import Recipe
from genapps.training.order import for_validation

_STEPS_AT_ONCE = 4096  # each takes as much room as a step of a plain network times the keys
_COUNTS = "counts."  # what the names of their tensors begin with
_PAD = 2  # stands after the end of a roll
_MARGIN = 2  # keys beyond those that were seen which the network knows, too


@dataclass(frozen=True)
class KeysConfig:
    """The network's shape."""

    hidden: int = field(default=128, metadata={"help": "width of the memory of whole steps", "least": 2})
    channels: int = field(default=64, metadata={"help": "width of the network that all keys share", "least": 1})
    reach: int = field(default=24, metadata={"help": "keys to either side that a key reads", "least": 1})
    blocks: int = field(default=1, metadata={"help": "layers of the network that all keys share", "least": 0})
    dropout: float = field(
        default=0.2, metadata={"help": "share of entries switched off in training", "least": 0, "below": 1}
    )
    counts: int = field(
        default=5,
        metadata={
            "help": "steps that counts of whole steps look at, mixed in by weights from held-out ones; 0: no counts",
            "least": 0,
        },
    )
    within: Literal["keys"] = field(
        default="keys", metadata={"help": "keys: a row of truth values is a set of keys, from the last to the first"}
    )
    architecture: Literal["gru"] = field(default="gru", metadata={"help": "gru alone for this kind of data"})


class RollNet(KeyNet):
    """The same, over whole rolls (B, T, K): the logit of the end and of each key, (B, T + 1, 1 + K)."""

    low: int = 0

    def forward(
        self, steps: Tensor, labels: Tensor, cache: None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """steps: (B, T, D) of 0 and 1, _PAD after the end; what lies beyond the network's keys is not looked at."""
        rolls = self._rolls(steps)
        planes, levels = memories(rolls)
        hidden = self._traced(rolls, levels, labels, generator)
        real = functional.pad(steps[..., 0] != _PAD, (1, 0), value=True)  # the keys of no others are worth the work
        told = self.surroundings(planes[real], hidden[real]) + self.chosen(functional.pad(rolls, (0, 0, 0, 1))[real])
        logits = self.straight(hidden).index_put(
            real.nonzero().unbind(1), self.logits(told, generator), accumulate=True
        )
        return torch.cat([self.end(hidden), logits], -1)

    def hidden(self, steps: Tensor, labels: Tensor) -> Tensor:
        """What the trunk knows before each of T steps and after the last one, (B, T + 1, C)."""
        rolls = self._rolls(steps)
        return self._traced(rolls, memories(rolls)[1], labels, None)

    def _rolls(self, steps: Tensor) -> Tensor:
        return (steps[..., self.low : self.low + self.keys] == 1).float()

    def _traced(self, rolls: Tensor, levels: Tensor, labels: Tensor, generator: torch.Generator | None) -> Tensor:
        before = functional.pad(rolls, (0, 0, 1, 0))
        return self.trace(before, levels, labels, torch.arange(before.shape[1], device=rolls.device), None, generator)


class KeysModel(SequenceEngine):
    """p(roll) = the product over steps of p(no end) and, from the last key down, p(key | all before), times p(end).

    After the space's longest number of steps the end is certain. Keys far beyond those of the training data have a
    small fixed probability each.
    """

    Config: ClassVar[type] = KeysConfig
    drawing: ClassVar[frozenset[str]] = frozenset({"prompt", "length"})
    RECIPE: ClassVar[Recipe] = Recipe(
        batch_size=16, learning_rate=4e-3, warmup_steps=30, beta2=0.99, ema=0.99, clip=1e3, schedule="cosine"
    )
    network: Any
    counts: Counts | None = None

    def __init__(self, space: Frames, config: KeysConfig) -> None:
        super().__init__(space, config)
        if not space.variables or set(space.row.sizes) != {2}:
            raise UsageError('within="keys" is for frames of truth values: variables of two codes each')

    def fit(self, data: Ragged, validation: Ragged | None, job: Job) -> None:
        """Learn the network, then count; held-out rolls stop the one and weigh the other."""
        self.counts = None
        if validation is None and self.config.counts:
            order = torch.randperm(len(data), generator=for_validation(job.seed))
            learnt, kept = split(data, job.training.over(self.RECIPE).validation_share, order)
            if len(kept):
                labels = None if job.labels is None else job.labels[learnt]
                data, validation, job = data.take(learnt), data.take(kept), replace(job, labels=labels)
        super().fit(data, validation, job)
        if validation is not None and self.config.counts:
            counts = Counts.of(data, self.config.counts)
            counts.weigh(self.frame_log_prob(validation).values, validation)
            self.counts = counts

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors, settings = super().state()
        counted = {} if self.counts is None else self.counts.state()
        return {**tensors, **{f"{_COUNTS}{name}": tensor for name, tensor in counted.items()}}, settings

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        counted = {name.removeprefix(_COUNTS): t for name, t in tensors.items() if name.startswith(_COUNTS)}
        super().restore({name: t for name, t in tensors.items() if not name.startswith(_COUNTS)}, settings)
        self.counts = Counts.restored(counted) if counted else None

    def measure(self, data: Ragged) -> dict[str, Tensor]:
        """How often each key is there, and the share of steps that are ends."""
        counts = data.values.double().sum(0)
        end = torch.tensor((len(data) + 0.5) / (len(data.values) + len(data) + 1), dtype=torch.double)
        return {"shares": (counts + 0.5) / (len(data.values) + 1), "seen": counts > 0, "end": end}

    @property
    def keys(self) -> slice:
        """The keys that the network knows."""
        seen = self.facts["seen"].nonzero()[:, 0].tolist() or [0]
        return slice(max(seen[0] - _MARGIN, 0), min(seen[-1] + 1 + _MARGIN, len(self.space.variables)))

    def new_network(self, classes: int, generator: torch.Generator) -> RollNet:
        """An untrained network that says the marginal shares of keys."""
        c, keys = self.config, self.keys
        network = RollNet(
            keys.stop - keys.start,
            PLANES,
            LEVELS,
            width=c.hidden,
            channels=c.channels,
            reach=c.reach,
            blocks=c.blocks,
            dropout=c.dropout,
            classes=classes,
            generator=generator,
        )
        network.low = keys.start
        with torch.no_grad():
            network.straight.bias.copy_(torch.logit(self.facts["shares"][keys]))
            network.end.bias.copy_(torch.logit(self.facts["end"]))
        return network

    def inside(self, values: Tensor) -> Tensor:
        """Truth values as they are. Raises InputError for unknown ones."""
        if len(values) and int(values.min()) < 0:
            raise InputError("rolls with unknown keys (-1) have no exact probability here; remove them")
        return values.to(torch.uint8)

    def outside(self, inside: Tensor) -> Tensor:
        """0 and 1 as integers."""
        return inside.long()

    def groups(self, lengths: Tensor) -> Iterator[Tensor]:
        """Row numbers of the sequences that go through the network together."""
        return by_length(lengths, _STEPS_AT_ONCE)

    def features(self, inside: Tensor) -> Tensor:
        """As they are."""
        return inside

    def _no_steps(self) -> Tensor:
        return torch.zeros(0, len(self.space.variables), dtype=torch.uint8)

    def _padded(self, data: Ragged, device: torch.device) -> tuple[Tensor, Tensor]:
        values, mask = Ragged(self.inside(data.values), data.lengths).padded(_PAD)
        return values.to(device), mask.to(device)

    def terms(self, outputs: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Log-probability (B, T + 1) of each step and of the end, under outputs (B, T + 1, 1 + K)."""
        end, lengths = outputs[..., 0], mask.sum(1, keepdim=True)
        sets = self._mixed(self._sets(outputs[:, :-1, 1:], inside), inside, mask) - functional.softplus(end[:, :-1])
        last = -functional.softplus(-end.gather(1, lengths)).double() * (lengths < self.space.longest)
        within = functional.pad(torch.where(mask, sets.double(), 0.0), (0, 1))
        total: Tensor = within.scatter_add(1, lengths, last)
        return total

    def _sets(self, logits: Tensor, inside: Tensor) -> Tensor:
        """Log-probability (B, T) of the sets inside (B, T, D) under logits (B, T, K) of the keys that are known."""
        known, shares = self.keys, self.facts["shares"].to(logits.device)
        rolls = (inside == 1).to(logits.dtype)
        told = functional.binary_cross_entropy_with_logits(logits, rolls[..., known], reduction="none").sum(-1)
        away = torch.ones(len(shares), dtype=torch.bool, device=logits.device)
        away[known] = False
        odds, base = torch.logit(shares[away]).float(), torch.log1p(-shares[away]).sum().float()
        return base + rolls[..., away] @ odds - told

    def _mixed(self, sets: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Log-probability (B, T) of the sets, by the network and, once there are some, the counts."""
        if self.counts is None:
            return sets
        mixed = torch.zeros_like(sets, dtype=torch.double)
        mixed[mask] = self.counts.mixed(sets[mask], Ragged(inside[mask], mask.sum(1)))
        return mixed

    @torch.no_grad()
    def frame_log_prob(self, data: Ragged) -> Ragged:
        """Log-probability (T,) of each step's set given those before it and that there is a step; of the usual class.

        This is the measure of Boulanger-Lewandowski et al. 2012, where lengths are given.
        """
        found, usual = [torch.zeros(0)] * len(data), self.shares.argmax()
        for rows in self.groups(data.lengths):
            inside, mask = self._padded(data.take(rows), torch.device("cpu"))
            outputs = self.network(self.features(inside), usual.expand(len(rows)))
            sets = self._mixed(self._sets(outputs[:, :-1, 1:], inside), inside, mask)
            for row, steps, length in zip(rows.tolist(), sets, mask.sum(1).tolist(), strict=True):
                found[row] = steps[:length]
        return Ragged(torch.cat([torch.zeros(0), *found]), data.lengths)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, outputs: Tensor, may_end: Tensor, must_end: Tensor, how: Drawing) -> tuple[Tensor, Tensor]:
        """Sets are drawn key by key in `sample`."""
        raise NotImplementedError

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
        prompt: Any = None,
        length: Any = None,
    ) -> Ragged:
        """Draw n rolls; `Autoregressive.sample` says how."""
        if given:
            raise UsageError("rolls take no conditions on variables; use prompt or length")
        classes, told = self.classes_for(n, labels, generator), self._prompts(prompt, n)
        lengths = self._lengths(length, told)
        rolls, most = torch.zeros(n, int(lengths.max()), len(self.space.variables)), int(lengths.max())
        begun, _ = told.padded()
        rolls[:, : begun.shape[1]] = begun
        memory, cache = Memory(n, self.network.keys, most), self.network.trunk.cache(n, most + 1)
        live = torch.ones(n, dtype=torch.bool)
        said: list[list[int]] = [[] for _ in range(n)]
        for t in range(most):
            known = told.lengths > t
            step, ended = self._step(
                rolls[:, t - 1] if t else rolls[:, 0] * 0, classes, t, memory, cache, temperature, generator
            )
            if length is None:
                ended &= live & ~known
                lengths, live = torch.where(ended, t, lengths), live & ~ended
            if not bool((live & (lengths > t)).any()):
                break
            self._recall(step, said, temperature, generator)
            rolls[:, t] = torch.where(known[:, None], rolls[:, t], step)
            memory.add(rolls[:, t, self.keys])
            if self.counts is not None:
                for codes, number in zip(said, self.counts.numbered(rolls[:, t]), strict=True):
                    codes.append(number)
        return Ragged(rolls[torch.arange(most) < lengths[:, None]].long(), lengths)

    def _recall(self, step: Tensor, said: list[list[int]], temperature: float, generator: torch.Generator) -> None:
        """Put in a step that followed what was said, where it is the counts' turn."""
        if self.counts is None:
            return
        for row, codes in enumerate(said):
            drawn = self.counts.draw(context(codes, self.counts.orders), temperature, generator)
            if drawn is not None:
                step[row] = drawn.float()

    def _step(
        self,
        before: Tensor,
        classes: Tensor,
        t: int,
        memory: Memory,
        cache: State,
        temperature: float,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """The next step (B, D), and whether the roll ends instead (B,)."""
        net, keys = self.network, self.keys
        planes, levels = memory.look()
        hidden = net.trace(before[:, None, keys], levels[:, None], classes, torch.tensor([t]), cache, None)[:, 0]
        told, straight = net.surroundings(planes, hidden), net.straight(hidden)
        step = _truth(torch.logit(self.facts["shares"]).float().expand_as(before), temperature, generator)
        step[:, keys] = 0
        chosen = torch.zeros(len(before), net.keys)
        for key in reversed(range(net.keys)):
            above = net.chosen_by(chosen, key)
            chosen[:, key] = _truth(
                net.logits((told[:, key] + above)[:, None])[:, 0] + straight[:, key], temperature, generator
            )
        step[:, keys] = chosen
        return step, _truth(net.end(hidden)[:, 0], temperature, generator).bool()


def _truth(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """0 or 1 by logits (...); a temperature of 0 takes the likelier."""
    if temperature == 0:
        return (logits > 0).float()
    return (torch.rand(logits.shape, generator=generator) < torch.sigmoid(logits / temperature)).float()
