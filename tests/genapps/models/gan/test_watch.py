"""The watch for mode collapse: its figures on samples whose variety is known."""

import pytest
import torch
from torch import Tensor

from genapps.models.gan.watch import Ruler, Variety, verdict


def clusters(n: int, kinds: int, seed: int) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(kinds, (n, 1), generator=g) * torch.tensor([[3.0, 0.0]]) + torch.randn(n, 2, generator=g)


def test_other_real_rows_score_what_real_rows_score() -> None:
    found = Ruler(clusters(1000, 10, 0)).measure(clusters(500, 10, 1))
    assert found.coverage == pytest.approx(1 - 2.0**-5, abs=0.04)  # Naeem et al. 2020, lemma 2: about 1 - 2^-k
    assert found.bins >= found.of - 3
    assert found.spread == pytest.approx(1.0, abs=0.1)
    assert verdict(found, found.coverage) == ""


def test_coverage_falls_with_the_modes_that_are_lost() -> None:
    ruler = Ruler(clusters(1000, 10, 0))
    found = [ruler.measure(clusters(500, kinds, 1)) for kinds in (10, 5, 2)]
    assert found[0].coverage > 1.5 * found[1].coverage > 3 * found[2].coverage
    assert found[0].bins > found[1].bins > found[2].bins
    assert found[2].spread < 0.5


def test_one_row_over_and_over_is_a_collapse_with_its_figures() -> None:
    ruler = Ruler(clusters(1000, 10, 0))
    found = ruler.measure(torch.zeros(500, 2))
    assert found.spread == 0 and found.bins == 1
    reason = verdict(found, 0.95)
    assert reason.startswith("mode collapse: covers")
    assert "% of the data, 95 % before" in reason and f"reaches 1 of {found.of} bins" in reason


def test_the_scale_of_the_data_does_not_matter() -> None:
    rows, sample = clusters(1000, 10, 0), clusters(500, 5, 1)
    one, two = Ruler(rows).measure(sample), Ruler(rows * 1024).measure(sample * 1024)
    assert one == two


def test_bad_rows_that_were_never_better_are_no_collapse() -> None:
    """Coverage that was never good says more of quality than of variety; bins and spread still speak."""
    assert verdict(Variety(0.02, 40, 50, 0.9), best_coverage=0.1) == ""
    assert "covers 12 % of the data, 80 % before" in verdict(Variety(0.12, 40, 50, 0.9), best_coverage=0.8)
    assert verdict(Variety(0.02, 3, 50, 0.9), best_coverage=0.1, best_bins=4) == ""  # not learnt yet
    assert "3 of 50 bins" in verdict(Variety(0.02, 3, 50, 0.9), best_coverage=0.1, best_bins=40)
    assert "10 % as far apart" in verdict(Variety(0.5, 40, 50, 0.1), best_coverage=0.5)


def test_duplicate_rows_have_a_radius_of_zero_and_are_covered_by_themselves() -> None:
    rows = torch.tensor([[0.0], [1.0]]).repeat(100, 1)
    assert Ruler(rows).measure(rows).coverage == 1.0
