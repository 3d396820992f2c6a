"""Conditions while visible units are drawn: exact, because given the hidden units the visible ones are independent.

A condition on one field is an automaton over its variables (`genapps.spaces.Constraint`). Given the hidden units, the
probability that the rest of the automaton is satisfied from each state follows backwards through its variables, and the
codes are then drawn forwards: the filtering and sampling of a hidden Markov model, with the automaton as its chain.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.constraints import draw
from genapps.models.rbm.layout import Layout
from genapps.spaces import Constraint

_Numbers = tuple[Tensor, Tensor, tuple[Tensor, Tensor]]


class Conditions:
    """Constraints on the variables of a layout. Raises UsageError where one can never hold."""

    def __init__(self, given: Sequence[Constraint], layout: Layout) -> None:
        self.fields = [_Field(constraint, layout) for constraint in given]
        self.joint = [field for field in self.fields if len(field.places) > 1 or field.interval is not None]
        self.bias = torch.zeros(layout.units)  # a condition on one categorical variable only adds to its parameters
        for field in self.fields:
            if field not in self.joint and layout.sizes_in_order[field.places[0]]:
                weights = field.weights[0][0].log()
                own = layout.place == field.places[0]
                self.bias[own] = (weights if len(weights) != 2 else weights[1:] - weights[:1]).float()

    def log_probability(self, natural: Tensor, precision: Tensor) -> Tensor:
        """How likely (B,) the conditions are, with visible units of these natural parameters (B, U)."""
        logs = torch.zeros(len(natural), dtype=torch.double)
        for field in self.fields:
            logs += field.probability(natural, precision.expand(len(natural), -1)).log()
        return logs

    def redraw(self, units: Tensor, natural: Tensor, precision: Tensor, generator: torch.Generator) -> Tensor:
        """The units (..., U) with the conditioned variables drawn anew under their conditions."""
        flat = units.reshape(-1, units.shape[-1])
        precisions = precision.expand(*natural.shape[:-1], precision.shape[-1]).reshape(len(flat), -1)
        for field in self.joint:
            field.redraw(flat, natural.reshape(flat.shape), precisions, generator)
        return flat.view(units.shape)


class _Field:
    def __init__(self, constraint: Constraint, layout: Layout) -> None:
        self.layout, self.interval = layout, constraint.interval
        placed = layout.order.argsort()
        self.places = [int(placed[variable]) for variable in constraint.variables]
        self.weights = [torch.as_tensor(weights).double() for weights in constraint.weights]
        self.following = [torch.as_tensor(following).long() for following in constraint.following]
        even = [torch.full((1, max(layout.sizes_in_order[p], 1)), 1.0, dtype=torch.double) for p in self.places]
        if not float(self._messages(even, None)[0][0, 0]) > 0:
            raise UsageError("the conditions contradict each other: the model gives them no probability; relax --given")

    def probability(self, natural: Tensor, precision: Tensor) -> Tensor:
        """How likely (B,) the condition is."""
        shares, reach = self._shares(natural, precision)
        return self._messages(shares, None if reach is None else reach[2][1] - reach[2][0])[0][:, 0]

    def _shares(self, natural: Tensor, precision: Tensor) -> tuple[list[Tensor], _Numbers | None]:
        """Probabilities (B, size) of each variable's codes; of a number its mean, deviation and quantiles instead."""
        layout = self.layout
        shares: list[Tensor] = []
        reach = None
        for place in self.places:
            own = layout.place == place
            if layout.sizes_in_order[place] == 0:
                number = place - layout.binary - layout.groups
                spread = precision[:, number].double().rsqrt()
                middle = natural[:, layout.last_discrete + number].double() * spread.square()
                reach = (middle, spread, self._reach(middle, spread))
                shares.append(torch.ones(len(natural), 1, dtype=torch.double))
            elif layout.sizes_in_order[place] == 2:
                odds = natural[:, own].double()
                shares.append(torch.sigmoid(torch.cat([-odds, odds], 1)))
            else:
                shares.append(torch.softmax(natural[:, own].double(), 1))
        return shares, reach

    def redraw(self, units: Tensor, natural: Tensor, precision: Tensor, generator: torch.Generator) -> None:
        """Draw this field's units in place; rows (B, U)."""
        layout = self.layout
        shares, reach = self._shares(natural, precision)
        mass = None if reach is None else reach[2][1] - reach[2][0]
        messages = self._messages(shares, mass)
        state = torch.zeros(len(units), dtype=torch.long)
        for k, place in enumerate(self.places):
            own = layout.place == place
            if layout.sizes_in_order[place] == 0:
                assert reach is not None
                values = _truncated(*reach, generator).clamp(*(self.interval or (-torch.inf, torch.inf)))
                inside = self._applies(k)[state]
                units[:, own] = torch.where(inside[:, None], values.to(units.dtype)[:, None], units[:, own])
                state = self.following[k][state, 0]
                continue
            ahead = messages[k + 1].gather(1, self.following[k][state].clamp_max(messages[k + 1].shape[1] - 1))
            wanted = shares[k] * self.weights[k][state] * ahead
            total = wanted.sum(1)
            if not bool((total > 0).all()):  # a probability below the smallest number: the weights decide alone
                wanted = torch.where((total > 0)[:, None], wanted, self.weights[k][state])
                total = wanted.sum(1)
            codes = draw(wanted, total, generator)
            if layout.sizes_in_order[place] == 2:
                units[:, own] = codes[:, None].to(units.dtype)
            else:
                units[:, own] = torch.nn.functional.one_hot(codes, int(own.sum())).to(units.dtype)
            state = self.following[k][state, codes]

    def _messages(self, shares: list[Tensor], mass: Tensor | None) -> list[Tensor]:
        """For each step the probability (B, states) that what remains is satisfied; one more of ones at the end."""
        ends = int(self.following[-1].max()) + 1
        messages = [torch.ones(len(shares[0]), ends, dtype=torch.double)]
        for k in reversed(range(len(shares))):
            ahead = messages[0][:, self.following[k].clamp_max(messages[0].shape[1] - 1)]  # (B, states, size)
            terms = shares[k][:, None] * self.weights[k] * ahead
            message = terms.sum(-1)
            if self.layout.sizes_in_order[self.places[k]] == 0 and mass is not None:
                message = torch.where(self._applies(k), message * mass[:, None], message)
            messages.insert(0, message)
        return messages

    def _applies(self, step: int) -> Tensor:
        """In which states (S,) a number obeys the interval: the last; in the others an earlier code skipped it."""
        states = len(self.weights[step])
        return (torch.arange(states) == states - 1) & (self.interval is not None)

    def _reach(self, middle: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
        low, high = self.interval or (-torch.inf, torch.inf)
        return torch.special.ndtr((low - middle) / spread), torch.special.ndtr((high - middle) / spread)


def _truncated(middle: Tensor, spread: Tensor, reach: tuple[Tensor, Tensor], generator: torch.Generator) -> Tensor:
    """Normal numbers (B,) between the given quantiles."""
    uniform = torch.rand(len(middle), dtype=torch.double, generator=generator)
    between = torch.lerp(reach[0], reach[1], uniform).clamp(1e-15, 1 - 1e-15)
    values: Tensor = torch.special.ndtri(between) * spread + middle
    return values
