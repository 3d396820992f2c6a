"""Sequences of rows: at each step an RBM over the row, whose biases follow from a recurrent summary of the rows before.

Source: Boulanger-Lewandowski, Bengio and Vincent 2012, "Modeling temporal dependencies in high-dimensional sequences:
application to polyphonic music generation and transcription", section 4.
Direct connections as in the conditional RBM of Taylor, Hinton and Roweis 2006.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.base import Engine, Job, LogProb, fingerprint, split
from genapps.models.rbm import enumerated, partition
from genapps.models.rbm.energy import Parameters, Path, draw_hidden
from genapps.models.rbm.enumerated import Choice
from genapps.models.rbm.layout import Layout
from genapps.models.rbm.sampling import FREE, Clamp, gibbs
from genapps.models.rbm.standard import Standard
from genapps.nets.mlp import fresh
from genapps.nets.transformer import drop
from genapps.spaces import Constraint, Frames
from genapps.training import Recipe
from genapps.training.device import choose_device
from genapps.training.loop import Phase, train
from genapps.training.order import derived, for_validation

_BEGINNING, _HELD_OUT, _ANNEALING = 51, 52, 53
_FEW_BITS = 8  # machines of so few hidden units are enumerated at every step; of more where they are learnt so
_LIKE_A_ROW = 4.0  # log-odds by which a unit to choose begins at a row of the data
_CHUNK = 256  # sequences at once outside of training
_LEAST, _MOST = math.log(0.05), math.log(1e4)  # log precision of standardised numbers


@dataclass(frozen=True)
class FramesConfig:
    """The machine of a step, its memory, how it is sampled and judged."""

    n_components: int = field(default=128, metadata={"help": "hidden units of each step's machine", "least": 1})
    recurrent: int = field(default=128, metadata={"help": "units that remember the steps before", "least": 1})
    memory: Literal["tanh", "gru"] = field(
        default="tanh", metadata={"help": "tanh: plain recurrent units; gru: gated ones, which remember longer"}
    )
    direct: bool = field(default=False, metadata={"help": "biases follow from the row before directly, too"})
    dropout: float = field(
        default=0.0, metadata={"help": "share of the memory switched off in training", "least": 0, "below": 1}
    )
    hidden: Literal["bits", "choice"] = field(
        default="bits",
        metadata={
            "help": "bits: hidden units are on or off; choice: exactly one is on (two-valued rows; learnt exactly)"
        },
    )
    learning: Literal["contrast", "exact"] = field(
        default="contrast",
        metadata={"help": "contrast: by draws; exact: of two-valued rows, with up to 10 hidden units summed over"},
    )
    gibbs_steps: int = field(default=5, metadata={"help": "draws away from the data in learning", "least": 1})
    weight_decay: float = field(default=1e-4, metadata={"help": "pulls weights towards 0", "least": 0})
    sampling_steps: int = field(default=25, metadata={"help": "draws of each step's row", "least": 1})
    ais_steps: int = field(default=100, metadata={"help": "temperatures of each step's likelihood", "least": 2})
    ais_chains: int = field(default=8, metadata={"help": "runs of each step's likelihood", "least": 2})


class RecurrentMachine(nn.Module):
    """Weights of an RBM over U units, and a recurrent network (R) that shifts its biases."""

    base_visible: Tensor
    gated: nn.GRU | None

    def __init__(self, layout: Layout, config: FramesConfig) -> None:
        super().__init__()
        self.layout, self.direct, self.dropout = layout, config.direct, config.dropout
        self.kind = Choice if config.hidden == "choice" else Parameters
        hidden, recurrent = config.n_components, config.recurrent
        told = recurrent + (layout.units if config.direct else 0)
        self.weights = nn.Parameter(torch.zeros(layout.units, hidden))
        self.visible = nn.Parameter(torch.zeros(layout.units))
        self.hidden = nn.Parameter(torch.zeros(hidden))
        self.log_precision = nn.Parameter(torch.zeros(layout.real))
        self.to_visible = nn.Parameter(torch.zeros(told, layout.units))
        self.to_hidden = nn.Parameter(torch.zeros(told, hidden))
        self.start = nn.Parameter(torch.zeros(recurrent))
        self.gated = None
        if config.memory == "gru":
            self.gated = fresh(nn.GRU, layout.units, recurrent, batch_first=True, generator=torch.Generator())
        else:
            self.into = nn.Parameter(torch.zeros(layout.units, recurrent))
            self.onward = nn.Parameter(torch.zeros(recurrent, recurrent))
            self.shift = nn.Parameter(torch.zeros(recurrent))
        self.register_buffer("base_visible", torch.zeros(layout.units))

    @torch.no_grad()
    def begin(self, base: Tensor, rows: Tensor, generator: torch.Generator) -> None:
        """Start at the data's marginals base (U,), with small weights; units to choose from each at a row (N, U)."""
        self.base_visible.copy_(base)
        self.visible.copy_(base)
        spreads: list[tuple[Any, float]] = [(self.weights, 0.01), (self.to_visible, 0.01), (self.to_hidden, 0.01)]
        if self.gated is None:
            spreads[1:1] = [(self.into, 0.1)]
            spreads += [(self.onward, 0.5 / math.sqrt(len(self.onward)))]
        else:
            spreads += [(self.gated.weight_ih_l0, 0.3), (self.gated.weight_hh_l0, 1 / math.sqrt(len(self.start)))]
        for weights, spread in spreads:
            weights.copy_(torch.randn(weights.shape, generator=generator) * spread)
        if self.kind is Choice:
            chosen = rows[torch.randint(len(rows), (self.weights.shape[1],), generator=generator)]
            self.weights.add_(_LIKE_A_ROW * (chosen.T - torch.sigmoid(base)[:, None]))

    def first(self, rows: int) -> Tensor:
        """What is known (B, R, and U where biases follow the row before) before the first row."""
        return functional.pad(self.start, (0, self.layout.units if self.direct else 0)).expand(rows, -1)

    def step(self, state: Tensor, units: Tensor) -> Tensor:
        """What is known after a row's units (B, U)."""
        memory = state[:, : len(self.start)]
        if self.gated is None:
            memory = torch.tanh(units @ self.into + memory @ self.onward + self.shift)
        else:
            memory = self.gated(units[:, None], memory[None].contiguous())[1][0]
        return torch.cat([memory, units], 1) if self.direct else memory

    def states(self, units: Tensor, draws: torch.Generator | None = None) -> Tensor:
        """What is known (B, T, R or R + U) before each row of units (B, T, U); draws: of what is switched off."""
        first = self.first(len(units))
        if self.gated is None:
            states = [first]
            for t in range(units.shape[1] - 1):
                states.append(self.step(states[-1], units[:, t]))
            known = torch.stack(states, 1)
        else:
            known = first[:, None]
            if units.shape[1] > 1:
                memories, _ = self.gated(units[:, :-1], first[None, :, : len(self.start)].contiguous())
                after = torch.cat([memories, units[:, :-1]], 2) if self.direct else memories
                known = torch.cat([known, after], 1)
        return drop(known, self.dropout, draws)

    def model(self, states: Tensor) -> Parameters:
        """The machines (B) after memories (B, R); Gaussian units as in `machine.Machine.model`."""
        visible = torch.addmm(self.visible, states, self.to_visible)
        hidden = torch.addmm(self.hidden, states, self.to_hidden)
        precision = self.log_precision.clamp(_LEAST, _MOST).exp()
        scale = torch.cat([torch.ones_like(self.visible[: self.layout.last_discrete]), precision])
        return self.kind(self.layout, self.weights * scale[:, None], visible * scale, hidden, precision)


