"""The mathematics of an RBM against enumeration: every visible kind, the partition function, gradients, conditions."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.rbm import partition
from genapps.models.rbm.conditions import Conditions
from genapps.models.rbm.energy import Parameters, Path, draw_hidden
from genapps.models.rbm.layout import Layout, softplus
from genapps.models.rbm.machine import centred_slopes
from genapps.models.rbm.sampling import Clamp, gibbs, ladder, tempered
from genapps.spaces import Categorical, Columns, Constraint, Continuous, allow

CODES = Columns((Categorical(3), Categorical(2), Categorical(4), Categorical(2)))
MIXED = Columns((Categorical(3), Continuous(), Categorical(2)))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def machine(space: Columns, hidden: int = 5, scale: float = 1.0, seed: int = 0) -> Parameters:
    g, layout = seeded(seed), Layout(space)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.double)

    precision = torch.full((layout.real,), 1.7, dtype=torch.double)
    return Parameters(layout, scale * normal(layout.units, hidden), normal(layout.units), normal(hidden), precision)


def base(model: Parameters) -> Path:
    layout = model.layout
    return Path.between(
        torch.zeros(layout.units, dtype=torch.double), torch.ones(layout.real, dtype=torch.double), model
    )


def rows_of(space: Columns) -> Tensor:
    return torch.tensor(list(itertools.product(*(range(size) for size in space.sizes))))


def joint(model: Parameters, rows: Tensor) -> Tensor:
    """-E(v, h) for all rows and all hidden states, written out term by term: (N, 2^H)."""
    units, _ = model.layout.encode(rows, torch.double)
    states = torch.cat(list(partition.every_hidden(model.weights.shape[1])))
    real = units[:, model.layout.last_discrete :]
    own = units @ model.visible - 0.5 * (model.precision * real.square()).sum(1)
    return own[:, None] + (states @ model.hidden)[None] + units @ model.weights @ states.T


def probabilities(model: Parameters, rows: Tensor) -> Tensor:
    return torch.softmax(torch.logsumexp(joint(model, rows), 1), 0)


def counted(rows: Tensor, every: Tensor) -> Tensor:
    same = (rows[:, None] == every[None]).all(2)
    return same.double().mean(0)


def test_rows_come_back_from_units() -> None:
    for space in (CODES, MIXED, Columns((Continuous(), Categorical(2), Continuous(), Categorical(5)))):
        rows = torch.stack(
            [
                torch.randint(n, (50,), generator=seeded()).double() if n else torch.randn(50).double()
                for n in space.sizes
            ],
            1,
        )
        units, known = Layout(space).encode(rows, torch.double)
        assert known is None and Layout(space).decode(units).double().equal(rows)


def test_free_energy_sums_the_joint_energy_over_the_hidden_units() -> None:
    model, rows = machine(CODES), rows_of(CODES)
    units, _ = model.layout.encode(rows, torch.double)
    torch.testing.assert_close(
        -model.free_energy(units), torch.logsumexp(joint(model, rows), 1), rtol=1e-12, atol=1e-12
    )
    ones = torch.ones(len(units), 5, dtype=torch.double)
    torch.testing.assert_close(-model.energy(units, ones), joint(model, rows)[:, -1], rtol=1e-12, atol=1e-12)


def test_softplus_is_exact() -> None:
    x = torch.linspace(-60, 60, 1001, dtype=torch.double)
    torch.testing.assert_close(softplus(x), torch.logaddexp(x, torch.zeros_like(x)), rtol=1e-15, atol=1e-17)


@pytest.mark.parametrize("hidden", [3, 9])
def test_partition_function_is_that_of_enumeration_from_either_side(hidden: int) -> None:
    """With 3 hidden units their states are summed, with 9 the 48 visible rows."""
    model = machine(CODES, hidden)
    expected = float(torch.logsumexp(joint(model, rows_of(CODES)).flatten(), 0))
    assert partition.enumerate_log_z(model) == pytest.approx(expected, abs=1e-10)


def test_partition_function_with_a_number_is_that_of_quadrature() -> None:
    model = machine(MIXED, 4, 0.7)
    grid = torch.linspace(-15, 15, 6001, dtype=torch.double)
    rows = torch.cartesian_prod(torch.arange(3).double(), grid, torch.arange(2).double())
    expected = float(torch.logsumexp(joint(model, rows).flatten(), 0) + (grid[1] - grid[0]).log())
    assert partition.enumerate_log_z(model) == pytest.approx(expected, abs=1e-8)


def test_without_weights_the_partition_function_is_a_product() -> None:
    model = machine(CODES, 6, scale=0.0)
    a, b = model.visible, model.hidden
    expected = softplus(b).sum() + softplus(a[:2]).sum() + a[2:5].logsumexp(0) + a[5:].logsumexp(0)
    assert partition.enumerate_log_z(model) == pytest.approx(float(expected), abs=1e-12)
    path = Path.between(a, model.precision, model)
    found = partition.estimate_log_z(path, 5, 10, seeded())
    assert found.log_z == pytest.approx(float(expected), abs=1e-12) and found.error < 1e-12


@pytest.mark.parametrize("space", [CODES, MIXED], ids=["codes", "mixed"])
@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_annealing_is_within_four_standard_errors(space: Columns, scale: float) -> None:
    model = machine(space, 6, scale)
    exact = partition.enumerate_log_z(model)
    found = partition.estimate_log_z(base(model), 300, 400, seeded(1))
    assert abs(found.log_z - exact) < 4 * found.error
    assert found.error < 0.1 and 1 <= found.ess <= 400


def test_reverse_annealing_comes_from_the_other_side() -> None:
    """From exact draws exp(-estimate) is unbiased for 1 / Z, so that the estimate errs upwards."""
    model = machine(CODES, 6, 1.5)
    exact, rows = partition.enumerate_log_z(model), rows_of(CODES)
    drawn = rows[torch.multinomial(probabilities(model, rows), 2000, True, generator=seeded())]
    units, _ = model.layout.encode(drawn, torch.double)
    estimates = partition.reverse_log_z(base(model), units, 30, 1, seeded(2))
    inverse = torch.exp(exact - estimates)
    assert abs(float(inverse.mean()) - 1) < 4 * float(inverse.std()) / math.sqrt(2000)
    assert float(estimates.mean()) > exact - 4 * float(estimates.std()) / math.sqrt(2000)
    assert float(estimates.mean()) > exact  # 30 temperatures are few: the gap shows


@pytest.mark.parametrize("hidden", [4])
def test_what_is_unknown_is_summed_out(hidden: int) -> None:
    model, every = machine(CODES, hidden), rows_of(CODES)
    rows = every[::7].clone()
    rows[:, 0], rows[::2, 2], rows[1, :] = -1, -1, -1
    units, known = model.layout.encode(rows, torch.double)
    assert known is not None
    logs = torch.logsumexp(joint(model, every), 1)
    fits = ((rows[:, None] == every[None]) | (rows[:, None] < 0)).all(2)
    expected = torch.stack([logs[fit].logsumexp(0) for fit in fits])
    torch.testing.assert_close(partition.log_marginals(model, units, known), expected, rtol=1e-10, atol=1e-10)
    found, error = partition.estimate_marginals(base(model), units, known, 100, 100, seeded())
    assert bool(((found - expected).abs() < 4 * error + 1e-9).all())


def test_an_unknown_entry_is_left_out_of_the_energy() -> None:
    """The free energy of a row with a hole is that of a machine without that variable."""
    model = machine(CODES)
    units, _ = model.layout.encode(torch.tensor([[1, 1, -1, 0]]), torch.double)
    small = Columns((Categorical(3), Categorical(2), Categorical(2)))
    kept = model.layout.place != 3  # the last place is the variable of four codes
    without = Parameters(Layout(small), model.weights[kept], model.visible[kept], model.hidden, model.precision)
    other, _ = without.layout.encode(torch.tensor([[1, 1, 0]]), torch.double)
    torch.testing.assert_close(model.free_energy(units), without.free_energy(other), rtol=1e-12, atol=1e-12)


def test_the_plain_gradient_is_that_of_the_enumerated_likelihood() -> None:
    model, data = machine(CODES, 4), rows_of(CODES)[::5]
    leaves = [tensor.clone().requires_grad_() for tensor in (model.weights, model.visible, model.hidden)]
    free = Parameters(model.layout, *leaves, model.precision)
    logs = torch.logsumexp(joint(free, rows_of(CODES)), 1)
    likelihood = torch.logsumexp(joint(free, data), 1).mean() - logs.logsumexp(0)
    expected = torch.autograd.grad(likelihood, leaves)
    units, _ = model.layout.encode(data, torch.double)
    drawn_rows, share = rows_of(CODES), probabilities(model, rows_of(CODES))
    everything, _ = model.layout.encode(drawn_rows, torch.double)
    odds = model.inputs(everything).sigmoid()
    weights = units.T @ model.inputs(units).sigmoid() / len(units) - (everything * share[:, None]).T @ odds
    torch.testing.assert_close(weights, expected[0], rtol=1e-10, atol=1e-12)
    many = drawn_rows[torch.multinomial(share, 400_000, True, generator=seeded())]
    drawn, _ = model.layout.encode(many, torch.double)
    zero = (torch.zeros(model.layout.units, dtype=torch.double), torch.zeros(4, dtype=torch.double))
    found = centred_slopes(units, model.inputs(units).sigmoid(), drawn, model.inputs(drawn).sigmoid(), *zero)
    for slope, exact in zip(found, expected, strict=True):
        torch.testing.assert_close(-slope, exact, rtol=0, atol=0.005)


def test_the_centred_gradient_is_the_plain_one_in_other_coordinates() -> None:
    """Its weights' slope is the covariance's, its biases' follow; it vanishes exactly where the plain one does."""
    model = machine(CODES, 4)
    units, _ = model.layout.encode(rows_of(CODES)[::3], torch.double)
    drawn, _ = model.layout.encode(rows_of(CODES)[::2], torch.double)
    hidden, drawn_hidden = model.inputs(units).sigmoid(), model.inputs(drawn).sigmoid()
    mu, lam = units.mean(0), hidden.mean(0)
    zeros = (torch.zeros_like(mu), torch.zeros_like(lam))
    plain = centred_slopes(units, hidden, drawn, drawn_hidden, *zeros)
    found = centred_slopes(units, hidden, drawn, drawn_hidden, mu, lam)
    by_hand = (drawn - mu).T @ (drawn_hidden - lam) / len(drawn) - (units - mu).T @ (hidden - lam) / len(units)
    torch.testing.assert_close(found[0], by_hand, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found[1], plain[1] - by_hand @ lam, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found[2], plain[2] - mu @ by_hand, rtol=1e-10, atol=1e-12)
    agreement = sum(float((a * b).sum()) for a, b in zip(plain, found, strict=True))
    assert agreement > 0  # a descent direction of the same loss
    fixed = centred_slopes(units, hidden, units, hidden, mu, lam)
    assert all(float(slope.abs().max()) < 1e-12 for slope in fixed)


