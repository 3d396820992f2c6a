"""Table rows as the visible units of one restricted Boltzmann machine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.base import Engine, Job, LogProb, fingerprint, split
from genapps.models.constraints import resample
from genapps.models.rbm import partition
from genapps.models.rbm.conditions import Conditions
from genapps.models.rbm.energy import draw_hidden
from genapps.models.rbm.layout import Layout
from genapps.models.rbm.machine import Learning, Machine
from genapps.models.rbm.partition import Partition
from genapps.models.rbm.sampling import FREE, Clamp, gibbs, tempered
from genapps.models.rbm.standard import Standard
from genapps.spaces import Columns, Constraint
from genapps.training import Recipe
from genapps.training.device import choose_device
from genapps.training.loop import Phase, train
from genapps.training.order import derived, for_validation

_CHUNK = 8192  # rows handled at once outside of training
_MOST_WEIGHTS = 200_000_000
_ANNEALING, _HELD_OUT, _BEGINNING = 41, 42, 43  # purposes of randomness
_FEW_BITS = 10  # machines that are enumerated at every check, or for every row with unknown entries
_CHECKED_ROWS = 1000
_MARGINAL_ROWS = 10_000  # about so many rows, evenly spaced, say how frequent each value is at the start


@dataclass(frozen=True)
class RBMConfig:
    """The machine's size, how it learns, and how it is sampled and judged."""

    n_components: int = field(default=256, metadata={"help": "hidden units", "least": 1})
    n_chains: int = field(default=256, metadata={"help": "persistent chains that follow the machine", "least": 1})
    gibbs_steps: int = field(default=1, metadata={"help": "draws of each chain between two updates", "least": 1})
    temperatures: int = field(
        default=1, metadata={"help": "replicas of each chain, from the machine to independent units", "least": 1}
    )
    variance: Literal["learnt", "fixed"] = field(
        default="learnt", metadata={"help": "of continuous variables: learnt, or fixed at that of the data"}
    )
    weight_decay: float = field(default=1e-4, metadata={"help": "pulls weights, not biases, towards 0", "least": 0})
    max_norm: float = field(default=20.0, metadata={"help": "longest weights of a hidden unit", "above": 0})
    sampling_steps: int = field(
        default=50, metadata={"help": "draws of each sampled row's own chain before it is taken", "least": 1}
    )
    conditioned_steps: int = field(
        default=100, metadata={"help": "the same where conditions or known entries have to be met", "least": 1}
    )
    ais_steps: int = field(default=500, metadata={"help": "temperatures of the likelihood's estimate", "least": 2})
    ais_chains: int = field(default=100, metadata={"help": "runs of the likelihood's estimate", "least": 2})

    def learning(self) -> Learning:
        """What concerns a step."""
        return Learning(self.gibbs_steps, self.weight_decay, self.max_norm, self.variance == "learnt")


