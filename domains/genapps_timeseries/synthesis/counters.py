"""Channels that only grow: learnt by their steps, and summed up again from where the given rows ended or began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from genapps_timeseries.scoring.roles import role_of
from genapps_timeseries.series import Floats, Series
from genapps_timeseries.synthesis.shape import decimals_of, filled

MOST = 100  # series whose ends are remembered


@dataclass(frozen=True)
class Counters:
    """columns: the K channels. first, last: what each showed first and last in each of S series. decimals: (K,)."""

    columns: tuple[int, ...] = ()
    first: tuple[tuple[float, ...], ...] = ()
    last: tuple[tuple[float, ...], ...] = ()
    decimals: tuple[int | None, ...] = ()

    @classmethod
    def of(cls, series: Sequence[Series]) -> Counters:
        """Of the series of a file. A channel of equal steps is a line, which a trend keeps."""
        columns = [c for c in range(series[0].values.shape[1]) if _only_grows([one.values[:, c] for one in series])]
        known = [filled(one.values[:, columns]) for one in series[:MOST]] if columns else []
        together = np.concatenate([one.values for one in series])
        return cls(
            tuple(columns),
            tuple(tuple(one[0].tolist()) for one in known),
            tuple(tuple(one[-1].tolist()) for one in known),
            tuple(decimals_of(together[:, c]) for c in columns),
        )

    def steps(self, series: Series) -> Series:
        """The series with steps from row to row in place of counters; the first is taken for the second."""
        values = series.values.copy()
        for c in self.columns:
            values[:, c] = _steps(filled(values[:, [c]])[:, 0])
        return replace(series, values=values)

    def summed(self, values: Floats, number: int, later: bool) -> Floats:
        """New rows (N, C) of the series of that number with steps summed up: after the last value, or from the first.

        A trend of the steps never makes one go back.
        """
        values = values.copy()
        ends = self.last if later else self.first
        for k, c in enumerate(self.columns):
            steps = np.maximum(values[:, c], 0.0)
            grown = np.cumsum(steps) - (0.0 if later else steps[0])
            whole, digits = ends[number % len(ends)][k] + grown, self.decimals[k]
            values[:, c] = whole if digits is None else np.round(whole, digits)
        return values

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Counters:
        """The inverse of `to_json`."""
        first, last = (tuple(tuple(one) for one in plain[name]) for name in ("first", "last"))
        return cls(tuple(plain["columns"]), first, last, tuple(plain["decimals"]))


def _steps(values: Floats) -> Floats:
    steps = np.diff(values)
    return np.concatenate([steps[:1] if len(steps) else np.zeros(1), steps])


def _only_grows(columns: Sequence[Floats]) -> bool:
    """Whether a channel of some series (N,) is a counter in one, goes back in none, and has steps that differ."""
    roles = [role_of(column) for column in columns]
    if "counter" not in roles or not set(roles) <= {"counter", "constant", "unknown"}:
        return False
    steps = np.concatenate([np.diff(column[~np.isnan(column)]) for column in columns])
    return bool(steps.min() >= 0 and not np.allclose(steps, steps[0], rtol=1e-6, atol=0))