@pytest.mark.parametrize("spoilt", [False, True], ids=["kernel", "perturbed kernel"])
def test_gibbs_leaves_the_distribution_as_it_is(spoilt: bool) -> None:
    """Exact draws stay exact after a step; with weights 20 % off in one half-step they do not (the mutation check)."""
    model, every = machine(CODES, 4, 1.5), rows_of(CODES)
    share, count = probabilities(model, every), 100_000
    units, _ = model.layout.encode(every[torch.multinomial(share, count, True, generator=seeded())], torch.double)
    hidden = draw_hidden(model.inputs(units), seeded(1))
    kernel = (
        model
        if not spoilt
        else Parameters(model.layout, 1.2 * model.weights, model.visible, model.hidden, model.precision)
    )
    after = model.layout.decode(gibbs(kernel, hidden, 1, seeded(2))[0])
    chi = float((count * (counted(after, every) - share).square() / share).sum())
    assert (chi < 47 + 5 * math.sqrt(2 * 47)) != spoilt


def test_swaps_leave_the_product_of_temperatures_as_it_is() -> None:
    model, every = machine(CODES, 3, 1.5), rows_of(CODES)
    path, count = base(model), 40_000
    everything, _ = model.layout.encode(every, torch.double)
    betas = ladder(3, everything)
    starts, shares = [], []
    for beta in betas.flatten().tolist():
        share = torch.softmax(path.log_weight(everything, model.inputs(everything), beta), 0)
        units = everything[torch.multinomial(share, count, True, generator=seeded(len(starts)))]
        starts.append(draw_hidden(path.odds(model.inputs(units), beta), seeded(7)))
        shares.append(share)
    units, _ = tempered(path, torch.stack(starts), 2, seeded(3))
    for level in range(3):
        seen = counted(model.layout.decode(units[level]), every)
        chi = float((count * (seen - shares[level]).square() / shares[level]).sum())
        assert chi < 47 + 5 * math.sqrt(2 * 47)


