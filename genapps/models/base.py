"""What every family offers, whatever it is inside.

A *family* (`GMM`, `VAE`, ...) is what people hold: it turns what they hand over into a batch of a space, checks it, and
picks the *engine* that learns that kind of space. An engine knows tensors only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import torch
from torch import Tensor

from genapps.batches import Batch, Ragged, as_batch, infer_space, rows_of
from genapps.config import check, check_values
from genapps.errors import InputError, UsageError
from genapps.models.arguments import checked_training, classes_of, has_unknown, one_each, weights_of, whole_number
from genapps.models.engine import Engine, LogProb, fingerprint, name_of, split
from genapps.spaces import Columns, Constraint, Frames, Space
from genapps.suggest import did_you_mean
from genapps.training.job import Job
from genapps.training.settings import Event, TrainingConfig

# What people ask every family for and only some have: said in the error, for none of the others is imported for it.
_ELSEWHERE = {
    "predict": "GMM (components), HMM (states) and VAE (classes)",
    "predict_proba": "GMM (components), HMM (states) and VAE (classes)",
    "bic": "GMM and HMM",
    "aic": "GMM and HMM",
}


class Family:
    """A model of one family. Names follow scikit-learn where it has one.

    `GMM(16)`, `GMM(n_components=16, space=...)`: the first value is the first field of the engine's settings, further
    ones are given by name. Without a space it is inferred when fitting. `random_state` is the seed of all that is drawn
    where no generator is given.
    """

    family: ClassVar[str]
    engines: ClassVar[Mapping[type, str]]  # kind of space -> "module:class" of its engine
    codec_numbers: ClassVar[Literal["tokens", "any"]] = "any"  # "tokens": continuous variables are not welcome

    def __init__(self, *values: Any, space: Space | None = None, random_state: int = 0, **options: Any) -> None:
        self.random_state = whole_number(random_state, "random_state", least=-(2**63))
        self._options = self._named(values, options)
        self._engine: Engine | None = None
        self.fitted = False
        self._given_space = space
        if space is not None:
            self._engine = self._new_engine(space)

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        y: Any = None,
        /,
        *,
        labels: Any = None,
        sample_weight: Any = None,
        validation: Any = None,
        budget: float | None = None,
        generator: torch.Generator | None = None,
        training: TrainingConfig | None = None,
        progress: Callable[[Event], None] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        warm_start: bool = False,
    ) -> Self:
        """Learn from rows, sequences or images: an array, a tensor, a list of sequences, or a batch of the space.

        labels: (N,) integers, -1 where a class is unknown. sample_weight: (N,) how often each row counts. validation:
        more data of the same kind, which decides when to stop. budget: seconds. checkpoint: a file that keeps the run
        now and then, and when it is interrupted; resume: go on from it. warm_start: begin from what this model has
        learnt before, be it from other data (fine-tuning), not from nothing. y is ignored, as pipelines want it.
        Raises InputError for data that cannot be learnt, UsageError for what this family does not take.
        """
        if resume and checkpoint is None:
            raise UsageError("resume=True goes on from a checkpoint: give checkpoint=PATH, too")
        if self._engine is None:
            self._engine = self._new_engine(self.infer_space(data))
        elif self.fitted and not warm_start:
            self._engine = self._new_engine(self._engine.space)
        if warm_start and not self._fitted().takes_warm_start:
            raise UsageError(f"{name_of(self._engine)} does not take warm_start: fit it to all data at once")
        batch = self._checked(data, learning=True)
        job = self._job(len(batch), labels, sample_weight, generator, training, budget)
        place = None if checkpoint is None else Path(checkpoint)
        job = replace(job, progress=progress, checkpoint=place, resume=resume, warm_start=warm_start)
        held_out = None if validation is None else self._checked(validation, learning=True)
        self._engine.fit(batch, held_out, job)
        self.fitted = True
        return self

    def partial_fit(self, data: Any, *, sample_weight: Any = None, generator: torch.Generator | None = None) -> Self:
        """Learn from some more rows, where the family can; the first call begins a model."""
        if self._engine is None:
            self._engine = self._new_engine(self.infer_space(data))
        batch = self._checked(data, learning=True)
        self._engine.partial_fit(batch, self._job(len(batch), None, sample_weight, generator, None, None))
        self.fitted = True
        return self

    # -- using ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(
        self,
        n: int = 1,
        *,
        given: Sequence[Constraint] = (),
        labels: Any = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Any:
        """Draw n rows, sequences or images as a batch of the space.

        given: what is known of them (`genapps.spaces.Constraint`). labels: one class, or (n,) classes.
        """
        return self._sample(n, given, labels, temperature, generator)

    @torch.no_grad()
    def impute(self, data: Any, *, given: Sequence[Constraint] = (), generator: torch.Generator | None = None) -> Any:
        """Fill unknown entries by draws from their distribution given the known ones of their row."""
        return self._fitted().impute(self._checked(data), self._generator(generator), given=given)

    @torch.no_grad()
    def log_prob(self, data: Any, *, generator: torch.Generator | None = None) -> LogProb:
        """How likely each row is, (N,) in nats, tagged exact, bound or estimate."""
        return self._fitted().log_prob(self._checked(data), self._generator(generator))

    @torch.no_grad()
    def step_log_prob(self, data: Any, *, generator: torch.Generator | None = None) -> Ragged:
        """How likely each step is given the steps before it: sequences of (T,) in nats, exact, their sum `log_prob`.

        Autoregressive sequences have one step more, (T + 1,): their end.
        """
        return self._fitted().step_log_prob(self._checked(data), self._generator(generator))

    @torch.no_grad()
    def anomaly_score(self, data: Any, *, generator: torch.Generator | None = None) -> Tensor:
        """How strange each row is, (N,): higher is stranger."""
        return self._fitted().anomaly_score(self._checked(data), self._generator(generator))

    @torch.no_grad()
    def transform(self, data: Any) -> Tensor:
        """Features (N, F) of each row, where the family learns some."""
        return self._fitted().transform(self._checked(data))

    def fit_transform(self, data: Any, y: Any = None, /, **options: Any) -> Tensor:
        """Learn from rows, as `fit` does with these options, and give their features (N, F)."""
        return self.fit(data, y, **options).transform(data)

    def score_samples(self, data: Any) -> Tensor:
        """The values of `log_prob`, (N,)."""
        return self.log_prob(data).values

    def score(self, data: Any, y: Any = None) -> float:
        """The mean of `log_prob`, in nats a row; y is ignored, as scikit-learn's searches want it."""
        return float(self.log_prob(data).values.double().mean())

    @property
    def space(self) -> Space:
        """The space that was given or inferred."""
        if self._engine is None:
            raise UsageError("this model has no space yet: call fit first, or give space=")
        return cast(Space, self._engine.space)

    @property
    def config(self) -> Any:
        """The engine's settings."""
        return self._fitted(trained=False).config

    @property
    def engine(self) -> Any:
        """The engine of the space, fitted."""
        return self._fitted()

    @classmethod
    def describe(cls) -> str:
        """What can be set, a line an option with its default and meaning, for each kind of space."""
        configs = {kind.__name__: fields(cls.engine_class(kind).Config) for kind in cls.engines}
        return "\n".join(
            line
            for kind, options in configs.items()
            for line in (
                f"{cls.__name__} of {kind}:",
                *(f"  {option.name} = {option.default!r}: {option.metadata.get('help', '')}" for option in options),
            )
        )

    def __repr__(self) -> str:
        said = [f"{name}={value!r}" for name, value in self._options.items()]
        return f"{type(self).__name__}({', '.join(said)})"

    def __getattr__(self, name: str) -> Any:
        """What was learnt, under scikit-learn's names: `means_`, `transmat_`, `components_`."""
        if not name.endswith("_") or name.startswith("_"):
            there = f"; there are {_ELSEWHERE[name]} for that" if name in _ELSEWHERE else ""
            meant = did_you_mean(name, [own for own in dir(type(self)) if own[0] != "_"]) if not there else ""
            raise AttributeError(f"{type(self).__name__} has no {name!r}{there}{'.' if meant else ''}{meant}")
        if not self.__dict__.get("fitted"):
            raise AttributeError(f"{name} is not known before the model has learnt: call fit first")
        if name == "n_features_in_" and isinstance(self.space, Columns | Frames):
            return len(self.space.variables)
        try:
            return getattr(self._fitted(), name)
        except AttributeError:
            raise AttributeError(f"{type(self).__name__} of this space has no {name}") from None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options that were given, as scikit-learn asks for them."""
        return {**self._options, "random_state": self.random_state}

    def set_params(self, **options: Any) -> Self:
        """Change options before the next fit."""
        self.random_state = options.pop("random_state", self.random_state)
        self._options = self._named((), {**self._options, **options})
        if self._engine is not None:
            self._engine, self.fitted = self._new_engine(self._engine.space), False
        return self

    # -- as scikit-learn's estimators ----------------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's tools ask first; only they call it, so only then is scikit-learn imported."""
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type="density_estimator",
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(),
            input_tags=InputTags(allow_nan=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the model has learnt."""
        return self.fitted

    def __sklearn_clone__(self) -> Self:
        """A model of the same options and the same given space that has learnt nothing."""
        return type(self)(space=self._given_space, **self.get_params())

    # -- keeping -------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `from_state` needs: tensors by name, and settings that JSON can hold."""
        tensors, settings = self._fitted().state()
        return tensors, {"config": asdict(self.config), "random_state": self.random_state, **settings}

    @classmethod
    def from_state(cls, space: Space, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Self:
        """The model that `state` described. Raises InputError where that was an earlier version's."""
        if "config" not in settings:
            raise InputError("written by an earlier version of genapps; fit the model again")
        model = cls(space=space, random_state=settings.get("random_state", 0), **settings["config"])
        model._fitted(trained=False).restore(tensors, settings)
        model.fitted = True
        return model

    def save(self, path: str | Path, **header: Any) -> None:
        """Write one `.genapps` file, complete or not at all; `header` adds entries to its card."""
        from genapps.io.artifact import write_artifact

        tensors, settings = self.state()
        tree = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        card = {"domain": "any", "family": self.family, "space": self.space.to_json(), "model": settings}
        write_artifact(path, tree, {**card, **header})

    # -- inside --------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A model that `save` wrote. Raises InputError where the file is damaged, or holds another family."""
        from genapps.models import load_file

        found = load_file(path)
        if not isinstance(found, cls):
            raise InputError(f"{path}: holds a {type(found).__name__}; load it with {type(found).__name__}.load")
        return found

    def _sample(
        self,
        n: int,
        given: Sequence[Constraint],
        labels: Any,
        temperature: float,
        generator: torch.Generator | None,
        **options: Any,
    ) -> Any:
        """`sample`, with options that only some engines take."""
        engine = self._fitted()
        for name in options:
            if name not in engine.drawing:
                there = f"; it takes: {', '.join(sorted(engine.drawing))}" if engine.drawing else ""
                raise UsageError(f"{name_of(engine)} samples without {name}{there}")
        n = whole_number(n, "n", least=0)
        if not (isinstance(temperature, int | float) and 0 <= temperature < float("inf")):
            raise UsageError(f"temperature is {temperature!r}, but must be a number from 0 up")
        if temperature == 0 and not engine.greedy:
            raise UsageError(
                "temperature 0, always the likeliest, is for sequences and images of the autoregressive family"
            )
        if labels is not None:
            if not engine.takes_labels:
                raise UsageError(f"{name_of(engine)} does not take labels")
            classes = classes_of(labels)
            if classes.ndim and classes.shape != (n,):
                raise UsageError(f"labels of shape {tuple(classes.shape)} for {n} draws: give one class, or {n}")
            options["labels"] = classes.expand(max(n, 1))
        drawn = engine.sample(max(n, 1), self._generator(generator), given=given, temperature=temperature, **options)
        return drawn if n else rows_of(drawn, torch.arange(0))

    @classmethod
    def infer_space(cls, data: Any) -> Space:
        """The space that data suggests; families read some shapes in their own way."""
        return infer_space(data)

    @classmethod
    def engine_class(cls, kind: type) -> type[Engine]:
        """The engine for a kind of space. Raises UsageError naming the kinds that there are."""
        if kind not in cls.engines:
            there = ", ".join(known.__name__ for known in cls.engines)
            raise UsageError(f"the {cls.family} family does not learn {kind.__name__}; it learns {there}")
        module, _, name = cls.engines[kind].partition(":")
        found: type[Engine] = getattr(import_module(module), name)
        return found

    def _named(self, values: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
        configs = [engine.Config for engine in self.all_engines()]
        known = {field.name: None for config in configs for field in fields(config)}
        for name in options:
            if name not in known:
                raise UsageError(f"{self.family} has no option {name!r}.{did_you_mean(name, list(known))}")
        first = fields(configs[0])[0].name
        if len(values) > 1 or (values and first in options):
            raise UsageError(f"{type(self).__name__} takes one value without a name, {first}")
        return {first: values[0], **options} if values else options

    @classmethod
    def all_engines(cls) -> list[type[Engine]]:
        """Every engine whose settings this family knows."""
        return [cls.engine_class(kind) for kind in cls.engines]

    def engine_for(self, space: Space) -> type[Engine]:
        """The engine that learns the space; a family of several for one kind lets the options decide."""
        return self.engine_class(type(space))

    def _new_engine(self, space: Space) -> Engine:
        engine = self.engine_for(space)
        known = [field.name for field in fields(engine.Config)]
        for name in self._options:
            if name not in known:
                kind = type(space).__name__
                raise UsageError(f"{self.family} has no option {name!r} for {kind}.{did_you_mean(name, known)}")
        try:
            config = engine.Config(**self._options)
        except TypeError as error:  # settings that compare a number with a text
            check_values(engine.Config, self._options, self.family)
            raise UsageError(f"{self.family}: {error}") from error
        except ValueError as error:
            raise UsageError(str(error)) from error
        check(config, self.family)
        return engine(space, config)

    def _checked(self, data: Any, learning: bool = False) -> Batch:
        engine = self._fitted(trained=False)
        batch = as_batch(data, engine.space)
        if learning:
            if len(batch) == 0:
                raise InputError("no rows to learn from")
            if not engine.takes_unknown and has_unknown(batch):
                raise InputError(
                    f"{name_of(engine)} does not learn from unknown values; fill them in or drop their rows first"
                )
        return batch

    def _job(
        self,
        rows: int,
        labels: Any,
        weights: Any,
        generator: torch.Generator | None,
        training: TrainingConfig | None,
        budget: float | None,
    ) -> Job:
        engine = self._fitted(trained=False)
        if labels is not None and not engine.takes_labels:
            raise UsageError(f"{name_of(engine)} does not take labels")
        if weights is not None and not engine.takes_weights:
            raise UsageError(f"{name_of(engine)} does not take sample_weight")
        training = checked_training(training)
        if budget is not None:
            training = replace(training, budget=budget)
            check(training, "training")
        return Job(
            seed=self._generator(generator).initial_seed(),
            training=training,
            labels=None if labels is None else one_each(classes_of(labels), rows, "labels"),
            weights=None if weights is None else weights_of(one_each(weights, rows, "sample_weight")),
        )

    def _generator(self, generator: torch.Generator | None) -> torch.Generator:
        return generator if generator is not None else torch.Generator().manual_seed(self.random_state)

    def _fitted(self, trained: bool = True) -> Engine:
        if self._engine is None or (trained and not self.fitted):
            raise UsageError("this model has not learnt anything yet: call fit first")
        return self._engine


__all__ = ["Engine", "Family", "Job", "LogProb", "fingerprint", "split"]
