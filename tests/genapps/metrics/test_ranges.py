"""VUS-PR against the definition written out in loops; events, delays and alarms a week against counting by hand."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from genapps.errors import InputError
from genapps.metrics.ranges import (
    alarms_per_week,
    auc_pr,
    delays,
    event_scores,
    natural_window,
    point_adjusted_f1,
    segments,
    vus_pr,
)


def runs(flags: list[bool]) -> list[tuple[int, int]]:
    found, begun = [], None
    for row, flag in enumerate([*flags, False]):
        if flag and begun is None:
            begun = row
        elif not flag and begun is not None:
            found.append((begun, row - 1))
            begun = None
    return found


def literal_vus_pr(labels: list[int], scores: list[float], window: int, thresholds: int, *, fall: float = 1.0) -> float:
    """The definition as one reads it: a loop over buffers, over thresholds, over rows."""
    n, events = len(labels), runs([label > 0 for label in labels])
    falling = sorted(scores, reverse=True)
    levels = [falling[int(rank)] for rank in np.linspace(0, n - 1, thresholds)]
    areas = []
    for width in range(window + 1):
        reach = width // 2
        soft = [float(label > 0) for label in labels]
        for first, last in events:
            for row in range(n):
                distance = max(first - row, row - last)
                if 1 <= distance <= reach:
                    soft[row] += math.sqrt(1 - fall * distance / width)
        soft = [min(1.0, weight) for weight in soft]
        zones: list[tuple[int, int]] = []
        for first, last in events:
            if zones and zones[-1][1] >= first - reach:
                zones[-1] = (zones[-1][0], last + reach)
            else:
                zones.append((first - reach, last + reach))
        area, before = 0.0, 0.0
        for level in levels:
            flagged = [row for row in range(n) if scores[row] >= level]
            right = sum(soft[row] for row in flagged)
            mass = sum(soft[row] if row in flagged else float(labels[row] > 0) for row in range(n))
            met = sum(any(a <= row <= b for row in flagged) for a, b in zones)
            recall = min(right / ((sum(label > 0 for label in labels) + mass) / 2), 1) * met / len(zones)
            area += (recall - before) * right / len(flagged)
            before = recall
        areas.append(area)
    return sum(areas) / len(areas)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    """Events anywhere, also at both ends and touching buffers; scores with many ties, or all the same."""
    labels = draw(st.lists(st.sampled_from([0, 0, 1]), min_size=1, max_size=20))
    labels[draw(st.integers(0, len(labels) - 1))] = 1
    values = st.one_of(st.integers(0, 4).map(float), st.floats(-1e6, 1e6))
    return labels, draw(st.lists(values, min_size=len(labels), max_size=len(labels)))


@settings(max_examples=150, deadline=None)
@given(labelled(), st.integers(0, 12), st.integers(2, 9))
def test_the_fast_form_is_the_definition(case: tuple[list[int], list[float]], window: int, thresholds: int) -> None:
    labels, scores = case
    expected = literal_vus_pr(labels, scores, window, thresholds)
    assert vus_pr(labels, scores, window, thresholds=thresholds) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("window", [0, 1, 2, 9, 30])
def test_with_all_thresholds_at_ends_and_beside_each_other(window: int) -> None:
    draws = np.random.default_rng(window)
    labels = np.zeros(60, int)
    labels[[0, 1, 20, 22, 23, 30, 59]] = 1
    for scores in (draws.random(60), draws.integers(0, 3, 60).astype(float), np.zeros(60), labels + 0.1):
        expected = literal_vus_pr(labels.tolist(), scores.tolist(), window, 250)
        assert vus_pr(labels, scores, window) == pytest.approx(expected, abs=1e-10)


def test_another_ramp_would_be_caught() -> None:
    labels, scores = [0, 0, 0, 1, 1, 0, 0, 0, 0, 0], [0.0, 1, 5, 2, 3, 4, 0, 1, 0, 2]
    there, elsewhere = vus_pr(labels, scores, 6), literal_vus_pr(labels, scores, 6, 250, fall=0.99)
    assert abs(there - elsewhere) > 1e-4


def test_a_perfect_score_is_better_than_one_that_comes_late_and_chance_gets_what_it_deserves() -> None:
    labels = np.zeros(4000)
    labels[1000:1100] = labels[3000:3100] = 1
    chance = vus_pr(labels, np.random.default_rng(0).random(4000), 50)
    late = vus_pr(labels, np.roll(labels, 20), 50)
    assert chance < 0.15 < 0.6 < late < 0.9 < vus_pr(labels, labels, 50)


@pytest.mark.parametrize("events", [4, 300])
def test_ten_thousand_rows_take_less_than_a_tenth_of_a_second(events: int) -> None:
    draws = np.random.default_rng(0)
    labels = np.zeros(10_000)
    labels[draws.choice(10_000, events, replace=False)] = 1
    scores = draws.random(10_000)
    took = []
    for _ in range(3):
        began = time.process_time()
        vus_pr(labels, scores, 125)
        took.append(time.process_time() - began)
    assert min(took) < 0.1


def test_what_cannot_be_judged_is_refused_by_name() -> None:
    for measure in (auc_pr, lambda labels, scores: vus_pr(labels, scores, 3)):
        with pytest.raises(InputError, match="no row is labelled"):
            measure([0, 0, 0], [1.0, 2, 3])
        with pytest.raises(InputError, match="row 2: the score is not a finite number"):
            measure([0, 0, 1], [1.0, np.nan, 3])
        with pytest.raises(InputError, match="one of each a row"):
            measure([0, 1], [1.0, 2, 3])
    with pytest.raises(InputError, match="0 or more"):
        vus_pr([0, 1], [0.0, 1], -1)


@settings(max_examples=200, deadline=None)
@given(labelled())
def test_average_precision_is_scikit_learns(case: tuple[list[int], list[float]]) -> None:
    labels, scores = case
    assert auc_pr(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_events_are_counted_as_by_hand(rows: list[tuple[bool, bool]]) -> None:
    labels, alarms = [a for a, _ in rows], [b for _, b in rows]
    truth, raised = runs(labels), runs(alarms)
    meet = [[a[0] <= b[1] and b[0] <= a[1] for b in raised] for a in truth]
    found = sum(any(line) for line in meet)
    true = sum(any(line[k] for line in meet) for k in range(len(raised)))
    result = event_scores(labels, alarms)
    assert (result.found, result.missed) == (found, len(truth) - found)
    assert (result.true_alarms, result.false_alarms) == (true, len(raised) - true)
    first, last = segments(labels)
    assert list(zip(first.tolist(), last.tolist(), strict=True)) == truth
    for (start, end), delay in zip(truth, delays(labels, alarms), strict=True):
        hit = next((row for row in range(start, end + 1) if alarms[row]), None)
        assert np.isnan(delay) if hit is None else delay == hit - start
    adjusted = list(alarms)
    for start, end in truth:
        if any(alarms[start : end + 1]):
            adjusted[start : end + 1] = [True] * (end + 1 - start)
    if labels:
        assert point_adjusted_f1(labels, alarms) == pytest.approx(f1_score(labels, adjusted, zero_division=0))


def test_precision_recall_and_f1_of_events() -> None:
    labels = [0, 1, 1, 0, 0, 1, 0, 0, 0]
    alarms = [1, 1, 0, 0, 0, 0, 0, 1, 0]
    result = event_scores(labels, alarms)
    assert (result.precision, result.recall, result.f1) == (0.5, 0.5, 0.5)
    silent = event_scores(labels, np.zeros(9))
    assert (silent.precision, silent.recall, silent.f1) == (0, 0, 0)
    with pytest.raises(InputError, match="one of each a row"):
        event_scores([0, 1], [0])


def test_point_adjustment_flatters_chance() -> None:
    draws = np.random.default_rng(0)
    labels = np.zeros(5000)
    labels[2000:2500] = 1
    alarms = draws.random(5000) < 0.02
    assert point_adjusted_f1(labels, alarms) > 0.85
    assert f1_score(labels, alarms) < 0.05


def test_delays_and_alarms_a_week_know_the_time() -> None:
    times = np.datetime64("2024-01-01") + np.arange(7 * 24 * 2) * np.timedelta64(1, "h")
    labels, alarms = np.zeros(336), np.zeros(336)
    labels[100:110] = 1
    alarms[[5, 6, 50, 103, 200]] = 1
    assert delays(labels, alarms, times) == pytest.approx([3 * 3600.0])
    assert alarms_per_week(alarms, times) == pytest.approx(4 / 2)
    assert alarms_per_week(alarms, times, normal=labels == 0) == pytest.approx(3 / (326 / 168))
    seconds = np.arange(336) * 3600.0
    seconds[200:] += 1e9  # years without a recording are no quiet time
    assert alarms_per_week(alarms, seconds) == pytest.approx(4 / 2)
    with pytest.raises(InputError, match="times that go on"):
        alarms_per_week([1, 0], [5.0, 5.0])
    with pytest.raises(InputError, match="none are left"):
        alarms_per_week([1, 0], [5.0, 6.0], normal=[False, False])
    with pytest.raises(InputError, match="3 times beside 2 rows"):
        delays([1, 0], [1, 0], [1.0, 2, 3])


def test_the_natural_window_is_the_period_where_there_is_one() -> None:
    steps = np.arange(3000)
    wave = np.sin(2 * np.pi * steps / 48) + 0.1 * np.random.default_rng(0).standard_normal(3000)
    assert abs(natural_window(wave) - 48) <= 1
    assert natural_window(np.zeros(1000)) == 125
    assert natural_window(steps) == 125
    assert natural_window([1.0]) == 125
