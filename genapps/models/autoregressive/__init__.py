"""Autoregressive models: a probability is the product of each part's, given the parts before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from genapps.batches import Batch, Ragged, tensor_of
from genapps.errors import UsageError
from genapps.models.autoregressive.grammar import Automaton, Grammar
from genapps.models.base import Engine, Family, LogProb
from genapps.spaces import Columns, Constraint, Frames, Pixels, Space, Tokens


class Autoregressive(Family):
    """Exact likelihood of table rows in any order of their columns, of sequences step by step, of images by patches.

    Images by pixels, too: `network="convolutions"`. Frames of codes exactly within each frame, and given any cells that
    are known: `within="ordered"` (`genapps.models.autoregressive.ordered`). Piano rolls: `within="keys"`.

    >>> Autoregressive(hidden=128, architecture="gru").fit(["sequences"])  # doctest: +SKIP

    `Autoregressive.describe()` lists the options for each kind of data.
    """

    family: ClassVar[str] = "autoregressive"
    codec_numbers: ClassVar[Literal["tokens", "any"]] = "tokens"
    engines: ClassVar[Mapping[type, str]] = {
        Columns: "genapps.models.autoregressive.columns:ColumnModel",
        Tokens: "genapps.models.autoregressive.tokens:TokenModel",
        Frames: "genapps.models.autoregressive.frames:FrameModel",
        Pixels: "genapps.models.autoregressive.pixels:PixelModel",
    }

    @torch.no_grad()
    def sample(
        self,
        n: int = 1,
        *,
        given: Sequence[Constraint] = (),
        labels: Any = None,
        temperature: float = 1.0,
        generator: torch.Generator | None = None,
        prompt: Any = None,
        length: Any = None,
        top_k: int | None = None,
        top_p: float | None = None,
        grammar: Grammar | None = None,
        known: Any = None,
        allowed: Any = None,
    ) -> Any:
        """Draw n rows, sequences or images as a batch of the space.

        given, labels: as in every family. temperature: below 1 is bolder; 0 always takes the likeliest. For sequences
        there are also: prompt, how they begin (n sequences, or one for all); length, how many steps each has (a number,
        or (n,) numbers), the prompt's among them; and for those of tokens top_k and top_p (draw only from the likeliest
        codes: so many, or the fewest that have this share), and grammar (`genapps.models.autoregressive.Grammar`).
        For frames learnt `within="ordered"` there are known, cells (T, V) of which -1 are to be drawn (n sequences, or
        one for all), top_k, top_p, and allowed, rules called with the frames so far (`ordered` says how).
        Raises UsageError for what the kind of data does not take.
        """
        options = {"prompt": prompt, "length": length, "top_k": top_k, "top_p": top_p, "grammar": grammar}
        options |= {"known": known, "allowed": allowed}
        asked = {name: value for name, value in options.items() if value is not None}
        return self._sample(n, given, labels, temperature, generator, **asked)

    @torch.no_grad()
    def log_prob(
        self, data: Any, *, labels: Any = None, known: Any = None, generator: torch.Generator | None = None
    ) -> LogProb:
        """How likely each row is, (N,) in nats, exact; given its class where labels (N,) or one for all say it.

        Without labels a model that learnt classes gives the probability under their mixture. known: for frames learnt
        `within="ordered"`, truth values (V,) or (T, V) a sequence: how likely the other cells are given these and the
        length.
        """
        if known is not None:
            return self._given_known(data, labels, known, generator)
        if labels is None:
            return super().log_prob(data, generator=generator)
        engine, batch = self._fitted(), self._checked(data)
        if not engine.takes_labels:
            raise UsageError(f"{type(engine).__name__} does not take labels")
        classes = _for_each(labels, len(batch))
        found: LogProb = engine.log_prob(batch, self._generator(generator), labels=classes)  # type: ignore[call-arg]
        return found

    def _given_known(self, data: Any, labels: Any, known: Any, generator: torch.Generator | None) -> LogProb:
        from genapps.models.autoregressive.ordered import OrderedModel
        from genapps.models.autoregressive.showing import with_known

        engine, batch = self._fitted(), self._checked(data)
        if not isinstance(engine, OrderedModel) or not isinstance(batch, Ragged):
            raise UsageError('known cells are for frames learnt within="ordered"')
        classes = None if labels is None else _for_each(labels, len(batch))
        return engine.log_prob(with_known(batch, known), self._generator(generator), labels=classes)

    def engine_for(self, space: Space) -> type[Engine]:
        """The engine that learns the space; of images and of frames, the one that is asked for."""
        if isinstance(space, Frames) and self._options.get("within", "mixture") != "mixture":
            from genapps.models.autoregressive.keys import KeysModel
            from genapps.models.autoregressive.ordered import OrderedModel

            return KeysModel if self._options["within"] == "keys" else OrderedModel
        if isinstance(space, Pixels) and self._options.get("network") == "convolutions":
            from genapps.models.autoregressive.convolutions import ConvolutionModel

            return ConvolutionModel
        return super().engine_for(space)

    @classmethod
    def all_engines(cls) -> list[type[Engine]]:
        """Every engine whose settings this family knows."""
        from genapps.models.autoregressive.keys import KeysModel
        from genapps.models.autoregressive.ordered import OrderedModel

        return [*super().all_engines(), OrderedModel, KeysModel]

    def _checked(self, data: Any, learning: bool = False) -> Batch:
        engine: Any = self._fitted(trained=False)
        if learning and getattr(engine.config, "binarize", False):
            grey: Batch = engine.grey(tensor_of(data))
            return grey
        return super()._checked(data, learning)


def _for_each(labels: Any, rows: int) -> Tensor:
    """One class for all rows, or (rows,) classes."""
    classes = torch.as_tensor(labels).long()
    if classes.ndim > 1 or (classes.ndim == 1 and len(classes) != rows):
        raise UsageError(f"labels of shape {tuple(classes.shape)} for {rows} rows: give one, or one for each")
    return classes.expand(rows)


__all__ = ["Automaton", "Autoregressive", "Grammar"]
