"""One contract for every family: fit, sample, score, fill in, keep."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models import FAMILIES, build, family_class, load
from genapps.models.base import Family as Model
from genapps.spaces import Categorical, Columns, Constraint, Continuous, allow
from genapps.training import Event, TrainingConfig

SPACE = Columns((Categorical(2), Categorical(3, ordered=True), Categorical(4)))
MIXED = Columns((Categorical(2), Continuous(), Categorical(3)))
LEARN_COLUMNS = sorted(family for family in FAMILIES if Columns in family_class(family).engines and family != "gan")
QUICK = TrainingConfig(epochs=12, batch_size=64, min_steps=120)
SMALL: dict[str, dict[str, Any]] = {
    "autoregressive": {"hidden": 24, "embedding": 4, "dropout": 0.1},
    "gmm": {"n_components": 6, "trees": 2},
    "rbm": {"n_components": 64},
    "vae": {"latent": 4, "hidden": 64, "depth": 2, "components": 16, "beta": 0.3},
}
LONGER = {"rbm": TrainingConfig(epochs=60, batch_size=64, learning_rate=0.01)}  # its gradient is one of draws


def make_data(n: int = 1500, seed: int = 0) -> Tensor:
    """The second variable follows the first, the third their sum, with some noise."""
    g = torch.Generator().manual_seed(seed)
    a = torch.randint(2, (n,), generator=g)
    b = torch.where(torch.rand(n, generator=g) < 0.8, a + 1, torch.randint(3, (n,), generator=g))
    c = torch.where(torch.rand(n, generator=g) < 0.9, a + b, torch.randint(4, (n,), generator=g))
    return torch.stack([a, b, c], 1).int()


def make_mixed(n: int = 1500) -> Tensor:
    g = torch.Generator().manual_seed(0)
    a = torch.randint(2, (n,), generator=g).float()
    x = torch.where(a == 1, 2.0 + 0.3 * torch.randn(n, generator=g), torch.nan)
    c = torch.where(x > 2.0, 2.0, 0.0)
    return torch.stack([a, x, c], 1)


@pytest.fixture(scope="module", params=LEARN_COLUMNS)
def fitted(request: pytest.FixtureRequest) -> Model:
    family = request.param
    return build(family, SPACE, **SMALL[family]).fit(
        make_data(), training=LONGER.get(family, QUICK), generator=torch.Generator().manual_seed(0)
    )


def frequencies(rows: Tensor) -> dict[tuple[int, ...], float]:
    counts: dict[tuple[int, ...], float] = {}
    for row in rows.tolist():
        counts[tuple(row)] = counts.get(tuple(row), 0) + 1 / len(rows)
    return counts


def every_row() -> Tensor:
    return torch.tensor(list(itertools.product(range(2), range(3), range(4))))


def exact(model: Model) -> dict[tuple[int, ...], float]:
    rows = every_row()
    return {tuple(row): p for row, p in zip(rows.tolist(), model.log_prob(rows).values.exp().tolist(), strict=True)}


def distance(p: dict[tuple[int, ...], float], q: dict[tuple[int, ...], float]) -> float:
    """Total variation."""
    return sum(abs(p.get(key, 0.0) - q.get(key, 0.0)) for key in {*p, *q}) / 2


def tolerance(model: Model, exactly: float) -> float:
    """What a distance to `exact` may be: a bound carries the noise of its samples, an RBM's rows that of its chains."""
    return exactly if model.family in ("gmm", "autoregressive") else exactly + 0.025


def test_probabilities_sum_to_one(fitted: Model) -> None:
    exactly = fitted.log_prob(every_row()).kind == "exact"
    assert sum(exact(fitted).values()) == pytest.approx(1.0, abs=1e-4 if exactly else 0.025)


def test_has_learnt_the_dependence(fitted: Model) -> None:
    data = make_data(10_000, seed=1)
    shuffled = torch.stack([data[:, 0], data[:, 1].roll(1), data[:, 2].roll(2)], 1)  # the same columns, independent
    assert fitted.log_prob(data).values.mean() > fitted.log_prob(shuffled).values.mean() + 0.5
    floor = distance(frequencies(data), frequencies(shuffled))
    assert distance(frequencies(data), exact(fitted)) < 0.2 * floor


def test_samples_follow_the_likelihood(fitted: Model) -> None:
    rows = fitted.sample(40_000, generator=torch.Generator().manual_seed(0))
    assert rows.shape == (40_000, 3)
    assert distance(frequencies(rows), exact(fitted)) < tolerance(fitted, 0.02)


