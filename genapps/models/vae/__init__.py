"""Variational autoencoders: rows, sequences and images made from a few latent variables, scored by honest bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.batches import Batch, tensor_of
from genapps.errors import UsageError
from genapps.models.autoregressive.grammar import Grammar
from genapps.models.base import Engine, Family
from genapps.spaces import Columns, Frames, Pixels, Space, Tokens


class VAE(Family):
    """A variational autoencoder (Kingma and Welling 2014; Rezende et al. 2014).

    `VAE(16)` has 16 latent variables. With labels the model is conditional on a class; where only some rows have one
    (-1 for the others) it is learnt semi-supervised (M2; Kingma et al. 2014). `log_prob` is a bound, never exact.
    """

    family: ClassVar[str] = "vae"
    engines: ClassVar[Mapping[type, str]] = {
        Columns: "genapps.models.vae.columns:ColumnVAE",
        Tokens: "genapps.models.vae.tokens:TokenVAE",
        Frames: "genapps.models.vae.frames:FrameVAE",
        Pixels: "genapps.models.vae.pixels:PixelVAE",
    }

    def engine_for(self, space: Space) -> type[Engine]:
        """The ladder for images where it is asked for."""
        if isinstance(space, Pixels) and self._options.get("body") == "ladder":
            from genapps.models.vae.ladder import LadderVAE

            return LadderVAE
        return super().engine_for(space)

    def _checked(self, data: Any, learning: bool = False) -> Batch:
        engine = self._fitted(trained=False)
        if learning and getattr(engine.config, "binarize", False):
            grey: Tensor = engine.grey(tensor_of(data))  # type: ignore[attr-defined]
            return grey
        return super()._checked(data, learning)

    @torch.no_grad()
    def iwae(self, data: Any, k: int = 64, *, generator: torch.Generator | None = None) -> Tensor:
        """A bound (N,) of the log-probability in nats by k importance samples; it does not fall as k grows.

        Source: Burda, Grosse and Salakhutdinov 2016, "Importance weighted autoencoders".
        """
        found: Tensor = self._fitted().iwae(self._checked(data), k, self._generator(generator))  # type: ignore[attr-defined]
        return found

    @torch.no_grad()
    def reconstruct(self, data: Any, *, temperature: float = 1.0, generator: torch.Generator | None = None) -> Any:
        """Each row encoded to its latents' posterior mean and drawn anew from there, as a batch of the space."""
        return self._fitted().reconstruct(self._checked(data), self._generator(generator), temperature)  # type: ignore[attr-defined]

    @torch.no_grad()
    def decode(
        self,
        latents: Any,
        *,
        labels: Any = None,
        temperature: float = 1.0,
        grammar: Grammar | None = None,
        generator: torch.Generator | None = None,
    ) -> Any:
        """A batch of the space drawn from latents (n, L), as `transform` gives them, and classes (n,).

        grammar: rules that sequences of codes keep. Raises UsageError where it is given for another kind of data, or
        for a model that learnt classes.
        """
        if grammar is not None:
            if not isinstance(self.space, Tokens) or labels is not None:
                raise UsageError("a grammar is for sequences of codes that were learnt without labels")
            rows = torch.as_tensor(latents)
            return self._fitted().decode_within(rows, self._generator(generator), temperature, grammar)  # type: ignore[attr-defined]
        wanted = None if labels is None else torch.as_tensor(labels).long().expand(len(latents))
        codes = torch.as_tensor(latents)
        return self._fitted().decode(codes, wanted, self._generator(generator), temperature)  # type: ignore[attr-defined]

    def interpolate(
        self, data: Any, steps: int = 8, *, temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> Any:
        """From the first row to the second: `steps` rows drawn on the straight line between their latents."""
        first, last = self.transform(data)[:2]
        share = torch.linspace(0, 1, steps)[:, None]
        return self.decode(first + share * (last - first), temperature=temperature, generator=generator)

    def predict_proba(self, data: Any) -> Tensor:
        """q(y | x) (N, C): the probability of each class. Raises UsageError for a model learnt without labels."""
        logs: Tensor = self._fitted().class_log_prob(self._checked(data))  # type: ignore[attr-defined]
        return logs.exp()

    def predict(self, data: Any) -> Tensor:
        """The likeliest class (N,). Raises UsageError for a model learnt without labels."""
        return self.predict_proba(data).argmax(1)

    def fit_predict(self, data: Any, y: Any = None, /, **options: Any) -> Tensor:
        """Learn from rows, as `fit` does with these options and `labels`, and give the likeliest class of each (N,)."""
        return self.fit(data, y, **options).predict(data)


__all__ = ["VAE"]
