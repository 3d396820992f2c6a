"""Each kind of event is told, on an anomaly of that kind that was put into a made series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from genapps_timeseries.detection.kinds import KINDS, counterpart, crossings, kind_of, usual_residual
from genapps_timeseries.injection.inject import inject
from genapps_timeseries.scoring.examples import distances, nearest

Floats = NDArray[np.float64]
WINDOW = 96
NORMAL = 2000


@pytest.fixture(scope="module")
def series() -> Floats:
    rows = np.arange(4000)
    season = 10 + 3 * np.sin(2 * np.pi * rows / WINDOW) + np.sin(4 * np.pi * rows / WINDOW)
    return season + np.random.default_rng(0).normal(0, 0.25, 4000)


CASES = [
    ("spike", 2, "spike"),
    ("level", 80, "level shift"),
    ("trend", 150, "trend"),
    ("noise", 60, "noise"),
    ("speed", 180, "frequency"),
    ("flatline", 60, "flatline"),
    ("dropout", 40, "missing"),
    ("flip", 96, "shape"),
]


@pytest.mark.parametrize(("kind", "length", "name"), CASES)
@pytest.mark.parametrize("start", [2600, 3150, 3517])
def test_a_kind_is_told(series: Floats, kind: str, length: int, name: str, start: int) -> None:
    new = inject(series, kind, start, length, 4.0, np.random.default_rng(start), window=WINDOW)
    told = kind_of(new, start, start + length, series[:NORMAL], WINDOW)
    assert told.name == name
    assert told.name in KINDS
    assert start <= told.first <= told.last < start + length
    assert len(told.usual) == told.last - told.first + 1


def test_a_spike_is_found_within_a_long_alarm(series: Floats) -> None:
    new = series.copy()
    new[3050] += 8
    told = kind_of(new, 3000, 3100, series[:NORMAL], WINDOW)
    assert (told.name, told.first, told.last) == ("spike", 3050, 3050)


def test_what_would_have_been_comes_from_the_surroundings(series: Floats) -> None:
    new = series.copy()
    new[3000:3060] = 99.0
    usual = counterpart(new, 3000, 3060, series[:NORMAL], WINDOW)
    assert np.abs(usual - series[3000:3060]).mean() < 0.5
    assert 0.15 < usual_residual(series[:NORMAL], WINDOW) < 0.6


@pytest.mark.parametrize("change", [lambda x: x + 1000.0, lambda x: x * 1e-6, lambda x: -x])
def test_the_unit_of_a_channel_does_not_matter(series: Floats, change: Callable[[Floats], Floats]) -> None:
    new = inject(series, "level", 3000, 80, 4.0, np.random.default_rng(0), window=WINDOW)
    told = kind_of(change(new), 3000, 3080, change(series[:NORMAL]), WINDOW)
    assert told.name == "level shift"


def test_distances_are_those_of_the_plain_formula() -> None:
    draws = np.random.default_rng(3)
    normal, pattern = draws.normal(50, 1, 120), draws.normal(50, 1, 17)
    weight = draws.integers(0, 3, 17).astype(float)
    pattern[4], normal[60] = np.nan, np.nan
    found = distances(normal, pattern, weight)
    for place in range(len(normal) - 16):
        known = np.isfinite(pattern) & np.isfinite(normal[place : place + 17])
        w = weight * known
        plain = (w * np.nan_to_num(pattern - normal[place : place + 17]) ** 2).sum() / w.sum()
        assert found[place] == pytest.approx(plain, rel=1e-9)
    assert nearest(normal, normal[30:47]) == (30, pytest.approx(0.0, abs=1e-6))
    assert nearest(normal[:5], pattern) == (-1, float("inf"))


def test_turns_are_counted() -> None:
    rows = np.linspace(0, 1, 400, endpoint=False)
    assert [crossings(np.sin(2 * np.pi * k * rows + 0.3)) for k in (1, 3, 5)] == [1, 5, 9]
