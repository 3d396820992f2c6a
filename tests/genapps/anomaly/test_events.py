"""Events by stream, by batch and by hand are the same; one alarm however long, and nothing lost by a restart."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.anomaly.events import Change, Event, EventTracker, Rules, find_events, severity
from genapps.errors import InputError, UsageError

DIRECTIONS = st.sampled_from(["up", "down", "both"])


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    m = draw(st.integers(1, 3))
    return Rules(0.1, draw(st.integers(0, 4)), draw(st.integers(1, 4)), m, draw(st.integers(m, 6)), draw(DIRECTIONS))


@st.composite
def records(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """p-values, times with gaps and repeats, signs and two channels."""
    n = draw(st.integers(0, 40))
    p = draw(st.lists(st.sampled_from([0.5, 0.9, 0.1, 0.05, 0.001, math.nan]), min_size=n, max_size=n))
    steps = draw(st.lists(st.sampled_from([0, 1, 1, 1, 3, 10]), min_size=n, max_size=n))
    signs = draw(st.lists(st.sampled_from([-1.0, 0.0, 1.0, math.nan]), min_size=n, max_size=n))
    shares = draw(st.lists(st.floats(0, 1), min_size=n, max_size=n))
    both = np.stack([np.array(shares), 1 - np.array(shares)], axis=1).reshape(n, 2)
    return np.array(p), np.cumsum(steps).astype(float), np.array(signs), both


def by_hand(p: np.ndarray, times: np.ndarray, signs: np.ndarray, rule: Rules) -> list[list[int]]:
    """The rows in alarm of each event, by the words of `Rules`."""
    wanted = {"up": lambda s: s > 0, "down": lambda s: s < 0, "both": lambda s: True}[rule.direction]
    rows = [row for row in range(len(p)) if p[row] <= rule.rate and wanted(signs[row])]
    chains: list[list[int]] = []
    for row in rows:
        last = chains[-1][-1] if chains else None
        if last is not None and (times[row] - times[last] <= rule.gap or row - last < rule.n):
            chains[-1].append(row)
        else:
            chains.append([row])
    dense = [any(sum(a <= row < a + rule.n for row in chain) >= rule.m for a in chain) for chain in chains]
    return [c for c, enough in zip(chains, dense, strict=True) if enough and c[-1] - c[0] + 1 >= rule.rows]


def same(a: list[Event], b: list[Event]) -> bool:
    plain = [[replace(e, score=0.0) for e in events] for events in (a, b)]
    scores = [[e.score for e in events] for events in (a, b)]
    return plain[0] == plain[1] and np.array_equal(*scores, equal_nan=True)


@settings(max_examples=400, deadline=None)
@given(records(), rules(), st.integers(0, 40))
def test_stream_batch_and_hand_agree_also_over_a_restart(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], rule: Rules, stop: int
) -> None:
    p, times, signs, shares = case
    batch = find_events(p, times, rule, scores=-p, signs=signs, contributions=shares)
    assert [(e.first_row, e.last_row, e.alarms) for e in batch] == [
        (c[0], c[-1], len(c)) for c in by_hand(p, times, signs, rule)
    ]
    tracker, changes = EventTracker(rule), []
    for row in range(len(p)):
        if row == stop:
            tracker = EventTracker.restore(tracker.state(), rule)
        changes += tracker.step(times[row], p[row], -p[row], sign=signs[row], contributions=shares[row].tolist())
    changes += tracker.finish()
    assert same([change.event for change in changes if change.kind == "close"], batch)
    check_order(changes)


def check_order(changes: list[Change]) -> None:
    """Every event opens once, grows worse at most three times, closes once, and the next begins afterwards."""
    story = [(change.event.id, change.kind) for change in changes]
    for number in {number for number, _ in story}:
        kinds = [kind for other, kind in story if other == number]
        assert kinds[0] == "open" and kinds[-1] == "close"
        assert set(kinds[1:-1]) <= {"update"} and len(kinds) <= 5
    assert [number for number, _ in story] == sorted(number for number, _ in story)


def test_a_long_alarm_is_one_alarm() -> None:
    tracker, told = EventTracker(Rules(rate=0.01)), []
    for row in range(20_000):
        told += tracker.step(row, 0.0001 if row > 10 else 0.5)
    assert [change.kind for change in told] == ["open", "update"]
    assert tracker.open() is not None and tracker.open().severity == pytest.approx(2 + math.log10(19_989))
    assert [change.kind for change in tracker.finish()] == ["close"]
    assert tracker.open() is None and tracker.finish() == []


def test_what_an_event_says() -> None:
    p = np.array([1, 0.01, 0.0001, 1, 0.01, 1, 1, 0.01])
    times = 60.0 * np.arange(8)
    signs = np.array([1, -1, -1, 0, 1, 1, 1, 1])
    shares = np.array([[1, 0, 0]] * 3 + [[0, 0, 1]] * 5, float)
    shares[2] = [0.2, 0.8, 0]
    first, second = find_events(p, times, Rules(0.01, gap=120), scores=np.arange(8), signs=signs, contributions=shares)
    assert (first.id, first.start, first.end, first.peak) == (1, 60, 240, 120)
    assert (first.alarms, first.p, first.score, first.direction) == (3, 0.0001, 2, "down")
    assert first.contributions == pytest.approx([0.4, 0.8 / 3, 1 / 3])
    assert first.channels() == [0, 2, 1]
    assert first.severity == pytest.approx(2 + math.log10(3)) and first.grade == "high"
    assert (second.id, second.start, second.direction, second.grade) == (2, 420, "up", "low")
    assert find_events([0.0], rules=Rules(0.001))[0].grade == "critical"
    assert severity(0.5, 1, 0.1) == 0


def test_one_of_the_rules_changed_would_be_caught() -> None:
    p = [0.01, 1, 0.01, 1, 1, 0.01]
    found = {gap: len(find_events(p, rules=Rules(0.01, gap=gap))) for gap in (0, 1, 2, 3)}
    assert found == {0: 3, 1: 3, 2: 2, 3: 1}
    assert len(find_events(p, rules=Rules(0.01, m=2, n=3))) == 1
    assert len(find_events(p, rules=Rules(0.01, m=2, n=2))) == 0
    assert len(find_events(p, rules=Rules(0.01, gap=2, rows=4))) == 0
    assert len(find_events(p, rules=Rules(0.009))) == 0


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ({"rate": 0}, {"gap": -1}, {"rows": 0}, {"m": 3, "n": 2}, {"direction": "left"}):
        with pytest.raises(UsageError):
            Rules(**wrong)
    with pytest.raises(InputError, match="times of shape"):
        find_events([0.1, 0.2], [1.0])
    with pytest.raises(InputError, match="contributions of shape"):
        find_events([0.1, 0.2], contributions=[0.1, 0.2])
    tracker = EventTracker(Rules(0.1))
    tracker.step(0, 0.01, contributions=[0.5, 0.5])
    with pytest.raises(InputError, match="row 2: 1 channels after 2"):
        tracker.step(1, 0.01, contributions=[1.0])
    with pytest.raises(InputError, match="without their counters"):
        EventTracker.restore({}, Rules())
