"""What judges one channel: each member by itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genapps_timeseries.members.base import Member, Task
from genapps_timeseries.members.search import Bank, kept, shrunk
from genapps_timeseries.members.shapes import Shapes
from genapps_timeseries.scoring.ensemble import MEMBERS
from genapps_timeseries.series import Floats

PERIOD = 24


def wave(rows: int, seed: int = 0) -> Floats:
    draws = np.random.default_rng(seed)
    wave: Floats = np.sin(np.arange(rows) * 2 * np.pi / PERIOD) + 0.1 * draws.standard_normal(rows)
    return wave


def task(normal: Floats, others: Floats | None = None, effort: float = 1.0) -> Task:
    return Task(normal, PERIOD, np.random.default_rng(0), others, effort=effort)


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("effort", [1.0, 0.1])
@pytest.mark.parametrize("rows", [1, 2, 5, 30, 400])
def test_scores_are_finite_and_there_is_one_a_point(kind: type[Member], effort: float, rows: int) -> None:
    member = kind().fit(task(wave(rows), wave(2 * rows, 1), effort))
    assert member.reference.shape == (rows,)
    assert np.isfinite(member.reference).all()
    for count in (1, 3, 2 * rows, 500):
        scores = member.score(wave(count, 1))
        assert scores.shape == (count,)
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("kind", MEMBERS)
def test_state_brings_back_the_same(kind: type[Member]) -> None:
    member = kind().fit(task(wave(300)))
    arrays, settings = member.state()
    again = kind.from_state(arrays, json.loads(json.dumps(settings, allow_nan=False)))
    values = wave(200, 2)
    np.testing.assert_array_equal(again.score(values), member.score(values))
    np.testing.assert_array_equal(again.reference, member.reference)


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("values", [np.zeros(300), np.repeat([0.0, 1.0], 150), np.r_[np.zeros(299), 1e6]])
def test_flat_quantized_and_extreme_values(kind: type[Member], values: Floats) -> None:
    member = kind().fit(task(values, values[:100]))
    assert np.isfinite(member.reference).all()
    assert np.isfinite(member.score(np.r_[values, -1e6])).all()


def odd(kind: str) -> tuple[Floats, slice]:
    """Values with an anomaly of a kind, and where."""
    values, span = wave(600, 3), slice(300, 330)
    if kind == "spike":
        span = slice(300, 301)
        values[span] += 2
    elif kind == "level":
        values[span] += 3
    elif kind == "shape":
        values[span] = np.sign(values[span])
    else:
        values[span] = np.sin(np.arange(30) * 2 * np.pi * 4 / PERIOD)
    return values, span


SEEN = {
    "neighbors": ("spike", "level", "shape", "speed"),
    "convolutions": ("spike", "shape", "speed"),
    "shapes": ("shape", "speed"),
    "discords": ("shape", "speed"),
    "level": ("level",),
    "principal": ("spike", "level", "speed"),
    "regression": ("spike", "speed"),
    "spikes": ("spike",),
}


@pytest.mark.parametrize(("kind", "anomaly"), [(k, a) for k in MEMBERS for a in SEEN[k.name]])
@pytest.mark.parametrize("at_hand", [True, False])
def test_members_see_what_they_are_for(kind: type[Member], anomaly: str, at_hand: bool) -> None:
    values, span = odd(anomaly)
    member = kind().fit(task(wave(800), values if at_hand else None))
    scores = member.score(values)
    far = np.r_[scores[PERIOD : span.start - 70], scores[span.stop + 70 : -PERIOD]]
    assert scores[span].max() > far.max()
    assert scores[span].max() > np.quantile(member.reference, 0.99)


@given(st.integers(3, 40), st.integers(1, 5), st.integers(1, 6), st.integers(1, 9), st.integers(0, 5))
def test_distances_are_those_of_a_search(count: int, rank: int, cell: int, apart: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    rows, starts = draws.normal(size=(count, 3)).astype(np.float32), np.arange(count)
    bank, apart = Bank(rows, starts, cell), min(apart, (count - 1) // 2)
    found = bank.distances(rows, rank, starts, apart)
    for k in range(count):
        best: dict[int, float] = {}
        for j in range(count):
            if abs(j - k) >= apart or not apart:
                gap = float(np.linalg.norm(rows[k].astype(float) - rows[j]))
                best[j // cell] = min(best.get(j // cell, np.inf), gap)
        ordered = sorted(best.values())
        assert found[k] == pytest.approx(ordered[min(rank, len(ordered)) - 1], abs=2e-3)


@example(3, 2, 4)  # fewer windows than a stretch has
@given(st.integers(1, 5000), st.integers(2, 600), st.integers(1, 300))
def test_kept_windows_are_in_order_and_about_as_many_as_asked(count: int, most: int, length: int) -> None:
    starts = kept(count, most, length)
    assert (np.diff(starts) > 0).all()
    assert starts[0] >= 0
    assert starts[-1] < count
    assert len(starts) <= max(most, 2 * length)
    assert len(starts) == count if count <= most else len(starts) >= min(most, count) // 4


def test_shrunk_windows_keep_their_distances() -> None:
    rows = np.stack([wave(200, seed)[:192] + seed for seed in range(4)])
    gaps = np.linalg.norm(rows[:, None] - rows, axis=2)
    small = shrunk(rows, 96)
    assert small.shape == (4, 96)
    np.testing.assert_allclose(np.linalg.norm(small[:, None] - small, axis=2), gaps, rtol=0.05, atol=1.5)


def test_learnt_points_are_scored_as_if_they_were_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the windows beside it left out, what was learnt would look far more normal than what comes."""

    def ratio() -> float:
        member = Shapes().fit(task(wave(800)))
        return float(np.median(member.score(wave(800, 7))) / np.median(member.reference))

    assert ratio() == pytest.approx(1, abs=0.12)
    search = Bank.distances
    monkeypatch.setattr(Bank, "distances", lambda self, asked, rank, *_: search(self, asked, rank))
    assert ratio() > 1.2
