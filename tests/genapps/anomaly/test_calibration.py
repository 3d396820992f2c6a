"""Rolling p-values against a slow form; the promise on steady, drifting and shifting scores; state without loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.anomaly.calibration import Calibration, Calibrator, calibrate
from genapps.errors import InputError, UsageError

VALUES = st.one_of(st.sampled_from([0.0, 1.0, 2.0, math.nan, math.inf]), st.floats(-5, 5))
PLAIN = {"patience": 0, "adapt": False, "tail": False}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.lists(VALUES, max_size=30), st.integers(1, 8))
def test_rolling_ranks_are_those_of_the_last_scores(reference: list[float], scores: list[float], length: int) -> None:
    window, expected = reference[-length:], []
    for score in scores:
        rank = (1 + sum(other >= score for other in window)) / (len(window) + 1)
        expected.append(math.nan if score != score else rank)
        window = [*window, score][-length:] if math.isfinite(score) else window
    found = calibrate(reference, scores, Calibration(0.3, length, **PLAIN))
    assert np.array_equal(found.p, expected, equal_nan=True)
    assert found.learnt.tolist() == [math.isfinite(score) for score in scores]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=80),
    st.lists(VALUES, max_size=40),
    st.sampled_from([0.02, 0.1, 0.4]),
    st.integers(0, 40),
    st.integers(0, 60),
)
def test_a_restart_changes_nothing_and_alarms_are_above_the_threshold(
    reference: list[float], scores: list[float], rate: float, stop: int, length: int
) -> None:
    setting = Calibration(rate, length, gap=2)
    whole = calibrate(reference, scores, setting)
    first = Calibrator(reference, setting)
    before = first.run(scores[:stop])
    after = Calibrator.restore(first.state(), setting).run(scores[stop:])
    for name in ("p", "threshold", "extrapolated", "learnt"):
        joined = np.concatenate([getattr(before, name), getattr(after, name)])
        assert np.array_equal(getattr(whole, name), joined, equal_nan=True)
    clear = np.abs(whole.p / rate - 1) > 1e-9  # at the rate itself the last digit decides
    assert ((np.array(scores) > whole.threshold) == (whole.p <= rate))[clear].all()


@pytest.mark.parametrize("rate", [0.01, 0.001])
def test_steady_scores_keep_the_promise(rate: float) -> None:
    draws = np.random.default_rng(0)
    alarms = calibrate(draws.random(3000), draws.random(60_000), Calibration(rate)).p <= rate
    assert 0.7 < alarms.mean() / rate < 1.3


def test_drifting_scores_keep_it_where_a_fixed_threshold_does_not() -> None:
    draws = np.random.default_rng(0)
    scale = np.exp(np.linspace(0, 2, 23_000))
    scores = np.abs(draws.standard_normal(23_000)) * scale
    fixed = np.quantile(scores[:3000], 0.99)
    assert (scores[3000:] > fixed).mean() > 0.1
    alarms = calibrate(scores[:3000], scores[3000:], Calibration(0.01)).p <= 0.01
    assert 0.8 < alarms.mean() / 0.01 < 1.6


def test_a_lasting_alarm_is_not_learnt_and_a_shift_is_accepted_in_the_end() -> None:
    draws = np.random.default_rng(0)
    normal, odd = draws.random(1000), 5 + draws.random(400)
    patient = Calibrator(normal, Calibration(0.01, patience=300))
    during = patient.run(odd)
    frozen = np.flatnonzero(~during.learnt)
    assert frozen[:290].tolist() == list(range(290)) and frozen[-1] < 399
    assert (during.p[:300] <= 0.01).mean() > 0.9 and (during.p[-50:] > 0.01).mean() > 0.7
    short = Calibrator(normal, Calibration(0.01, patience=300))
    short.run(odd[:200])
    assert (short.run(odd[200:230]).p <= 0.01).mean() > 0.8  # what was seen before does not hide what comes again


def test_by_default_a_shift_of_level_costs_little() -> None:
    draws = np.random.default_rng(1)
    scores = np.concatenate([draws.random(1000), 5 + draws.random(1000)])
    found = calibrate(draws.random(999), scores, Calibration(0.01))
    assert 30 <= (~found.learnt).sum() <= 90
    assert (found.p[1000:] <= 0.01).mean() < 0.08


def test_a_constant_channel_never_alarms_until_it_moves() -> None:
    found = calibrate(np.zeros(1000), [*np.zeros(5000), 0.1, *np.zeros(10)], Calibration(0.001))
    assert np.flatnonzero(found.p <= 0.001).tolist() == [5000]


def test_memory_is_bounded_and_the_default_length_meets_the_rate() -> None:
    machine = Calibrator(np.arange(10.0), Calibration(0.01, length=50))
    machine.run(np.random.default_rng(0).random(500))
    assert len(machine.state()["scores"]) == 50
    assert Calibration(0.01).rows(10) == 499
    assert Calibration(0.001).rows(10) == 999
    assert Calibration(0.001).rows(2500) == 1999
    assert Calibration(0.001, length=77).rows(2500) == 77


def test_without_a_tail_no_score_is_rarer_than_the_reference_is_long() -> None:
    normal = np.random.default_rng(0).random(200)
    far, rank = calibrate(normal, [9.0], Calibration(0.001)), calibrate(normal, [9.0], Calibration(0.001, tail=False))
    assert rank.p[0] == pytest.approx(1 / 201) and rank.threshold[0] == math.inf and not rank.extrapolated[0]
    assert far.p[0] < 0.001 and far.threshold[0] < 9 and far.extrapolated[0]


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ({"rate": 0}, {"rate": 0.6}, {"length": -1}, {"gap": 0}, {"patience": -2}):
        with pytest.raises(UsageError):
            Calibration(**wrong)
    with pytest.raises(InputError, match="no finite score"):
        Calibrator([math.nan])
    with pytest.raises(InputError, match="without its numbers"):
        Calibrator.restore({}, Calibration())
    with pytest.raises(InputError, match="without its reference"):
        Calibrator.restore({"numbers": np.zeros(5), "held": np.zeros(0)}, Calibration())


def test_rows_far_beyond_all_others_are_kept_out_unless_they_last() -> None:
    draws = np.random.default_rng(3)
    normal, later = draws.exponential(size=2000), draws.exponential(size=4000)
    later[1000:1080] = 60
    later[2000] = 20
    settings = Calibration(0.001, patience=200, aloof=True)
    p = calibrate(normal, later, settings).p
    assert (p[1000:1080] <= 1e-6).all() and p[2000] <= 1e-6
    shared = calibrate(normal, later, Calibration(0.001)).p
    assert (shared[1060:1080] > 0.001).any() and shared[2000] > 0.001
    later[1000:] += 60
    assert (calibrate(normal, later, settings).p[3000:] <= 0.001).mean() < 0.004
