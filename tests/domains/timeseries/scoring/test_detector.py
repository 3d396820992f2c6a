"""All channels as one judge."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genapps_timeseries.scoring.detector import Detector, Scored
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


ODD = {
    "one row": np.ones((1, 3)),
    "two rows": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "nothing known": np.full((50, 2), np.nan),
    "nothing moves": np.tile([1.0, 0.0, 2.5], (60, 1)),
    "infinite": np.where(np.eye(40, 3) > 0, np.inf, np.random.default_rng(0).normal(size=(40, 3))),
    "few rows": np.random.default_rng(0).normal(size=(12, 4)),
    "all the same channel": np.tile(np.random.default_rng(0).normal(size=(300, 1)), (1, 4)),
    "mostly unknown": np.where(np.random.default_rng(0).random((200, 3)) < 0.9, np.nan, 1.5),
    "huge and tiny": np.random.default_rng(0).normal(size=(200, 2)) * [1e200, 1e-200],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_normal_parts_are_learnt_scored_and_saved(name: str) -> None:
    part = ODD[name]
    detector = Detector().fit(part)
    rows = np.random.default_rng(1).normal(size=(30, part.shape[1]))
    found = detector.score(rows)
    assert found.scores.shape == (30,) and detector.reference.scores.shape == (len(part),)
    assert not np.isinf(found.scores).any() and not np.isinf(found.channels).any()
    arrays, settings = detector.state()
    same(Detector.from_state(arrays, json.loads(json.dumps(settings, allow_nan=False))).score(rows), found)


def test_a_wild_channel_does_not_drown_a_calm_one() -> None:
    generator = np.random.default_rng(0)
    time = np.arange(2 * ROWS)
    calm = np.sin(time / 10) + 0.1 * generator.normal(size=2 * ROWS)
    table = np.column_stack([generator.standard_t(1.5, 2 * ROWS), calm, np.cumsum(generator.normal(size=2 * ROWS))])
    table[ROWS + 600 : ROWS + 640, 1] += 1.5
    found = Detector().fit(table[:ROWS]).score(table[ROWS:])
    assert found.scores[590:650].max() == found.scores.max()
    assert int(found.channels[600:640].mean(0).argmax()) == 1


def test_one_command_of_many_is_no_alarm_beside_a_sensor_that_fails() -> None:
    generator = np.random.default_rng(0)
    commands = (generator.random((2 * ROWS, 30)) < 0.01).astype(float)
    commands[:ROWS, 20:] = 0.0
    sensor = np.sin(np.arange(2 * ROWS) / 10) + 0.05 * generator.normal(size=2 * ROWS)
    sensor[ROWS + 700 : ROWS + 730] += 1.0
    table = np.column_stack([commands, sensor])
    found = Detector().fit(table[:ROWS]).score(table[ROWS:])
    assert 690 <= int(found.scores.argmax()) <= 745
    assert int(found.channels[700:730].mean(0).argmax()) == 30


def test_later_normal_rows_score_about_like_the_reference(most: float = 0.3) -> None:
    generator = np.random.default_rng(0)
    sources = np.apply_along_axis(lambda x: np.convolve(x, np.ones(8), "same"), 0, generator.normal(size=(3000, 2)))
    table = sources @ generator.normal(size=(2, 4)) + 0.5 * generator.normal(size=(3000, 4))
    detector = Detector().fit(table[:1500])
    later = detector.score(table[1500:]).scores
    assert (later > np.quantile(detector.reference.scores, 0.9)).mean() < most
