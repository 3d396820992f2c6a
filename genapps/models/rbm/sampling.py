"""Block Gibbs sampling of an RBM: plain, with visibles held fast, under conditions, and at several temperatures.

Tempered chains (Desjardins et al. 2010) walk the path from independent units to the machine; neighbours swap their
states with the Metropolis probability, judged with the hidden units summed out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.models.rbm.conditions import Conditions
from genapps.models.rbm.energy import Parameters, Path, draw_hidden


@dataclass(frozen=True)
class Clamp:
    """What is known of the visible units while they are drawn.

    units (B, U) where `known` (B, U) is true stay as they are; `conditions` hold for the others.
    """

    known: Tensor | None = None
    units: Tensor | None = None
    conditions: Conditions | None = None

    def visible(self, model: Parameters, natural: Tensor, precision: Tensor, generator: torch.Generator) -> Tensor:
        """Visible units (B, U) from their natural parameters."""
        if self.conditions is not None:
            natural = natural + self.conditions.bias
        units = model.layout.draw(natural, precision, generator)
        if self.conditions is not None:
            units = self.conditions.redraw(units, natural, precision, generator)
        if self.known is not None and self.units is not None:
            units = torch.where(self.known, self.units, units)
        return units


FREE = Clamp()


def gibbs(
    model: Parameters, hidden: Tensor, steps: int, generator: torch.Generator, clamp: Clamp = FREE
) -> tuple[Tensor, Tensor]:
    """Visible units (B, U) and hidden units (B, H) after alternating draws from hidden units (B, H)."""
    units = clamp.visible(model, model.natural(hidden), model.precision, generator)
    for _ in range(steps - 1):
        hidden = draw_hidden(model.inputs(units), generator)
        units = clamp.visible(model, model.natural(hidden), model.precision, generator)
    return units, hidden


def ladder(temperatures: int, like: Tensor) -> Tensor:
    """Inverse temperatures (T, 1, 1) of the replicas, from 1 down to 0."""
    return torch.linspace(1, 0, temperatures, dtype=like.dtype, device=like.device)[:, None, None]


def tempered(
    path: Path,
    hidden: Tensor,
    steps: int,
    generator: torch.Generator,
    visible: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Visible units (T, C, U) and hidden units (T, C, H) of C ladders of replicas after some steps with swaps.

    The first replica is at beta 1. visible(natural, precision): draws the visible units, all of them freely where None.
    """
    betas = ladder(len(hidden), hidden)
    layout = path.target.layout
    for _ in range(steps):
        natural, precision = path.natural(hidden, betas), path.precisions(betas)
        units = visible(natural, precision) if visible is not None else layout.draw(natural, precision, generator)
        inputs = path.target.inputs(units)
        order = swaps(path, units, inputs, betas, generator)
        units, inputs = _take(units, order), _take(inputs, order)
        hidden = draw_hidden(path.odds(inputs, betas), generator)
    return units, hidden


def swaps(path: Path, units: Tensor, inputs: Tensor, betas: Tensor, generator: torch.Generator) -> Tensor:
    """Which replica's state each replica takes, (T, C): neighbours swap, even pairs before odd ones."""
    count, chains = units.shape[:2]
    order = torch.arange(count, device=units.device)[:, None].repeat(1, chains)
    for first in (0, 1):
        low = torch.arange(first, count - 1, 2, device=units.device)
        if not len(low):
            continue
        high = low + 1
        units_now, inputs_now = _take(units, order), _take(inputs, order)

        def weight(state: Tensor, beta: Tensor, units: Tensor = units_now, inputs: Tensor = inputs_now) -> Tensor:
            return path.log_weight(units[state], inputs[state], betas[beta])

        gain = weight(low, high) + weight(high, low) - weight(low, low) - weight(high, high)  # (pairs, C)
        noise = torch.rand(gain.shape, dtype=gain.dtype, device=gain.device, generator=generator)
        swap = noise.log() < gain
        below, above = order[low], order[high]
        order[low], order[high] = torch.where(swap, above, below), torch.where(swap, below, above)
    return order


def _take(states: Tensor, order: Tensor) -> Tensor:
    """States (T, C, F) with each replica's replaced by that of `order` (T, C)."""
    return states.gather(0, order[..., None].expand_as(states))
