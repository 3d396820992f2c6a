"""What lasts is learnt in the end, and several faults in a row hide nothing."""

from __future__ import annotations

import numpy as np

from genapps_timeseries.detection.ranking import Ranking

RATE, WINDOW = 0.01, 50  # what is certainly strange is learnt after 250 rows


def judged(channels: list[tuple[int, int]]) -> list[float]:
    """The share of rows in alarm of each of several stretches of very high scores: (rows, the channel that leads)."""
    draws = np.random.default_rng(0)
    ranking = Ranking(draws.normal(0, 1, 2000), RATE, WINDOW, 3)
    shares = [np.eye(3)[[channel] * rows] for rows, channel in channels]
    return [float((ranking.run(20 + draws.normal(0, 1, len(s)), s)[0] <= RATE).mean()) for s in shares]


def test_faults_of_one_channel_after_another_are_all_told() -> None:
    assert judged([(200, 0), (200, 1), (200, 2), (200, 0)]) == [1, 1, 1, 1]


def test_what_lasts_in_one_channel_is_normal_in_the_end() -> None:
    first, _, last = judged([(250, 0), (400, 0), (400, 0)])
    assert first == 1
    assert last < 0.1
