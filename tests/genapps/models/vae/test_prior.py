"""The mixture of the latents: density, fit, samples."""

import math

import pytest
import torch

from genapps.models.vae.prior import Mixture


def test_begins_as_the_standard_normal() -> None:
    z = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(Mixture(3).log_prob(z), expected, rtol=1e-5, atol=1e-5)


def blobs(n: int = 2000) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    which = torch.randint(3, (n,), generator=g)
    return torch.tensor([[-4.0, 0], [4, 0], [0, 5]])[which] + 0.5 * torch.randn(n, 2, generator=g)


def test_finds_what_there_is_and_integrates_to_one() -> None:
    mixture, data = Mixture(2), blobs()
    mixture.fit(data, 3, torch.Generator().manual_seed(0))
    best = 0.5 * -2 * (math.log(2 * math.pi * 0.25) + 1) - math.log(3)
    assert float(mixture.log_prob(data).mean()) == pytest.approx(best, abs=0.05)
    grid = torch.linspace(-10, 10, 401)
    points = torch.cartesian_prod(grid, grid)
    assert float(mixture.log_prob(points).exp().sum() * (grid[1] - grid[0]) ** 2) == pytest.approx(1, abs=1e-3)
    drawn = mixture.sample(4000, torch.Generator().manual_seed(1))
    assert float(mixture.log_prob(drawn).mean()) == pytest.approx(best, abs=0.08)


@pytest.mark.parametrize("data", [torch.zeros(1, 2), torch.zeros(40, 2), torch.full((9, 2), 1e4), blobs(5)])
def test_few_or_equal_rows_give_a_finite_mixture(data: torch.Tensor) -> None:
    mixture = Mixture(2)
    mixture.fit(data, 16, torch.Generator().manual_seed(0))
    assert torch.isfinite(mixture.log_prob(data)).all()
    assert mixture.sample(0, torch.Generator()).shape == (0, 2)
