"""A search in the noise of a generator finds what it could have made, and images are filled with it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from genapps.models.gan import GAN, pixels
from genapps.models.gan.search import Adam, Search, nearness, search
from genapps.spaces import Pixels
from genapps.training import TrainingConfig

QUICK = TrainingConfig(epochs=1, min_steps=2, max_steps=2, batch_size=16)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(noise: Tensor, classes: Tensor | None) -> Tensor:
    """Waves in two directions: 3 numbers to images of 6 x 6, brighter by the class."""
    axis = torch.linspace(-1, 1, 6)
    points = noise[:, 0, None, None] * axis[:, None] + noise[:, 1, None, None] * axis + noise[:, 2, None, None]
    return (points if classes is None else points + 10 * classes[:, None, None])[:, None]


def undoubted(points: Tensor, classes: Tensor | None) -> Tensor:
    return torch.zeros(len(points))


def test_what_could_have_been_made_is_found() -> None:
    truth = make(torch.randn(5, 3, generator=seeded(1)), torch.arange(5) % 2)
    known = torch.ones(5, 1, 6, 6, dtype=torch.bool)
    known[:, :, 2:, 1:5] = False
    noise, classes = torch.randn(40, 3, generator=seeded(2)), torch.arange(40) % 2
    how = Search(usual=0.0, doubt=0.0)
    found = search(truth * known, nearness(known), noise, classes, make, undoubted, how)
    assert float((found - truth).abs().max()) < 0.1
    begun = search(
        truth * known, nearness(known), noise, classes, make, undoubted, Search(steps=1, usual=0.0, doubt=0.0)
    )
    assert float((begun - truth).abs().max()) > 0.3  # the nearest of the pool alone is not it
    assert float((begun - truth).abs().max()) < 5  # but of the right class


def test_a_search_comes_as_near_as_the_conditional_mean() -> None:
    """A linear generator of digits has one in closed form, which no guess of one value beats; digits that are new."""
    digits = torch.from_numpy(load_digits().images / 8 - 1).float()[:, None]
    digits = digits[torch.randperm(len(digits), generator=seeded())]
    learnt, new, size = digits[:1500], digits[1500:1560], 24
    center = learnt.mean(0)
    _, spread, ways = torch.linalg.svd((learnt - center).flatten(1), full_matrices=False)
    loadings = ways[:size].T * (spread[:size] / 1500**0.5)
    noise = float(spread[size:].square().sum()) / 1500 / (64 - size)
    known = torch.ones(60, 1, 8, 8, dtype=torch.bool)
    known[:, :, 3:, 2:7] = False

    def linear(codes: Tensor, classes: Tensor | None) -> Tensor:
        return (center.flatten() + codes @ loadings.T).view(-1, 1, 8, 8)

    def error(made: Tensor) -> float:
        return float((made - new)[~known].abs().mean())

    rows = known[0].flatten()
    seen, apart = loadings[rows], (new - center).flatten(1)[:, rows]
    codes = torch.linalg.solve(seen.T @ seen + noise * torch.eye(size), seen.T @ apart.T).T
    pool = torch.randn(1000, size, generator=seeded())
    found = search(new * known, nearness(known), pool, None, linear, undoubted, Search())
    assert error(found) < 1.05 * error(linear(codes, None))
    assert error(found) < 0.85 * error(center.expand_as(new))
    wild = search(new * known, nearness(known), pool, None, linear, undoubted, Search(usual=0.0))
    assert error(wild) > 1.2 * error(found)  # what fits, however unusual, fits what is known alone


def test_steps_are_of_one_size_however_steep_it_is() -> None:
    slope, adam = torch.tensor([1e-3, -5.0, 300.0]), Adam(0.1)
    for _ in range(4):
        torch.testing.assert_close(adam.step(slope), 0.1 * slope.sign(), rtol=1e-4, atol=1e-6)
    turned = adam.step(-slope)  # a mean that turns: (1 - 0.9**4) * 0.9 - 0.1 over 1 - 0.9**5
    torch.testing.assert_close(turned, 0.1 * slope.sign() * 0.20949 / 0.40951, rtol=1e-3, atol=1e-6)


def test_of_what_fits_alike_the_critic_chooses() -> None:
    """Of an image only its middle column is known, which says nothing of how it slants."""
    known = torch.zeros(1, 1, 6, 7, dtype=torch.bool)
    known[..., 3] = True

    def slanted(noise: Tensor, classes: Tensor | None) -> Tensor:
        return (noise[:, :1, None] * torch.linspace(-1, 1, 7)).expand(-1, 6, -1)[:, None]

    def right(points: Tensor, classes: Tensor | None) -> Tensor:
        return (points[:, 0, 0, 6] - 1.5).abs()

    points, noise = torch.zeros(1, 1, 6, 7), torch.randn(30, 1, generator=seeded())
    found = search(points, nearness(known), noise, None, slanted, right, Search(doubt=1.0))
    assert abs(float(found[0, 0, 0, 6]) - 1.5) < 0.1


def test_known_places_count_by_the_unknown_ones_around_them() -> None:
    known = torch.ones(2, 1, 9, 9, dtype=torch.bool)
    known[0, :, 4, 4] = False
    weights = nearness(known, 3)
    assert weights[0, 0, 4, 4] == 0
    assert weights[0, 0, 3, 3] == weights[0, 0, 4, 5] == 1 / 9
    assert weights[0].sum() == torch.tensor(8 / 9)
    assert bool((weights[1] == 1).all())  # nothing is unknown: all count alike


def test_images_are_filled_and_what_is_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "Search", partial(Search, steps=3, pool=50))
    for levels in (0, 4):
        data = torch.rand(30, 2, 7, 6, generator=seeded()) if not levels else torch.randint(4, (30, 2, 7, 6)).byte()
        model = GAN(space=Pixels(2, 7, 6, levels), channels=4, latent=4, augment="none").fit(data, training=QUICK)
        given = data[:3].clone() if not levels else data[:3].short()
        unknown = torch.zeros(3, 2, 7, 6, dtype=torch.bool)
        unknown[:, :, 2:5, 1:4] = True
        unknown[2] = True  # nothing is known of it
        given[unknown] = -1 if levels else torch.nan
        filled, again, other = (model.impute(given, generator=seeded(seed)) for seed in (1, 1, 2))
        assert filled.dtype == given.dtype
        assert filled[~unknown].equal(given[~unknown])
        assert bool(torch.isfinite(filled.double()).all())
        assert not levels or (int(filled.min()) >= 0 and int(filled.max()) < levels)
        assert filled.equal(again) and not filled.equal(other)
        assert len(model.impute(given[:0])) == 0
