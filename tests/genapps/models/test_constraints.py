"""Draws and weights that make conditions hold."""

import numpy as np
import pytest
import torch

from genapps.errors import UsageError
from genapps.models.constraints import Evidence, draw, resample
from genapps.spaces import Constraint, allow


def test_draw_has_the_shares_and_skips_what_is_forbidden() -> None:
    shares = torch.tensor([0.2, 0.0, 0.5, 0.3, 0.0]).expand(100_000, -1)
    codes = draw(shares, shares.sum(1), torch.Generator().manual_seed(0))
    seen = torch.bincount(codes, minlength=5) / len(codes)
    torch.testing.assert_close(seen, shares[0], atol=0.006, rtol=0)
    assert seen[1] == 0 and seen[4] == 0


def test_resampling_follows_the_weights() -> None:
    weights = torch.tensor([0.1, 0.0, 0.6, 0.3])
    chosen = resample(weights.log(), 10_000, torch.Generator().manual_seed(0))
    seen = torch.bincount(chosen, minlength=4) / 10_000
    torch.testing.assert_close(seen, weights, atol=1e-3, rtol=0)  # systematic: within one of the expected number


def test_equal_weights_keep_every_row() -> None:
    assert resample(torch.zeros(5), 5, torch.Generator().manual_seed(0)).tolist() == [0, 1, 2, 3, 4]


def test_no_weight_at_all_is_a_contradiction() -> None:
    with pytest.raises(UsageError, match="no probability"):
        resample(torch.full((4,), -torch.inf), 2, torch.Generator())


def test_a_condition_over_two_variables_allows_exactly_its_paths() -> None:
    """Only (0, 1) and (1, 0) are allowed: which second code may follow depends on the first."""
    constraint = Constraint(
        (0, 1),
        (np.array([[1, 1]], np.float32), np.array([[0, 1], [1, 0]], np.float32)),
        (np.array([[0, 1]]), np.zeros((2, 2), np.int64)),
    )
    evidence = Evidence([constraint], 2)
    rows, shares = torch.arange(2), torch.full((2, 2), 0.5)
    torch.testing.assert_close(evidence.weigh(0, shares, rows), shares)
    evidence.read(0, torch.tensor([0, 1]))
    assert evidence.weigh(1, shares, rows).tolist() == [[0.0, 0.5], [0.5, 0.0]]
    assert evidence.weigh(5, shares, rows) is shares  # a variable without a condition


def test_allow_makes_a_condition_of_one_variable() -> None:
    constraint = allow(3, np.array([0.0, 0.25, 1.0]))
    weighed = Evidence([constraint], 1).weigh(3, torch.full((1, 3), 1 / 3), torch.arange(1))
    assert weighed.tolist()[0] == pytest.approx([0.0, 0.25 / 3, 1 / 3])
