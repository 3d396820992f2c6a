"""The verdict follows its stated cut-offs."""

from __future__ import annotations

from typing import Any

import pytest

from genapps_tabular.evaluation import Measure
from genapps_tabular.verdict import judge

ROWS = {"real": 8000, "synthetic": 10_000, "holdout": 2000}
GOOD: dict[str, dict[str, Any]] = {
    "two_sample_auc": {"value": 0.55, "ceiling": 0.5, "floor": 0.99, "name": "Told apart from unseen rows (AUC)"},
    "coverage": {"value": 0.95, "ceiling": 0.97},
    "tstr": {"value": 0.9, "ceiling": 0.92, "floor": 0.5, "name": "Predicting x (AUC)"},
    "share_nearer": {"value": 0.5, "ceiling": 0.5},
    "exact_copies": {"value": 0.001, "ceiling": 0.001},
    "rare_leaks": {"value": 0.01, "ceiling": 0.01},
    "identifiers_copied": {"value": 0.0, "ceiling": 0.0},
}


def verdict(rows: dict[str, int] = ROWS, error: float = 0.01, **changed: dict[str, Any]) -> tuple[str, str]:
    measures = []
    for key, figures in GOOD.items():
        given = {"name": key, **figures, **changed.get(key, {})}
        measures.append(Measure(key=key, group="fidelity", better="half", **given))
    found = judge(measures, rows, error)
    return found.level, found.text


def test_good_figures_are_good_and_say_what_for() -> None:
    level, text = verdict()
    assert level == "good"
    assert "hardly tells" in text and "No sign of memorized rows" in text and "training models" in text
    assert "Warning" not in text


@pytest.mark.parametrize(
    ("value", "level"),
    [(0.5, "good"), (0.65, "good"), (0.66, "usable"), (0.85, "usable"), (0.86, "poor"), (0.35, "good"), (0.1, "poor")],
)
def test_likeness(value: float, level: str) -> None:
    assert verdict(two_sample_auc={"value": value})[0] == level


@pytest.mark.parametrize(("value", "level"), [(0.88, "good"), (0.87, "usable"), (0.80, "usable"), (0.78, "poor")])
def test_usefulness_by_the_share_of_the_gain_that_is_lost(value: float, level: str) -> None:
    assert verdict(tstr={"value": value})[0] == level


def test_usefulness_of_numbers_counts_from_zero() -> None:
    assert verdict(tstr={"value": 0.40, "ceiling": 0.44, "name": "Predicting x (R²)"})[0] == "good"
    assert verdict(tstr={"value": 0.20, "ceiling": 0.44, "name": "Predicting x (R²)"})[0] == "poor"


def test_what_cannot_be_predicted_from_real_rows_is_no_reproach() -> None:
    level, text = verdict(tstr={"value": 0.5, "ceiling": 0.52})
    assert level == "good" and "usefulness says nothing" in text


@pytest.mark.parametrize(
    ("value", "error", "level"),
    [(0.55, 0.01, "good"), (0.56, 0.01, "usable"), (0.60, 0.05, "good"), (0.70, 0.05, "usable"), (0.8, 0.05, "poor")],
)
def test_nearness_has_to_be_beyond_chance(value: float, error: float, level: str) -> None:
    assert verdict(share_nearer={"value": value}, error=error)[0] == level


@pytest.mark.parametrize(("value", "level"), [(0.002, "good"), (0.01, "usable"), (0.06, "poor")])
def test_copies_beyond_those_of_other_real_rows(value: float, level: str) -> None:
    assert verdict(exact_copies={"value": value})[0] == level


def test_many_copies_by_chance_are_no_reproach() -> None:
    assert verdict(exact_copies={"value": 0.80, "ceiling": 0.80})[0] == "good"
    few = {"real": 100, "synthetic": 60, "holdout": 50}
    assert verdict(few, exact_copies={"value": 1 / 60, "ceiling": 0.0})[0] == "good"


def test_copies_without_unseen_rows_warn_with_a_reservation() -> None:
    level, text = verdict(
        {"real": 100, "synthetic": 100}, exact_copies={"value": 0.3, "ceiling": None}, share_nearer={"value": None}
    )
    assert level == "usable" and "only unseen rows could tell" in text


def test_leaks_warn() -> None:
    assert verdict(rare_leaks={"value": 0.019})[0] == "good"
    level, text = verdict(rare_leaks={"value": 0.04})
    assert level == "usable" and "fewer than 5 training rows" in text
    level, text = verdict(identifiers_copied={"value": 0.01})
    assert level == "usable" and "repeat an identifier" in text


def test_lost_modes_are_at_most_usable() -> None:
    level, text = verdict(coverage={"value": 0.7})
    assert level == "usable" and "Modes are missing" in text


def test_the_worst_decides_and_faithful_rows_are_still_not_to_be_shared() -> None:
    level, text = verdict(share_nearer={"value": 1.0}, exact_copies={"value": 1.0})
    assert level == "poor"
    assert "hardly tells" in text and text.endswith("Do not share it: handle it like the real rows.")


def test_without_a_comparison_there_is_no_trust() -> None:
    level, text = verdict(two_sample_auc={"value": None, "note": "only 3 synthetic rows, 50 are needed"})
    assert level == "poor" and "only 3 synthetic rows, 50 are needed." in text


@pytest.mark.parametrize(("floor", "level"), [(None, "usable"), (0.5, "usable"), (0.48, "usable"), (0.56, "good")])
def test_nearness_that_independent_columns_show_too_is_no_memory(floor: float | None, level: str) -> None:
    assert verdict(share_nearer={"value": 0.59, "floor": floor}, error=0.01)[0] == level
