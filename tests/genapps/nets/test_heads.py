"""Heads: each variable's distribution against torch.distributions, conditions against enumeration."""

import numpy as np
import pytest
import torch
from torch import Tensor, distributions

from genapps.errors import UsageError
from genapps.models.constraints import Allowances
from genapps.nets.heads import LEAST_DEVIATION, Heads, draw_rows, effective
from genapps.spaces import Categorical, Columns, Constraint, Continuous, allow

SPACE = Columns((Categorical(3), Continuous(), Categorical(2), Categorical(3), Continuous()))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(n: int = 400) -> Tensor:
    g = generator(1)
    numbers = torch.randn(n, 2, generator=g, dtype=torch.double) * torch.tensor([3.0, 0.01]) + torch.tensor([1e6, 2.0])
    codes = [torch.randint(size, (n, 1), generator=g) for size in (3, 2, 3)]
    return torch.cat([codes[0], numbers[:, :1], codes[1], codes[2], numbers[:, 1:]], 1)


@pytest.fixture
def heads() -> Heads:
    return Heads.fit(SPACE, rows())


def parts(heads: Heads, outputs: Tensor) -> dict[int, distributions.Distribution]:
    """The same distributions, written down one by one: sizes in order, then means, then log-deviations."""
    logits = {2: outputs[:, 0:2], 0: outputs[:, 2:5], 3: outputs[:, 5:8]}
    found: dict[int, distributions.Distribution] = {v: distributions.Categorical(logits=x) for v, x in logits.items()}
    least = torch.tensor(LEAST_DEVIATION).log()
    for place, variable in enumerate((1, 4)):
        deviation = (least + torch.nn.functional.softplus(outputs[:, 10 + place] - least)).exp()
        center, scale = heads.scaling.center[variable], heads.scaling.scale[variable]
        found[variable] = distributions.Normal(center + scale * outputs[:, 8 + place].double(), scale * deviation)
    return found


def test_log_prob_is_that_of_the_distributions(heads: Heads) -> None:
    outputs, data = torch.randn(400, heads.width, generator=generator()), rows()
    logs = heads.log_prob(outputs, data)
    for variable, distribution in parts(heads, outputs).items():
        expected = distribution.log_prob(data[:, variable]).float()
        torch.testing.assert_close(logs[:, variable], expected, rtol=1e-4, atol=1e-4)


def test_unknown_entries_count_nothing_and_show_nothing(heads: Heads) -> None:
    outputs, data = torch.randn(400, heads.width, generator=generator()), rows()
    holes = torch.where(torch.rand(data.shape, generator=generator(2)) < 0.4, torch.nan, data)
    logs = heads.log_prob(outputs, holes)
    assert (logs[torch.isnan(holes)] == 0).all()
    assert logs[~torch.isnan(holes)].equal(heads.log_prob(outputs, data)[~torch.isnan(holes)])
    assert heads.encode(torch.full((2, 5), torch.nan)).equal(torch.zeros(2, heads.features))


def test_features_are_one_hot_codes_numbers_and_flags(heads: Heads) -> None:
    row = torch.tensor([[2.0, torch.nan, 1.0, 0.0, 2.0]], dtype=torch.double)
    features = heads.encode(row)[0]
    assert features[:8].tolist() == [0, 1, 0, 0, 1, 1, 0, 0]
    assert features[8] == 0 and features[10:].tolist() == [0, 1]
    assert float(features[9]) == pytest.approx(
        float((2.0 - heads.scaling.center[4]) / heads.scaling.scale[4]), abs=1e-5
    )


def test_samples_have_the_distributions_moments(heads: Heads) -> None:
    outputs = torch.randn(1, heads.width, generator=generator(3)).expand(20_000, -1)
    drawn = heads.sample(outputs, generator())
    for variable, distribution in parts(heads, outputs[:1]).items():
        if isinstance(distribution, distributions.Categorical):
            seen = torch.bincount(drawn[:, variable].long(), minlength=distribution.probs.shape[1]) / len(drawn)
            torch.testing.assert_close(seen, distribution.probs[0], rtol=0, atol=0.02)
        else:
            standard = (drawn[:, variable] - distribution.mean) / distribution.stddev
            assert abs(float(standard.mean())) < 0.04 and float(standard.std()) == pytest.approx(1, abs=0.04)
    assert heads.sample(outputs[:5], generator(7)).equal(heads.sample(outputs[:5], generator(7)))


