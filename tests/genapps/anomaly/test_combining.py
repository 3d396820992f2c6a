"""Several members as one: the promise holds however they depend on one another, and the cause is named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genapps.anomaly.calibration import Calibration
from genapps.anomaly.combining import Panel, normal_ranks, pooled, robust_scale
from genapps.anomaly.reference import Reference
from genapps.errors import InputError

HOWS = ["fisher", "least", "cauchy"]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_the_promise_holds_whatever_the_dependence(how: str, shared: float) -> None:
    draws = np.random.default_rng(3)
    table = shared * draws.standard_normal((5_000, 1)) + (1 - shared) * draws.standard_normal((5_000, 4))
    panel = Panel(table[:1000], Calibration(0.02, adapt=False), how)
    assert 0.6 < (panel.run(table[1000:]).p <= 0.02).mean() / 0.02 < 1.4


def test_taking_dependent_members_for_independent_would_be_caught() -> None:
    """Fisher's table on four copies of one member alarms several times too often; the panel does not."""
    scores = np.random.default_rng(0).random(3000)
    table = np.repeat(scores[:, None], 4, axis=1)
    own = Panel(table[:1000], Calibration(0.02)).run(table[1000:]).members
    assert (stats.chi2.sf(2 * pooled(own), 8) <= 0.02).mean() > 3 * 0.02


def test_one_channel_that_fails_alone_is_found_and_named() -> None:
    draws = np.random.default_rng(0)
    table = draws.standard_normal((1300, 6))
    table[1200:1203, 4] = 30
    for how in ("least", "cauchy"):
        found = Panel(table[:1000], Calibration(0.01), how).run(table[1000:])
        assert (found.p[200:203] <= 0.01).all()
        assert (found.contributions()[200:203].argmax(axis=1) == 4).all()
        assert found.contributions().sum(axis=1) == pytest.approx(np.ones(300))


def test_stream_batch_and_restart_are_one() -> None:
    draws = np.random.default_rng(0)
    table = draws.standard_normal((700, 3)).round(1)
    table[650:660] += 20
    table[620, 1] = math.nan
    table[621] = math.nan
    setting = Calibration(0.02)
    whole = Panel(table[:500], setting).run(table[500:])
    panel, parts = Panel(table[:500], setting), []
    for row in table[500:].tolist():
        panel = Panel.restore(panel.state(), setting)
        parts.append(panel.step(row))
    assert np.array_equal(whole.p, [p for p, _ in parts], equal_nan=True)
    assert np.array_equal(whole.members, [own for _, own in parts], equal_nan=True)
    assert np.flatnonzero(np.isnan(whole.p)).tolist() == [121]


def test_the_statistics_by_hand() -> None:
    p = [[0.5, 0.1], [1.0, 0.01], [math.nan, 0.2], [math.nan, math.nan]]
    assert pooled(p) == pytest.approx([-math.log(0.05), -math.log(0.01), -math.log(0.2), math.nan], nan_ok=True)
    assert pooled(p, "least") == pytest.approx([-math.log(x) for x in (0.1, 0.01, 0.2)] + [math.nan], nan_ok=True)
    cot = [1 / math.tan(math.pi * x) / 2 for x in (0.1, 0.01, 0.2)]
    assert pooled(p, "cauchy") == pytest.approx([*cot, math.nan], nan_ok=True)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.5]), min_size=1, max_size=60), st.sampled_from([0.0, 1.0, 2.2]))
def test_a_row_of_the_reference_is_never_less_rare_than_a_new_one(reference: list[float], new: float) -> None:
    held = Reference(reference, 100)
    for score, own in zip(reference, held.own_p(), strict=True):
        assert own <= held.smooth_p(score)
    assert held.smooth_p(new) >= held.smooth_p(new + 0.1)


def test_scales_of_normal_rows() -> None:
    draws = np.random.default_rng(0)
    normal = draws.standard_normal((5000, 3)) * [1, 10, 0] + [0, 50, 7]
    scale = robust_scale(normal)
    assert scale.middle == pytest.approx([0, 50, 7], abs=1)
    assert scale.spread == pytest.approx([1, 10, 1], rel=0.05)
    assert scale([[1e9, 50, 7], [-1e9, 60, 8]]) == pytest.approx(np.array([[10, 0, 0], [-3, 1, 1]]), abs=0.05)
    mostly = robust_scale([[0.0]] * 9 + [[5.0]])
    assert mostly.spread == pytest.approx([1.2533 * 0.5])


def test_ranks_as_normal_quantiles() -> None:
    reference = np.arange(99.0)
    assert normal_ranks(reference, [98.5, 49.0, 48.5, -1.0, math.nan]) == pytest.approx(
        [*stats.norm.isf([0.01, 0.51, 0.51, 0.99]), math.nan], nan_ok=True
    )


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="a column a member"):
        Panel([1.0, 2.0])
    with pytest.raises(InputError, match="2 members beside a reference of 1"):
        Panel([[1.0], [2.0]]).run([[1.0, 2.0]])
    with pytest.raises(InputError, match="without its members"):
        Panel.restore({}, Calibration())
