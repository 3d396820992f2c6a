"""The detector of a stream: causal, resumable, true to its rate, and not blinded by what it saw before."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from genapps.errors import InputError, UsageError
from genapps_timeseries.series import Floats
from genapps_timeseries.watching.members import Forecast, Level, Member, Reach, Restless, Season, Windows
from genapps_timeseries.watching.streaming import DEFAULT, FAMILIES, LIGHT, Details, Stream

WARM = 300


def normal(rows: int, seed: int = 0) -> Floats:
    draws = np.random.default_rng(seed)
    return 5 * np.sin(np.arange(rows) / 9) + draws.normal(0, 0.5, rows)


def judge(values: Floats, family: str = DEFAULT, rate: float = 0.001, warm: int = WARM) -> tuple[Floats, Stream]:
    """P-values (N - warm,) of values (N,) or (N, C), a row a minute."""
    table = values[:, None] if values.ndim == 1 else values
    stream = Stream(table.shape[1], family, rate)
    times = (60.0 * np.arange(len(table))).tolist()
    stream.begin(times[:warm], table[:warm])
    return np.array([stream.step(t, row) for t, row in zip(times[warm:], table[warm:].tolist(), strict=True)]), stream


def first(alarms: Floats, rate: float = 0.001) -> int:
    """The first row in alarm, after the warm-up, or -1."""
    hits = np.flatnonzero(alarms <= rate)
    return int(hits[0]) if len(hits) else -1


@pytest.mark.parametrize("family", FAMILIES)
def test_no_row_is_judged_by_a_later_one(family: str) -> None:
    values = normal(700)
    values[500:] += 40
    whole, _ = judge(values, family)
    for stop in (301, 450, 505):
        part, _ = judge(values[:stop], family)
        assert np.array_equal(part, whole[: stop - WARM])
    other = values.copy()
    other[600:] = -99
    assert np.array_equal(judge(other, family)[0][:300], whole[:300])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_stream_goes_on_as_if_nothing_had_happened(family: str, channels: int) -> None:
    draws = np.random.default_rng(1)
    values = np.stack([normal(700, seed) for seed in range(channels)], axis=1)
    values[draws.random(values.shape) < 0.02] = np.nan
    values[500:540] += 30
    values[600:, 0] = 1.0
    whole, _ = judge(values, family)
    for stop in (310, 515, 533, 560, 640):
        _, stream = judge(values[:stop], family)
        other = Stream(channels, family)
        other.restore({name: array.copy() for name, array in stream.state().items()})
        rest = [other.step(60.0 * row, values[row].tolist()) for row in range(stop, 700)]
        assert np.array_equal(rest, whole[stop - WARM :], equal_nan=True)
        assert other.onset() == pytest.approx(stream.onset(), abs=1) and other.details().shares


@pytest.mark.parametrize("family", FAMILIES)
def test_the_rate_is_kept_on_normal_rows(family: str) -> None:
    alarms = sum(int((judge(normal(4000, seed), family, 0.01)[0] <= 0.01).sum()) for seed in range(3))
    assert 0.4 < alarms / (0.01 * 3 * 3700) < 1.8


ANOMALIES: dict[str, tuple[Callable[[Floats], None], int, str]] = {
    "spike": (lambda v: v.__setitem__(1000, 25.0), 2, "spike shape level shift"),
    "level shift": (lambda v: v.__setitem__(slice(1000, 1200), v[1000:1200] + 12), 8, "spike shape level shift"),
    "flatline": (lambda v: v.__setitem__(slice(1000, 1100), v[1000]), 15, "flatline"),
    "missing": (lambda v: v.__setitem__(slice(1000, 1100), np.nan), 15, "missing"),
}


@pytest.mark.parametrize("name", ANOMALIES)
def test_what_is_strange_is_seen_at_once_and_named(name: str) -> None:
    change, within, kinds = ANOMALIES[name]
    values = normal(1300)
    values[:100][::9] = np.round(values[:100][::9])
    change(values)
    stream = Stream(1)
    stream.begin((60.0 * np.arange(WARM)).tolist(), values[:WARM, None])
    found: tuple[int, Details] | None = None
    for row in range(WARM, 1300):
        p = stream.step(60.0 * row, [float(values[row])])
        if p <= 0.001 and row >= 1000 and found is None:
            found = row, stream.details()
    assert found is not None and found[0] <= 1000 + within
    assert found[1].kind in kinds


def test_one_extreme_row_does_not_hide_the_next_ones() -> None:
    values = normal(2000)
    values[900] = 1e6
    for row in (1100, 1300, 1500):
        values[row] += 25
    alarms, _ = judge(values)
    assert {900, 1100, 1300, 1500} <= set((np.flatnonzero(alarms <= 0.001) + WARM).tolist())


def test_a_shift_that_lasts_is_accepted_and_the_way_back_is_seen() -> None:
    values = normal(3000)
    values[1000:2000] += 12
    alarms, stream = judge(values)
    hits = np.flatnonzero(alarms <= 0.001) + WARM
    assert {1000, 2000} <= {int(hit) - int(hit) % 1000 for hit in hits if hit % 1000 < 20}
    assert ((hits > 1200) & (hits < 1990)).sum() < 5 and (hits > 2200).sum() < 5
    assert stream.accepted


@pytest.mark.parametrize("last", [900, 2000])
def test_a_long_fault_does_not_hide_the_next_ones(last: int) -> None:
    values = np.random.default_rng(0).normal(0, 0.5, (2000, 4))
    values[800:last, 0] += 12
    values[1600:1640, 1] += 5
    values[1800, 0] += 5
    alarms, _ = judge(values)
    assert {800, 1600, 1800} <= set((np.flatnonzero(alarms <= 0.001) + WARM).tolist())


def test_the_channel_at_fault_is_named() -> None:
    values = np.stack([normal(900, seed) for seed in range(4)], axis=1)
    values[700:720, 2] += 25
    stream = Stream(4)
    stream.begin((60.0 * np.arange(WARM)).tolist(), values[:WARM])
    for row in range(WARM, 900):
        p = stream.step(60.0 * row, values[row].tolist())
        if row == 700:
            told = stream.details()
            assert p <= 0.001 and told.channel == 2 and told.sign == 1 and told.shares[2] > 0.5


def test_onsets_are_few_and_early() -> None:
    values = normal(2000)
    values[1000:1060] += 25
    stream = Stream(1)
    stream.begin((60.0 * np.arange(WARM)).tolist(), values[:WARM, None])
    onsets = []
    for row in range(WARM, 2000):
        stream.step(60.0 * row, [float(values[row])])
        onsets.append(stream.onset())
    strong = np.flatnonzero(np.array(onsets) > 0.75) + WARM
    assert len(strong) <= 3 and 1000 <= strong[0] <= 1003


def test_constant_and_empty_channels() -> None:
    constant = np.full((4000, 1), 3.0)
    assert not (judge(constant)[0] <= 0.001).any()
    with pytest.raises(InputError, match="enough values"):
        judge(np.full((500, 1), np.nan))
    with pytest.raises(UsageError, match="ensemble and light"):
        Stream(1, "nonsense")
    with pytest.raises(InputError, match="does not fit"):
        Stream(1, LIGHT).restore(judge(normal(400))[1].state())


def test_numbers_too_large_to_reckon_with() -> None:
    values = normal(500)
    values[400:403] = [1e308, -1e308, 1e308]
    alarms, _ = judge(values)
    assert not np.isnan(alarms).any() and first(alarms) in (100, 99)


@pytest.mark.parametrize("make", [Level, Forecast, Season, Windows, Reach, Restless])
def test_members_hold_bounded_memory_and_learn_only_when_told(make: Callable[[], Member]) -> None:
    member = make()
    values = normal(3000).tolist()
    for row, value in enumerate(values):
        member.step(value, value, 60.0 * row, True)
    size = sum(np.size(array) for array in member.state().values())
    for row, value in enumerate(values):
        member.step(value, value, 60.0 * (3000 + row), True)
    assert sum(np.size(array) for array in member.state().values()) == size
    copy = make()
    copy.restore(member.state())
    strange = [member.step(50.0, 50.0, 60.0 * (6000 + row), False) for row in range(300)]
    assert strange == [copy.step(50.0, 50.0, 60.0 * (6000 + row), False) for row in range(300)]
    known = [score for score in strange[-20:] if not math.isnan(score)]
    assert known and min(known) > 1  # still strange: nothing of it was learnt


def test_a_forecast_learns_a_sine_that_a_perturbed_one_does_not() -> None:
    values = np.sin(np.arange(800) / 3).tolist()
    member, spoilt = Forecast(), Forecast()
    for row, value in enumerate(values):
        error = member.step(value, value, 0.0, True)
        spoilt.step(value, value, 0.0, True)
        spoilt.weights[3] += 0.2
        worse = abs(value - spoilt.expected)
        if row > 700:
            assert error < 1e-3 < worse


def test_a_channel_that_is_never_there_is_left_alone() -> None:
    values = np.stack([normal(700), np.full(700, np.nan), normal(700, 1)], axis=1)
    values[600, 2] += 25
    alarms, stream = judge(values)
    assert stream.used == [0, 2] and alarms[300] <= 0.001 and (alarms <= 0.001).sum() < 20
    other = Stream(3)
    other.restore(stream.state())
    assert other.step(42_000.0, [0.0, 7.0, 0.0]) == stream.step(42_000.0, [0.0, 7.0, 0.0])
    assert len(other.details().shares) == 3
