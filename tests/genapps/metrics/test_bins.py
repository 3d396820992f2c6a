"""The number of statistically different bins: calibrated where nothing differs, loud where modes are missing."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from genapps.errors import InputError
from genapps.kmeans import kmeans, nearest
from genapps.metrics.bins import bins, compare


def blobs(n: int, seed: int, modes: int = 10) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    corners = 6 * torch.randn(10, 4, generator=torch.Generator().manual_seed(99))
    return corners[torch.randint(modes, (n,), generator=g)] + torch.randn(n, 4, generator=g)


def test_samples_of_one_law_differ_in_as_many_bins_as_chance_says() -> None:
    shares = [bins(blobs(4000, 2 * s), blobs(4000, 2 * s + 1), count=50, seed=s).share for s in range(8)]
    assert 0.01 < np.mean(shares) < 0.11


def test_missing_modes_are_counted() -> None:
    whole = bins(blobs(4000, 0), blobs(4000, 1), count=30)
    part = bins(blobs(4000, 0), blobs(4000, 1, modes=6), count=30)
    assert part.different > 24 > whole.different
    assert part.empty >= 8 and whole.empty == 0
    assert part.divergence > 10 * whole.divergence


def test_z_is_the_pooled_two_proportion_test() -> None:
    """Its square is the chi-square statistic of the two-by-two table, without correction."""
    seen, got = np.array([30, 70, 100]), np.array([50, 60, 40])
    found = compare(seen, got)
    for cell in range(3):
        table = [[seen[cell], 200 - seen[cell]], [got[cell], 150 - got[cell]]]
        expected = stats.chi2_contingency(table, correction=False).statistic
        assert found.z[cell] ** 2 == pytest.approx(expected, rel=1e-12)
    p_values = 2 * stats.norm.sf(np.abs(found.z))
    assert found.different == (p_values < 0.05).sum()


def test_cells_depend_on_the_training_rows_alone_and_not_on_an_offset() -> None:
    train = blobs(3000, 0)
    first = bins(train, blobs(500, 1))
    assert np.array_equal(first.train, bins(train, blobs(700, 2)).train)
    other = blobs(500, 1, modes=6)  # a moved copy rounds otherwise, so that its cells are not quite the same
    here, moved = bins(train, other, count=30), bins(train.double() + 1e6, other.double() + 1e6, count=30)
    assert abs(moved.different - here.different) <= 3


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="rows of 2 values beside training rows of 3"):
        bins(np.zeros((5, 3)), np.zeros((5, 2)))
    with pytest.raises(InputError, match="no rows"):
        bins(np.zeros((0, 3)), np.zeros((5, 3)))
    with pytest.raises(InputError, match="not finite"):
        bins(np.full((5, 3), np.nan), np.zeros((5, 3)))
    assert bins(np.zeros((5, 3)), np.zeros((5, 3))).different == 0


def test_kmeans_finds_separate_blobs_and_survives_copies_of_one_row() -> None:
    rows = blobs(2000, 0)
    _, gaps = nearest(rows, kmeans(rows, 10, torch.Generator().manual_seed(0)))
    assert gaps.mean() < 1.2 * 4  # within a blob the squared distance to its middle is 4 on average
    copies = kmeans(torch.ones(3, 2), 5, torch.Generator().manual_seed(0))
    assert torch.isfinite(copies).all()
    weighted = kmeans(
        torch.tensor([[0.0], [1.0], [10.0]]), 2, torch.Generator().manual_seed(0), torch.tensor([3.0, 1.0, 1.0])
    )
    assert sorted(weighted.flatten().tolist()) == pytest.approx([0.25, 10.0])