def test_conditions_hold_with_their_weights() -> None:
    """A weighted code, and an automaton over two variables: draws follow the enumerated distribution given both."""
    model, every = machine(CODES, 4), rows_of(CODES)
    automaton = Constraint(
        (1, 2),
        (np.array([[1, 1]], np.float32), np.array([[1, 0, 0.5, 0], [0, 1, 1, 0.2]], np.float32)),
        (np.array([[0, 1]]), np.zeros((2, 4), np.int64)),
    )
    first = np.array([1.0, 0.0, 0.4])
    weight = torch.tensor(
        [first[a] * float(automaton.weights[1][b, c]) for a, b, c, _ in every.tolist()], dtype=torch.double
    )
    share = probabilities(model, every) * weight
    share /= share.sum()
    start = torch.zeros(40_000, 4, dtype=torch.double)
    conditions = Conditions([allow(0, first), automaton], model.layout)
    units, _ = gibbs(model, start, 60, seeded(), Clamp(conditions=conditions))
    assert float((counted(model.layout.decode(units), every) - share).abs().sum()) / 2 < 0.02


def test_a_range_of_a_number_holds_with_its_probability() -> None:
    model = machine(MIXED, 3, 0.7)
    given = Constraint((1,), (np.ones((1, 1), np.float32),), (np.zeros((1, 1), np.int64),), (0.5, 1.0))
    conditions = Conditions([given], model.layout)
    units, _ = gibbs(model, torch.zeros(20_000, 3, dtype=torch.double), 60, seeded(), Clamp(conditions=conditions))
    rows = model.layout.decode(units)
    assert bool(((rows[:, 1] >= 0.5) & (rows[:, 1] <= 1.0)).all())
    grid = torch.linspace(0.5, 1, 201, dtype=torch.double)
    every = torch.cartesian_prod(torch.arange(3).double(), grid, torch.arange(2).double())
    share = probabilities(model, every)
    for code in range(3):
        assert float((rows[:, 0] == code).double().mean()) == pytest.approx(
            float(share[every[:, 0] == code].sum()), abs=0.02
        )


def test_what_can_never_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="no probability"):
        Conditions([allow(0, np.zeros(3))], Layout(CODES))


def test_pseudo_likelihood_is_that_of_enumerated_conditionals() -> None:
    model, every = machine(CODES, 4), rows_of(CODES)
    logs = torch.logsumexp(joint(model, every), 1)
    expected = torch.zeros(len(every), dtype=torch.double)
    for j in range(4):
        others = [k for k in range(4) if k != j]
        same = (every[:, None, others] == every[None][:, :, others]).all(2)
        expected += logs - torch.where(same, logs, -torch.inf).logsumexp(1)
    units, _ = model.layout.encode(every, torch.double)
    torch.testing.assert_close(partition.pseudo_log_likelihood(model, units, None), expected, rtol=1e-9, atol=1e-9)
