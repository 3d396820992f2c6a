"""A machine that learns: its parameters, its persistent chains, and the gradient of its likelihood.

The gradient's second half is an expectation under the machine itself, taken over chains that go on from step to step
(persistent contrastive divergence, Tieleman 2008), at several temperatures where asked. It is centred (Melchior,
Fischer and Wiskott 2016): units are measured from their means, which conditions the problem and moves no fixed point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genapps.models.rbm.energy import Parameters, Path, draw_hidden
from genapps.models.rbm.layout import Layout
from genapps.models.rbm.sampling import Clamp, gibbs, tempered

_LEAST, _MOST = math.log(0.05), math.log(1e4)  # log precision of standardised numbers: deviations of 4.5 and of 0.01
_FOLLOW = 0.01  # how fast the hidden units' means are followed
_TOLD, _TOLD_STEPS = 32, 10  # the energy of so many rows, every so many steps, is told as the loss: it steers nothing
_FILL_STEPS = 3  # draws that complete a row with unknown entries before it is learnt


@dataclass(frozen=True)
class Learning:
    """How a machine learns. gibbs_steps: draws of each chain a step. weight_decay: pulls weights towards 0.

    max_norm: the longest that a hidden unit's weights may get. learn_variance: of the Gaussian units.
    """

    gibbs_steps: int = 1
    weight_decay: float = 1e-4
    max_norm: float = 20.0
    learn_variance: bool = True


class Machine(nn.Module):
    """Parameters of an RBM, and chains (T, C, H) of hidden states at T inverse temperatures from 1 down to 0."""

    chains: Tensor
    base_visible: Tensor
    base_precision: Tensor
    mean_visible: Tensor
    mean_hidden: Tensor

    def __init__(self, layout: Layout, hidden: int, chains: int, temperatures: int, learning: Learning) -> None:
        super().__init__()
        self.layout, self.learning = layout, learning
        self.gap, self.steps = torch.zeros(()), 0  # what was told last, and the steps since the machine was made
        self.weights = nn.Parameter(torch.zeros(layout.units, hidden))
        self.visible = nn.Parameter(torch.zeros(layout.units))
        self.hidden = nn.Parameter(torch.zeros(hidden))
        self.log_precision = nn.Parameter(torch.zeros(layout.real), requires_grad=learning.learn_variance)
        self.register_buffer("chains", torch.zeros(temperatures, chains, hidden))
        self.register_buffer("base_visible", torch.zeros(layout.units))
        self.register_buffer("base_precision", torch.ones(layout.real))
        self.register_buffer("mean_visible", torch.zeros(layout.units))
        self.register_buffer("mean_hidden", torch.full((hidden,), 0.5))

    @torch.no_grad()
    def begin(self, total: Tensor, rows: Tensor, generator: torch.Generator, spread: float = 0.01) -> None:
        """Start at independent units with the data's marginals.

        total: (U,) sums of the units over `rows` (U,) known entries; smoothed, so that what never occurs is possible.
        Numbers are taken as standardised.
        """
        layout = self.layout
        ones, both = total[: layout.binary], rows[: layout.binary]
        odds = torch.log((ones + 0.5) / (both - ones + 0.5))
        codes = torch.log(total[layout.binary : layout.last_discrete] + 0.5)
        self.base_visible.copy_(torch.cat([odds, codes, torch.zeros(layout.real)]))
        self.visible.copy_(self.base_visible)
        self.mean_visible.copy_(layout.means(self.base_visible, self.base_precision))
        self.weights.copy_(torch.randn(self.weights.shape, generator=generator) * spread)
        self.hidden.copy_(-self.mean_visible @ self.weights)
        self.chains.copy_((torch.rand(self.chains.shape, generator=generator) < 0.5).float())

    def model(self) -> Parameters:
        """The machine as it stands.

        The weights and biases of a Gaussian unit are kept as what they add to its mean, so that its precision can be
        learnt beside them: their natural parameters are these times the precision.
        """
        if not self.layout.real:
            return Parameters(self.layout, self.weights, self.visible, self.hidden, self.log_precision)
        precision = self.log_precision.exp()
        scale = torch.cat([torch.ones_like(self.visible[: self.layout.last_discrete]), precision])
        return Parameters(self.layout, self.weights * scale[:, None], self.visible * scale, self.hidden, precision)

    def path(self, model: Parameters | None = None) -> Path:
        """From the data's marginals to the machine, in float64 where no model is given."""
        model = model if model is not None else self.model().double()
        base, precision = self.base_visible.to(model.visible), self.base_precision.to(model.visible)
        return Path.between(base, precision, model)

    @torch.no_grad()
    def learn(self, units: Tensor, known: Tensor | None, generator: torch.Generator) -> Tensor:
        """Set `.grad` from a batch of units (B, U), and return how much likelier it finds its chains than the rows.

        known: (B, D) by place; the unknown rest is drawn from its distribution given the known (maximum likelihood of
        what is known, as long as it is unknown at random).
        """
        self._bound()
        model = self.model()
        if known is not None:
            units = self._filled(model, units, known, generator)
        inputs = model.inputs(units)
        drawn, drawn_inputs = self._advance(model, generator)
        if self.steps % _TOLD_STEPS == 0:
            energies = [
                model.free_energy(v[:_TOLD], odds[:_TOLD]) for v, odds in ((units, inputs), (drawn, drawn_inputs))
            ]
            self.gap = energies[0].mean() - energies[1].mean()
        self.steps += 1
        self.set_gradient(units, inputs.sigmoid_(), drawn, drawn_inputs.sigmoid_())
        return self.gap

    def _advance(self, model: Parameters, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Move the chains on: visible units (C, U) at the model's own temperature, their hidden inputs (C, H)."""
        steps = self.learning.gibbs_steps
        if len(self.chains) == 1:
            units, _ = gibbs(model, self.chains[0], steps, generator)
            inputs = model.inputs(units)
            self.chains[0] = draw_hidden(inputs, generator)
            return units, inputs
        replicas, hidden = tempered(self.path(model), self.chains, steps, generator)
        self.chains.copy_(hidden)
        return replicas[0], model.inputs(replicas[0])

    @torch.no_grad()
    def set_gradient(self, units: Tensor, hidden: Tensor, drawn: Tensor, drawn_hidden: Tensor) -> None:
        """Gradients from rows (B, U) with hidden means (B, H), and from the machine's own (C, U) with (C, H).

        Those of Gaussian units are natural ones: not of their precision's size.
        """
        slopes = centred_slopes(units, hidden, drawn, drawn_hidden, self.mean_visible, self.mean_hidden)
        self.mean_hidden.lerp_(hidden.mean(0), _FOLLOW)
        self.weights.grad = slopes[0].add_(self.weights, alpha=self.learning.weight_decay)
        self.visible.grad, self.hidden.grad = slopes[1], slopes[2]
        if self.learning.learn_variance and self.layout.real:
            self.log_precision.grad = self._fit_of_numbers(drawn, drawn_hidden) - self._fit_of_numbers(units, hidden)

    def _fit_of_numbers(self, units: Tensor, hidden: Tensor) -> Tensor:
        """How much -E of the Gaussian units (G,) rises with the log of their precision."""
        first = self.layout.last_discrete
        numbers = units[:, first:]
        means = torch.addmm(self.visible[first:], hidden, self.weights[first:].T)
        return self.log_precision.exp() * (numbers * (means - 0.5 * numbers)).mean(0)

    def _bound(self) -> None:
        """Keep the weights of each hidden unit and the precisions within what is sound."""
        if float(self.weights.norm()) > self.learning.max_norm:  # none is longer than all together
            squares = self.weights.square().sum(0)
            self.weights.mul_((self.learning.max_norm * squares.clamp_min(1e-12).rsqrt()).clamp_max(1.0))
        if self.layout.real:
            self.log_precision.clamp_(_LEAST, _MOST)

    def _filled(self, model: Parameters, units: Tensor, known: Tensor, generator: torch.Generator) -> Tensor:
        """Rows whose unknown entries are drawn given the known ones."""
        clamp = Clamp(self.layout.spread(known), units)
        hidden = draw_hidden(model.inputs(units), generator)
        return gibbs(model, hidden, _FILL_STEPS, generator, clamp)[0]


def centred_slopes(
    units: Tensor, hidden: Tensor, drawn: Tensor, drawn_hidden: Tensor, mean_visible: Tensor, mean_hidden: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The centred gradient of minus the log-likelihood: of weights (U, H), visible (U,) and hidden biases (H,).

    units (B, U) and hidden (B, H): data and its hidden means; drawn (C, U) and drawn_hidden (C, H): the model's. With
    offsets of 0 it is the plain gradient. Source: Melchior, Fischer and Wiskott 2016, equations 8 to 13.
    """
    loss, hidden_loss = drawn.mean(0) - units.mean(0), drawn_hidden.mean(0) - hidden.mean(0)
    # Offsets enter where they are cheap: the hidden one before the products, the visible one after them.
    weights = units.T @ ((mean_hidden - hidden) / len(units))
    weights.addmm_(drawn.T, drawn_hidden - mean_hidden, alpha=1 / len(drawn))
    weights.addr_(mean_visible, hidden_loss, alpha=-1)
    return weights, loss - torch.mv(weights, mean_hidden), hidden_loss - torch.mv(weights.T, mean_visible)
