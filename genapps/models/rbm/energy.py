"""The energy of a restricted Boltzmann machine over visible units v (U) of all kinds and Bernoulli hidden units h (H).

    E(v, h) = -a.v + sum over Gaussian units of precision v^2 / 2 - v W h - b.h

Source: Smolensky 1986; softmax units as in Salakhutdinov, Mnih and Hinton 2007; Gaussian units in natural form, so that
x given h is N((a + W h) / precision, 1 / precision). An unknown visible is 0, and so contributes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from genapps.models.rbm.layout import Layout, bernoulli, softplus

Beta = float | Tensor  # an inverse temperature, or one of each replica, (T, 1, 1)


@dataclass(frozen=True)
class Parameters:
    """weights (U, H), visible biases (U,) or of each row (B, U), hidden biases (H,) or (B, H), precision (G,)."""

    layout: Layout
    weights: Tensor
    visible: Tensor
    hidden: Tensor
    precision: Tensor

    def inputs(self, units: Tensor) -> Tensor:
        """The log-odds (..., H) of the hidden units given the visible ones (..., U)."""
        if units.ndim == 2:
            return torch.addmm(self.hidden, units, self.weights)
        return units @ self.weights + self.hidden

    def natural(self, hidden: Tensor) -> Tensor:
        """The natural parameters (..., U) of the visible units given the hidden ones (..., H)."""
        if hidden.ndim == 2:
            return torch.addmm(self.visible, hidden, self.weights.T)
        return hidden @ self.weights.T + self.visible

    def energy(self, units: Tensor, hidden: Tensor) -> Tensor:
        """E(v, h), (...)."""
        return -self.bias_terms(units) - (self.inputs(units) * hidden).sum(-1)

    def free_energy(self, units: Tensor, inputs: Tensor | None = None) -> Tensor:
        """-log sum over h of exp(-E(v, h)), (...): lower is likelier. inputs: where they are known already."""
        return -self.bias_terms(units) - softplus(self.inputs(units) if inputs is None else inputs).sum(-1)

    def bias_terms(self, units: Tensor) -> Tensor:
        """What of -E concerns the visible units alone, (...)."""
        return _bias_terms(units, self.visible, self.precision, self.layout)

    def double(self) -> Self:
        """The same in float64 on the CPU."""
        return self._each(lambda tensor: tensor.detach().double().cpu())

    def rows(self, chosen: slice) -> Self:
        """The machines of some rows, where biases are of each row."""
        return replace(self, visible=self.visible[chosen], hidden=self.hidden[chosen])

    def tempered(self, temperature: float) -> Self:
        """The machine of the energy divided by a temperature."""
        return self if temperature == 1.0 else self._each(lambda tensor: tensor / temperature)

    def _each(self, change: object) -> Self:
        assert callable(change)
        names = ("weights", "visible", "hidden", "precision")
        return replace(self, **{name: change(getattr(self, name)) for name in names})


@dataclass(frozen=True)
class Path:
    """Machines between independent units (beta 0) and the target (beta 1): energies (1 - beta) E0 + beta E1.

    E0 has the visible units at the data's marginals (visible (U,), precision (G,)) and the hidden units at their
    log-odds for the mean of the data, hidden (H,); any of them may be of each row. This is the base-rate model of
    Salakhutdinov and Murray 2008, whose hidden units are fair coins.
    """

    target: Parameters
    visible: Tensor
    hidden: Tensor
    precision: Tensor

    @classmethod
    def between(cls, visible: Tensor, precision: Tensor, target: Parameters) -> Path:
        """From the natural parameters (U,) and precisions (G,) of independent visible units."""
        mean = target.layout.means(visible, precision)
        return cls(target, visible, target.inputs(mean[None] if mean.ndim == 1 else mean).squeeze(0), precision)

    def repeated(self, times: int) -> Path:
        """A path of each row as one of `times` rows side by side."""
        rows = (tensor.repeat_interleave(times, 0) for tensor in (self.visible, self.hidden, self.precision))
        target = self.target
        if target.visible.ndim == 2:
            visible, hidden = (tensor.repeat_interleave(times, 0) for tensor in (target.visible, target.hidden))
            target = replace(target, visible=visible, hidden=hidden)
        return Path(target, *rows)

    def natural(self, hidden: Tensor, beta: Beta) -> Tensor:
        """Natural parameters (..., U) of the visible units given the hidden ones."""
        return (1 - beta) * self.visible + beta * self.target.natural(hidden)

    def precisions(self, beta: Beta) -> Tensor:
        """Precisions (..., G) of the Gaussian units."""
        return (1 - beta) * self.precision + beta * self.target.precision

    def odds(self, inputs: Tensor, beta: Beta) -> Tensor:
        """Log-odds (..., H) of the hidden units, from the target's `inputs`."""
        return (1 - beta) * self.hidden + beta * inputs

    def log_weight(self, units: Tensor, inputs: Tensor, beta: Beta) -> Tensor:
        """Log of the unnormalised probability (...) of visible units (..., U), hidden ones summed out."""
        base = _bias_terms(units, self.visible, self.precision, self.target.layout)
        terms = self.target.bias_terms(units)
        if isinstance(beta, Tensor):
            base, terms = base[..., None], terms[..., None]
        mixed = (1 - beta) * base + beta * terms
        return (mixed.squeeze(-1) if isinstance(beta, Tensor) else mixed) + softplus(self.odds(inputs, beta)).sum(-1)

    def log_base(self) -> Tensor:
        """The log of the partition function at beta 0, () or (B,)."""
        visibles = self.target.layout.log_normalizers(self.visible, self.precision)
        return visibles.sum(-1) + softplus(self.hidden).sum(-1)


def draw_hidden(odds: Tensor, generator: torch.Generator) -> Tensor:
    """Hidden units (..., H) from their log-odds."""
    return bernoulli(torch.sigmoid(odds), generator)


def _bias_terms(units: Tensor, visible: Tensor, precision: Tensor, layout: Layout) -> Tensor:
    terms = units @ visible if visible.ndim == 1 else (units * visible).sum(-1)
    if layout.real:
        terms = terms - 0.5 * (units[..., layout.last_discrete :].square() * precision).sum(-1)
    return terms
