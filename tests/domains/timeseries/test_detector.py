"""All channels as one judge."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genapps_timeseries.detector import Detector, Scored
from genapps_timeseries.series import Floats

ROWS = 1200


def plant(seed: int = 0, rows: int = 2 * ROWS) -> Floats:
    """A sensor, one that follows it, a command, a switch never used, a counter, an unknown and a dead channel."""
    generator = np.random.default_rng(seed)
    time = np.arange(rows)
    leads = np.sin(time / 10) + 0.1 * generator.normal(size=rows)
    follows = leads[np.maximum(time - 2, 0)] + 0.1 * generator.normal(size=rows)
    switches = [time // 50 % 2, time // 70 % 2, np.zeros(rows)]
    counter = np.cumsum(generator.integers(0, 3, rows))
    return np.column_stack([leads, follows, *switches, counter, np.full(rows, np.nan), np.full(rows, 0.7)])


@pytest.fixture(scope="module")
def fitted() -> Detector:
    return Detector().fit(plant()[:ROWS])


def same(one: Scored, two: Scored) -> None:
    np.testing.assert_array_equal(one.scores, two.scores)
    np.testing.assert_array_equal(one.channels, two.channels)
    np.testing.assert_array_equal(one.expected, two.expected)


def test_roles(fitted: Detector) -> None:
    moving, switches = ("continuous", "continuous"), ("binary", "binary", "constant")
    assert fitted.roles == (*moving, *switches, "counter", "unknown", "constant")


@pytest.mark.parametrize(("channel", "change"), [(0, 1.5), (1, 1.0), (5, 60.0), (7, 0.1)])
def test_a_change_in_one_channel_is_found_and_named(fitted: Detector, channel: int, change: float) -> None:
    rows = plant()[ROWS:]
    rows[500:530, channel] += change
    found = fitted.score(rows)
    near = found.scores[400:630].max()
    assert near > 1.5 * max(found.scores[:400].max(), found.scores[630:].max())
    there = found.channels[500:530].max(0)
    assert int(np.nanargmax(there)) == channel


def test_state_brings_back_the_same(fitted: Detector) -> None:
    arrays, settings = fitted.state()
    again = Detector.from_state(arrays, json.loads(json.dumps(settings, allow_nan=False)))
    assert again.roles == fitted.roles
    same(again.reference, fitted.reference)
    rows = plant(1)[:500]
    same(again.score(rows), fitted.score(rows))


def test_what_is_unknown_has_no_score(fitted: Detector) -> None:
    rows = plant(2)[:400]
    rows[100:200, 0] = np.nan
    rows[150] = np.nan
    found = fitted.score(rows)
    assert np.isnan(found.channels[100:200, 0]).all() and np.isnan(found.channels[:, 6]).all()
    assert np.flatnonzero(np.isnan(found.scores)).tolist() == [150]


def test_shapes_of_one_channel() -> None:
    rows = plant()[:, :1]
    detector = Detector().fit(rows[:ROWS])
    found = detector.score(rows[ROWS:])
    assert found.scores.shape == (ROWS,) and found.channels.shape == found.expected.shape == (ROWS, 1)
    assert detector.reference.scores.shape == (ROWS,)
