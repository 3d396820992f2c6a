"""Severity is earned: by rarity as far as normal rows show it, and by distance beyond all of them."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_timeseries.detection.severity import DOUBLED, severity, severity_of_stretch

NORMAL = np.linspace(0, 2, 999)  # median 1, highest 2


def test_within_the_normal_scores_rarity_counts_as_far_as_they_show_it() -> None:
    assert severity(0.01, 1.9, 1.5, NORMAL, 0.01) == 0
    assert severity(0.001, 2.0, 1.5, NORMAL, 0.01) == pytest.approx(1)
    assert severity(1e-12, 2.0, 1.5, NORMAL, 0.01) == pytest.approx(1)


def test_beyond_them_each_doubling_counts() -> None:
    assert severity(1e-12, 3.0, 1.5, NORMAL, 0.001) == pytest.approx(DOUBLED)
    assert severity(1e-12, 5.0, 1.5, NORMAL, 0.001) == pytest.approx(2 * DOUBLED)
    assert severity(1e-12, 5.0, 3.0, NORMAL, 0.001) == pytest.approx(DOUBLED)  # the threshold has risen
    assert severity(1e-12, 5.0, float("nan"), NORMAL, 0.001) == pytest.approx(2 * DOUBLED)
    assert severity(0.5, 7.0, 7.0, np.full(9, 7.0), 0.001) == 0


def test_stretches_count_by_their_length() -> None:
    assert [severity_of_stretch(rows) for rows in (1, 10, 100)] == pytest.approx([1, 2, 3])
