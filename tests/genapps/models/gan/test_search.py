"""A search in the noise of a generator finds what it could have made, and images are filled with it."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from genapps.models.gan import GAN, pixels
from genapps.models.gan.search import Search, nearness, search
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
