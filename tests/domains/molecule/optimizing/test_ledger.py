"""The ledger counts each molecule once, and the area under the ten best is PMO's."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_molecule.optimizing.ledger import Ledger, Scores, area, top_means


def scores(*values: float) -> Scores:
    return Scores(np.array(values), ("",) * len(values))


def plain_area(values: list[float], budget: int, every: int = 100, k: int = 10) -> float:
    """The same written out: the curve at 0, every, 2 every ... and at the last call, then flat to the budget."""
    last = min(len(values), budget)
    curve = [(end, float(np.mean(sorted(values[:end])[-k:]))) for end in [*range(every, last, every), last]]
    points = [(0, 0.0), *curve, (budget, curve[-1][1])]
    xs, ys = zip(*points, strict=True)
    return float(np.trapezoid(ys, xs)) / budget


@pytest.mark.parametrize("calls", [1, 5, 99, 100, 101, 250, 1_000])
def test_the_area_is_that_of_the_curve(calls):
    values = np.random.default_rng(calls).random(calls)
    assert area(values, 1_000) == pytest.approx(plain_area(values.tolist(), 1_000))


def test_the_area_of_known_runs():
    assert area(np.ones(1_000), 1_000) == pytest.approx(0.95)  # the first trapezoid rises from 0
    assert area(np.ones(100), 1_000) == pytest.approx(0.95)  # what was reached counts for the rest
    assert area(np.zeros(0), 1_000) == 0.0
    assert area(np.array([np.nan] * 500 + [1.0] * 500), 1_000) == pytest.approx(0.45)


def test_calls_beyond_the_budget_do_not_count():
    values = np.concatenate([np.zeros(1_000), np.ones(500)])
    assert area(values, 1_000) == 0.0
    assert area(values, 1_500) > 0


def test_a_molecule_is_asked_about_once():
    ledger = Ledger()
    ledger.enter(["C", "CC"], scores(0.1, 0.2))
    with pytest.raises(ValueError, match="CC was asked before"):
        ledger.enter(["CCC", "CC"], scores(0.3, 0.4))


def test_what_has_no_score_is_ranked_nowhere():
    ledger = Ledger()
    ledger.enter(["C", "CC", "CCC", "CCCC"], Scores(np.array([0.1, np.nan, 0.5, np.inf]), ("", "raised", "", "")))
    assert ledger.ranked().tolist() == [2, 0]
    assert ledger.reasons == {1: "raised", 3: "not a number"}
    assert top_means(ledger.values, 10, 10)[-1] == pytest.approx(0.3)
    assert np.isnan(top_means(np.array([np.nan]), 10, 1)[-1])