def test_same_seed_same_rows(fitted: Model) -> None:
    one, two, other = (fitted.sample(50, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert one.equal(two) and not one.equal(other)


def test_conditions_are_weighed_by_their_probability(fitted: Model) -> None:
    """Two conditions of graded weight at once: rows follow the joint probability times both weights."""
    first, second = np.array([1.0, 0.3]), np.array([0.0, 1.0, 0.5])
    given = [allow(0, first), allow(1, second)]
    joint = {key: p * first[key[0]] * second[key[1]] for key, p in exact(fitted).items()}
    total = sum(joint.values())
    expected = {key: p / total for key, p in joint.items() if p > 0}
    rows = fitted.sample(40_000, given=given, generator=torch.Generator().manual_seed(0))
    assert distance(frequencies(rows), expected) < tolerance(fitted, 0.03)


def test_a_condition_over_two_variables_is_exact(fitted: Model) -> None:
    """Allowed: first 0 then second 1, or first 1 then second 2 or (half) 1."""
    weights = (np.array([[1, 1]], np.float32), np.array([[0, 1, 0], [0, 0.5, 1]], np.float32))
    following = (np.array([[0, 1]]), np.zeros((2, 3), np.int64))
    given = [Constraint((0, 1), weights, following)]
    joint = {k: p * float(weights[1][k[0], k[1]]) for k, p in exact(fitted).items()}
    total = sum(joint.values())
    rows = fitted.sample(40_000, given=given, generator=torch.Generator().manual_seed(0))
    assert distance(frequencies(rows), {k: p / total for k, p in joint.items() if p > 0}) < tolerance(fitted, 0.03)


def test_impossible_condition_is_refused(fitted: Model) -> None:
    with pytest.raises(UsageError, match="no probability"):
        fitted.sample(10, given=[allow(0, np.zeros(2))])


def test_filling_in_keeps_what_is_known_and_follows_it(fitted: Model) -> None:
    data = make_data(2000, seed=2)
    holes = data.clone()
    holes[:, 2] = -1
    filled = fitted.impute(holes, generator=torch.Generator().manual_seed(0))
    assert filled[:, :2].equal(data[:, :2].to(filled.dtype))
    agreement = (filled[:, 2] == data[:, 2]).float().mean().item()
    assert agreement > 0.75  # 0.9 of the truth is the sum of the first two; chance is a quarter
    every = fitted.impute(torch.full((20_000, 3), -1), generator=torch.Generator().manual_seed(0))
    assert distance(frequencies(every), exact(fitted)) < 0.08
    only = fitted.impute(holes, given=[allow(2, np.array([0.0, 0, 0, 1]))], generator=torch.Generator())
    assert (only[:, 2] == 3).all()


def test_saved_model_is_the_same_model(fitted: Model) -> None:
    tensors, settings = fitted.state()
    again = load(fitted.family, SPACE, {name: t.clone() for name, t in tensors.items()}, settings)
    assert again.log_prob(every_row()).values.equal(fitted.log_prob(every_row()).values)
    seeds = [torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)]
    assert again.sample(100, generator=seeds[0]).equal(fitted.sample(100, generator=seeds[1]))


def test_strange_rows_score_higher(fitted: Model) -> None:
    usual, strange = torch.tensor([[1, 2, 3]]), torch.tensor([[0, 2, 0]])
    assert fitted.anomaly_score(strange) > fitted.anomaly_score(usual)


def test_low_temperature_is_bolder(fitted: Model) -> None:
    cold = fitted.sample(3000, temperature=0.3, generator=torch.Generator().manual_seed(0))
    warm = fitted.sample(3000, temperature=1.0, generator=torch.Generator().manual_seed(0))
    assert fitted.log_prob(cold).values.mean() > fitted.log_prob(warm).values.mean()


@pytest.mark.parametrize("family", LEARN_COLUMNS)
def test_same_seed_same_model_and_progress_is_told(family: str) -> None:
    events: list[Event] = []
    models = [
        build(family, SPACE, **SMALL[family]).fit(
            make_data(300), training=QUICK, generator=torch.Generator().manual_seed(4), progress=events.append
        )
        for _ in range(2)
    ]
    one, two = (model.state()[0] for model in models)
    assert one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)
    assert events and any(event.validation is not None for event in events)
    assert all(event.step <= event.total for event in events)


