"""Mixtures over mixed variables: Gaussian parts beside categorical parts, exact likelihood, exact conditioning.

`structure="flat"` is the classical mixture: one hidden component, parts independent given it. `structure="tree"`, the
default, is a deep mixture: every variable has a hidden state of its own, tied in the tree of strongest dependences
(`genapps.models.gmm.hidden_tree`), and a few such trees are averaged. Both are fitted by EM in seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.base import Engine, Job, LogProb, split
from genapps.models.constraints import resample
from genapps.models.gmm import hidden_tree as ht
from genapps.models.gmm.chow_liu import LEVELS, coarse, tree_of
from genapps.models.gmm.relaxed import Relaxed
from genapps.nets.scaling import Scaling
from genapps.spaces import Categorical, Columns, Constraint
from genapps.training import Event, Recipe
from genapps.training.em import Stopping, fit_em
from genapps.training.order import derived, for_validation

_POOL = 8  # candidates for each row wanted, where a condition spans several variables
_CHUNK = 8192  # rows handled at once, fewer where there are many variables
_MESSAGES = 100_000_000  # numbers in all messages of a chunk
_STRUCTURE_ROWS = 20_000
_WIDE = 300  # variables beyond which their dependences are measured more coarsely
_MOST_ROWS = 200_000  # EM learns little more from more rows than these
_WARM_ITERATIONS = 5
_SMALL = 5_000  # rows up to which held-out rows choose the priors' strength; the settings were chosen on 10,000 rows
_WEAKER = (0.3, 0.1, 0.03, 0.01)  # parts of the priors' strength, tried one after the other


@dataclass(frozen=True)
class DeepConfig:
    """The mixture's shape."""

    n_components: int = field(
        default=32, metadata={"help": "states of each hidden variable; components if flat", "least": 1}
    )
    structure: Literal["tree", "flat"] = field(default="tree", metadata={"help": "tree (deep) or flat (classical)"})
    trees: int = field(default=3, metadata={"help": "trees that are averaged; a flat mixture has one", "least": 1})
    table_prior: float = field(
        default=4.0,
        metadata={
            "help": "rows' worth of the overall distribution in each state; the most, where rows are few",
            "above": 0,
        },
    )
    transition_prior: float = field(
        default=3.0,
        metadata={"help": "rows' worth of prior belief in each transition; the most, where rows are few", "above": 0},
    )
    max_iter: int = field(
        default=40, metadata={"help": "most EM iterations of a tree, at each strength of the priors", "least": 1}
    )


