"""Judges across channels: relations that break, places where no normal row is, twins that count once."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.scoring.crossing import Common, smoothed
from genapps_timeseries.scoring.drift import drift
from genapps_timeseries.scoring.relations import LAGS, RIDGE, Relations
from genapps_timeseries.scoring.roles import roles_of
from genapps_timeseries.scoring.space import Joint, Off, Out
from genapps_timeseries.series import Floats

ROWS = 1000
KINDS = (Off, Out, Joint)


def sensors(seed: int, rows: int = ROWS, channels: int = 5) -> Floats:
    """Channels that follow two hidden sources a little later."""
    generator = np.random.default_rng(seed)
    gains = np.random.default_rng(99).normal(size=(2, channels))
    hidden = np.apply_along_axis(
        lambda x: np.convolve(x, np.exp(-np.arange(20) / 5), "same"), 0, generator.normal(size=(rows, 2))
    )
    return hidden @ gains + 0.2 * generator.normal(size=(rows, channels))


def common_of(normal: Floats) -> Common:
    return Common.of(normal, roles_of(normal))


def related(normal: Floats) -> tuple[Common, Relations]:
    common = common_of(normal)
    count = len(common.columns)
    return common, Relations().fit(common(normal), common, np.full(count, np.inf), np.ones(count))


def test_regressions_are_those_of_each_channel_by_itself() -> None:
    common, found = related(sensors(0))
    table = common(sensors(0))
    rows = np.arange(len(table))
    features = np.hstack([table[np.maximum(rows - lag, 0)] for lag in LAGS])
    count = table.shape[1]
    size = np.trace(features.T @ features) / features.shape[1]
    for c in range(count):
        others = np.flatnonzero(np.tile(np.arange(count), len(LAGS)) != c)
        own = features[:, others]
        weights = np.linalg.solve(own.T @ own + RIDGE * size * np.eye(len(others)), own.T @ table[:, c])
        np.testing.assert_allclose(found.weights[others, c], weights, atol=1e-8)


def test_a_relation_that_breaks_is_named_though_each_channel_looks_normal() -> None:
    common, found = related(sensors(0))
    rows = sensors(1)
    rows[400:450, 2] = sensors(2)[400:450, 2]
    judged = found.score(common(rows))
    assert 392 <= int(judged.scores.argmax()) <= 458
    assert int(judged.channels[400:450].mean(0).argmax()) == 2


def test_channels_without_relations_earn_none() -> None:
    _, found = related(np.random.default_rng(0).normal(size=(ROWS, 4)))
    assert not found.earned.any()


def test_channels_that_wander_the_same_way_for_a_while_are_not_related(pairs: int = 20) -> None:
    earned = 0
    for seed in range(pairs):
        generator = np.random.default_rng(seed)
        time = np.arange(400)[:, None] * [1.0, 0.7]
        _, found = related(time / 100 + 0.3 * generator.normal(size=(400, 2)))
        earned += found.earned.any()
    assert earned == 0


def test_what_wandered_may_wander_on_off_the_subspace() -> None:
    generator = np.random.default_rng(0)
    table = generator.normal(size=(400, 4))
    table[:, 0] /= 5  # as Common leaves a channel that wanders: its unit is what it may yet do
    judge = Off().fit(table)
    later = generator.normal(size=(400, 4))
    assert np.median(judge.score(later).scores) < 3 * np.median(judge.reference.scores)


@pytest.mark.parametrize("kind", KINDS)
def test_later_normal_rows_score_like_the_reference(
    kind: type[Off] | type[Out] | type[Joint], tolerance: float = 0.15
) -> None:
    common = common_of(sensors(0))
    judge = kind().fit(common(sensors(0)))
    later = np.concatenate([judge.score(common(sensors(seed))).scores for seed in range(5, 10)])
    for level in (0.5, 0.9):
        assert abs((later > np.quantile(judge.reference.scores, level)).mean() - (1 - level)) < tolerance


def test_relations_of_later_rows_score_like_the_reference_and_learnt_rows_would_not() -> None:
    common, found = related(sensors(0, 150, 12))
    later = np.concatenate([found.score(common(sensors(seed, 150, 12))).scores for seed in range(5, 15)])
    learnt = found.score(common(sensors(0, 150, 12))).scores
    high = np.quantile(found.reference.scores, 0.8)
    assert 0.1 < (later > high).mean() < 0.35
    assert (learnt > high).mean() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_far_from_all_is_found(kind: type[Off] | type[Out] | type[Joint]) -> None:
    common = common_of(sensors(0))
    judge = kind().fit(common(sensors(0)))
    rows = sensors(1)
    rows[300:320] += 6 * np.random.default_rng(1).choice([-1, 1], 5) * rows.std(0)
    judged = judge.score(common(rows))
    assert 290 <= int(judged.scores.argmax()) <= 330
    again = kind.from_state(*judge.state()).score(common(rows))
    np.testing.assert_array_equal(again.scores, judged.scores)


def test_twins_count_once_and_are_held_against_each_other() -> None:
    normal = np.column_stack([sensors(0), -3 * sensors(0)[:, 0] + 2])
    common, found = related(normal)
    assert common.twins.tolist() == [0, 1, 2, 3, 4, 0] and common.single.sum() == 5
    rows = np.column_stack([sensors(1), -3 * sensors(1)[:, 0] + 2])
    calm = found.score(common(rows)).channels[:, 5].max()
    rows[200:240, 5] += 3
    assert found.score(common(rows)).channels[200:240, 5].max() > 10 * max(calm, 1)


def test_drift_is_of_what_wanders() -> None:
    generator = np.random.default_rng(0)
    time = np.arange(600)
    assert drift(generator.normal(size=600)) < 0.1
    assert drift(np.sin(time / 15)) < 0.1
    walk = np.cumsum(generator.normal(size=600))
    assert drift(walk) > 0.5
    assert drift(np.arange(600.0)) > 0.3
    assert drift(np.full(600, 3.0)) == 0 and drift(np.empty(0)) == 0 and drift(np.full(600, np.nan)) == 0


def test_smoothing_keeps_the_mean_of_what_is_constant() -> None:
    np.testing.assert_allclose(smoothed(np.full((7, 2), 3.0), 4), 3.0)
    assert smoothed(np.eye(9)[4][:, None], 3)[:, 0].tolist() == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0])
    ends = smoothed(np.arange(6.0)[:, None], 4)[:, 0]  # of whole stretches: fewer rows would vary more
    assert ends.tolist() == pytest.approx([1.5, 1.5, 1.5, 2.5, 3.5, 3.5])
