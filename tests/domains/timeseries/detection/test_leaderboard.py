"""What `auto` measured of families is told: as plain JSON of each series, and as a table."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.detection.leaderboard import leaderboard, leaderboard_lines
from genapps_timeseries.detection.tasks import fit
from genapps_timeseries.detection.wishes import Wishes
from genapps_timeseries.members.regression import Regression
from genapps_timeseries.members.spikes import Spikes
from genapps_timeseries.series import series_of


def test_each_family_has_its_worth_by_channel_and_the_taken_one_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genapps_timeseries.members.choosing.FAMILIES", {"hmm": Spikes, "gmm": Regression})
    generator, rows = np.random.default_rng(0), np.arange(600)
    wave = np.sin(rows / 4) + 0.1 * generator.standard_normal(600)
    normal = fit([series_of(wave, ("load",))], Wishes(family="auto", season="25"))[""].normal
    worths = leaderboard(normal)["load"]
    assert sorted(worths) == ["gmm", "hmm"] and list(worths.values()) == sorted(worths.values(), reverse=True)
    _, head, row, other = leaderboard_lines({"": normal, "b": normal})
    assert head.split() == ["channel", "taken", *worths]
    assert other.startswith("b: load") and row.split() == [
        "load",
        next(iter(worths)),
        *(f"{worth:.3f}" for worth in worths.values()),
    ]


def test_nothing_is_told_of_a_family_that_was_asked_for() -> None:
    normal = fit([series_of(np.sin(np.arange(200.0)))], Wishes(season="25"))[""].normal
    assert leaderboard(normal) == {} and list(leaderboard_lines({"": normal})) == []
