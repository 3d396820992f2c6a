"""Gaussian mixtures, with categorical parts beside the Gaussian ones where a table has both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor

from genapps.batches import as_batch, infer_space
from genapps.errors import InputError, UsageError
from genapps.models.arguments import checked_training, whole_number
from genapps.models.base import Engine, Family, Job
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space
from genapps.training.settings import TrainingConfig

if TYPE_CHECKING:
    from genapps.models.gmm.gaussian import GaussianMixture

_CHUNK_ROWS = 65_536


class GMM(Family):
    """Mixture with exact likelihood and exact conditioning; unknown values are integrated out.

    `GMM(16).fit(X)` is the classical Gaussian mixture of full covariances; `covariance_type` and `n_factors` choose
    others. For rows with categorical variables the deep mixture of `genapps.models.gmm.deep` is learnt, unless an
    option asks for the classical one; `structure="tree"` asks for it for any rows. Frames are taken one by one, images
    as rows of pixels. In what is given without a space, whole numbers count as numbers.
    """

    family: ClassVar[str] = "gmm"
    engines: ClassVar[Mapping[type, str]] = {
        Columns: "genapps.models.gmm.gaussian:GaussianMixture",
        Frames: "genapps.models.gmm.frames:FrameMixture",
        Pixels: "genapps.models.gmm.pixels:PixelMixture",
    }

    # -- learning ------------------------------------------------------------------------------------------------

    def fit_chunks(
        self,
        chunks: Callable[[], Iterable[Any]] | Any,
        *,
        chunk_rows: int = _CHUNK_ROWS,
        training: TrainingConfig | None = None,
        generator: torch.Generator | None = None,
    ) -> Self:
        """Learn from more rows than fit into memory.

        chunks: a function that gives an iterator of arrays (n, D), or of pairs (array, weights), the same at each call;
        or anything that can be sliced into rows, such as a memory-mapped array. Every EM iteration goes through all of
        it once. In several processes each counts its share of the chunks.
        """
        make = chunks if callable(chunks) else _slices(chunks, chunk_rows)
        first = next(iter(make()), None)
        if first is None:
            raise InputError("no rows to learn from")
        if self._engine is None:
            self._engine = self._new_engine(self.infer_space(_pair(first)[0]))
        elif self.fitted:
            self._engine = self._new_engine(self._engine.space)
        engine = self._classical(trained=False)

        def batches() -> Any:
            for chunk in make():
                rows, weights = _pair(chunk)
                batch = engine.rows_of(as_batch(rows, engine.space))
                yield batch, None if weights is None else _checked_weights(weights, len(batch))

        seed = self._generator(generator).initial_seed()
        engine.fit_chunks(batches, Job(seed=seed, training=checked_training(training)))
        self.fitted = True
        return self

    @classmethod
    def from_parameters(
        cls,
        weights: Any,
        means: Any,
        covariances: Any,
        *,
        covariance_type: str = "full",
        probabilities: Sequence[Any] = (),
        space: Columns | None = None,
        **options: Any,
    ) -> Self:
        """The mixture of known numbers, to use as it is, or as the start of a fit with `warm_start=True`.

        weights: (K,). means: (K, d). covariances: as `covariances_` has them: full (K, d, d), tied (d, d), diag (K, d),
        spherical (K,). probabilities: (K, size) of each categorical variable of the space. Raises UsageError for shapes
        that do not fit together.
        """
        from genapps.models.gmm.given import given_mixture

        mixture, scale = given_mixture(weights, means, covariances, covariance_type, probabilities)
        space = space or Columns((Continuous(),) * mixture.means.shape[1])
        model = cls(len(mixture), covariance_type=covariance_type, space=space, **options)
        engine = model._classical(trained=False)
        sizes = tuple(table.shape[1] for table in mixture.tables)
        if sizes != engine.layout.sizes or mixture.means.shape[1] != len(engine.layout.numbers):
            raise UsageError(f"{mixture.means.shape[1]} numbers and codes of sizes {sizes} are not the space's")
        engine.mixture, engine.scale, model.fitted = mixture, scale, True
        return model

    @classmethod
    def choose(
        cls, data: Any, components: Iterable[int] = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), **options: Any
    ) -> tuple[Self, dict[int, float]]:
        """The mixture with the lowest BIC among these numbers of components, and the BIC of each that was tried.

        Numbers are tried in rising order until two in a row are no better than the best (Schwarz 1978; Fraley and
        Raftery 2002). options: of the mixture, and `sample_weight`.
        """
        if not isinstance(components, Iterable):
            raise UsageError(
                f"components must be several numbers to choose from, such as range(1, 7), not {components!r}"
            )
        weights = options.pop("sample_weight", None)
        tried: dict[int, float] = {}
        best: Self | None = None
        for count in sorted({whole_number(count, "components", least=1) for count in components}):
            model = cls(count, **options).fit(data, sample_weight=weights)
            tried[count] = model.bic(data, sample_weight=weights)
            if best is None or tried[count] < min(tried[c] for c in tried if c != count):
                best = model
            waited = [c for c in tried if c > min(tried, key=lambda c: tried[c])]
            if len(waited) >= 2:
                break
        if best is None:
            raise UsageError("no numbers of components to choose from")
        return best, tried

    # -- clusters --------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def predict_proba(self, data: Any) -> Tensor:
        """(N, K): the probability of each component given the row."""
        return self._classical().responsibilities(self._rows(data))

    def predict(self, data: Any) -> Tensor:
        """(N,): the most probable component of each row."""
        return self.predict_proba(data).argmax(1)

    def fit_predict(self, data: Any, y: Any = None, /, **options: Any) -> Tensor:
        """Learn from rows, as `fit` does with these options, and give the most probable component of each (N,)."""
        return self.fit(data, y, **options).predict(data)

    def bic(self, data: Any, *, sample_weight: Any = None) -> float:
        """Bayesian information criterion on these rows; lower is better."""
        total, rows = self._total(data, sample_weight)
        return -2 * total + self.n_parameters * float(torch.tensor(rows).double().log())

    def aic(self, data: Any, *, sample_weight: Any = None) -> float:
        """Akaike information criterion on these rows; lower is better."""
        return -2 * self._total(data, sample_weight)[0] + 2 * self.n_parameters

    @property
    def n_parameters(self) -> int:
        """Free parameters of the components that are left."""
        engine = self._classical()
        return engine.fitted()[0].parameters(spherical=engine.config.covariance_type == "spherical")

    # -- parts of the mixture ----------------------------------------------------------------------------------------

    def marginal(self, columns: Sequence[int]) -> Self:
        """The mixture of these columns alone, in this order."""
        from genapps.models.gmm.given import marginal

        return self._part(columns, *marginal(self._classical(), list(columns)))

    def condition(self, columns: Sequence[int], values: Sequence[float]) -> Self:
        """The mixture of the other columns given the values of these."""
        from genapps.models.gmm.given import condition

        engine = self._classical()
        rest = [column for column in range(len(engine.space.variables)) if column not in set(columns)]
        if not rest:
            raise UsageError("every column is given; ask log_prob for the density of the row")
        return self._part(rest, *condition(engine, list(columns), list(values)))

    @torch.no_grad()
    def log_prob_without(self, data: Any, groups: Sequence[Sequence[int]]) -> Tensor:
        """Log-density (N, G) of each row without each group of columns: what a group adds is what it costs."""
        from genapps.models.gmm.without import log_prob_without

        return log_prob_without(self._classical(), self._rows(data), groups)

    def _part(self, columns: Sequence[int], mixture: Any, scale: Any) -> Self:
        engine = self._classical()
        options = {field.name: getattr(engine.config, field.name) for field in fields(engine.config)}
        space = Columns(tuple(engine.space.variables[column] for column in columns))
        model = type(self)(space=space, **options | {"n_components": len(mixture)})
        part = model._classical(trained=False)
        part.mixture, part.scale, model.fitted = mixture, scale, True
        return model

    # -- inside ----------------------------------------------------------------------------------------------------

    @classmethod
    def infer_space(cls, data: Any) -> Space:
        """As of every family, but whole numbers are numbers: codes need a space that says so."""
        space = infer_space(data)
        if isinstance(space, Columns):
            return Columns((Continuous(),) * len(space.variables))
        if isinstance(space, Frames):
            return Frames((Continuous(),) * len(space.variables), space.longest)
        return space

    @classmethod
    def all_engines(cls) -> list[type[Engine]]:
        """The engine of each kind of space, and the deep mixture."""
        from genapps.models.gmm.deep import DeepMixture

        return [*super().all_engines(), DeepMixture]

    @classmethod
    def describe(cls) -> str:
        """What can be set, a line an option, for each kind of space and for the deep mixture."""
        from genapps.models.gmm.deep import DeepConfig

        lines = [f"  {option.name} = {option.default!r}: {option.metadata['help']}" for option in fields(DeepConfig)]
        return "\n".join([super().describe(), "GMM of Columns, as a deep mixture:", *lines])

    def engine_for(self, space: Space) -> type[Engine]:
        """For rows the classical mixture or the deep one: the one that has the options, else as suits the variables."""
        own = super().engine_for(space)
        if not isinstance(space, Columns):
            return own
        from genapps.models.gmm.deep import DeepMixture

        mixed = any(isinstance(variable, Categorical) for variable in space.variables)
        choices: list[type[Engine]] = [DeepMixture, own] if mixed else [own, DeepMixture]
        able = [engine for engine in choices if self._options.keys() <= {field.name for field in fields(engine.Config)}]
        return (able or choices)[0]

    def _new_engine(self, space: Space) -> Engine:
        if self.fitted and self._options.get("warm_start") and self._engine is not None:
            return self._engine
        return super()._new_engine(space)

    def _classical(self, trained: bool = True) -> GaussianMixture:
        from genapps.models.gmm.gaussian import GaussianMixture

        engine = self._fitted(trained)
        if not isinstance(engine, GaussianMixture):
            raise UsageError("only the classical mixture can do this; choose one, as by covariance_type='full'")
        return engine

    def _rows(self, data: Any) -> Tensor:
        engine, batch = self._classical(), self._checked(data)
        return engine.rows_of(batch)

    def _total(self, data: Any, sample_weight: Any) -> tuple[float, float]:
        self._classical()
        values = self.log_prob(data).values.double()
        if sample_weight is None:
            return float(values.sum()), float(len(values))
        weights = torch.as_tensor(sample_weight).double()
        return float(values @ weights), float(weights.sum())


def _pair(chunk: Any) -> tuple[Any, Any]:
    return chunk if isinstance(chunk, tuple) and len(chunk) == 2 else (chunk, None)


def _checked_weights(weights: Any, rows: int) -> Tensor:
    found = torch.as_tensor(weights).double()
    if found.shape != (rows,) or not bool((torch.isfinite(found) & (found >= 0)).all()):
        raise InputError("each chunk's weights must be one finite number a row, and not negative")
    return found


def _slices(array: Any, rows: int) -> Callable[[], Iterable[Any]]:
    """The rows of an array, so many at once, copied out of the file they may lie in."""
    import numpy as np

    if not hasattr(array, "__getitem__") or not hasattr(array, "__len__"):
        raise UsageError("give fit_chunks an array, or a function that gives an iterator of arrays")
    return lambda: (np.array(array[start : start + rows]) for start in range(0, len(array), rows))
