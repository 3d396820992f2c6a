"""Does a generator still make all that there is? A watch for mode collapse.

Three figures of a sample beside the same figures of real rows: the share of the data it covers, the number of bins it
reaches, and how far apart its rows lie.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

LEAST_COVERAGE = 0.5  # of the best so far: below it the generator has forgotten half of what it could make
LEAST_BINS = 0.25  # of the bins that as many real rows reach
LEAST_SPREAD = 0.2  # of the real rows' mean distance
_WORTH = 0.2  # coverage that was never above this says more of the quality of the rows than of their variety


@dataclass(frozen=True)
class Variety:
    """How varied a sample is.

    coverage: share of real rows with a sampled row among their k nearest real rows (Naeem et al. 2020, "Reliable
    fidelity and diversity metrics for generative models"). bins: cells around real rows that the sample reaches, of
    `of` that as many real rows reach. spread: mean distance of two sampled rows over that of two real rows.
    real_coverage: what other real rows, as many, would cover.
    """

    coverage: float
    bins: int
    of: int
    spread: float
    real_coverage: float = 1.0

    def to_json(self) -> dict[str, float]:
        """Plain numbers, for a model's card."""
        return {name: round(float(value), 4) for name, value in asdict(self).items()}


class Ruler:
    """Real rows to measure samples against: half of them are the data, the other half says what real rows would score.

    rows: (M, ...) in the space where distances mean something; at least 4.
    """

    def __init__(self, rows: Tensor, *, neighbours: int = 5, bins: int = 50) -> None:
        rows = rows.flatten(1).float()
        half = len(rows) // 2
        self.rows, other = rows[:half], rows[half : 2 * half]
        self.centres = self.rows[: max(1, min(bins, half // 4))]
        apart = torch.cdist(self.rows, self.rows)
        k = min(neighbours, half - 1)
        self.radius = apart.kthvalue(k + 1, dim=1).values  # (M/2,), the row itself is the nearest
        self.spread = max(float(apart.mean()) * half / (half - 1), 1e-12)
        self.of = int(self._cells(other).unique().numel())
        self.real_coverage = self._covered(other)

    def measure(self, sample: Tensor) -> Variety:
        """The variety of a sample (n, ...); as many rows as the ruler's half are compared."""
        sample = sample.flatten(1).float()[: len(self.rows)]
        n = len(sample)
        spread = float(torch.cdist(sample, sample).sum()) / max(n * (n - 1), 1) / self.spread
        bins = int(self._cells(sample).unique().numel())
        return Variety(self._covered(sample), bins, self.of, spread, self.real_coverage)

    def _covered(self, rows: Tensor) -> float:
        near = torch.cdist(self.rows, rows) <= self.radius[:, None] + 1e-6
        return float(near.any(1).float().mean())

    def _cells(self, rows: Tensor) -> Tensor:
        return torch.cdist(rows, self.centres).argmin(1)


def verdict(now: Variety, best_coverage: float, best_bins: float = math.inf) -> str:
    """Why a sample counts as collapsed, or nothing; best_coverage, best_bins: of the samples before it.

    Few bins are no collapse where there were never more: at first every generator reaches few.
    """
    reasons = []
    if best_coverage >= _WORTH and now.coverage < LEAST_COVERAGE * best_coverage:
        reasons.append(f"covers {_percent(now.coverage)} of the data, {_percent(best_coverage)} before")
    if now.bins < LEAST_BINS * now.of <= best_bins:
        reasons.append(f"reaches {now.bins} of {now.of} bins")
    if now.spread < LEAST_SPREAD:
        reasons.append(f"rows lie {_percent(now.spread)} as far apart as real ones")
    return f"mode collapse: {', '.join(reasons)}" if reasons else ""


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
