"""Sequences of frames of codes, cell by cell: exact within a frame, and given any cells that are known beforehand.

    model = Autoregressive(within="ordered", space=Frames((Categorical(40),) * 4, 256), hidden=128, period=16)
    model.fit(pieces)                                  # a list of (T, 4) integers
    model.sample(3, length=64, temperature=0.9)        # new ones; without length they end by themselves
    model.sample(3, prompt=seed)                       # that go on from a (T', 4) beginning, and end by themselves
    model.sample(3, known=cells)                       # (T, 4), -1 where a code is to be drawn: past, future, voices
    model.sample(3, known=cells, allowed=rules)        # rules(past (B, t, V), now (B, V), v) -> (B, size) truth values
    model.log_prob(pieces)                             # exact log p(piece), its end included
    model.log_prob(pieces, known=[True, False, ...])   # log p(all else | those voices); or (T, V) a piece
    model.impute(cells)                                # the same as sample(known=cells), one draw each

Rules see in `past` the frames before (B, t, V), and in `now` the codes of this one, -1 where there is none yet (known
ones are in it from the beginning). They are called for each variable of which some code is to be drawn, for all
sequences together, and what they allow is drawn in its share of the probability. Known codes stay whatever rules say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models.autoregressive.choosing import pick
from genapps.models.autoregressive.sequences import Drawing, SequenceEngine
from genapps.models.autoregressive.showing import Partly, known_of, nothing_known, patterns
from genapps.nets.cells import PAD, CellNet
from genapps.spaces import Constraint, Frames
from genapps.training import Recipe

Rules = Callable[[Tensor, Tensor, int], Tensor]
_MOST_OUTPUTS = 100_000
_AT_ONCE = 256  # sequences drawn together


@dataclass(frozen=True)
class OrderedConfig:
    """The network's shape, and what it learns to be given."""

    hidden: int = field(default=128, metadata={"help": "width of the network", "least": 2})
    layers: int = field(default=2, metadata={"help": "layers of the network", "least": 1})
    head: int = field(default=64, metadata={"help": "width of the network of a cell", "least": 1})
    dropout: float = field(
        default=0.1, metadata={"help": "share of entries switched off in training", "least": 0, "below": 1}
    )
    within: Literal["ordered"] = field(
        default="ordered", metadata={"help": "ordered: the variables of a row of codes one after the other"}
    )
    unshown: float = field(
        default=0.5,
        metadata={"help": "share of training sequences of which nothing is known beforehand", "least": 0, "most": 1},
    )
    period: int = field(
        default=0, metadata={"help": "steps in a bar: the network is told the place in it; 0: no bars", "least": 0}
    )
    shift: int = field(
        default=0,
        metadata={"help": "in training all pitches are moved by up to so many codes, at random; 0: never", "least": 0},
    )
    first_pitch: int = field(default=2, metadata={"help": "codes from this one on are pitches to shift", "least": 0})
    architecture: Literal["gru"] = field(default="gru", metadata={"help": "gru alone for this kind of data"})