def test_soft_features_average_to_the_probabilities(heads: Heads) -> None:
    outputs = torch.randn(1, heads.width, generator=generator(3)).expand(20_000, -1).clone().requires_grad_()
    soft = heads.soft(outputs, generator(), tau=0.05)
    hard = heads.encode(heads.sample(outputs.detach(), generator()))
    torch.testing.assert_close(soft.mean(0)[:8], hard.mean(0)[:8], rtol=0, atol=0.02)
    torch.testing.assert_close(soft.mean(0)[8:], hard.mean(0)[8:], rtol=0, atol=0.15)
    soft.square().sum().backward()
    assert outputs.grad is not None and torch.isfinite(outputs.grad).all()


def test_marginals_say_what_holds_of_all_rows(heads: Heads) -> None:
    data = rows()
    shares = torch.softmax(heads.marginals(data)[5:8], 0)
    torch.testing.assert_close(shares, torch.bincount(data[:, 3].long(), minlength=3) / len(data), rtol=0, atol=1e-3)


def gate() -> Constraint:
    """First variable 0 and third 1, or first 1 and (half) third 0."""
    weights = (np.array([[1, 1, 0]], np.float32), np.array([[0, 1], [0.5, 0]], np.float32))
    return Constraint((0, 2), weights, (np.array([[0, 1, 0]]), np.zeros((2, 2), np.int64)))


def test_conditions_weigh_hidden_states_by_their_probability(heads: Heads) -> None:
    """Two hidden states, a joint condition, a graded one and an interval: against enumeration."""
    states = torch.randn(2, heads.width, generator=generator(4))
    low, high = (float(heads.scaling.center[1] + heads.scaling.scale[1] * s) for s in (0.5, 9.0))
    interval = Constraint((1,), (np.ones((1, 1), np.float32),), (np.zeros((1, 1), np.int64),), (low, high))
    given = Allowances([gate(), allow(3, np.array([1.0, 0.2, 0.0], np.float32)), interval])
    drawn = draw_rows(20_000, heads, lambda n: states[torch.randint(2, (n,), generator=g)], given, (g := generator()))
    assert ((drawn[:, 1] >= low) & (drawn[:, 1] <= high)).all()
    expected = torch.zeros(3, 2, 3, dtype=torch.double)
    for state in states:
        p = parts(heads, state[None])
        inside = p[1].cdf(torch.tensor(high).double()) - p[1].cdf(torch.tensor(low).double())
        first, second, third = (p[v].probs[0].double() for v in (0, 2, 3))  # type: ignore[attr-defined]
        both = first[:, None] * second * torch.tensor([[0, 1], [0.5, 0], [0, 0]])
        expected += inside * both[:, :, None] * third * torch.tensor([1.0, 0.2, 0.0])
    keys = (drawn[:, 0] * 6 + drawn[:, 2] * 3 + drawn[:, 3]).long()
    seen = torch.bincount(keys, minlength=18).view(3, 2, 3) / len(drawn)
    torch.testing.assert_close(seen.double(), expected / expected.sum(), rtol=0, atol=0.03)


def test_impossible_conditions_are_refused(heads: Heads) -> None:
    given = Allowances([allow(0, np.zeros(3, np.float32))])
    with pytest.raises(UsageError, match="no probability"):
        draw_rows(5, heads, lambda n: torch.zeros(n, heads.width), given, generator())


def test_far_intervals_keep_their_digits() -> None:
    """An interval forty deviations away: its log-probability is finite, and what is drawn lies inside."""
    from genapps.models.constraints import draw_between, interval_log_prob

    mean, one = torch.zeros(3), torch.ones(3)
    for sign in (1.0, -1.0):
        interval = (30.0, 31.0) if sign > 0 else (-31.0, -30.0)
        exact = torch.special.log_ndtr(torch.tensor(-30.0, dtype=torch.double))
        torch.testing.assert_close(interval_log_prob(mean, one, interval)[0], exact, rtol=1e-6, atol=0)
        drawn = draw_between(mean, one, interval, generator())
        assert ((drawn >= interval[0]) & (drawn <= interval[1])).all()


def test_effective_counts_equal_weights_fully() -> None:
    assert effective(torch.full((40,), -700.0)) == pytest.approx(40)
    assert effective(torch.tensor([0.0, -100.0])) == pytest.approx(1)
