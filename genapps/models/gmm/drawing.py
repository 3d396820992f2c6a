"""Drawing from a mixture what is unknown of rows, given what is known of them and what is asked of the rest."""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.constraints import Allowances, draw_between, interval_log_prob
from genapps.models.gmm.hidden_tree import draw_code
from genapps.models.gmm.kernels import log_joint
from genapps.models.gmm.mixture import Mixture
from genapps.models.gmm.rows import Layout, Scale, blocks_of
from genapps.models.gmm.spread import Diagonal


class Drawing:
    """A mixture under conditions. `draw` fills rows and says how much each draw has to be weighed.

    Conditions on codes and on one number enter the choice of the component exactly; so do those on several numbers
    where the components are diagonal. Else numbers under conditions are drawn as if independent given the component,
    and the draws weighed by how wrong that is.
    """

    def __init__(self, mixture: Mixture, layout: Layout, scale: Scale, allowed: Allowances) -> None:
        self.mixture, self.layout, self.scale, self.allowed = mixture, layout, scale, allowed
        self.intervals: dict[int, tuple[float, float]] = {}  # number -> standardised bounds
        for place, column in enumerate(layout.numbers):
            if column in allowed.intervals:
                low, high = (
                    (b - float(scale.center[place])) / float(scale.scale[place]) for b in allowed.intervals[column]
                )
                self.intervals[place] = (low, high)

    @property
    def inexact(self) -> bool:
        """Whether draws have to be weighed."""
        several = len(self.intervals) > 1 and not isinstance(self.mixture.spread, Diagonal)
        return self.allowed.inexact or several

    def draw(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows (N, D) float64 with what was unknown filled in, and the log-weight (N,) of each.

        Raises UsageError where the mixture gives a row's conditions no probability.
        """
        filled, weights = rows.double().clone(), torch.zeros(len(rows), dtype=torch.double)
        numbers, codes = self.layout.split(rows)
        logs = log_joint(self.mixture, blocks_of(rows, self.layout, self.scale, patterns=not self._diagonal), len(rows))
        logs = logs + self._log_codes(codes)
        there = ~torch.isnan(numbers)
        if self.layout.numbers:
            patterns, which = torch.unique(there, dim=0, return_inverse=True)
        else:  # rows of codes alone are all of one pattern
            patterns, which = there[:1], torch.zeros(len(rows), dtype=torch.long)
        values = ((numbers - self.scale.center) / self.scale.scale).nan_to_num_()
        for number, pattern in enumerate(patterns):
            mine = (which == number).nonzero()[:, 0]
            values[mine], states, weights[mine] = self._numbers(values[mine], pattern, logs[mine], generator)
            self._codes(filled, codes, mine, states, generator)
        columns = list(self.layout.numbers)
        filled[:, columns] = torch.where(there, numbers, values * self.scale.scale + self.scale.center)
        for column, bounds in self.allowed.intervals.items():  # rounding must not carry a draw over its bound
            unknown = ~there[:, self.layout.numbers.index(column)]
            filled[:, column] = torch.where(unknown, filled[:, column].clamp(*bounds), filled[:, column])
        return filled, weights + self.allowed.log_correction(filled).double()

    @property
    def _diagonal(self) -> bool:
        return isinstance(self.mixture.spread, Diagonal)

    def _log_codes(self, codes: Tensor) -> Tensor | float:
        """Log-probability (N, K) that the unknown codes satisfy their conditions."""
        logs: Tensor | float = 0.0
        for place, column in enumerate(self.layout.codes):
            if column in self.allowed.codes:
                inside = (self.mixture.tables[place] @ self.allowed.codes[column].double()).log()
                logs = logs + torch.where((codes[:, place] == self.layout.sizes[place])[:, None], inside, 0.0)
        return logs

    def _numbers(
        self, values: Tensor, pattern: Tensor, logs: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Fill the unknown numbers of rows (n, d) of one pattern; also their components and log-weights."""
        known = pattern.nonzero()[:, 0]
        rest = (~pattern).nonzero()[:, 0]
        asked = torch.tensor([place for place in self.intervals if not pattern[place]], dtype=torch.long)
        if len(asked):
            maps, spread = self.mixture.spread.conditional(known, asked)
            gaps = values[:, None, known] - self.mixture.means[:, known]  # (n, K, o)
            means = self.mixture.means[:, asked] + (maps @ gaps[..., None])[..., 0]  # (n, K, c)
            deviations = spread.variances.sqrt().expand(len(self.mixture), -1)
            for j, place in enumerate(asked.tolist()):
                logs = logs + interval_log_prob(means[:, :, j], deviations[:, j], self.intervals[place])
        if not bool((logs.amax(1) > -1e30).all()):
            raise UsageError("the model gives these conditions no probability; relax --given")
        shares = torch.softmax(logs, 1)
        states = torch.multinomial(shares, 1, generator=generator)[:, 0] if len(shares) else shares.new_zeros(0).long()
        weights = torch.zeros(len(values), dtype=torch.double)
        for state in states.unique().tolist():
            mine = (states == state).nonzero()[:, 0]
            part, own, free = self.mixture.select(torch.tensor([state])), values[mine], rest
            seen = known
            if len(asked):
                own, weights[mine] = self._between(part, own, seen, asked, generator)
                seen = torch.cat([known, asked])
                free = rest[~torch.isin(rest, asked)]
            maps, spread = part.spread.conditional(seen, free)
            means = part.means[0, free] + (own[:, seen] - part.means[0, seen]) @ maps[0].T
            own[:, free] = means + spread.noise(torch.zeros(len(own), dtype=torch.long), generator)
            values[mine] = own
        return values, states, weights

    def _between(
        self, part: Mixture, values: Tensor, known: Tensor, asked: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Fill the numbers under conditions, one component's rows (n, d), and weigh what their dependence changes."""
        maps, spread = part.spread.conditional(known, asked)
        means = part.means[0, asked] + (values[:, known] - part.means[0, known]) @ maps[0].T  # (n, c)
        deviations = spread.variances[0].sqrt()
        for j, place in enumerate(asked.tolist()):
            values[:, place] = draw_between(means[:, j], deviations[j], self.intervals[place], generator)
        if len(asked) == 1 or self._diagonal:
            return values, torch.zeros(len(values), dtype=torch.double)
        gaps = (values[:, asked] - means) / deviations
        factor = torch.linalg.cholesky(spread.dense()[0] / torch.outer(deviations, deviations))
        white = torch.linalg.solve_triangular(factor, gaps.T, upper=False)
        return values, 0.5 * (gaps.square().sum(1) - white.square().sum(0)) - factor.diagonal().log().sum()

    def _codes(self, filled: Tensor, codes: Tensor, mine: Tensor, states: Tensor, generator: torch.Generator) -> None:
        for place, column in enumerate(self.layout.codes):
            unknown = codes[mine, place] == self.layout.sizes[place]
            if bool(unknown.any()):
                shares = self.mixture.tables[place].T  # (size, K)
                if column in self.allowed.codes:
                    shares = shares * self.allowed.codes[column].double()[:, None]
                shares = torch.where(shares.sum(0) > 0, shares, 1.0)  # of components that no row has
                filled[mine[unknown], column] = draw_code(shares, states[unknown], generator).double()
