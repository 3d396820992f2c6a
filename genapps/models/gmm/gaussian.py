"""The classical mixture: Gaussian components of any covariance, with categorical parts beside them, fitted by EM.

Dempster, Laird and Rubin 1977; missing values as in Ghahramani and Jordan 1994; factor analysers as in Ghahramani and
Hinton 1996; `partial_fit` is the stepwise EM of Cappé and Moulines 2009; `prune` follows Figueiredo and Jain 2002.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.base import Engine, Job, LogProb
from genapps.models.constraints import Allowances, resample
from genapps.models.gmm import kernels
from genapps.models.gmm.drawing import Drawing
from genapps.models.gmm.given import moved
from genapps.models.gmm.mixture import Mixture, Prior, log_prior, maximize, slack, worth
from genapps.models.gmm.rows import Block, Layout, Scale, blocks_of
from genapps.models.gmm.settings import GaussianConfig
from genapps.models.gmm.spread import Diagonal, LowRank
from genapps.models.gmm.starts import Chunks, begin, some_rows
from genapps.spaces import Columns, Constraint
from genapps.training import Event, Recipe, distributed
from genapps.training.device import choose_device
from genapps.training.em import Climb, Sums, climb
from genapps.training.order import derived

_START_ROWS = 20_000  # of which k-means makes the cells, more where there are many components
_TRIAL_ROWS = 50_000  # on which starts compete
_TRIAL_ITERATIONS = 10
_POLISH = 3  # iterations that are kept for float64 after those in float32
_ROUGH = 1e-7  # relative gain that float32 still tells from noise
_POOL = 16  # candidates for each row wanted, where conditions cannot be met exactly
_FORGETTING = 0.7  # exponent of stepwise EM


class GaussianMixture(Engine):
    """Gaussian mixture for `Columns`; exact likelihood, exact conditioning, unknown values integrated out.

    Numbers are standardised in float64, so that neither an offset nor a unit changes anything; float32 rows are learnt
    in float32 with float64 sums and a few float64 iterations at the end. In several processes each is given the same
    rows and counts its share of them.
    """

    Config: ClassVar[type] = GaussianConfig
    takes_unknown: ClassVar[bool] = True
    takes_weights: ClassVar[bool] = True
    common_scale: ClassVar[bool] = False  # whether all numbers are of one unit

    def __init__(self, space: Any, config: GaussianConfig) -> None:
        self.space, self.config = space, config
        self.columns = self.columns_of(space)
        if not self.columns.variables:
            raise UsageError("a mixture needs at least one variable")
        self.layout = Layout.of(self.columns)
        self.mixture: Mixture | None = None
        self.scale: Scale | None = None
        self._prior: Prior | None = None
        self._memory, self._steps, self._seen = Sums(), 0, 0.0
        self.n_iter_, self.converged_, self.lower_bounds_ = 0, False, list[float]()

    @staticmethod
    def columns_of(space: Any) -> Columns:
        """The columns of a row."""
        found: Columns = space
        return found

    def rows_of(self, batch: Any) -> Tensor:
        """A batch of the space as rows (N, D)."""
        rows: Tensor = batch
        return rows

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Tensor, validation: Tensor | None, job: Job) -> None:
        """Learn from rows (N, D); `validation` decides when to stop, beside `tol` and `max_iter`."""
        self._fit_rows(data, validation, job, job.weights)

    def _fit_rows(self, data: Tensor, validation: Tensor | None, job: Job, weights: Tensor | None) -> None:
        if weights is not None and not bool((weights > 0).all()):
            data, weights = data[weights > 0], weights[weights > 0]

        def prepare(scale: Scale, dtype: torch.dtype, device: torch.device) -> Callable[[], Iterator[Block]]:
            number, count = distributed.rank(), distributed.count()
            mine = data if count == 1 else data[number::count]
            heavy = weights if count == 1 or weights is None else weights[number::count]
            blocks = list(self._blocks(mine, scale, heavy, dtype, device))
            return lambda: iter(blocks)

        self._fit(lambda: iter([(data, weights)]), prepare, data.dtype, validation, job)

    def fit_chunks(self, chunks: Chunks, job: Job) -> None:
        """Learn from rows that do not fit into memory: `chunks` is called anew for every pass over them."""
        first = next(chunks(), None)
        if first is None:
            raise InputError("no rows to learn from")

        def prepare(scale: Scale, dtype: torch.dtype, device: torch.device) -> Callable[[], Iterator[Block]]:
            def blocks() -> Iterator[Block]:
                for number, (rows, weights) in enumerate(chunks()):
                    if number % distributed.count() == distributed.rank():
                        yield from self._blocks(rows, scale, weights, dtype, device)

            return blocks

        self._fit(chunks, prepare, first[0].dtype, None, job)

    def _fit(
        self,
        chunks: Chunks,
        prepare: Callable[[Scale, torch.dtype, torch.device], Callable[[], Iterator[Block]]],
        dtype: torch.dtype,
        validation: Tensor | None,
        job: Job,
    ) -> None:
        recipe = job.training.over(Recipe())
        deadline = time.monotonic() + recipe.budget if recipe.budget is not None else None
        device = choose_device(recipe.device)
        device = torch.device("cpu") if device.type == "mps" else device  # which has no float64
        before = (self.mixture, self.scale) if self.config.warm_start else (None, None)
        scale = Scale.measure(chunks(), self.layout, dense=self._dense, common=self._common)
        prior = self._prior_of(scale)
        if before[0] is not None and before[1] is not None:
            start = moved(before[0], before[1], scale)
        else:
            start = self._start(chunks, scale, prior, job.seed, deadline)
        dtype = torch.float32 if dtype == torch.float32 and not scale.steep else torch.double
        blocks = prepare(scale, dtype, device)
        held_out = None if validation is None else self._held_out(validation, scale)
        found = self._climb(start, blocks, prior, dtype, device, held_out, deadline, job.progress)
        other = found
        while self.config.prune and len(other.parameters) > 1:  # without the weakest, and so on down to one
            fewer = other.parameters.select(other.parameters.weights.argsort(descending=True)[:-1].sort().values)
            other = self._climb(fewer, blocks, prior, dtype, device, held_out, deadline, job.progress)
            found = max(found, other, key=lambda climb: worth(climb, prior, scale.weight))
        self.mixture, self.scale, self._prior = found.parameters.to(torch.device("cpu")), scale, prior
        self.lower_bounds_ = [bound - scale.lost for bound in found.bounds]
        self.n_iter_, self.converged_ = len(found.bounds) - 1, found.converged
        self._memory, self._steps, self._seen = Sums(), 0, 0.0

    def _climb(
        self,
        start: Mixture,
        blocks: Callable[[], Iterator[Block]],
        prior: Prior,
        dtype: torch.dtype,
        device: torch.device,
        held_out: Callable[[Mixture], float] | None,
        deadline: float | None,
        progress: Callable[[Event], None] | None,
        iterations: int | None = None,
    ) -> Climb[Mixture]:
        """EM in the rows' own precision, then in float64; together no more than `max_iter` iterations."""
        prior, iterations = prior.to(device), iterations or self.config.max_iter
        found = Climb(start.to(device), [], False)
        quick = dtype == torch.float32 and iterations > _POLISH
        for kind in (torch.float32, torch.double) if quick else (torch.double,):
            rough, done = kind == torch.float32, max(len(found.bounds) - 1, 0)
            stage = climb(
                found.parameters,
                lambda mixture, kind=kind: kernels.expect(mixture, blocks(), kind).total(),  # type: ignore[misc]
                lambda mixture, sums: maximize(mixture, sums, prior),
                log_prior=lambda mixture: log_prior(mixture, prior),
                slack=lambda mixture, sums: slack(mixture, sums.values["count"], prior),
                same_shape=lambda one, two: len(one) == len(two),
                held_out=held_out,
                iterations=iterations - _POLISH if rough else iterations - done,
                tolerance=max(self.config.tol, _ROUGH) if rough else self.config.tol,
                rounding=1e-5 if rough else 1e-9,
                deadline=deadline,
                progress=progress,
                done=done,
                total=iterations,
            )
            stage.bounds = found.bounds[:-1] + stage.bounds
            found = stage
        if not found.bounds:
            raise InputError(
                "the rows have no finite likelihood: their values are too large or too small; rescale them"
            )
        return found

    def _start(self, chunks: Chunks, scale: Scale, prior: Prior, seed: int, deadline: float | None) -> Mixture:
        """The start, or the one of `n_init` that is best after a few iterations on some of the rows."""
        config = self.config
        rows, weights = some_rows(chunks, max(_START_ROWS, 50 * config.n_components), derived(seed, 4, 0))
        starts = [
            begin(
                rows,
                weights,
                self.layout,
                scale,
                kind=config.covariance_type,
                components=config.n_components,
                factors=min(config.n_factors, max(1, len(self.layout.numbers))),
                method=config.init_params,
                generator=derived(seed, 4, 1, number),
            )
            for number in range(config.n_init)
        ]
        if len(starts) == 1:
            return starts[0]
        if len(rows) < _TRIAL_ROWS:
            rows, weights = some_rows(chunks, _TRIAL_ROWS, derived(seed, 4, 2))
        blocks, cpu = list(self._blocks(rows, scale, weights, torch.double, None)), torch.device("cpu")
        tried = [
            self._climb(start, lambda: iter(blocks), prior, torch.double, cpu, None, deadline, None, _TRIAL_ITERATIONS)
            for start in starts
        ]
        return max(tried, key=lambda found: found.bounds[-1]).parameters

    def partial_fit(self, data: Tensor, job: Job) -> None:
        """One step of stepwise EM; the first call also finds the scale and the start, so let it have many rows."""
        chunks: Chunks = lambda: iter([(data, job.weights)])  # noqa: E731
        if self.mixture is None or self.scale is None:
            self.scale = Scale.measure(chunks(), self.layout, dense=self._dense, common=self._common)
            prior = self._prior_of(self.scale)
            start = self._start(chunks, self.scale, prior, job.seed, None)
            blocks = list(self._blocks(data, self.scale, job.weights, torch.double, None))
            cpu = torch.device("cpu")
            self.mixture = self._climb(
                start, lambda: iter(blocks), prior, torch.double, cpu, None, None, None, _TRIAL_ITERATIONS
            ).parameters
        prior = self._prior = self._prior or self._prior_of(self.scale)
        blocks = list(self._blocks(data, self.scale, job.weights, torch.double, None))
        sums = kernels.expect(self.mixture, blocks)
        self._seen += sums.rows
        step = 1.0 if not self._memory.values else (self._steps + 2) ** -_FORGETTING
        mixed = self._memory.scaled(1 - step)
        mixed.add(sums.scaled(step / max(sums.rows, 1e-300)))
        before = len(self.mixture)
        self.mixture = maximize(self.mixture, mixed.scaled(self._seen), prior)
        self._memory = mixed if len(self.mixture) == before else Sums()
        self._steps += 1

    @property
    def _dense(self) -> bool:
        return self.config.covariance_type in ("full", "tied")

    @property
    def _common(self) -> bool:
        return self.common_scale or self.config.covariance_type == "spherical"

    def _prior_of(self, scale: Scale) -> Prior:
        config, width = self.config, max(1, len(self.layout.numbers))
        return Prior(
            config.covariance_type,
            config.reg_covar,
            config.weight_prior,
            config.covariance_prior,
            scale.cov * config.n_components ** (-2 / width),
            config.table_prior,
            scale.shares,
            config.prune,
        )

    def _blocks(
        self, rows: Tensor, scale: Scale, weights: Tensor | None, dtype: torch.dtype, device: torch.device | None
    ) -> Iterator[Block]:
        patterns = self.config.covariance_type not in ("diag", "spherical")
        where = None if device is None or device.type == "cpu" else device
        return blocks_of(rows, self.layout, scale, weights=weights, patterns=patterns, dtype=dtype, device=where)

    def _held_out(self, rows: Tensor, scale: Scale) -> Callable[[Mixture], float]:
        blocks = list(self._blocks(rows, scale, None, torch.double, None))
        cpu = torch.device("cpu")
        return lambda mixture: float(kernels.score(mixture.to(cpu), blocks, len(rows)).mean()) - scale.lost

    # -- using ---------------------------------------------------------------------------------------------------

    def log_prob(self, data: Tensor, generator: torch.Generator) -> LogProb:
        """Exact log-density (N,) in nats, in the columns' own units; unknown entries are integrated out."""
        mixture, scale = self.fitted()
        values = kernels.score(mixture, self._blocks(data, scale, None, torch.double, None), len(data))
        values -= scale.log_volume(self.layout.split(data)[0])
        return LogProb(values.to(data.dtype) if data.is_floating_point() else values, "exact")

    def responsibilities(self, data: Tensor) -> Tensor:
        """(N, K) float64: the probability of each component given the row."""
        mixture, scale = self.fitted()
        blocks = self._blocks(data, scale, None, torch.double, None)
        return torch.softmax(kernels.log_joint(mixture, blocks, len(data)), 1)

    def transform(self, data: Any) -> Tensor:
        """The same of rows, frames or images, as features."""
        return self.responsibilities(self.rows_of(data))

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw rows (n, D). Raises UsageError where the conditions have no probability.

        Conditions on codes and on one number are met exactly, as are those on several numbers by diagonal components;
        others by weighing candidates.
        """
        drawing = self._drawing(given, temperature)
        pool = n * (_POOL if drawing.inexact else 1)
        unknown = torch.full((pool, len(self.columns.variables)), torch.nan, dtype=torch.double)
        rows, weights = drawing.draw(unknown, generator)
        if drawing.inexact and n:
            rows = rows[resample(weights, n, generator)]
        return rows.long() if self.columns.discrete else rows

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the unknown entries of rows (N, D) by draws from their exact distribution given the known ones."""
        drawing = self._drawing(given, 1.0)
        pool = _POOL if drawing.inexact else 1
        rows, weights = drawing.draw(data.repeat_interleave(pool, 0), generator)
        if pool > 1 and len(data):
            shares = torch.softmax(weights.view(-1, pool), 1).nan_to_num(nan=1 / pool)
            chosen = torch.multinomial(shares, 1, generator=generator)[:, 0]
            rows = rows[torch.arange(len(data)) * pool + chosen]
        return rows.to(data.dtype if data.is_floating_point() or self.columns.discrete else torch.double)

    def _drawing(self, given: Sequence[Constraint], temperature: float) -> Drawing:
        mixture, scale = self.fitted()
        return Drawing(mixture.sharpened(temperature), self.layout, scale, Allowances(given))

    def fitted(self) -> tuple[Mixture, Scale]:
        """What was learnt. Raises UsageError before `fit`."""
        if self.mixture is None or self.scale is None:
            raise UsageError("this model has not learnt anything yet: call fit first")
        return self.mixture, self.scale

    # -- what was learnt, in the columns' own units ----------------------------------------------------------------

    @property
    def weights_(self) -> Tensor:
        """(K,)."""
        return self.fitted()[0].weights

    @property
    def n_components_(self) -> int:
        """How many components are left."""
        return len(self.fitted()[0])

    @property
    def means_(self) -> Tensor:
        """(K, d) of the numbers."""
        mixture, scale = self.fitted()
        return mixture.means * scale.scale + scale.center

    @property
    def covariances_(self) -> Tensor:
        """Of the numbers: full and lowrank (K, d, d), tied (d, d), diag (K, d), spherical (K,), as in scikit-learn."""
        mixture, scale = self.fitted()
        spread = mixture.spread.stretched(scale.scale)
        if isinstance(spread, Diagonal):
            return spread.squares[:, 0] if self.config.covariance_type == "spherical" else spread.squares
        return spread.dense()[0] if self.config.covariance_type == "tied" else spread.dense()

    @property
    def loadings_(self) -> Tensor:
        """(K, d, L) of a lowrank mixture."""
        return self._low_rank().loadings

    @property
    def noise_variances_(self) -> Tensor:
        """(K, d) of a lowrank mixture."""
        return self._low_rank().noises

    def _low_rank(self) -> LowRank:
        mixture, scale = self.fitted()
        spread = mixture.spread.stretched(scale.scale)
        if not isinstance(spread, LowRank):
            raise UsageError("only a lowrank mixture has factors; fit with covariance_type='lowrank'")
        return spread

    @property
    def probabilities_(self) -> list[Tensor]:
        """(K, size) of each categorical column."""
        return list(self.fitted()[0].tables)

    # -- keeping -------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs, `partial_fit` after it included."""
        mixture, scale = self.fitted()
        tensors = mixture.to_tensors() | scale.to_tensors()
        tensors |= {f"memory/{name}": value for name, value in self._memory.values.items()}
        settings = {"weight": scale.weight, "lost": scale.lost, "steps": self._steps, "seen": self._seen}
        trace = {"n_iter": self.n_iter_, "converged": self.converged_, "lower_bounds": self.lower_bounds_}
        return {name: tensor.contiguous() for name, tensor in tensors.items()}, settings | trace

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        self.mixture = Mixture.from_tensors(tensors)
        self.scale = Scale.from_tensors(tensors, float(settings["weight"]), float(settings["lost"]))
        memory = {name.removeprefix("memory/"): value for name, value in tensors.items() if name.startswith("memory/")}
        self._memory, self._steps, self._seen = Sums(memory), int(settings["steps"]), float(settings["seen"])
        self.n_iter_, self.converged_ = int(settings["n_iter"]), bool(settings["converged"])
        self.lower_bounds_ = [float(bound) for bound in settings["lower_bounds"]]
