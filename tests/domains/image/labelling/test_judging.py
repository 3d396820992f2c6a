"""What held-out labels say of the others, beside figures that are known."""

from __future__ import annotations

import math

import pytest
import torch

from genapps_image.labelling.judging import doubts, estimate, fitted_temperature, tempered, wilson


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (81, 263, 0.2553, 0.3662)],  # the last: Newcombe 1998, table I
)
def test_the_interval_is_wilsons(right: int, count: int, low: float, high: float) -> None:
    found = wilson(right, count)
    assert found == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_a_temperature_that_was_put_in_is_found() -> None:
    """Labels drawn from probabilities; their logarithms made three times too sure."""
    generator = torch.Generator().manual_seed(0)
    logs = torch.randn(2000, 4, generator=generator, dtype=torch.double) * 1.5
    labels = torch.multinomial(logs.softmax(1), 1, generator=generator)[:, 0]
    assert fitted_temperature(3 * logs, labels) == pytest.approx(3, rel=0.1)
    assert fitted_temperature(logs, labels) == pytest.approx(1, rel=0.1)
    found = estimate(tempered(3 * logs, fitted_temperature(3 * logs, labels)), labels)
    assert found is not None and found.certainty == pytest.approx(found.accuracy, abs=0.02)
    too_sure = estimate((3 * logs).softmax(1), labels)
    assert too_sure is not None and too_sure.certainty > too_sure.accuracy + 0.1  # what untempered would claim


def test_ten_of_ten_are_no_certainty() -> None:
    logs = torch.log_softmax(torch.eye(2).repeat(5, 1) * 20, 1)
    labels = torch.arange(10) % 2
    sure = tempered(logs, fitted_temperature(logs, labels)).max(1).values
    assert 0.85 < float(sure.mean()) < 0.999


def test_an_estimate_counts() -> None:
    chances = torch.tensor([[0.95, 0.05]] * 8 + [[0.6, 0.4]] * 4)
    labels = torch.tensor([0] * 7 + [1] + [0] * 2 + [1] * 2)
    found = estimate(chances, labels)
    assert found is not None
    assert (found.held_out, found.right, found.sure, found.sure_right) == (12, 9, 8, 7)
    assert found.majority == pytest.approx(9 / 12) and found.by_class == ((9, 9), (0, 3))
    assert found.low < found.accuracy < found.high
    assert estimate(chances[:9], labels[:9]) is None


def test_a_label_is_doubted_where_another_is_believed_and_its_class_is_told() -> None:
    chances = torch.tensor(
        [[0.1, 0.9, 0], [0.97, 0.03, 0], [0.4, 0.6, 0], [0.01, 0.99, 0], [0.9, 0, 0.1], [0.8, 0, 0.2], [0.6, 0.3, 0.1]]
    )
    labels = torch.tensor([0, 1, 0, 1, 0, 0, 2])
    found = doubts(chances, labels, torch.arange(5, 12))
    assert [(one.row, one.other) for one in found] == [(6, 0), (5, 1)]
    assert math.isclose(found[0].chance, 0.97, rel_tol=1e-6)
    chances[6] = torch.tensor([0.99, 0.01, 0])
    assert [one.row for one in doubts(chances, labels, torch.arange(5, 12))] == [6, 5]  # class 2 is never told
