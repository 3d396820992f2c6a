"""Hidden Markov models: a chain of hidden states, each of which emits what is seen at its step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
import torch
from torch import Tensor

from genapps.batches import Ragged, depth, tensor_of
from genapps.errors import UsageError
from genapps.models.base import Engine, Family, LogProb
from genapps.spaces import Columns, Constraint, Frames, Pixels, Space, Tokens

if TYPE_CHECKING:
    from genapps.models.hmm.engine import ChainModel


class HMM(Family):
    """Exact likelihood of sequences of codes or frames, of any lengths, with unknown observations summed over.

    A list of arrays or a `Ragged` are sequences; one array (T, D), or (T,), is one sequence, or several end to end
    where `lengths` says how long each is. Likelihoods are given the length; `sample` draws lengths as they were learnt.
    Source: Rabiner 1989, "A tutorial on hidden Markov models and selected applications in speech recognition".
    """

    family: ClassVar[str] = "hmm"
    engines: ClassVar[Mapping[type, str]] = {
        Tokens: "genapps.models.hmm.tokens:TokenModel",
        Frames: "genapps.models.hmm.frames:FrameModel",
        Pixels: "genapps.models.hmm.pixels:PixelModel",
    }

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Any, lengths: Any = None, **options: Any) -> Self:
        """Learn from sequences by expectation-maximization (Baum and Welch); options as for every family.

        lengths: (N,) of the sequences that lie end to end in `data`. validation: more sequences, whose likelihood then
        decides when to stop. sample_weight: (N,) how often each sequence counts.
        """
        return super().fit(_joined(data, lengths), **options)

    # -- hidden states -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def predict(self, data: Any, lengths: Any = None) -> Tensor | Ragged:
        """The most probable path of states (Viterbi): sequences of (T,), or (T,) for data of one array."""
        return self._as_given(self._chain().best_path(self._checked(_joined(data, lengths))), data)

    def fit_predict(self, data: Any, lengths: Any = None, **options: Any) -> Tensor | Ragged:
        """Learn from sequences, as `fit` does with these options, and give their most probable paths of states."""
        return self.fit(data, lengths, **options).predict(data, lengths)

    def fit_transform(self, data: Any, lengths: Any = None, **options: Any) -> Tensor:  # type: ignore[override]
        """Learn from sequences, as `fit` does with these options, and give their features (N, F)."""
        batch = _joined(data, lengths)
        return self.fit(batch, **options).transform(batch)

    @torch.no_grad()
    def predict_proba(self, data: Any, lengths: Any = None) -> Tensor | Ragged:
        """The probability of each state at each step given the whole sequence: sequences of (T, K), or (T, K)."""
        return self._as_given(self._chain().smoothed(self._checked(_joined(data, lengths))), data)

    @torch.no_grad()
    def decode(self, data: Any, lengths: Any = None, algorithm: str = "viterbi") -> tuple[float, Tensor | Ragged]:
        """A path of states and how good it is, all sequences together.

        viterbi: the most probable path, and its log-probability with the data. map: the most probable state of each
        step by itself, and the sum of their probabilities.
        """
        batch = self._checked(_joined(data, lengths))
        engine = self._chain()
        if algorithm == "viterbi":
            path = engine.best_path(batch)
            return float(engine.path_log_prob(batch, path.values).sum()), self._as_given(path, data)
        if algorithm == "map":
            found = engine.smoothed(batch)
            best = found.values.max(1)
            return float(best.values.sum()), self._as_given(Ragged(best.indices, found.lengths), data)
        raise UsageError(f"algorithm {algorithm!r}: there is viterbi, and map")

    @torch.no_grad()
    def sample_states(
        self, data: Any, lengths: Any = None, *, generator: torch.Generator | None = None
    ) -> Tensor | Ragged:
        """A draw of the path of states given the data: sequences of (T,), or (T,) for data of one array."""
        batch = self._checked(_joined(data, lengths))
        return self._as_given(self._chain().draw_path(batch, self._generator(generator)), data)

    # -- sequences -----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(
        self,
        n: int = 1,
        *,
        given: Sequence[Constraint] = (),
        labels: Any = None,
        temperature: float = 1.0,
        length: int | None = None,
        generator: torch.Generator | None = None,
    ) -> Any:
        """Draw n sequences, of lengths drawn from those learnt from, or of `length` steps each."""
        if labels is not None:
            raise UsageError("a hidden Markov model learns no classes; fit one model a class")
        if length is not None and length < 1:
            raise UsageError(f"length {length}: a sequence has one step at least")
        if length is not None and isinstance(self.space, Pixels):
            raise UsageError("images have the height that they were learnt with; leave out length")
        return self._sample(n, given, labels, temperature, generator, **({"length": length} if length else {}))

    @torch.no_grad()
    def impute(
        self,
        data: Any,
        lengths: Any = None,
        *,
        given: Sequence[Constraint] = (),
        generator: torch.Generator | None = None,
    ) -> Any:
        """Fill unknown values by draws given all that is known of their sequence, arranged as the data is."""
        filled = super().impute(_joined(data, lengths), given=given, generator=generator)
        return self._as_given(filled, data) if isinstance(filled, Ragged) else filled

    def log_prob(self, data: Any, lengths: Any = None, *, generator: torch.Generator | None = None) -> LogProb:
        """Exact log-likelihood of each sequence given its length, (N,) in nats."""
        return super().log_prob(_joined(data, lengths), generator=generator)

    def anomaly_score(self, data: Any, lengths: Any = None, *, generator: torch.Generator | None = None) -> Tensor:
        """How strange each sequence is as a whole, (N,): minus its log-likelihood, so it grows with its length.

        To compare sequences of different lengths, divide by their lengths.
        """
        return super().anomaly_score(_joined(data, lengths), generator=generator)

    def score(self, data: Any, lengths: Any = None) -> float:
        """The mean of `log_prob`, in nats a sequence."""
        return super().score(_joined(data, lengths))

    def aic(self, data: Any, lengths: Any = None) -> float:
        """Akaike's information criterion; lower is better."""
        return 2 * self._chain().free_parameters() - 2 * float(self.log_prob(data, lengths).values.sum())

    def bic(self, data: Any, lengths: Any = None) -> float:
        """The Bayesian information criterion, by the number of observations; lower is better."""
        batch, engine = _joined(data, lengths), self._chain()
        penalty = engine.free_parameters() * math.log(engine.steps(self._checked(batch)))
        return float(penalty - 2 * float(self.log_prob(batch).values.sum()))

    # -- inside --------------------------------------------------------------------------------------------------

    @classmethod
    def infer_space(cls, data: Any) -> Space:
        """(T, D) is one sequence of frames, and (T,) one of codes or, if not whole numbers, of single numbers."""
        return super().infer_space(_sequences(data, None))

    @classmethod
    def engine_class(cls, kind: type) -> type[Engine]:
        """The engine for a kind of space. Raises UsageError naming the kinds that there are."""
        if kind is Columns:
            raise UsageError(
                "the hmm family learns sequences (Tokens, Frames, Pixels), and a row of Columns has no order; "
                "for columns there are autoregressive, gan, gmm, rbm and vae"
            )
        return super().engine_class(kind)

    def _chain(self) -> ChainModel:
        return cast("ChainModel", self._fitted())

    def _as_given(self, found: Ragged, data: Any) -> Tensor | Ragged:
        """The steps as one tensor where the data was one array of steps, not sequences."""
        sequences = isinstance(data, Ragged) or (isinstance(data, list | tuple) and _nested(data))
        if sequences or np.ndim(data) > (1 if isinstance(self.space, Tokens) else 2):
            return found
        return found.values

    def _checked(self, data: Any, learning: bool = False) -> Any:
        return super()._checked(_sequences(data, self._fitted(trained=False).space), learning)


def _joined(data: Any, lengths: Any) -> Any:
    """Data whose sequences lie end to end, as sequences of those lengths."""
    if lengths is None:
        return data
    values = tensor_of(data)
    return Ragged(_columns(values), torch.as_tensor(lengths).long())


def _sequences(data: Any, space: Space | None) -> Any:
    """Data as a person gives it, as sequences where its shape alone would be taken for something else."""
    if isinstance(data, Ragged) or isinstance(space, Pixels):
        return data
    if isinstance(data, list | tuple) and _nested(data):
        return Ragged.of([_columns(tensor_of(part)) for part in data])
    if isinstance(space, Tokens):
        return data
    array = tensor_of(data)
    if array.ndim == 1 or (array.ndim == 2 and not isinstance(space, Tokens)):
        return Ragged(_columns(array), torch.tensor([len(array)]))
    return data


def _columns(values: Tensor) -> Tensor:
    """One number a step is a frame of one variable; one code a step is a code."""
    return values[:, None] if values.ndim == 1 and values.is_floating_point() else values


def _nested(data: Sequence[Any]) -> bool:
    """Whether a list is one of sequences."""
    return not len(data) or depth(data[0]) > 0