class DeepMixture(Engine):
    """Mixture with Gaussian and categorical parts for `Columns`."""

    Config: ClassVar[type] = DeepConfig
    takes_unknown: ClassVar[bool] = True

    def __init__(self, space: Columns, config: DeepConfig) -> None:
        if not space.variables:
            raise UsageError("a mixture needs at least one variable")
        self.space, self.config = space, config
        self.trees: list[ht.HiddenTree] = []
        self.scaling = Scaling.none(len(space.variables))

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Tensor, validation: Tensor | None, job: Job) -> None:
        """Learn from rows (N, D) of the space; unknown values are summed over.

        Up to 5,000 rows, the priors are weakened for as long as that makes the held-out rows more probable: few rows
        may have rules between their columns, which priors of fixed strength would blur.
        A fit takes seconds, so it writes no checkpoint: begun again with the same seed it ends with the same numbers.
        """
        recipe = job.training.over(Recipe())
        deadline = time.monotonic() + recipe.budget if recipe.budget is not None else None
        weaker = _WEAKER if len(data) + (0 if validation is None else len(validation)) <= _SMALL else ()
        if validation is None:
            order = torch.randperm(len(data), generator=for_validation(job.seed))[:_MOST_ROWS]
            learnt, kept = split(data[order], recipe.validation_share, order)
            if learnt.equal(kept):  # rows that were learnt would choose the weakest priors whatever they are
                weaker = ()
            data, validation = data[learnt], data[kept]
        if not self.space.discrete:
            self.scaling = self._scaling_of(data)
            data, validation = self.scaling.standardise(data), self.scaling.standardise(validation)
        count = 1 if self.config.structure == "flat" else self.config.trees
        self.trees = []
        for number in range(count):
            stopping = Stopping(self.config.max_iter, deadline=deadline)
            stages = 1 + len(weaker)
            tells = [
                _numbered(job.progress, number * stages + stage, count * stages, self.config.max_iter)
                for stage in range(stages)
            ]
            generator = derived(job.seed, 3, number)
            self.trees.append(self._fit_tree(data, validation, generator, stopping, (1.0, *weaker), tells))

    def _scaling_of(self, data: Tensor) -> Scaling:
        """Of the numbers; codes stay as they are."""
        found = Scaling.fit(data)
        codes = torch.tensor([isinstance(kind, Categorical) for kind in self.space.variables])
        return Scaling(torch.where(codes, 0.0, found.center), torch.where(codes, 1.0, found.scale))

    def _fit_tree(
        self,
        data: Tensor,
        validation: Tensor,
        generator: torch.Generator,
        stopping: Stopping,
        strengths: Sequence[float],
        tells: Sequence[Callable[[Event], None] | None],
    ) -> ht.HiddenTree:
        """One tree. Each part of the priors' strength but the first is tried while the one before was worth it.

        A weaker prior starts from what the stronger one found, so that trying it costs a few iterations.
        """
        marginals = tuple(self._marginal(data[:, v], v) for v in range(data.shape[1]))

        def log_prob(tree: ht.HiddenTree, rows: Tensor) -> Tensor:
            return ht.upward(tree, ht.log_likelihoods(tree, rows)).log_prob

        def held_out(tree: ht.HiddenTree) -> float:
            return math.fsum(float(log_prob(tree, rows).sum()) for rows in validation.split(self._chunk_rows))

        def em(
            start: ht.HiddenTree, rule: Stopping, strength: float, tell: Callable[[Event], None] | None
        ) -> ht.HiddenTree:
            prior = ht.Prior(strength * self.config.table_prior, strength * self.config.transition_prior, marginals)

            def maximize(tree: ht.HiddenTree, counts: ht.Statistics) -> ht.HiddenTree:
                return ht.maximize(tree, counts, prior)

            return fit_em(start, data, validation, ht.expect, maximize, log_prob, rule, self._chunk_rows, tell)

        start = self._seeded(data, marginals, generator)
        if self.config.structure == "tree":
            warm = Stopping(_WARM_ITERATIONS, _WARM_ITERATIONS, deadline=stopping.deadline)
            start = self._deepened(em(start, warm, strengths[0], None), data, generator)
        best = em(start, stopping, strengths[0], tells[0])
        for strength, tell in zip(strengths[1:], tells[1:], strict=True):
            if stopping.deadline is not None and time.monotonic() > stopping.deadline:
                break
            found = em(best, stopping, strength, tell)
            if held_out(found) <= held_out(best) + stopping.tolerance * len(validation):
                break
            best = found
        return best

    def _marginal(self, values: Tensor, variable: int) -> Tensor:
        kind = self.space.variables[variable]
        if isinstance(kind, Categorical):
            counts = torch.bincount(values[values >= 0].long(), minlength=kind.size) + 0.05
            return (counts / counts.sum()).float()
        known = values[~torch.isnan(values)]
        if len(known) < 2:
            return torch.tensor([0.0, 1.0])
        return torch.stack([known.mean(), known.std().clamp_min(1e-3)])

    def _seeded(self, data: Tensor, marginals: Sequence[Tensor], generator: torch.Generator) -> ht.HiddenTree:
        """A flat mixture around rows drawn at random, each blurred towards the whole."""
        states = self.config.n_components
        rows = data[torch.randint(len(data), (states,), generator=generator)]
        leaves: list[ht.Leaf] = []
        for variable, marginal in enumerate(marginals):
            kind, seeds = self.space.variables[variable], rows[:, variable]
            if isinstance(kind, Categorical):
                leaves.append(ht.Table(0.3 * _blurred(seeds, kind, marginal) + 0.7 * marginal[:, None]))
            else:
                mean, deviation = marginal
                centers = torch.where(torch.isnan(seeds), mean, 0.5 * (seeds + mean))
                leaves.append(ht.Normal(centers, deviation.expand(states).clone()))
        root = torch.full((states,), 1 / states)
        none = torch.zeros(1, states, states)
        return ht.HiddenTree((-1,), (0,) * len(leaves), root, none, tuple(leaves))

    def _deepened(self, flat: ht.HiddenTree, data: Tensor, generator: torch.Generator) -> ht.HiddenTree:
        """A node for each field of the table, in the tree of a random half of the rows; states start out sticky."""
        rows = data[torch.randperm(len(data), generator=generator)[: min(len(data) // 2 + 1, _STRUCTURE_ROWS)]]
        fields = self._fields(rows)
        order, parents = tree_of([self._levels(rows[:, members[0]], members[0]) for members in fields])
        owner = [0] * data.shape[1]
        for place, number in enumerate(order):
            for variable in fields[number]:
                owner[variable] = place
        states = len(flat.root)
        sticky = 0.5 * torch.eye(states) + 0.5 * flat.root
        return ht.HiddenTree(
            tuple(parents), tuple(owner), flat.root, sticky.expand(len(order), -1, -1).clone(), flat.leaves
        )

    def _fields(self, rows: Tensor) -> list[list[int]]:
        """Variables that share a node: each its own, but a continuous part sits with the code that says if it is there.

        Such a code comes right before it, and its last value is "a number follows".
        """
        fields: list[list[int]] = []
        for variable, kind in enumerate(self.space.variables):
            before = self.space.variables[variable - 1] if variable else None
            gated = False
            if not isinstance(kind, Categorical) and isinstance(before, Categorical):
                absent = torch.isnan(rows[:, variable])
                gated = bool(absent.any()) and absent.equal(rows[:, variable - 1] != before.size - 1)
            if gated:
                fields[-1].insert(0, variable)
            else:
                fields.append([variable])
        return fields

    def _levels(self, values: Tensor, variable: int) -> Tensor:
        kind = self.space.variables[variable]
        most = LEVELS if len(self.space.variables) <= _WIDE else LEVELS // 4
        if isinstance(kind, Categorical):
            return coarse(values, kind.size, kind.ordered, most)
        return coarse(values, 0, True, most)

    # -- using ---------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw rows (n, D); conditions enter as evidence, so that no row is drawn in vain.

        A condition over several variables is first relaxed to one on each, then made exact by weighing candidates.
        Raises UsageError when the model gives the conditions no probability.
        """
        relaxed = Relaxed(self._standard(given))
        trees, weights = self._conditioned(relaxed, temperature)
        pool = n * (_POOL if relaxed.inexact else 1)
        which = torch.multinomial(weights, pool, replacement=True, generator=generator) if pool else torch.zeros(0)
        rows = self._empty(pool)
        for number, tree in enumerate(trees):
            mine = (which == number).nonzero()[:, 0]
            states = ht.sample_states(tree, len(mine), generator)
            for variable in range(rows.shape[1]):
                drawn = self._draw(tree, variable, states, relaxed, generator)
                rows[mine, variable] = drawn.to(rows.dtype)
        if relaxed.inexact:
            rows = rows[resample(relaxed.log_correction(rows), n, generator)]
        return rows if self.space.discrete else self._within(self.scaling.restore(rows), given)

    def _standard(self, given: Sequence[Constraint]) -> list[Constraint]:
        """The conditions with their intervals in standardised units."""
        found = []
        for constraint in given:
            if constraint.interval is not None:
                variable = constraint.variables[-1]
                center, scale = float(self.scaling.center[variable]), float(self.scaling.scale[variable])
                low, high = constraint.interval
                constraint = replace(constraint, interval=((low - center) / scale, (high - center) / scale))
            found.append(constraint)
        return found

    def _within(self, rows: Tensor, given: Sequence[Constraint]) -> Tensor:
        """Rows whose numbers rounding has not carried over their bounds."""
        for constraint in given:
            if constraint.interval is not None:
                variable = constraint.variables[-1]
                rows[:, variable] = rows[:, variable].clamp(*constraint.interval)
        return rows

    def _conditioned(self, relaxed: Relaxed, temperature: float) -> tuple[list[ht.HiddenTree], Tensor]:
        """Each tree given the conditions, and the trees' shares (T,) among the rows that satisfy them."""
        trees, logs = [], []
        for tree in (ht.sharpen(t, temperature) for t in self._fitted()):
            unit = torch.ones(len(tree.root))
            evidence = [
                math.prod((relaxed.probability(v, tree.leaves[v]) for v in tree.owned[node]), start=unit)
                for node in range(len(tree.parents))
            ]
            if any(float(e.max()) <= 0 for e in evidence):
                raise UsageError("the model gives these conditions no probability; relax --given")
            conditioned, log_prob = ht.condition(tree, evidence)
            trees.append(conditioned)
            logs.append(log_prob)
        return trees, torch.softmax(torch.tensor(logs, dtype=torch.double), 0)

    def _draw(
        self, tree: ht.HiddenTree, variable: int, states: Tensor, relaxed: Relaxed, generator: torch.Generator
    ) -> Tensor:
        leaf, own = tree.leaves[variable], states[:, tree.owner[variable]]
        if isinstance(leaf, ht.Table):
            return ht.draw_code(relaxed.shares(variable, leaf), own, generator)
        return relaxed.draw_normal(variable, leaf, own, generator)

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the unknown entries of rows (N, D) by draws from their exact distribution given the known ones."""
        relaxed = Relaxed(self._standard(given))
        rows = data if self.space.discrete else self.scaling.standardise(data)
        filled = torch.cat(
            [rows[:0].clone(), *(self._impute_chunk(c, relaxed, generator) for c in rows.split(self._chunk_rows))]
        )
        if self.space.discrete:
            return filled
        drawn = self._within(self.scaling.restore(filled), given).to(data.dtype)
        return torch.where(torch.isnan(data), drawn, data)

    def _impute_chunk(self, data: Tensor, relaxed: Relaxed, generator: torch.Generator) -> Tensor:
        data = data.clone()
        unknown = data < 0 if self.space.discrete else torch.isnan(data)
        trees = self._fitted()
        beliefs = [ht.upward(tree, self._evidence(tree, data, unknown, relaxed)) for tree in trees]
        shares = torch.softmax(torch.stack([b.log_prob for b in beliefs], 1), 1)
        which = torch.multinomial(shares, 1, generator=generator)[:, 0]
        for number, (tree, belief) in enumerate(zip(trees, beliefs, strict=True)):
            states = ht.posterior_states(tree, belief, generator)
            for variable in range(data.shape[1]):
                mine = ((which == number) & unknown[:, variable]).nonzero()[:, 0]
                if len(mine):
                    drawn = self._draw(tree, variable, states[mine], relaxed, generator)
                    data[mine, variable] = drawn.to(data.dtype)
        return data

    def _evidence(self, tree: ht.HiddenTree, data: Tensor, unknown: Tensor, relaxed: Relaxed) -> list[Tensor]:
        logs = ht.log_likelihoods(tree, data)
        for variable in relaxed.variables:
            allowed = relaxed.probability(variable, tree.leaves[variable]).clamp_min(1e-30).log()
            node = tree.owner[variable]
            logs[node] = logs[node] + unknown[:, variable, None] * allowed
        return logs

    def log_prob(self, data: Tensor, generator: torch.Generator) -> LogProb:
        """Exact log-probability (N,) in nats; unknown entries are summed over. A density where parts are continuous."""
        rows = data if self.space.discrete else self.scaling.standardise(data)
        parts = [self._log_prob_chunk(chunk) for chunk in rows.split(self._chunk_rows)]
        values = torch.cat(parts) if parts else torch.zeros(0)
        if not self.space.discrete:
            values -= (~torch.isnan(data)).float() @ self.scaling.scale.log().float()
        return LogProb(values, "exact")

    def _log_prob_chunk(self, data: Tensor) -> Tensor:
        trees = self._fitted()
        logs = torch.stack([ht.upward(tree, ht.log_likelihoods(tree, data)).log_prob for tree in trees], 1)
        return (torch.logsumexp(logs, 1) - math.log(len(trees))).float()

    @property
    def _chunk_rows(self) -> int:
        messages = 4 * len(self.space.variables) * self.config.n_components  # numbers a row
        return int(max(16, min(_CHUNK, _MESSAGES // messages)))

    def _empty(self, n: int) -> Tensor:
        kind = torch.long if self.space.discrete else torch.float32
        return torch.zeros(n, len(self.space.variables), dtype=kind)

    def _fitted(self) -> list[ht.HiddenTree]:
        assert self.trees
        return self.trees

    # -- keeping -------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors = {
            f"{number}/{name}": value
            for number, tree in enumerate(self._fitted())
            for name, value in ht.to_tensors(tree).items()
        }
        structure = [{"parents": list(tree.parents), "owner": list(tree.owner)} for tree in self.trees]
        if not self.space.discrete:
            tensors |= {f"scaling/{name}": value for name, value in self.scaling.to_tensors().items()}
        return tensors, {"structures": structure}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        self.trees = []
        for number, structure in enumerate(settings["structures"]):
            prefix = f"{number}/"
            named = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            self.trees.append(ht.from_tensors(structure["parents"], structure["owner"], named))
        if "scaling/center" in tensors:
            self.scaling = Scaling.from_tensors(
                {name: tensors[f"scaling/{name}"] for name in self.scaling.to_tensors()}
            )


def _blurred(seeds: Tensor, kind: Categorical, marginal: Tensor) -> Tensor:
    """Shares (size, K) around one code a state: the code itself, or its neighborhood where codes have an order."""
    codes = torch.arange(kind.size)[:, None]
    if kind.ordered:
        near = torch.exp(-0.5 * ((codes - codes.T) / 4.0) ** 2) * marginal[:, None]
        kernel = near / near.sum(0).clamp_min(1e-30)
    else:
        kernel = torch.eye(kind.size)
    shares = kernel[:, seeds.clamp_min(0).long()]
    return torch.where(seeds >= 0, shares, marginal[:, None])


def _numbered(
    progress: Callable[[Event], None] | None, number: int, count: int, iterations: int
) -> Callable[[Event], None] | None:
    """Progress of one tree among several as one count."""
    if progress is None:
        return None

    def tell(event: Event) -> None:
        step = number * iterations + event.step
        progress(Event(step, count * iterations, event.seconds, event.loss, event.validation, event.message))

    return tell
