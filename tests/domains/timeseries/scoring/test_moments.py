"""Stretches of a minute: a small shift that lasts is heard, a channel that goes on to wander is not."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.scoring.moments import SHORTEST, Law, Moments
from genapps_timeseries.series import Floats

ROWS = 600


def noise(seed: int, rows: int = ROWS, channels: int = 4) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, channels))


def wandering(seed: int, rows: int) -> Floats:
    """Noise of which channel 0 wanders."""
    table = noise(seed, rows)
    table[:, 0] = np.cumsum(table[:, 0]) / 10 + 0.3 * np.random.default_rng(seed + 1).normal(size=rows)
    return table


@pytest.mark.parametrize("change", ["shift", "louder", "smoother"])
def test_what_no_single_row_shows_is_heard_where_it_lasts(change: str) -> None:
    normal = 4 * ROWS
    table, time = noise(0, normal + ROWS), np.arange(normal + ROWS)
    span = slice(normal + 300, normal + 400)
    if change == "shift":
        table[span, 2] += 1.2
    elif change == "louder":
        table[span, 2] *= 2
    else:
        table[span, 2] = np.sin(time / 20)[span]
    judge = Moments().fit(table[:normal])
    judged = judge.score(table[normal:])
    assert 280 <= int(judged.scores.argmax()) <= 420
    assert np.median(judged.scores[330:370]) > np.quantile(judge.reference.scores, 0.95)
    assert int(judged.channels[330:370].mean(0).argmax()) == 2


def test_a_channel_that_wandered_may_go_on_to(series: int = 12) -> None:
    lasting = []
    for seed in range(series):
        table = wandering(10 * seed, 3 * ROWS)
        table -= table[:ROWS].mean(0)
        table /= table[:ROWS].std(0)
        judged = Moments().fit(table[:ROWS]).score(table[ROWS:])
        lasting.append(np.median(judged.channels[:, 0]) > 10 * np.median(judged.channels[:, 1]))
    assert np.mean(lasting) < 0.3


def test_the_law_of_a_random_walk_holds_after_it(walks: int = 400) -> None:
    steps = np.random.default_rng(0).normal(size=(2 * ROWS, walks))
    walk = np.cumsum(steps, axis=0)
    law = Law.of(walk[:ROWS], 48)
    away = (walk[-1] - walk[:ROWS].mean(0)) ** 2
    assert 0.6 < away.mean() / law.variance.mean() < 1.6
    still = Law.of(steps[:ROWS], 48)
    assert still.variance.mean() == pytest.approx(1, abs=0.25)
    assert still.freedom.mean() > law.freedom.mean() + 2


def test_later_stretches_score_like_the_reference() -> None:
    judge = Moments().fit(noise(0))
    later = np.concatenate([judge.score(noise(seed)).scores for seed in range(5, 12)])
    assert (later > np.quantile(judge.reference.scores, 0.9)).mean() < 0.2


def test_the_ends_are_judged_by_whole_stretches() -> None:
    judge = Moments().fit(noise(0))
    found = judge.score(noise(1)).scores
    assert (found[:24] == found[24]).all() and (found[-23:] == found[-24]).all()


def test_the_ends_of_a_swing_are_no_stranger_than_the_rest() -> None:
    rows = np.arange(3000)
    swing = np.stack([np.sin(2 * np.pi * rows / 144), np.cos(2 * np.pi * rows / 144)], axis=1)
    table = np.random.default_rng(0).normal(0, 0.1, (3000, 2)) + swing
    for end in (700, 750, 800):  # the first judged row, at several phases
        judge = Moments().fit(table[:end])
        found = judge.score(table[end:]).scores
        assert max(found[:24].max(), found[-24:].max()) < 1.1 * found[100:-100].max()


def test_state_and_short_parts() -> None:
    judge = Moments().fit(noise(0, SHORTEST))
    for rows in (1, 2, 30):
        found = judge.score(noise(2, rows))
        assert np.isfinite(found.scores).all() and found.channels.shape == (rows, 4)
        np.testing.assert_array_equal(Moments.from_state(*judge.state()).score(noise(2, rows)).scores, found.scores)
