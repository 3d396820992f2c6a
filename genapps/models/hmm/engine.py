"""A hidden Markov model of sequences of one kind: how it is fitted and what it then answers.

What differs between kinds of sequences, what the states emit and in which units, is left to the kinds.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models.base import Engine, Job, LogProb
from genapps.models.hmm import guess
from genapps.models.hmm.chain import LEAST, Chain, filtered, predicted, smooth
from genapps.models.hmm.emissions import Emission
from genapps.models.hmm.learning import Parameters, chunks, expect, log_prior, maximize
from genapps.models.hmm.packed import Packed
from genapps.models.hmm.paths import posterior_path, prior_path, viterbi
from genapps.models.hmm.topology import Structure, Topology, structure
from genapps.spaces import Constraint
from genapps.training import Event, distributed
from genapps.training.device import choose_device
from genapps.training.em import Climb, climb
from genapps.training.order import derived

_TRIAL = 10  # iterations of each start, before the best goes on
_STEPS = 2**18  # steps handled at once outside of training
_START, _LENGTHS = 10, 11  # what draws are for

Result = TypeVar("Result")


@dataclass(frozen=True)
class ChainConfig:
    """The hidden chain and how long it is learnt."""

    n_components: int = field(default=8, metadata={"help": "hidden states", "least": 1})
    topology: Topology = field(
        default="ergodic",
        metadata={
            "help": "ergodic: any state may follow any; left-right: only itself and those after it; "
            "banded: only those near it; sticky: any, but staying is likelier beforehand"
        },
    )
    bandwidth: int = field(
        default=1, metadata={"help": "how far a left-right or banded chain goes in one step", "least": 1}
    )
    kappa: float = field(
        default=100.0, metadata={"help": "sticky: how many times each state was seen to stay beforehand", "least": 0}
    )
    startprob_prior: float = field(
        default=1.0, metadata={"help": "Dirichlet concentration of the first state; 1 is none", "least": 1}
    )
    transmat_prior: float = field(
        default=1.0, metadata={"help": "Dirichlet concentration of each state's moves; 1 is none", "least": 1}
    )
    n_init: int = field(default=3, metadata={"help": "starts, the best of which is carried on", "least": 1})
    max_iter: int = field(default=100, metadata={"help": "EM iterations at most (hmmlearn: n_iter)", "least": 0})
    tol: float = field(
        default=1e-6, metadata={"help": "EM ends when it gains less than this share of the log-likelihood", "least": 0}
    )


class ChainModel(Engine):
    """Hidden Markov model; exact likelihood of a sequence given its length.

    Sources: Rabiner 1989; hmmlearn for the names.
    """

    drawing: ClassVar[frozenset[str]] = frozenset({"length"})
    takes_unknown: ClassVar[bool] = True
    takes_weights: ClassVar[bool] = True

    def __init__(self, space: Any, config: Any) -> None:
        super().__init__(space, config)
        self.parameters: Parameters | None = None
        self.bounds: list[float] = []
        self.converged = False
        self.dtype = torch.double  # of the data learnt from, and of what is drawn
        self.lengths = torch.zeros(0, dtype=torch.long)  # of the sequences learnt from
        self.counts = torch.zeros(0, dtype=torch.double)  # how often each

    # -- what a kind of sequence says ----------------------------------------------------------------------------

    @abstractmethod
    def _template(self, dtype: torch.dtype) -> Emission:
        """The emissions, their parameters yet unknown; the type of the data bounds how small a variance may be."""

    @abstractmethod
    def _guess(self, values: Tensor, generator: torch.Generator) -> Tensor:
        """How probably each step is in each state (S, K), for a chain whose states may follow in any order."""

    def _learn_units(self, batch: Ragged) -> None:
        """What the data is measured in."""

    def _inward(self, batch: Ragged) -> Ragged:
        """The sequences as the emissions see them."""
        return batch

    def _outward(self, values: Tensor) -> Tensor:
        """Emitted values as the data has them."""
        return values

    def _log_units(self, batch: Ragged) -> Tensor | None:
        """What a change of units adds to each step's log-density (S,)."""
        return None

    def _sequences(self, data: Any) -> Ragged:
        """A batch of the space as sequences."""
        found: Ragged = data
        return found

    def _batch(self, sequences: Ragged) -> Any:
        """Sequences as a batch of the space."""
        return sequences

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Any, validation: Any | None, job: Job) -> None:
        """Learn from sequences: `n_init` short runs of EM, and a long one from the best of them.

        With `validation` the likelihood of that decides when to stop. job.weights: (N,) of the sequences.
        """
        batch = self._sequences(data)
        recipe = job.training
        device = choose_device(recipe.device)
        device = device if device.type == "cuda" else torch.device("cpu")  # the recursions need float64
        self._learn_units(batch)
        self._count_lengths(batch, job.weights)
        inner = self._inward(batch)
        mine = distributed.share(torch.arange(len(batch)))
        dtype = self.dtype = inner.values.dtype if inner.values.is_floating_point() else torch.double
        shape = self._structure(LEAST.get(dtype, LEAST[torch.float32]))
        held_out = None if validation is None else partial(_mean_log_prob, self._inward(self._sequences(validation)))
        learnt = chunks(inner.take(mine), None if job.weights is None else job.weights[mine], device)
        deadline = None if recipe.budget is None else time.monotonic() + recipe.budget
        run = partial(
            climb,
            expect=partial(expect, data=learnt),
            maximize=partial(maximize, shape.to(device)),
            log_prior=partial(log_prior, shape.to(device)),
            tolerance=self.config.tol,
            rounding=1e-9 if dtype == torch.double else 1e-5,
            deadline=deadline,
        )
        begun = [self._begin(inner, shape, dtype, job.seed, number).to(device) for number in range(self.config.n_init)]
        start = begun[0]
        if len(begun) > 1:
            start = _best([run(one, iterations=min(_TRIAL, self.config.max_iter)) for one in begun])
        unit = self._unit(batch, job.weights)
        progress = None if job.progress is None else partial(_tell, job.progress, unit)
        found = run(start, iterations=self.config.max_iter, held_out=held_out, progress=progress)
        if not found.bounds:
            raise InputError("the likelihood of the sequences is not finite; scale their values, or give more of them")
        self.parameters = found.parameters.to(torch.device("cpu"))
        self.bounds, self.converged = [bound + unit for bound in found.bounds], found.converged

    def _structure(self, least: float) -> Structure:
        c = self.config
        return structure(c.n_components, c.topology, c.bandwidth, c.kappa, c.startprob_prior, c.transmat_prior, least)

    def _begin(self, batch: Ragged, shape: Structure, dtype: torch.dtype, seed: int, number: int) -> Parameters:
        """Rough parameters: states in equal parts of a left-right chain, by clusters of what they emit otherwise."""
        generator = derived(seed, _START, number)
        states = self.config.n_components
        first, moves = shape.start.double(), shape.transition.double()
        if self.config.topology == "left-right":
            labels = guess.segments(batch.lengths, states, generator if number else None)
            posterior = torch.nn.functional.one_hot(labels, states).to(dtype)
        else:
            posterior = self._guess(batch.values, generator)
            labels = posterior.argmax(1)
            if self.config.topology == "banded":
                labels = guess.along_a_line(labels, batch.lengths, states)
                posterior = torch.nn.functional.one_hot(labels, states).to(dtype)
        first = first + guess.firsts(labels, batch, states)
        moves = moves + guess.bigrams(labels, batch.lengths, states)
        emission = self._template(dtype).begin(batch.values, posterior, generator)
        return Parameters(shape.maximize(first, moves), emission)

    def _unit(self, batch: Ragged, weights: Tensor | None) -> float:
        """What a change of units adds to the log-density of a sequence, on average."""
        units = self._log_units(batch)
        if units is None:
            return 0.0
        steps = torch.ones(len(batch), dtype=torch.double) if weights is None else weights
        return float((units * torch.repeat_interleave(steps, batch.lengths)).sum() / steps.sum())

    def _count_lengths(self, batch: Ragged, weights: Tensor | None) -> None:
        self.lengths, which = batch.lengths.unique(return_inverse=True)
        each = torch.ones(len(batch), dtype=torch.double) if weights is None else weights
        self.counts = torch.zeros(len(self.lengths), dtype=torch.double).index_add_(0, which, each)

    # -- using ---------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
        length: int | None = None,
    ) -> Any:
        """Draw n sequences, of the lengths learnt from (in their proportions) or of `length` steps."""
        if given:
            raise UsageError("conditions are for rows of columns; a hidden Markov model of sequences takes none")
        if length is None:
            drawn = torch.multinomial(self.counts, n, True, generator=generator) if n else torch.zeros(0).long()
            lengths = self.lengths[drawn]
        else:
            lengths = torch.full((n,), length)
        model = self._fitted()
        chain = model.chain
        if temperature != 1:
            start, moves = ((p.log() / temperature).softmax(-1) for p in (chain.start, chain.transition))
            chain = Chain(start, moves)
        packed = Packed.of(lengths)
        states = packed.unpack(prior_path(chain, packed, generator))
        emission = model.emission if temperature == 1 else model.emission.tempered(temperature)
        values = self._outward(emission.draw(states, generator))
        return self._batch(Ragged(values.to(self.dtype) if values.is_floating_point() else values, lengths))

    def log_prob(self, data: Any, generator: torch.Generator | None = None) -> LogProb:
        """Exact log-probability or log-density (N,), in nats, of each sequence given its length."""
        batch = self._sequences(data)
        parts = self._over(batch, lambda chain, emission, packed, _: filtered(chain, emission, packed)[1])
        values = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.double)
        units = self._log_units(batch)
        if units is not None:
            packed = Packed.of(batch.lengths)
            values = values + packed.per_sequence(units[packed.rows])
        return LogProb(values, "exact")

    def step_log_prob(self, data: Any, generator: torch.Generator | None = None) -> Ragged:
        """Exact log-probability or log-density of each step given those before it: sequences of (T,), in nats."""
        found = self._states(data, lambda chain, emission, packed, _: predicted(chain, emission, packed)[1])
        units = self._log_units(self._sequences(data))
        return found if units is None else Ragged(found.values + units, found.lengths)

    def smoothed(self, data: Any) -> Ragged:
        """Probability of each state at each step given its whole sequence: sequences of (T, K)."""
        return self._states(data, lambda chain, emission, packed, _: smooth(chain, emission, packed).states)

    def best_path(self, data: Any) -> Ragged:
        """The most probable path of states of each sequence, (T,) each."""
        return self._states(data, lambda chain, emission, packed, _: viterbi(chain, emission, packed))

    def draw_path(self, data: Any, generator: torch.Generator) -> Ragged:
        """A draw of each sequence's path given its observations, (T,) each."""

        def draw(chain: Chain, emission: Tensor, packed: Packed, _: Tensor) -> Tensor:
            log_alpha, _ = filtered(chain, emission, packed)
            return posterior_path(chain, log_alpha, packed, torch.rand(packed.steps, generator=generator).double())

        return self._states(data, draw)

    def path_log_prob(self, data: Any, path: Tensor) -> Tensor:
        """Log-probability (N,) of each sequence together with its path of states (S,)."""
        batch, chain = self._sequences(data), self._fitted().chain
        packed = Packed.of(batch.lengths)
        emitted = self._fitted().emission.log_likelihood(self._inward(batch).values)[packed.rows]
        at = path[packed.rows]
        values = emitted.gather(1, at[:, None])[:, 0].double()
        later = packed.later
        values[: later.start] += chain.start.log()[at[: later.start]]
        values[later] += chain.transition.log()[at[packed.before], at[later]]
        units = self._log_units(batch)
        return packed.per_sequence(values if units is None else values + units[packed.rows])

    def impute(self, data: Any, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Any:
        """Fill unknown values by draws from their distribution given all that is known of their sequence."""
        if given:
            raise UsageError("conditions are for rows of columns; a hidden Markov model of sequences takes none")
        batch = self._sequences(data)
        path = self.draw_path(data, generator)
        inner = self._inward(batch)
        filled = self._outward(self._fitted().emission.fill(inner.values, path.values, generator))
        known = ~torch.isnan(batch.values) if batch.values.is_floating_point() else batch.values >= 0
        return self._batch(Ragged(torch.where(known, batch.values, filled.to(batch.values.dtype)), batch.lengths))

    def transform(self, data: Any) -> Tensor:
        """The share of its steps that each sequence is expected to spend in each state, (N, K)."""
        found = self.smoothed(data)
        numbers = torch.repeat_interleave(torch.arange(len(found)), found.lengths)
        total = torch.zeros(len(found), found.values.shape[1], dtype=found.values.dtype)
        return total.index_add_(0, numbers, found.values) / found.lengths.clamp_min(1)[:, None]

    def free_parameters(self) -> int:
        """How many numbers were learnt, for AIC and BIC."""
        shape = self._structure(0.0)
        chain: int = int(shape.start.sum()) - 1 + int(shape.transition.sum()) - self.config.n_components
        return chain + self._fitted().emission.parameters

    def steps(self, data: Any) -> int:
        """How many observations there are in all sequences."""
        batch: Ragged = self._sequences(data)
        return len(batch.values)

    def _states(self, data: Any, find: Callable[[Chain, Tensor, Packed, Tensor], Tensor]) -> Ragged:
        batch = self._sequences(data)
        parts = self._over(batch, lambda *part: part[2].unpack(find(*part)))
        return Ragged(torch.cat(parts), batch.lengths)

    def _over(self, batch: Ragged, find: Callable[[Chain, Tensor, Packed, Tensor], Result]) -> list[Result]:
        """Something of some sequences at a time, by their chain, log-emissions (S, K) at their places, and values."""
        model, inner = self._fitted(), self._inward(batch)
        number = batch.lengths.cumsum(0).sub(1).clamp_min(0) // _STEPS
        parts = torch.arange(len(batch)).split(torch.unique_consecutive(number, return_counts=True)[1].tolist())
        found = []
        for rows in parts:
            part = inner if len(parts) == 1 else inner.take(rows)
            packed = Packed.of(part.lengths)
            values = part.values[packed.rows]
            found.append(find(model.chain, model.emission.log_likelihood(values), packed, values))
        return found

    def _fitted(self) -> Parameters:
        assert self.parameters is not None
        return self.parameters

    # -- keeping -------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        model = self._fitted()
        emitted = {f"emission/{name}": tensor for name, tensor in model.emission.tensors().items()}
        tensors = {"start": model.chain.start, "transition": model.chain.transition, **emitted}
        lengths = {"lengths": self.lengths, "counts": self.counts}
        return {**tensors, **lengths}, {
            "bounds": self.bounds,
            "converged": self.converged,
            "dtype": str(self.dtype).removeprefix("torch."),
        }

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        emitted = {name.removeprefix("emission/"): t for name, t in tensors.items() if name.startswith("emission/")}
        emission = self._template(torch.double).with_tensors(emitted)
        self.parameters = Parameters(Chain(tensors["start"], tensors["transition"]), emission)
        self.lengths, self.counts = tensors["lengths"], tensors["counts"]
        self.dtype = torch.float32 if settings["dtype"] == "float32" else torch.double
        self.bounds, self.converged = list(settings["bounds"]), bool(settings["converged"])

    # -- what was learnt, under hmmlearn's names -----------------------------------------------------------------

    @property
    def startprob_(self) -> Tensor:
        """(K,) probabilities of the first state."""
        return self._fitted().chain.start

    @property
    def transmat_(self) -> Tensor:
        """(K, K) probabilities of moves, from a row to a column."""
        return self._fitted().chain.transition

    @property
    def lower_bound_(self) -> float:
        """The objective at the end, in nats a sequence: log-likelihood and log-prior."""
        return self.bounds[-1]

    @property
    def n_iter_(self) -> int:
        """EM iterations of the last run."""
        return len(self.bounds) - 1

    @property
    def converged_(self) -> bool:
        """Whether EM ended by itself."""
        return self.converged


def _tell(progress: Callable[[Event], None], unit: float, event: Event) -> None:
    """Report losses in the units of the data."""
    losses = [None if loss is None else loss - unit for loss in (event.loss, event.validation)]
    progress(replace(event, loss=losses[0], validation=losses[1]))


def _best(runs: list[Climb[Parameters]]) -> Parameters:
    """The parameters of the best run; the first of those that only rounding tells apart."""
    bounds = [run.bounds[-1] if run.bounds else -torch.inf for run in runs]
    enough = max(bounds) - 1e-7 * abs(max(bounds))
    return next((run for run, bound in zip(runs, bounds, strict=True) if bound >= enough), runs[0]).parameters


def _mean_log_prob(batch: Ragged, parameters: Parameters) -> float:
    """Nats a sequence, in the emissions' own units."""
    held_out = parameters.to(torch.device("cpu"))
    total = 0.0
    for chunk in chunks(batch):
        emission = held_out.emission.log_likelihood(chunk.values)
        total += float(filtered(held_out.chain, emission, chunk.packed)[1].sum())
    return total / len(batch)
