"""Rows: units do not matter, numbers obey their conditions, holes are filled by what stands beside them, few labels."""

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.vae import VAE
from genapps.spaces import Categorical, Columns, Constraint, Continuous, allow
from genapps.training import TrainingConfig

SPACE = Columns((Categorical(2), Continuous(), Continuous()))
SMALL = {"latent": 2, "hidden": 48, "depth": 1, "components": 8}
QUICK = TrainingConfig(epochs=30, min_steps=300, batch_size=64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(n: int = 1200, seed: int = 0) -> Tensor:
    """A code, a number that follows it, and one that follows the number."""
    g = generator(seed)
    code = torch.randint(2, (n, 1), generator=g).double()
    number = 2 * code - 1 + 0.4 * torch.randn(n, 1, generator=g, dtype=torch.double)
    return torch.cat([code, number, -3 * number + 0.3 * torch.randn(n, 1, generator=g, dtype=torch.double)], 1)


@pytest.fixture(scope="module")
def model() -> VAE:
    return VAE(space=SPACE, **SMALL).fit(rows(), training=QUICK)


def between(variable: int, low: float, high: float) -> Constraint:
    return Constraint((variable,), (np.ones((1, 1), np.float32),), (np.zeros((1, 1), np.int64),), (low, high))


def test_an_offset_and_a_unit_change_the_density_by_the_unit_alone() -> None:
    change, offset = torch.tensor([1, 1000.0, 0.01]).double(), torch.tensor([0, 1e6, -5e3]).double()
    # Few steps: what another unit rounds otherwise grows with each, on some processors to much more than it is.
    few = TrainingConfig(epochs=3, min_steps=1, max_steps=40, batch_size=64)
    model = VAE(space=SPACE, **SMALL).fit(rows(), training=few)
    other = VAE(space=SPACE, **SMALL).fit(rows() * change + offset, training=few)
    test = rows(200, seed=1)
    expected = model.log_prob(test).values - change.log().sum().float()
    torch.testing.assert_close(other.log_prob(test * change + offset).values, expected, rtol=0, atol=0.05)
    drawn, moved = model.sample(100, generator=generator()), other.sample(100, generator=generator())
    torch.testing.assert_close((moved.double() - offset) / change, drawn.double(), rtol=0, atol=0.02)


def test_the_density_is_near_the_truth(model: VAE) -> None:
    test = rows(2000, seed=1)
    truth = (
        np.log(0.5)
        + torch.distributions.Normal(2 * test[:, 0] - 1, 0.4).log_prob(test[:, 1])
        + torch.distributions.Normal(-3 * test[:, 1], 0.3).log_prob(test[:, 2])
    )
    gap = truth.mean() - model.log_prob(test).values.mean()
    assert -0.02 < float(gap) < 0.45


def test_a_range_of_a_number_moves_what_depends_on_it(model: VAE) -> None:
    drawn = model.sample(3000, given=[between(1, 0.6, 1.0)], generator=generator())
    assert ((drawn[:, 1] >= 0.6) & (drawn[:, 1] <= 1.0)).all()
    free = model.sample(100_000, generator=generator(1))
    alike = free[(free[:, 1] >= 0.6) & (free[:, 1] <= 1.0)]
    torch.testing.assert_close(drawn.mean(0), alike.mean(0), rtol=0, atol=0.12)
    assert (drawn[:, 0] == 1).float().mean() > 0.95


def test_a_rare_condition_and_one_beside_it_both_hold(model: VAE) -> None:
    drawn = model.sample(
        50, given=[between(1, 1.8, 9.0), allow(0, np.array([0, 1], np.float32))], generator=generator()
    )
    assert (drawn[:, 1] >= 1.8).all() and (drawn[:, 0] == 1).all() and len(drawn) == 50
    with pytest.raises(UsageError, match="no probability"):
        model.sample(5, given=[allow(0, np.zeros(2, np.float32))])


def test_holes_follow_what_stands_beside_them(model: VAE) -> None:
    test = rows(500, seed=2)
    holes = test.clone()
    holes[:, 2] = torch.nan
    filled = model.impute(holes, generator=generator())
    assert filled[:, :2].equal(test[:, :2])
    away = (filled[:, 2] + 3 * test[:, 1]).abs().median()
    assert float(away) < 0.9  # 0.2 at best; 3 for a draw that ignores the row
    only = model.impute(holes, given=[between(2, -1.0, 1.0)], generator=generator())
    assert (only[:, 2].abs() <= 1).all()


def test_few_labels_among_many_rows_are_enough() -> None:
    """Two rings of blobs that eight labels alone do not tell apart."""
    g = generator(5)
    which = torch.randint(8, (1200,), generator=g)
    angle = which * (torch.pi / 4)
    data = torch.stack([angle.cos(), angle.sin()], 1) * 3 + 0.25 * torch.randn(1200, 2, generator=g)
    truth = which % 2
    labels = torch.full((1200,), -1)
    for blob in range(8):
        labels[(which == blob).nonzero()[0]] = blob % 2
    shape = {"latent": 2, "hidden": 64, "depth": 1, "annealing": 0.5}
    training = TrainingConfig(epochs=30, batch_size=64, patience=50)
    model = VAE(space=Columns((Continuous(),) * 2), **shape).fit(data, labels=labels, training=training)
    assert float((model.predict(data) == truth).float().mean()) > 0.95
    drawn = model.sample(500, labels=1, generator=generator())
    nearest = (torch.atan2(drawn[:, 1], drawn[:, 0]) / (torch.pi / 4)).round().long() % 2
    assert float((nearest == 1).float().mean()) > 0.85


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_constant_and_empty_columns(offset: float) -> None:
    data = torch.stack([torch.zeros(40), torch.full((40,), 3.0 + offset), torch.arange(40) + offset], 1).double()
    model = VAE(space=SPACE, **SMALL).fit(data, training=TrainingConfig(max_steps=20))
    assert torch.isfinite(model.log_prob(data).values).all() and torch.isfinite(model.sample(9)).all()
    data[:, 1] = torch.nan
    model = VAE(space=SPACE, **SMALL).fit(data, training=TrainingConfig(max_steps=20))
    assert torch.isfinite(model.log_prob(data).values).all()
    with pytest.raises(InputError, match="infinite"):
        model.fit(data + torch.inf)
