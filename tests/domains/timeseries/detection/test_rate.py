"""Which rate is asked for: what was said, or what the normal part can hold."""

from __future__ import annotations

import numpy as np
import pytest

from genapps.anomaly import needed_length, rate_for
from genapps.errors import UsageError
from genapps_timeseries.detection.rate import COARSEST, HIGHEST, asked_rate


def scores(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).standard_normal(rows)


def test_what_is_said_is_asked() -> None:
    assert asked_rate(scores(50), None, 3, rate=0.01).rate == 0.01
    weekly = asked_rate(scores(50_000), 60.0, 3, weekly=2.0)
    assert weekly.weekly == 2.0
    assert weekly.rate == pytest.approx(rate_for(2.0, 60.0), rel=0.5)


def test_longer_alarms_allow_more_rows_in_alarm() -> None:
    rows = np.repeat(scores(5_000), 10)  # every score lasts for ten rows
    assert asked_rate(rows, 60.0, 3, weekly=2.0).rate > 4 * rate_for(2.0, 60.0)


@pytest.mark.parametrize("rows", [8, 20, 100, 1_000, 10_000])
@pytest.mark.parametrize("seconds", [None, 1.0, 300.0, 3600.0, 86400.0, 7 * 86400.0])
def test_without_a_wish_half_of_the_normal_part_can_show_the_rate(rows: int, seconds: float | None) -> None:
    asked = asked_rate(scores(rows), seconds, 3)
    assert 0 < asked.rate <= COARSEST
    assert rows // 2 >= needed_length(asked.rate) or asked.rate == COARSEST
    assert asked.note or asked.rate <= HIGHEST
    if asked.note:
        assert asked.weekly is None
        assert "normal rows to promise" in asked.note


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(UsageError, match="one of them"):
        asked_rate(scores(50), 60.0, 3, rate=0.01, weekly=1.0)
    with pytest.raises(UsageError, match="date and time"):
        asked_rate(scores(50), None, 3, weekly=1.0)
    with pytest.raises(UsageError, match=r"above 0, at most 0\.5"):
        asked_rate(scores(50), None, 3, rate=0.6)
