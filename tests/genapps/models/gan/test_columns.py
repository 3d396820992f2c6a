"""GANs of table rows: hostile tables, units, gaps, conditions, classes."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.gan import GAN
from genapps.models.gan.layout import Layout
from genapps.spaces import Categorical, Columns, Constraint, Continuous, allow
from genapps.training import TrainingConfig

SPACE = Columns((Categorical(2), Categorical(3, ordered=True), Categorical(4)))
MIXED = Columns((Categorical(2), Continuous(), Categorical(3)))
QUICK = TrainingConfig(epochs=1, min_steps=10, max_steps=10, batch_size=40, check_steps=5)
SOME = TrainingConfig(epochs=200, min_steps=400, max_steps=400, batch_size=128, check_steps=200)
TINY: dict[str, Any] = {"hidden": 16, "depth": 1, "latent": 4}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_codes(n: int = 1500, seed: int = 0) -> Tensor:
    """The second variable follows the first, the third their sum, with some noise."""
    g = seeded(seed)
    a = torch.randint(2, (n,), generator=g)
    b = torch.where(torch.rand(n, generator=g) < 0.8, a + 1, torch.randint(3, (n,), generator=g))
    c = torch.where(torch.rand(n, generator=g) < 0.9, a + b, torch.randint(4, (n,), generator=g))
    return torch.stack([a, b, c], 1).int()


def make_mixed(n: int = 1500) -> Tensor:
    """A number that is there where the first code is 1."""
    g = seeded()
    a = torch.randint(2, (n,), generator=g).float()
    x = torch.where(a == 1, 2.0 + 0.3 * torch.randn(n, generator=g), torch.nan)
    return torch.stack([a, x, torch.where(x > 2.0, 2.0, 0.0)], 1)


@pytest.fixture(scope="module")
def codes() -> GAN:
    return GAN(space=SPACE, hidden=48, depth=1, latent=8).fit(make_codes(), training=SOME)


def frequencies(rows: Tensor) -> Tensor:
    place = rows[:, 0] * 12 + rows[:, 1] * 4 + rows[:, 2]
    return torch.bincount(place.long(), minlength=24) / len(rows)


def apart(p: Tensor, q: Tensor) -> float:
    """Total variation."""
    return float((p - q).abs().sum() / 2)


def test_it_learns_the_dependence_of_codes(codes: GAN) -> None:
    truth = frequencies(make_codes(40_000, seed=1))
    independent = frequencies(torch.stack([make_codes(40_000, seed=k)[:, k] for k in range(3)], 1))
    assert apart(frequencies(codes.sample(20_000)), truth) < 0.4 * apart(independent, truth)


def test_gaps_are_filled_and_what_is_known_stays(codes: GAN) -> None:
    data = make_codes(2000, seed=2)
    holes = data.clone()
    holes[:, 2] = -1
    filled = codes.impute(holes, generator=seeded())
    assert filled[:, :2].equal(data[:, :2].to(filled.dtype)) and (filled >= 0).all()
    assert (filled[:, 2] == data[:, 2]).float().mean() > 0.6  # at best 0.82, by chance a quarter
    every = codes.impute(torch.full((20_000, 3), -1), generator=seeded())
    assert apart(frequencies(every), frequencies(codes.sample(20_000))) < 0.05
    only = codes.impute(holes, given=[allow(2, np.array([0.0, 0, 0, 1]))], generator=seeded())
    assert (only[:, 2] == 3).all()


def test_conditions_are_weighed_by_their_probability(codes: GAN) -> None:
    first, second = np.array([1.0, 0.3]), np.array([0.0, 1.0, 0.5])
    rows = codes.sample(20_000, given=[allow(0, first), allow(1, second)], generator=seeded())
    free = frequencies(codes.sample(100_000, generator=seeded(1))).view(2, 3, 4)
    expected = free * torch.tensor(first)[:, None, None] * torch.tensor(second)[None, :, None]
    assert apart(frequencies(rows), (expected / expected.sum()).flatten()) < 0.04
    with pytest.raises(UsageError, match="no probability"):
        codes.sample(10, given=[allow(0, np.zeros(2))])


def test_a_lower_temperature_is_bolder(codes: GAN) -> None:
    cold, warm, none = (frequencies(codes.sample(5000, temperature=t, generator=seeded())) for t in (0.3, 1.0, 0.0))

    def entropy(p: Tensor) -> float:
        return float(torch.special.entr(p).sum())

    assert entropy(none) <= entropy(cold) < entropy(warm)


def test_a_number_is_there_where_its_code_says_so() -> None:
    model = GAN(space=MIXED, **TINY).fit(make_mixed(), training=QUICK)
    rows = model.sample(2000)
    assert (torch.isnan(rows[:, 1]) == (rows[:, 0] == 0)).all() and (rows[:, 0] == 1).any()
    given = [Constraint((1,), (np.ones((1, 1), np.float32),), (np.zeros((1, 1), np.int64),), (2.2, 9.0))]
    inside = model.sample(500, given=[*given, allow(0, np.array([0.0, 1.0]))])
    assert (inside[:, 1] >= 2.2).all()
    holes = torch.tensor([[1.0, torch.nan, 2.0], [0.0, torch.nan, 0.0]]).repeat(50, 1)
    filled = model.impute(holes)
    assert torch.isfinite(filled[::2, 1]).all() and torch.isnan(filled[1::2, 1]).all()


def test_rows_with_gaps_teach_a_generator_of_rows_without() -> None:
    data = make_codes(600).clone()
    data[torch.rand(data.shape, generator=seeded()) < 0.3] = -1
    assert (GAN(space=SPACE, **TINY).fit(data, training=QUICK).sample(200) >= 0).all()
    numbers = torch.randn(600, 2, generator=seeded())
    numbers[torch.rand(600, 2, generator=seeded()) < 0.3] = torch.nan
    assert torch.isfinite(GAN(**TINY).fit(numbers, training=QUICK).sample(200)).all()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(torch.zeros(1, 3), id="one row"),
        pytest.param(torch.ones(50, 3) * 7.5, id="constant"),
        pytest.param(torch.randn(1, 3, generator=seeded()).repeat(60, 1), id="duplicates"),
        pytest.param(torch.randn(3, 3, generator=seeded()), id="three rows"),
        pytest.param(torch.randn(80, 3, generator=seeded()) + 1e6, id="offset"),
        pytest.param(torch.tensor([[math.nan, 1.0, 2.0]]).repeat(50, 1), id="nothing known"),
        pytest.param(torch.randn(80, 3, generator=seeded()).double() * 1e-30 + 5.0, id="tiny"),
        pytest.param(torch.randn(80, 3, generator=seeded()) * 1e30, id="huge"),
    ],
)
def test_hostile_tables_end_in_finite_numbers(data: Tensor) -> None:
    space = Columns((Continuous(),) * 3)
    model = GAN(space=space, **TINY).fit(data, training=QUICK)
    assert torch.isfinite(model.sample(30)).all()
    assert torch.isfinite(model.anomaly_score(torch.nan_to_num(data))).all()
    assert all(torch.isfinite(t).all() for t in model.state()[0].values() if t.is_floating_point())


@pytest.mark.parametrize("data", [torch.zeros(1, 3).int(), torch.zeros(50, 3).int(), make_codes(5)])
def test_hostile_codes_end_in_codes(data: Tensor) -> None:
    model = GAN(space=SPACE, **TINY).fit(data, training=QUICK)
    rows = model.sample(30)
    assert (rows >= 0).all() and (rows < torch.tensor([2, 3, 4])).all()
    assert torch.isfinite(model.anomaly_score(make_codes(50))).all()


def test_another_unit_and_offset_make_the_same_rows() -> None:
    data = torch.randn(300, 2, generator=seeded()).double()
    rows, moved = (
        GAN(**TINY).fit(x, training=QUICK).sample(100, generator=seeded(3)).double() for x in (data, data * 4096 + 1e6)
    )
    torch.testing.assert_close((moved - 1e6) / 4096, rows, rtol=1e-4, atol=1e-4)


def test_classes_steer_what_is_made() -> None:
    labels = torch.arange(1200) % 3
    data = labels[:, None] * 3.0 + 0.3 * torch.randn(1200, 2, generator=seeded())
    training = replace(SOME, max_steps=300, warmup_steps=20, learning_rate=3e-3)
    model = GAN(hidden=32, depth=1, latent=4).fit(data, labels=labels, training=training)
    for label in range(3):
        rows = model.sample(400, labels=label, generator=seeded(label))
        nearest = (rows.mean(1, keepdim=True) - torch.tensor([0.0, 3.0, 6.0])).abs().argmin(1)
        assert (nearest == label).float().mean() > 0.95


def test_strange_rows_score_higher() -> None:
    data = torch.randn(600, 2, generator=seeded())
    model = GAN(hidden=32, depth=1, latent=4).fit(data, training=SOME)
    usual, strange = model.anomaly_score(data[:100]), model.anomaly_score(torch.full((1, 2), 6.0))
    assert strange > usual.max()
    assert abs(float(usual.median())) < 2


def test_drawn_codes_are_corners_with_the_frequencies_of_the_logits() -> None:
    layout = Layout(SPACE)
    logits = torch.randn(1, layout.heads.width, generator=seeded()).expand(20_000, -1)
    made = layout.made(logits, seeded(1), 2.0)
    assert set(made.unique().tolist()) <= {0.0, 1.0} or torch.allclose(made, made.round(), atol=1e-6)
    for j in layout.codes:
        part = layout.part(j)
        assert made[:, part].sum(1).sub(1).abs().max() < 1e-5
        torch.testing.assert_close(made[:, part].mean(0), torch.softmax(logits[0, part], 0), atol=0.015, rtol=0)


def test_too_many_codes_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(UsageError, match="too many codes"):
        GAN(space=Columns((Categorical(1_000_000),) * 5))
