"""One fault is one part of the rows in alarm."""

from __future__ import annotations

import numpy as np

from genapps_timeseries.detection.cutting import parts_of


def cut(leads: list[int], rows: list[int] | None = None, weight: float = 0.9) -> list[tuple[int, int]]:
    """Parts, as first and last row, of rows each led by a channel."""
    where = np.arange(len(leads)) if rows is None else np.array(rows)
    shares = np.full((len(leads), 3), (1 - weight) / 2)
    shares[np.arange(len(leads)), leads] = weight
    return [(int(p[0]), int(p[-1])) for p in parts_of(where, shares, np.zeros(len(leads), int), 10)]


def test_two_faults_that_run_into_each_other_are_two() -> None:
    assert cut([0] * 60 + [1] * 60) == [(0, 59), (60, 119)]
    assert cut([0] * 60 + [1] * 60, weight=0.5) == [(0, 119)]  # each has a share in the other: one fault of both


def test_a_short_change_of_the_lead_is_none() -> None:
    assert cut([0] * 60 + [1] * 4 + [0] * 60) == [(0, 123)]
    assert cut([0] * 60 + [1] * 4) == [(0, 63)]
    assert cut([0, 1] * 40) == [(0, 79)]


def test_runs_of_other_channels_are_other_faults() -> None:
    rows = [*range(30), *range(40, 43), *range(50, 80)]
    assert cut([0] * 30 + [1] * 3 + [2] * 30, rows) == [(0, 29), (40, 42), (50, 79)]
    assert cut([0] * 30 + [1] * 3 + [0] * 30, rows) == [(0, 79)]
    assert cut([], []) == []


def test_no_row_is_lost_or_twice() -> None:
    draws = np.random.default_rng(0)
    for _ in range(30):
        rows = np.flatnonzero(draws.random(300) < 0.6)
        parts = parts_of(rows, draws.dirichlet([0.2] * 4, len(rows)), np.cumsum(draws.random(len(rows)) < 0.05), 5)
        np.testing.assert_array_equal(np.concatenate(parts), rows)
