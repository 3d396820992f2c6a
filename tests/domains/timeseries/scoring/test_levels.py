"""Channels of few levels: what they do too long, too often, or for the first time."""

from __future__ import annotations

import numpy as np

from genapps_timeseries.scoring.levels import Habits, news
from genapps_timeseries.series import Floats


def switching(rows: int = 2000, seed: int = 0) -> Floats:
    """On for about 20 of about 60 rows."""
    generator = np.random.default_rng(seed)
    out = [np.repeat([0.0, 1.0], [generator.integers(36, 45), generator.integers(17, 24)]) for _ in range(rows // 40)]
    return np.concatenate(out)[:rows]


def test_what_hangs_chatters_or_rests_differs_from_every_habit() -> None:
    habits = Habits().fit(switching())
    usual = float(np.quantile(habits.reference, 0.99))
    for change in (np.ones(120), np.zeros(200), np.arange(80) % 2.0):
        rows = switching(seed=1)[:1200]
        rows[500 : 500 + len(change)] = change
        found = habits.score(rows)
        assert found[500 : 500 + len(change)].max() > 1.5 * usual
    later = habits.score(switching(seed=2))
    assert (later > usual).mean() < 0.05


def test_the_reference_is_no_lower_than_later_normal_rows() -> None:
    habits = Habits().fit(switching())
    later = habits.score(switching(seed=3))
    for level in (0.9, 0.99):
        assert (later > np.quantile(habits.reference, level)).mean() < 2 * (1 - level) + 0.01


def test_news_is_a_value_never_met() -> None:
    known = np.array([0.0, 1.0])
    found = news(np.array([0.0, 1.0, 0.5, 9.0, -1.0, np.nan]), known)
    assert found[:2].tolist() == [0, 0] and (found[2:5] >= 30).all() and found[5] == 0
    assert not news(np.array([5.0]), np.empty(0)).any()
    assert (news(np.array([0.7, 0.8]), np.array([0.7])) > 0).tolist() == [False, True]


def test_state_and_short_parts() -> None:
    for part in (switching(), np.array([1.0]), np.array([0.0, 1.0, np.nan]), np.full(9, np.nan)):
        habits = Habits().fit(part)
        again = Habits.from_state(*habits.state())
        rows = np.array([0.0, 1.0, np.nan, 0.0, 1.0])
        np.testing.assert_array_equal(again.score(rows), habits.score(rows))
        assert habits.reference.shape == part.shape
