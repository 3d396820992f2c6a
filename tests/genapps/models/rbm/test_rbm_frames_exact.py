"""RNN-RBMs of few hidden units learnt by their exact gradient; gated memory and direct connections."""

import itertools

import pytest
import torch

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.rbm import RBM, enumerated, partition
from genapps.models.rbm.energy import Parameters
from genapps.models.rbm.layout import Layout
from genapps.spaces import Categorical, Columns, Continuous, Frames
from genapps.training import TrainingConfig

SPACE = Frames((Categorical(2),) * 3, 2)


def machines(units: int, hidden: int, rows: int) -> Parameters:
    g = torch.Generator().manual_seed(0)
    kind = torch.double
    draw = [
        torch.randn(shape, generator=g, requires_grad=True, dtype=kind)
        for shape in ((units, hidden), (rows, units), (rows, hidden))
    ]
    return Parameters(Layout(Columns((Categorical(2),) * units)), *draw, torch.zeros(0, dtype=kind))


@pytest.mark.parametrize("units", [4, 5])
def test_the_partition_function_and_its_gradient_are_those_of_the_plain_sum(units: int) -> None:
    model = machines(units, 3, 6)
    outer = torch.arange(1.0, 7.0, dtype=torch.double)
    quick, plain = enumerated.log_partitions(model), partition.enumerate_each(model)
    torch.testing.assert_close(quick, plain)
    wanted = (model.visible, model.hidden, model.weights)
    for one, other in zip(
        torch.autograd.grad(quick @ outer, wanted), torch.autograd.grad(plain @ outer, wanted), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_a_choice_sums_over_as_many_states_as_units() -> None:
    bits = machines(4, 3, 6)
    choice = enumerated.Choice(bits.layout, bits.weights, bits.visible, bits.hidden, bits.precision)
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.double)] * 4)
    total = torch.stack([choice.free_energy(v.expand(6, -1)).neg().exp() for v in every]).sum(0)
    torch.testing.assert_close(enumerated.log_partitions(choice).exp(), total)
    alone = [bits.hidden[:, s] + torch.log1p((bits.visible + bits.weights[:, s]).exp()).sum(1) for s in range(3)]
    torch.testing.assert_close(enumerated.log_partitions(choice), torch.stack(alone).logsumexp(0))


@pytest.mark.parametrize("hidden", ["bits", "choice"])
def test_draws_follow_the_machine_also_given_known_units(hidden: str) -> None:
    model = machines(3, 2, 1)
    if hidden == "choice":
        model = enumerated.Choice(model.layout, model.weights, model.visible, model.hidden, model.precision)
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    shares = (-model.free_energy(every.double())).exp().detach()
    wide = Parameters(
        model.layout, model.weights, model.visible.expand(8000, -1), model.hidden.expand(8000, -1), model.precision
    )
    wide = type(model)(
        wide.layout, *(t.detach().float() for t in (wide.weights, wide.visible, wide.hidden)), wide.precision
    )
    g = torch.Generator().manual_seed(0)
    for known in (torch.tensor([False] * 3), torch.tensor([True, False, False])):
        units = torch.ones(8000, 3)
        drawn = enumerated.drawn(wide, known.expand(8000, -1), units, g)
        there = (every[:, known] == 1).all(1)
        expected = shares * there / shares[there].sum()
        numbers = (drawn @ torch.tensor([4.0, 2.0, 1.0])).long()
        found = torch.bincount(numbers, minlength=8).double() / 8000
        torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


@pytest.mark.parametrize(("memory", "hidden", "count"), [("gru", "bits", 2), ("tanh", "bits", 2), ("gru", "choice", 9)])
def test_exact_learning_finds_what_follows_what(memory: str, hidden: str, count: int) -> None:
    """The second row is the first turned round; all pairs sum to one."""
    g = torch.Generator().manual_seed(0)
    first = torch.randint(2, (300, 3), generator=g)
    data = Ragged(torch.stack([first, 1 - first], 1).flatten(0, 1), torch.full((300,), 2))
    options = {"memory": memory, "hidden": hidden, "recurrent": 8, "direct": True, "learning": "exact", "dropout": 0.1}
    model = RBM(count, space=SPACE, **options)
    model.fit(data, training=TrainingConfig(min_steps=150, max_steps=150, learning_rate=0.05))
    pairs = [torch.tensor(pair) for pair in itertools.product(itertools.product(range(2), repeat=3), repeat=2)]
    found = model.log_prob(pairs)
    assert found.kind == "exact" and found.values.double().exp().sum().item() == pytest.approx(1.0, abs=1e-6)
    right = torch.tensor([bool((pair[0] != pair[1]).all()) for pair in pairs])
    assert found.values[right].exp().sum() > 0.8
    half = model.impute([torch.tensor([[1, 0, 1], [-1, -1, 1]])] * 50).values.view(50, 2, 3)
    assert (half[:, 0] == torch.tensor([1, 0, 1])).all() and (half[:, 1, 2] == 1).all()
    drawn = model.sample(200, generator=torch.Generator().manual_seed(0)).values.view(200, 2, 3)
    assert float((drawn[:, 0] != drawn[:, 1]).float().mean()) > 0.8


def test_exact_learning_is_for_few_hidden_units_and_two_values() -> None:
    for count, variable in ((11, Categorical(2)), (2, Categorical(3)), (2, Continuous())):
        with pytest.raises(UsageError, match="exact learning"):
            RBM(count, space=Frames((variable,), 2), learning="exact")
    with pytest.raises(UsageError, match="exact learning"):
        RBM(20, space=Frames((Continuous(),), 2), hidden="choice")
