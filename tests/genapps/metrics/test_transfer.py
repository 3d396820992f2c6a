"""What can be learnt from one table about another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genapps.metrics.transfer import classification_auc, regression_scores

Table = tuple[NDArray[np.float64], NDArray[np.float64]]
MASK = np.zeros(2, bool)


def labelled(rows: int, seed: int, classes: int = 2) -> Table:
    x = np.random.default_rng(seed).normal(size=(rows, 2))
    cuts = np.linspace(-1, 1, classes + 1)[1:-1]
    return x, np.searchsorted(cuts, x[:, 0]).astype(float)


def test_a_useful_table_teaches_and_a_broken_one_does_not() -> None:
    train, test = labelled(400, 0), labelled(400, 1)
    broken = train[0], np.random.default_rng(2).permutation(train[1])
    good, bad = classification_auc(train, test, MASK), classification_auc(broken, test, MASK)
    assert good is not None and good > 0.98
    assert bad == pytest.approx(0.5, abs=0.15)


def test_more_classes_average_each_against_the_rest() -> None:
    train, test = labelled(600, 0, 4), labelled(400, 1, 4)
    whole = classification_auc(train, test, MASK)
    lacking = train[1] != 2
    partial = classification_auc((train[0][lacking], train[1][lacking]), test, MASK)
    assert whole is not None and whole > 0.97
    assert partial is not None and 0.8 < partial < whole - 0.05


def test_rows_without_a_label_are_left_out() -> None:
    x, y = labelled(400, 0)
    gaps = np.where(np.arange(400) % 3 == 0, np.nan, y)
    kept = np.arange(400) % 3 != 0
    test = labelled(200, 1)
    assert classification_auc((x, gaps), test, MASK) == classification_auc((x[kept], y[kept]), test, MASK)


def test_one_class_teaches_nothing_and_cannot_be_tested() -> None:
    x, y = labelled(100, 0)
    assert classification_auc((x, np.zeros(100)), (x, y), MASK) == 0.5
    assert classification_auc((x, np.full(100, np.nan)), (x, y), MASK) == 0.5
    assert classification_auc((x, y), (x, np.zeros(100)), MASK) is None
    assert classification_auc((x[:, :0], y), (x[:, :0], y), MASK[:0]) is None


def test_a_class_of_one_row_among_many_is_taken() -> None:
    x, y = labelled(10_500, 0)
    y[0] = 2
    assert (classification_auc((x, y), labelled(300, 1), MASK) or 0) > 0.98


def test_regression_explains_a_line_and_not_noise() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1000, 2))
    y = 10 * x[:, 0]
    scores = regression_scores((x[:500], y[:500]), (x[500:], y[500:]), MASK)
    assert scores is not None
    assert scores.r2 > 0.95
    assert scores.rmse == pytest.approx(np.sqrt((1 - scores.r2) * y[500:].var()))
    noise = regression_scores((x[:500], generator.permutation(y[:500])), (x[500:], y[500:]), MASK)
    assert noise is not None and noise.r2 < 0.1


def test_a_constant_target_has_no_score() -> None:
    x = np.zeros((50, 2))
    assert regression_scores((x, np.arange(50.0)), (x, np.ones(50)), MASK) is None
    assert regression_scores((x, np.full(50, np.nan)), (x, np.arange(50.0)), MASK) is None