class OrderedModel(SequenceEngine):
    """p(frames) = the product over steps of p(no end) and, over variables in order, p(code | all before), times p(end).

    Where cells are known beforehand their probability is 1 and the others' is given them, also later ones; so is the
    length. After the space's longest number of steps the end is certain, so probabilities sum to one.
    """

    Config: ClassVar[type] = OrderedConfig
    drawing: ClassVar[frozenset[str]] = frozenset({"prompt", "length", "top_k", "top_p", "known", "allowed"})
    RECIPE: ClassVar[Recipe] = Recipe(
        batch_size=32, learning_rate=3e-3, warmup_steps=100, beta2=0.99, ema=0.995, clip=1e3
    )
    network: Any

    def __init__(self, space: Frames, config: OrderedConfig) -> None:
        super().__init__(space, config)
        if not space.variables or not space.row.discrete:
            raise UsageError('within="ordered" is for frames whose variables are all categorical')
        if len(space.variables) * max(space.row.sizes) > _MOST_OUTPUTS:
            raise UsageError(f"{len(space.variables)} variables of up to {max(space.row.sizes)} codes are too many")

    # -- what a step is ------------------------------------------------------------------------------------------------

    def measure(self, data: Ragged) -> dict[str, Tensor]:
        """The share of each code of each variable (V, most), and of steps that are ends."""
        most = max(self.space.row.sizes)
        counts = functional.one_hot(data.values.long(), most).sum(0).double() + 0.5
        end = torch.tensor((len(data) + 0.5) / (len(data.values) + len(data) + 1), dtype=torch.double)
        return {"marginals": counts / counts.sum(1, keepdim=True), "end": end}

    def new_network(self, classes: int, generator: torch.Generator) -> CellNet:
        """An untrained network that says the marginal shares of every cell."""
        c = self.config
        network = CellNet(
            self.space.row.sizes,
            width=c.hidden,
            layers=c.layers,
            head=c.head,
            dropout=c.dropout,
            period=c.period,
            classes=classes,
            generator=generator,
        )
        with torch.no_grad():
            network.bias.copy_(self.facts["marginals"].log())
            network.end.bias.copy_(torch.logit(self.facts["end"]))
        return network

    def inside(self, values: Tensor) -> Tensor:
        """Codes as they are. Raises InputError for unknown ones: impute draws them, log_prob takes `known`."""
        if len(values) and int(values.min()) < 0:
            raise InputError("frames with unknown codes (-1) have no exact probability here; fill them in by impute")
        return values.long()

    def outside(self, inside: Tensor) -> Tensor:
        """Codes as they are."""
        return inside

    def features(self, inside: Tensor) -> Tensor:
        """Codes and shown codes as they are."""
        return inside

    def _no_steps(self) -> Tensor:
        return torch.zeros(0, len(self.space.variables), dtype=torch.long)

    def _padded(self, data: Ragged, device: torch.device) -> tuple[Tensor, Tensor]:
        """Codes and shown codes (B, T, V, 2), PAD after the end, and the mask of what is before it."""
        partly = nothing_known(data)
        codes = self.inside(partly.values)
        both = torch.stack([codes, torch.where(partly.known, codes, -1)], -1)
        values, mask = Ragged(both, partly.lengths).padded(PAD)
        return values.to(device), mask.to(device)

    def terms(self, outputs: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Log-probability (B, T + 1) of the unknown cells of each step, and of the end, under outputs (B, T + 1, O)."""
        end, lengths = outputs[..., 0], mask.sum(1, keepdim=True)
        codes, shown = inside.unbind(-1)
        logits = outputs[:, :-1, 1:].unflatten(-1, (codes.shape[-1], -1)).log_softmax(-1)
        each = logits.gather(-1, codes.clamp_min(0)[..., None])[..., 0]
        within = torch.where(mask[..., None] & (shown < 0), each.double(), 0.0).sum(-1)
        free = (shown < 0).flatten(1).all(1, keepdim=True)  # the length is not known beforehand
        within = within - torch.where(mask & free, functional.softplus(end[:, :-1]), 0.0)
        last = -functional.softplus(-end.gather(1, lengths)).double() * (free & (lengths < self.space.longest))
        return functional.pad(within, (0, 1)).scatter_add(1, lengths, last)

    # -- learning and scoring ------------------------------------------------------------------------------------------

    def as_learnt(self, data: Ragged, generator: torch.Generator) -> Partly:
        """Held-out sequences with one random pattern each."""
        return data if isinstance(data, Partly) else patterns(data, self.config.unshown, generator)

    def loss(
        self, data: Ragged, labels: Tensor, draws: torch.Generator, recipe: Recipe, device: torch.device
    ) -> Tensor:
        """Mean negative log-likelihood of a batch of sequences, moved and shown at random."""
        moved = Ragged(self._moved(data, draws), data.lengths) if self.config.shift else data
        return super().loss(patterns(moved, self.config.unshown, draws), labels, draws, recipe, device)

    def _moved(self, data: Ragged, draws: torch.Generator) -> Tensor:
        """All pitches of each sequence moved by as many codes, so that none leaves its variable's codes."""
        first, most = self.config.first_pitch, self.config.shift
        tops = torch.tensor(self.space.row.sizes) - 1
        room_up = torch.where(data.values >= first, tops - data.values, most).clamp_max(most)
        room_down = torch.where(data.values >= first, data.values - first, most).clamp_max(most)
        owner = torch.repeat_interleave(torch.arange(len(data)), data.lengths)
        room = torch.full((len(data), 2), most)
        both = torch.stack([room_down.amin(1), room_up.amin(1)], 1)
        room = room.scatter_reduce(0, owner[:, None].expand(-1, 2), both, "amin")
        by = (torch.rand(len(data), generator=draws) * (room.sum(1) + 1)).floor().long() - room[:, 0]
        return torch.where(data.values >= first, data.values + by[owner, None], data.values)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, outputs: Tensor, may_end: Tensor, must_end: Tensor, how: Drawing) -> tuple[Tensor, Tensor]:
        """Frames are drawn cell by cell in `sample`."""
        raise NotImplementedError

    def impute(self, data: Ragged, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Ragged:
        """Draw the unknown cells given all that are known, before and after."""
        return self.sample(len(data), generator, given=given, known=data)

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
        top_k: int | None = None,
        top_p: float | None = None,
        known: Any = None,
        allowed: Rules | None = None,
    ) -> Ragged:
        """Draw n sequences of frames; `Autoregressive.sample` says how. Raises UsageError where rules allow nothing."""
        if given:
            raise UsageError("frames take no conditions on variables; use known, prompt or length")
        if known is not None and (prompt is not None or length is not None):
            raise UsageError("known cells say how long a sequence is and how it begins; leave out prompt and length")
        classes = self.classes_for(n, labels, generator)
        told = known_of(known, n, self.space) if known is not None else self._prompts(prompt, n)
        lengths = told.lengths if known is not None else self._lengths(length, told)
        how = _How(temperature, generator, top_k, top_p, allowed, known is not None or length is not None)
        parts = [
            self._drawn(told.take(rows), lengths[rows], known is not None, classes[rows], how)
            for rows in torch.arange(n).split(_AT_ONCE)
        ]
        values = torch.cat([self._no_steps(), *(part.values for part in parts)])
        return Ragged(values, torch.cat([lengths[:0], *(part.lengths for part in parts)]))

    def _drawn(self, told: Ragged, lengths: Tensor, shown: bool, classes: Tensor, how: _How) -> Ragged:
        """Sequences whose cells `told` are as they are; shown: also to be foreseen. lengths: where they end at last."""
        network, rows, longest = self.network, len(told), int(lengths.max())
        cells, _ = Ragged(told.values.long(), told.lengths).padded(-1)
        cells = functional.pad(cells, (0, 0, 0, longest - cells.shape[1]), value=-1)
        foreseen = cells.clone() if shown else torch.full_like(cells, -1)
        pad = (torch.arange(longest) >= lengths[:, None])[..., None].expand_as(cells)
        context = network.around_all(torch.stack([torch.where(pad, PAD, 0), foreseen], -1))
        cache = network.trunk.cache(rows, longest + 1)
        ends, live = lengths.clone(), torch.ones(rows, dtype=torch.bool)
        for t in range(longest):
            x = network.step(cells[:, t - 1] if t else None, context[:, t], classes, t, cache)
            if not how.exact:
                ended = live & (told.lengths <= t) & how.ends(network.end(x)[:, 0])
                ends[ended], live = t, live & ~ended
            live = live & (lengths > t)
            if not bool(live.any()):
                break
            after = foreseen[:, t + 1] if t + 1 < longest else torch.full_like(cells[:, 0], -1)
            self._frame(cells, foreseen[:, t], after, x, context[:, t], t, how)
        return Ragged(cells[torch.arange(longest) < ends[:, None]], ends)

    def _frame(
        self, cells: Tensor, shown: Tensor, after: Tensor, x: Tensor, context: Tensor, t: int, how: _How
    ) -> None:
        """Draw the cells of frame t that are not there yet, in place."""
        before = cells[:, t - 1] if t else torch.full_like(cells[:, 0], -1)
        for v, size in enumerate(self.space.row.sizes):
            free = cells[:, t, v] < 0
            if not bool(free.any()):
                continue
            near = self.network.neighbours(cells[:, t], shown, before, after)
            logits = self.network.logits(x, context, near)[:, v, :size]
            if how.allowed is not None:
                may = how.allowed(cells[:, :t], cells[:, t], v)
                if may.shape != logits.shape or not bool(may[free].any(1).all()):
                    raise UsageError(
                        f"at step {t} the rules for variable {v} allow no code at all, or are no truth values "
                        f"({len(logits)}, {size}); relax them"
                    )
                logits = torch.where(may | ~free[:, None], logits, -torch.inf)
                logits = torch.where(free[:, None], logits, 0.0)
            codes = pick(logits, how.temperature, how.generator, how.top_k, how.top_p)
            cells[:, t, v] = torch.where(free, codes, cells[:, t, v])


@dataclass(frozen=True)
class _How:
    """How codes are chosen; exact: whether lengths are given."""

    temperature: float
    generator: torch.Generator
    top_k: int | None
    top_p: float | None
    allowed: Rules | None
    exact: bool

    def ends(self, logits: Tensor) -> Tensor:
        """Whether sequences of logits (B,) end."""
        if self.temperature == 0:
            return logits > 0
        return torch.rand(len(logits), generator=self.generator) < torch.sigmoid(logits / self.temperature)