class FramesRBM(Engine):
    """RNN-RBM: exact within a step but for its partition function, which is enumerated or annealed."""

    Config: ClassVar[type] = FramesConfig
    takes_unknown: ClassVar[bool] = False
    RECIPE: ClassVar[Recipe] = Recipe(
        epochs=100, min_steps=500, max_steps=5000, batch_size=32, learning_rate=3e-3, patience=20, precision="float32"
    )

    def __init__(self, space: Frames, config: FramesConfig) -> None:
        if not space.variables:
            raise UsageError("the rbm family needs at least one variable")
        self.space, self.config, self.layout = space, config, Layout(space.row)
        self.exact = config.learning == "exact" or config.hidden == "choice"
        many = config.hidden == "bits" and config.n_components > enumerated.MOST
        if self.exact and (many or not enumerated.two_valued(self.layout)):
            raise UsageError(
                f"exact learning is for rows of two-valued variables, and for up to {enumerated.MOST} hidden units "
                'unless hidden="choice"; lower n_components, or learn by contrast'
            )
        self.machine: RecurrentMachine | None = None
        self.standard: Standard | None = None
        self.lengths = torch.ones(1, dtype=torch.long)

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Ragged, validation: Ragged | None, job: Job) -> None:
        """Learn from sequences. Without `validation` a share of them is set aside to decide when to stop."""
        recipe = job.training.over(self.RECIPE)
        device = choose_device(recipe.device)
        data = data.take((data.lengths > 0).nonzero()[:, 0])
        self.standard, self.lengths = Standard.fit(data.values, self.space.row), data.lengths.clone()
        if validation is None:
            order = torch.randperm(len(data), generator=for_validation(job.seed))
            learnt, kept = split(data, recipe.validation_share, order)
            data, validation = data.take(learnt), data.take(kept)
        rows = Ragged(self.standard.apply(data.values), data.lengths)
        self.machine = RecurrentMachine(self.layout, self.config)
        units, _ = self.layout.encode(rows.values)
        self.machine.begin(self._marginals(units), units, derived(job.seed, _BEGINNING))
        self.machine.to(device)
        held_out = validation.take(torch.arange(min(len(validation), 50)))
        train(
            self.machine,
            [Phase("contrast", lambda chosen, draws: self._loss(rows.take(chosen), draws, device))],
            lambda: -float(self._log_prob(held_out, derived(0, _HELD_OUT))[0].mean()),
            rows=len(rows),
            recipe=recipe,
            job=job,
            fingerprint=fingerprint(data, self.config, recipe),
        )
        self.machine = self.machine.eval().cpu().requires_grad_(False)

    def _marginals(self, units: Tensor) -> Tensor:
        total, layout = units.sum(0), self.layout
        ones = total[: layout.binary]
        codes = total[layout.binary : layout.last_discrete]
        odds = torch.log((ones + 0.5) / (len(units) - ones + 0.5))
        return torch.cat([odds, torch.log(codes + 0.5), torch.zeros(layout.real)])

    def _loss(self, batch: Ragged, draws: torch.Generator, device: torch.device) -> Tensor:
        """A sequence's negative log-likelihood, or contrastive divergence: both have the same kind of gradient."""
        machine = self._fitted()[0]
        units, mask = self._padded(batch, torch.float32)
        units, mask = units.to(device), mask.to(device)
        own = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
        model, rows = machine.model(machine.states(units, own)[mask]), units[mask]
        if self.exact:
            gap = (model.free_energy(rows) + enumerated.log_partitions(model)).sum() / len(batch)
        else:
            gap = self._contrast(model, rows, own) / len(batch)
        decay: Tensor = 0.5 * self.config.weight_decay * machine.weights.square().sum()
        return gap + decay

    def _contrast(self, model: Parameters, rows: Tensor, draws: torch.Generator) -> Tensor:
        """How much less free energy draws have than the rows (N, U) they began at, summed."""
        with torch.no_grad():
            drawn, _ = gibbs(model, draw_hidden(model.inputs(rows), draws), self.config.gibbs_steps, draws)
        return (model.free_energy(rows) - model.free_energy(drawn)).sum()

    # -- judging -------------------------------------------------------------------------------------------------

    def log_prob(self, data: Ragged, generator: torch.Generator) -> LogProb:
        """Log-probability (N,) in nats of each sequence given its length, an estimate.

        Each step's partition function is enumerated where it has few hidden units (then it is exact), else annealed.
        `error`: the root mean square over sequences of their standard errors.
        """
        values, errors = self._log_prob(data, derived(0, _ANNEALING))
        if self._enumerable():
            return LogProb(values, "exact")
        return LogProb(values, "estimate", float(errors.square().mean().sqrt()))

    def anomaly_score(self, data: Ragged, generator: torch.Generator) -> Tensor:
        """Minus the log-probability a step, (N,): sequences of all lengths compare."""
        return -self._log_prob(data, derived(0, _ANNEALING))[0] / data.lengths.clamp_min(1)

    @torch.no_grad()
    def _log_prob(self, data: Ragged, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        machine, standard = self._fitted()
        values, errors = [torch.zeros(0, dtype=torch.double)], [torch.zeros(0, dtype=torch.double)]
        for numbers in torch.arange(len(data)).split(_CHUNK):
            batch = data.take(numbers)
            units, mask = self._padded(Ragged(standard.apply(batch.values), batch.lengths), torch.float32)
            states = machine.states(units.to(machine.weights.device))[mask]
            model, rows = machine.model(states).double(), units[mask].double()
            log_z, error = self._log_partitions(model, generator)
            step = -model.free_energy(rows) - log_z - standard.log_scales(None)
            owner = torch.repeat_interleave(torch.arange(len(batch)), batch.lengths)
            empty = torch.zeros(len(batch), dtype=torch.double)
            values.append(empty.index_add(0, owner, step))
            errors.append(empty.index_add(0, owner, error.square()).sqrt())
        return torch.cat(values), torch.cat(errors)

    def _log_partitions(self, model: Parameters, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The log partition function (B,) of each step's machine, and its standard error (B,)."""
        logs, errors = [torch.zeros(0, dtype=torch.double)], [torch.zeros(0, dtype=torch.double)]
        for start in range(0, len(model.visible), 4 * _CHUNK):
            part = model.rows(slice(start, start + 4 * _CHUNK))
            if self._enumerable():
                found = enumerated.log_partitions(part) if self.exact else partition.enumerate_each(part)
                error = torch.zeros_like(found)
            else:
                path = Path.between(part.visible, part.precision.expand(len(part.visible), -1), part)
                c = self.config
                found, error = partition.estimate_each(path, c.ais_steps, c.ais_chains, generator)
            logs.append(found)
            errors.append(error)
        return torch.cat(logs), torch.cat(errors)

    def _enumerable(self) -> bool:
        return bool(self.exact or self.config.n_components <= _FEW_BITS)

    def transform(self, data: Ragged) -> Tensor:
        """The mean over the steps (N, H) of each hidden unit's probability."""
        machine, standard = self._fitted()
        units, mask = self._padded(Ragged(standard.apply(data.values), data.lengths), torch.float32)
        model = machine.model(machine.states(units)[mask])
        odds = model.inputs(units[mask])
        shares = odds.softmax(1) if isinstance(model, Choice) else odds.sigmoid()
        owner = torch.repeat_interleave(torch.arange(len(data)), data.lengths)
        sums = torch.zeros(len(data), odds.shape[1]).index_add(0, owner, shares)
        return sums / data.lengths.clamp_min(1)[:, None]

    # -- drawing -------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Ragged:
        """Draw n sequences with lengths of the data's: each row by `sampling_steps` draws from the row before it."""
        if given:
            raise UsageError("the rbm family takes no conditions on sequences; fill them in with impute instead")
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=generator)]
        longest = int(lengths.max()) if n else 0
        return self._ragged(self._walk(n, longest, generator, None, temperature), lengths)

    def impute(self, data: Ragged, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Ragged:
        """Fill unknown entries step by step, each given the known ones of its step and all steps before."""
        _, standard = self._fitted()
        values = Ragged(standard.apply(data.values), data.lengths)
        wide, _ = values.padded(math.nan if values.values.is_floating_point() else -1)
        filled = self._ragged(self._walk(len(data), wide.shape[1], generator, wide, 1.0), data.lengths).values
        unknown = torch.isnan(data.values) if data.values.is_floating_point() else data.values < 0
        kind = data.values.dtype if data.values.is_floating_point() else torch.long
        return Ragged(torch.where(unknown, filled.to(kind), data.values.to(kind)), data.lengths)

    def _walk(
        self, n: int, steps: int, generator: torch.Generator, wide: Tensor | None, temperature: float
    ) -> list[Tensor]:
        """Units (n, U) of each step, drawn given those before; `wide` (n, T, D) holds known entries."""
        machine, _ = self._fitted()
        state = machine.first(n)
        units, drawn = torch.zeros(n, self.layout.units), []
        for t in range(steps):
            model, clamp = machine.model(state).tempered(temperature), FREE
            start = units if t else self.layout.draw(model.visible, model.precision.expand(n, -1), generator)
            if wide is not None:
                known_units, known = self.layout.encode(wide[:, t])
                each = torch.ones_like(units, dtype=torch.bool) if known is None else self.layout.spread(known)
                clamp, start = Clamp(each, known_units), torch.where(each, known_units, start)
            if self.exact:
                units = enumerated.drawn(model, clamp.known, start, generator)
            else:
                hidden = draw_hidden(model.inputs(start), generator)
                units, _ = gibbs(model, hidden, self.config.sampling_steps, generator, clamp)
            drawn.append(units)
            state = machine.step(state, units)
        return drawn

    def _ragged(self, steps: list[Tensor], lengths: Tensor) -> Ragged:
        _, standard = self._fitted()
        if not steps:
            kind = torch.float if self.layout.real else torch.long
            return Ragged(torch.zeros(0, self.layout.variables, dtype=kind), lengths)
        mask = torch.arange(len(steps)) < lengths[:, None]
        return Ragged(standard.undo(self.layout.decode(torch.stack(steps, 1)[mask])), lengths)

    # -- keeping -------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        machine, standard = self._fitted()
        tensors = {f"machine/{name}": tensor for name, tensor in machine.state_dict().items()}
        return tensors | standard.state() | {"lengths": self.lengths}, {}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        self.machine = RecurrentMachine(self.layout, self.config)
        own = {name.removeprefix("machine/"): t for name, t in tensors.items() if name.startswith("machine/")}
        self.machine.load_state_dict(own)
        self.machine.eval().requires_grad_(False)
        self.standard = Standard.from_state(tensors, self.space.row)
        self.lengths = tensors["lengths"]

    # -- inside --------------------------------------------------------------------------------------------------

    def _padded(self, batch: Ragged, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Units (B, T, U), 0 beyond the end, and a mask (B, T) of what is there."""
        units, _ = self.layout.encode(batch.values, dtype)
        return Ragged(units, batch.lengths).padded()

    def _fitted(self) -> tuple[RecurrentMachine, Standard]:
        assert self.machine is not None and self.standard is not None
        return self.machine, self.standard