class ColumnsRBM(Engine):
    """An RBM with Bernoulli, softmax and Gaussian visible units over the variables of a row."""

    Config: ClassVar[type] = RBMConfig
    takes_unknown: ClassVar[bool] = True
    RECIPE: ClassVar[Recipe] = Recipe(
        epochs=100,
        min_steps=1000,
        max_steps=20_000,
        batch_size=100,
        optimizer="adamw",
        learning_rate=0.003,
        beta1=0.5,
        clip=20.0,
        patience=10,
        check_steps=200,
        precision="float32",
    )

    def __init__(self, space: Any, config: RBMConfig) -> None:
        self.space, self.config = space, config
        self.columns = self.flat_space()
        if not self.columns.variables:
            raise UsageError("the rbm family needs at least one variable")
        self.layout = Layout(self.columns)
        if self.layout.units * config.n_components > _MOST_WEIGHTS:
            raise UsageError(
                f"{self.layout.units} visible units are too many for {config.n_components} hidden ones; "
                "try a smaller n_components"
            )
        self.machine: Machine | None = None
        self.standard: Standard | None = None
        self._partition: Partition | None = None

    # -- the space as columns (`pixels` has another) --------------------------------------------------------------

    def flat_space(self) -> Columns:
        """The space of a row."""
        columns: Columns = self.space
        return columns

    def flat(self, data: Tensor) -> Tensor:
        """A batch as rows (N, D)."""
        return data

    def shaped(self, rows: Tensor) -> Tensor:
        """Rows (N, D) as a batch."""
        return rows

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Tensor, validation: Tensor | None, job: Job) -> None:
        """Learn from rows. Without `validation` a share of them is set aside to decide when to stop."""
        recipe = job.training.over(self.RECIPE)
        rows = self.flat(data)
        self.standard = Standard.fit(rows, self.columns)
        held_out = None if validation is None else self.flat(validation)
        if validation is None and recipe.validation_share:
            order = torch.randperm(len(rows), generator=for_validation(job.seed))
            learnt, kept = split(rows, recipe.validation_share, order)
            rows, held_out = rows[learnt], rows[kept]
        self.machine = self._new_machine(self.standard.apply(rows), job.seed)
        self._train(rows, held_out, recipe, job)

    def partial_fit(self, data: Tensor, job: Job) -> None:
        """One pass over some more rows at a constant rate; the first call begins a machine."""
        settings = Recipe(**{**asdict(self.RECIPE), "epochs": 1, "min_steps": 0, "schedule": "constant", "ema": 0.0})
        rows = self.flat(data)
        if self.machine is None:
            self.standard = Standard.fit(rows, self.columns)
            self.machine = self._new_machine(self.standard.apply(rows), job.seed)
        self._train(rows, None, settings, job)

    def _train(self, rows: Tensor, held_out: Tensor | None, recipe: Recipe, job: Job) -> None:
        machine, standard = self._fitted()
        device = choose_device(recipe.device)
        machine.to(device).requires_grad_(True)
        machine.log_precision.requires_grad_(self.config.variance == "learnt")
        learnt = standard.apply(rows)
        loss = None
        if held_out is not None:
            units, known = self.layout.encode(standard.apply(held_out[:_CHECKED_ROWS]), torch.double)

            def loss() -> float:
                return self._held_out_loss(units, known)

        self._partition = None
        train(
            machine,
            [Phase("likelihood", lambda chosen, draws: self._learn(learnt.index_select(0, chosen), draws, device))],
            loss,
            rows=len(learnt),
            recipe=recipe,
            job=job,
            fingerprint=fingerprint(rows, self.config, recipe) if job.checkpoint else "",
        )
        self.machine = machine.eval().cpu().requires_grad_(False)

    def _learn(self, rows: Tensor, draws: torch.Generator, device: torch.device) -> Tensor:
        machine, _ = self._fitted()
        units, known = self.layout.encode(rows.to(device))
        own = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
        return machine.learn(units, known, own)

    def _new_machine(self, rows: Tensor, seed: int) -> Machine:
        total, count = torch.zeros(self.layout.units), torch.zeros(self.layout.units)
        for part in rows[:: max(1, len(rows) // _MARGINAL_ROWS)].split(_CHUNK):
            units, known = self.layout.encode(part)
            total += units.sum(0)
            count += len(units) if known is None else self.layout.spread(known).sum(0)
        machine = self._empty_machine()
        machine.begin(total, count, derived(seed, _BEGINNING))
        return machine

    def _empty_machine(self) -> Machine:
        c = self.config
        return Machine(self.layout, c.n_components, c.n_chains, c.temperatures, c.learning())

    def _held_out_loss(self, units: Tensor, known: Tensor | None) -> float:
        """Minus the mean log-likelihood of held-out rows, by a short annealing (exact for a tiny machine)."""
        path, generator = self._fitted()[0].path(), derived(0, _HELD_OUT)
        if partition.exact_bits(path.target) <= _FEW_BITS:
            log_z = partition.enumerate_log_z(path.target)
        else:
            log_z = partition.estimate_log_z(path, 100, 50, generator).log_z
        if known is None:
            logs = -path.target.free_energy(units)
        else:
            logs, _ = partition.estimate_marginals(path, units, known, 20, 1, generator)
        return log_z - float(logs.mean()) + float(self._log_scales(known).mean())

    # -- judging -------------------------------------------------------------------------------------------------

    def log_partition(
        self, data: Tensor | None = None, steps: int | None = None, chains: int | None = None
    ) -> Partition:
        """The log partition function of the standardised machine, with errors; computed once for the usual settings.

        data: rows from whose side the reverse estimate is made; without them, the machine's own chains.
        """
        c, usual = self.config, data is None and steps is None and chains is None
        if usual and self._partition is not None:
            return self._partition
        machine, standard = self._fitted()
        path, generator = machine.path(), derived(0, _ANNEALING)
        if partition.exact_bits(path.target) <= partition.EXACT_BITS and steps is None:
            found = Partition(partition.enumerate_log_z(path.target), 0.0, "exact")
        else:
            runs = chains or c.ais_chains
            found = partition.estimate_log_z(path, steps or c.ais_steps, runs, generator)
            if data is not None:
                start = self.layout.encode(standard.apply(self.flat(data)), torch.double)[0]
                each = max(runs // len(start), 1)
            else:
                start, each = self._draw_units(runs, generator).double(), 1
            found = found.with_reverse(partition.reverse_log_z(path, start, steps or c.ais_steps, each, generator))
        if usual:
            self._partition = found
        return found

    def log_prob(self, data: Tensor, generator: torch.Generator) -> LogProb:
        """Log-probability (N,) in nats: minus the free energy, minus the log partition function.

        Exact where that was enumerated, else an estimate with its standard error. Unknown entries are summed out:
        exactly for few hidden units, else by annealing each row's rest.
        """
        path, found = self._fitted()[0].path(), self.log_partition()
        kind: Literal["exact", "estimate"] = found.kind
        parts, errors = [], [0.0]
        for units, known in self._units(data):
            if known is None:
                logs = -path.target.free_energy(units)
            elif path.target.weights.shape[1] <= _FEW_BITS:
                logs = partition.log_marginals(path.target, units, known)
            else:
                logs, spread = partition.estimate_marginals(path, units, known, 100, 8, derived(0, _ANNEALING))
                kind, errors = "estimate", [*errors, float(spread.square().mean().sqrt())]
            parts.append(logs - self._log_scales(known) - found.log_z)
        values = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.double)
        return LogProb(values, kind, None if kind == "exact" else math.hypot(found.error, max(errors)))

    def anomaly_score(self, data: Tensor, generator: torch.Generator) -> Tensor:
        """The free energy (N,): minus the log-probability, but for a constant; unknown entries are left out of it."""
        model = self._fitted()[0].path().target
        return torch.cat([torch.zeros(0, dtype=torch.double), *(model.free_energy(u) for u, _ in self._units(data))])

    def pseudo_log_likelihood(self, data: Tensor) -> Tensor:
        """The sum (N,) over categorical variables of the log-probability of each one given all others (Besag 1975).

        It needs no partition function. Numbers are given, not scored; unknown entries are left out.
        """
        model = self._fitted()[0].path().target
        return torch.cat([partition.pseudo_log_likelihood(model, units, known) for units, known in self._units(data)])

    def transform(self, data: Tensor) -> Tensor:
        """The probability (N, H) of each hidden unit given what is known of the row."""
        model = self._fitted()[0].path().target
        return torch.cat([model.inputs(units).sigmoid().float() for units, _ in self._units(data)])

    # -- drawing -------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw n rows, each the end of a chain of its own: `sampling_steps` draws from a state of a persistent chain.

        Conditions hold in every draw of the chain, so that rows follow the machine's distribution given them; it takes
        `conditioned_steps` to get there. The energy is divided by `temperature`. Raises UsageError where conditions
        can never hold.
        """
        _, standard = self._fitted()
        conditions = Conditions(standard.all_given(given), self.layout) if given else None
        clamp = Clamp(conditions=conditions) if conditions else FREE
        parts = [
            self.layout.decode(self._draw_units(min(_CHUNK, n - first), generator, clamp, temperature))
            for first in range(0, n, _CHUNK)
        ]
        kind = torch.long if self.columns.discrete else torch.float
        rows = torch.cat([torch.zeros(0, len(self.columns.variables), dtype=kind), *parts])
        return self.shaped(standard.undo(rows))

    def _draw_units(self, n: int, generator: torch.Generator, clamp: Clamp = FREE, temperature: float = 1.0) -> Tensor:
        machine, _ = self._fitted()
        model = machine.model().tempered(temperature)
        if clamp.conditions is None:
            chosen = torch.randint(machine.chains.shape[1], (n,), generator=generator)
        else:  # states under which the conditions are likely, as likely as they make them
            likely = clamp.conditions.log_probability(model.natural(machine.chains[0]), model.precision)
            chosen = resample(likely, n, generator)
        start = machine.chains[:, chosen]
        steps = self.config.sampling_steps if clamp is FREE else self.config.conditioned_steps
        if len(start) == 1:
            return gibbs(model, start[0], steps, generator, clamp)[0]
        path = machine.path(model)

        def visible(natural: Tensor, precision: Tensor) -> Tensor:
            return clamp.visible(model, natural, precision, generator)

        return tempered(path, start, steps, generator, visible)[0][0]

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill unknown entries by Gibbs sampling with the known ones held fast."""
        machine, standard = self._fitted()
        rows = self.flat(data)
        conditions = Conditions(standard.all_given(given), self.layout) if given else None
        model = machine.model()
        filled = []
        for part in rows.split(_CHUNK):
            units, known = self.layout.encode(standard.apply(part))
            if known is None:
                filled.append(part if part.is_floating_point() else part.long())
                continue
            clamp = Clamp(self.layout.spread(known), units, conditions)
            hidden = draw_hidden(model.inputs(units), generator)
            drawn = standard.undo(
                self.layout.decode(gibbs(model, hidden, self.config.conditioned_steps, generator, clamp)[0])
            )
            unknown = torch.isnan(part) if part.is_floating_point() else part < 0
            filled.append(torch.where(unknown, drawn.to(part.dtype if part.is_floating_point() else torch.long), part))
        return self.shaped(torch.cat(filled)) if filled else data

    # -- keeping -------------------------------------------------------------------------------------------------

    @property
    def components_(self) -> Tensor:
        """The weights (H, U): what each hidden unit adds to the natural parameters of the visible ones."""
        return self._fitted()[0].model().weights.T

    @property
    def intercept_visible_(self) -> Tensor:
        """The visible biases (U,)."""
        return self._fitted()[0].model().visible

    @property
    def intercept_hidden_(self) -> Tensor:
        """The hidden biases (H,)."""
        return self._fitted()[0].model().hidden

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        machine, standard = self._fitted()
        tensors = {f"machine/{name}": tensor for name, tensor in machine.state_dict().items()}
        return tensors | standard.state(), {"partition": asdict(self._partition) if self._partition else None}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        self.machine = self._empty_machine()
        own = {name.removeprefix("machine/"): t for name, t in tensors.items() if name.startswith("machine/")}
        self.machine.load_state_dict(own)
        self.machine.eval().requires_grad_(False)
        self.standard = Standard.from_state(tensors, self.columns)
        found = settings.get("partition")
        self._partition = None if found is None else Partition(**found)

    # -- inside --------------------------------------------------------------------------------------------------

    def _units(self, data: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        """Units (B, U) in float64 of chunks of a batch, and which variables are known (B, D)."""
        _, standard = self._fitted()
        parts = self.flat(data).split(_CHUNK) if len(data) else ()
        return [self.layout.encode(standard.apply(part), torch.double) for part in parts]

    def _log_scales(self, known: Tensor | None) -> Tensor:
        _, standard = self._fitted()
        return standard.log_scales(None if known is None else known[:, self.layout.order.argsort()])

    def _fitted(self) -> tuple[Machine, Standard]:
        assert self.machine is not None and self.standard is not None
        return self.machine, self.standard