@pytest.mark.parametrize("family", LEARN_COLUMNS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(torch.zeros(1, 3).int(), id="one row"),
        pytest.param(torch.zeros(50, 3).int(), id="constant"),
        pytest.param(make_data(5), id="fewer rows than components"),
        pytest.param(torch.where(torch.rand(60, 3) < 0.3, -1, make_data(60)), id="unknown values"),
    ],
)
def test_hostile_data_ends_in_finite_numbers(family: str, data: Tensor) -> None:
    model = build(family, SPACE, **SMALL[family]).fit(data, training=QUICK)
    assert torch.isfinite(model.log_prob(every_row()).values).all()
    assert (model.sample(20) >= 0).all()


@pytest.mark.parametrize("family", LEARN_COLUMNS)
def test_unfitted_and_unknown_are_refused(family: str) -> None:
    with pytest.raises(UsageError, match="call fit first"):
        build(family, SPACE).sample(1)
    with pytest.raises(UsageError, match="has no option 'hiden'"):
        build(family, SPACE, hiden=3)


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(UsageError, match=r"no model family 'gmn'.*Did you mean 'gmm'"):
        build("gmn", SPACE)


def test_autoregressive_refuses_numbers_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="code numbers as tokens"):
        build("autoregressive", MIXED)


# Mixed spaces: Gaussian parts beside categorical parts.


@pytest.fixture(scope="module", params=["tree", "flat"])
def mixture(request: pytest.FixtureRequest) -> Model:
    return build("gmm", MIXED, n_components=8, structure=request.param, trees=2).fit(make_mixed())


def test_density_integrates_to_one(mixture: Model) -> None:
    grid = torch.linspace(-6, 10, 4001)
    rows = torch.stack([torch.tensor([a, x, c]) for a in (0.0, 1.0) for c in (0.0, 1.0, 2.0) for x in grid.tolist()])
    assert float(mixture.log_prob(rows).values.exp().sum() * (grid[1] - grid[0])) == pytest.approx(1.0, abs=1e-3)


def test_a_range_of_a_number_is_weighed_by_its_probability(mixture: Model) -> None:
    """p(third | number above 2.2) against the same share among unconditioned samples that happen to be there."""
    both = np.ones((1, 2), np.float32)
    given = [
        Constraint((0, 1), (both * [0, 1], np.ones((2, 1))), (np.array([[0, 1]]), np.zeros((2, 1), int)), (2.2, 9.0))
    ]
    rows = mixture.sample(20_000, given=given, generator=torch.Generator().manual_seed(0))
    assert (rows[:, 0] == 1).all() and (rows[:, 1] >= 2.2).all()
    free = mixture.sample(200_000, generator=torch.Generator().manual_seed(1))
    free = free[(free[:, 0] == 1) & (free[:, 1] >= 2.2)]
    expected = torch.bincount(free[:, 2].long(), minlength=3) / len(free)
    seen = torch.bincount(rows[:, 2].long(), minlength=3) / len(rows)
    torch.testing.assert_close(seen, expected, atol=0.02, rtol=0)


def test_filling_in_a_number(mixture: Model) -> None:
    holes = torch.tensor([[1.0, torch.nan, 2.0]]).repeat(2000, 1)
    filled = mixture.impute(holes, generator=torch.Generator().manual_seed(0))
    assert filled[:, 1].mean().item() == pytest.approx(2.24, abs=0.12)  # the mean of the upper half of N(2, 0.3)


def test_a_number_sits_with_the_code_that_says_whether_it_is_there() -> None:
    gated, alone = make_mixed(), make_mixed()
    alone[:, 1] = torch.nan_to_num(alone[:, 1], nan=-1.0)  # a number that is always there is a field of its own
    for data, nodes in ((gated, 2), (alone, 3)):
        tensors, settings = build("gmm", MIXED, n_components=4, trees=1).fit(data).state()
        assert len(settings["structures"][0]["parents"]) == nodes
        assert tensors["0/transitions"].shape == (nodes, 4, 4)


def test_a_table_too_wide_for_the_network_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(UsageError, match=r"5000 variables are too many.*--family gmm"):
        build("autoregressive", Columns((Categorical(3),) * 5000))


def test_a_mixture_takes_a_wide_table() -> None:
    wide = torch.randint(2, (30, 800), generator=torch.Generator().manual_seed(0)).int()
    model = build("gmm", Columns((Categorical(2),) * 800), n_components=4, trees=1, max_iter=2).fit(wide)
    assert torch.isfinite(model.log_prob(wide).values).all()
