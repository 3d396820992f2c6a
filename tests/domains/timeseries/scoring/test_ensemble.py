"""The default judge of one channel."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genapps_timeseries.scoring.ensemble import MEMBERS, Ensemble
from genapps_timeseries.scoring.voice import Voice
from genapps_timeseries.scoring.weighting import worths
from genapps_timeseries.series import Floats

PERIOD = 20


def wave(rows: int, seed: int = 0, noise: float = 0.1) -> Floats:
    draws = np.random.default_rng(seed)
    made: Floats = np.sin(np.arange(rows) * 2 * np.pi / PERIOD) + noise * draws.standard_normal(rows)
    return made


def fitted(normal: Floats, others: Floats | None = None) -> Ensemble:
    return Ensemble().fit(normal, np.random.default_rng(0), others)


@pytest.fixture(scope="module")
def plain() -> Ensemble:
    return fitted(wave(1000))


def changed(kind: str) -> tuple[Floats, slice]:
    values, span = wave(800, 1), slice(400, 440)
    if kind == "spike":
        span = slice(400, 401)
        values[span] += 1.5
    elif kind == "level":
        values[span] += 1.5
    elif kind == "flat":
        values[span] = values[span.start]
    elif kind == "faster":
        values[span] = np.sin(np.arange(40) * 2 * np.pi * 3 / PERIOD)
    else:
        values[span] += 0.6 * np.random.default_rng(3).standard_normal(40)
    return values, span


@pytest.mark.parametrize("kind", ["spike", "level", "flat", "faster", "noise"])
@pytest.mark.parametrize("at_hand", [True, False])
def test_every_kind_of_anomaly_stands_out(plain: Ensemble, kind: str, at_hand: bool) -> None:
    values, span = changed(kind)
    judge = fitted(wave(1000), values) if at_hand else plain
    scores = judge.score(values).scores
    far = np.r_[scores[: span.start - 40], scores[span.stop + 40 :]]
    assert scores[span].max() > far.max()
    assert scores[span].max() > judge.reference.scores.max()


@pytest.mark.parametrize("at_hand", [True, False])
def test_scores_of_learnt_and_of_new_normal_points_are_alike(at_hand: bool) -> None:
    """A hundredth of new points lie above the highest hundredth of those that were learnt; p-values need that."""
    shares = []
    for seed in range(4):
        normal, others = wave(2000, seed, 0.4), wave(1000, seed + 50, 0.4)
        judge = fitted(normal, others if at_hand else None)
        shares.append((judge.score(others).scores > np.quantile(judge.reference.scores, 0.99)).mean())
    assert 0.001 < np.mean(shares) < 0.02


def test_unit_and_offset_do_not_matter() -> None:
    values, _ = changed("level")
    first = fitted(wave(500), values).score(values)
    second = fitted(3e3 * wave(500) + 1e9, 3e3 * values + 1e9).score(3e3 * values + 1e9)
    np.testing.assert_allclose(second.scores, first.scores, atol=0.05)
    np.testing.assert_allclose((second.expected - 1e9) / 3e3, first.expected, atol=0.05)


def test_the_expected_course_goes_on_below_an_anomaly(plain: Ensemble) -> None:
    values, span = changed("level")
    course = plain.score(values).expected
    assert np.abs(course - wave(800, 1, 0)).max() < 1.0
    assert (values - course)[span].mean() > 1.0


def test_state_brings_back_the_same(plain: Ensemble) -> None:
    arrays, settings = plain.state()
    again = Ensemble.from_state(arrays, json.loads(json.dumps(settings, allow_nan=False)))
    values = wave(300, 5)
    for one, two in ((again.score(values), plain.score(values)), (again.reference, plain.reference)):
        np.testing.assert_array_equal(one.scores, two.scores)
        np.testing.assert_array_equal(one.expected, two.expected)


def test_the_same_seed_gives_the_same_scores() -> None:
    values = wave(300, 5)
    np.testing.assert_array_equal(
        fitted(wave(400), values).score(values).scores, fitted(wave(400), values).score(values).scores
    )


def test_voices_add_up_and_say_who_saw_it(plain: Ensemble) -> None:
    values, span = changed("spike")
    names, said = plain.voices(values)
    assert names == tuple(kind.name for kind in MEMBERS if kind.name != "discords")
    np.testing.assert_allclose(said.sum(1), plain.score(values).scores)
    assert names[int(said[span].max(0).argmax())] in ("spikes", "regression", "principal")


def test_short_holes_are_bridged_and_long_ones_have_no_score(plain: Ensemble) -> None:
    values = wave(400, 2)
    values[100:103], values[200:260] = np.nan, np.nan
    scores = plain.score(values).scores
    assert np.isnan(scores[200:260]).all()
    assert np.isfinite(np.delete(scores, np.s_[200:260])).all()


def test_what_bridges_a_hole_is_not_learnt() -> None:
    normal, flat = wave(1000), wave(400, 2)
    normal[300:380] = np.nan
    flat[200:260] = 0.0
    scores = fitted(normal).score(flat).scores
    assert scores[220:240].min() > scores[:180].max()


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
@pytest.mark.parametrize("at_hand", [True, False])
def test_very_short_series(rows: int, at_hand: bool) -> None:
    values = wave(rows)
    judge = fitted(values, values + 1 if at_hand else None)
    assert np.isfinite(judge.reference.scores).all()
    for others in (values + 1, wave(1), wave(50)):
        assert np.isfinite(judge.score(others).scores).all()
    assert judge.score(np.zeros(0)).scores.shape == (0,)


@pytest.mark.parametrize(
    "normal", [np.full(200, 5.0), np.full(200, np.nan), np.r_[np.full(199, 5.0), 1e12], wave(200) * 1e-300]
)
def test_channels_that_say_nothing(normal: Floats) -> None:
    judge = fitted(normal, np.r_[normal, 6.0, 5.0])
    for values in (np.r_[normal, 6.0, 5.0], wave(30), np.full(30, np.nan)):
        found = judge.score(values)
        assert np.isfinite(found.scores[np.isfinite(values)]).all()
        assert np.isfinite(found.expected).all()


def test_whatever_leaves_a_constant_is_strange() -> None:
    values = np.full(300, 5.0)
    values[150:160] = 5.1
    judge = fitted(np.full(300, 5.0), values)
    scores = judge.score(values).scores
    assert scores[150:160].min() > judge.reference.scores.max()


def test_an_outlier_in_the_normal_part_does_not_drown_the_rest() -> None:
    normal, (values, span) = wave(1000), changed("level")
    normal[500] = 1e12
    judge = fitted(normal, values)
    scores = judge.score(values).scores
    assert scores[span].max() > np.r_[scores[:350], scores[500:]].max()


def test_a_period_longer_than_the_normal_part() -> None:
    values = np.sin(np.arange(500) * 2 * np.pi / 400)
    judge = fitted(values[:100], values[100:])
    assert np.isfinite(judge.score(values[100:]).scores).all()


def test_less_effort_still_finds_it() -> None:
    values, span = changed("level")
    judge = Ensemble(effort=0.1).fit(wave(1000), np.random.default_rng(0), values)
    assert span.start - 5 <= int(judge.score(values).scores.argmax()) < span.stop + 5


def test_worths_are_of_mean_one_and_equal_where_nothing_can_be_told(plain: Ensemble) -> None:
    worth = np.array([voice.worth for voice in plain.voices_of])
    assert worth.sum() == pytest.approx(1)
    assert np.ptp(worth) > 0
    short = fitted(wave(30))
    np.testing.assert_allclose([voice.worth for voice in short.voices_of], 1 / len(short.voices_of))


def test_a_judge_that_sees_nothing_is_worth_less() -> None:
    from genapps_timeseries.members.base import Task
    from genapps_timeseries.members.level import Level
    from genapps_timeseries.members.neighbors import Neighbors

    class Blind(Level):
        def score(self, values: Floats) -> Floats:
            return np.zeros(len(values))

    found = worths(Task(wave(2000), PERIOD, np.random.default_rng(0)), [Neighbors, Blind])
    assert found[1] < 0.8 < 1.2 < found[0]


def test_a_voice_is_louder_beyond_the_usual_and_never_outvotes_all() -> None:
    reference = np.random.default_rng(0).random(1000)
    voice = Voice.of(reference, None, np.ones(1000, bool))
    said = voice(np.array([0.5, 0.99, 1.5, 3.0, 1e9, 1e12]))
    assert (np.diff(said[:4]) > 0).all()
    assert said[4] == said[5] == 10 + 5 * 4
