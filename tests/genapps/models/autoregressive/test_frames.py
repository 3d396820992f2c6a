"""Sequences of rows: densities that integrate to one over values and lengths, and draws that follow them."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models import load_file
from genapps.models.autoregressive import Autoregressive
from genapps.models.autoregressive.frame_values import FrameValues
from genapps.spaces import Categorical, Columns, Continuous, Frames
from genapps.training import Event, TrainingConfig

SMALL: dict[str, Any] = {"hidden": 16, "heads": 2, "layers": 1, "components": 3}
QUICK = TrainingConfig(max_steps=120, warmup_steps=10, learning_rate=0.01)
WALK = Frames((Continuous(),), 2)
MIXED = Frames((Continuous(), Categorical(2), Continuous()), 6)


def make_walks(n: int = 400, *, offset: float = 0.0, unit: float = 1.0) -> Ragged:
    """Up to two steps, the second near the first."""
    g = torch.Generator().manual_seed(0)
    first = torch.randn(n, generator=g, dtype=torch.double)
    both = torch.stack([first, first + 0.3 * torch.randn(n, generator=g)], 1)
    lengths = torch.randint(3, (n,), generator=g)
    return Ragged((both[torch.arange(2) < lengths[:, None]] * unit + offset)[:, None], lengths)


def make_mixed(n: int = 300) -> Ragged:
    """The sign of the first variable is the second; the third is unknown a third of the time."""
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(7, (n,), generator=g)
    x = torch.randn(int(lengths.sum()), 2, generator=g)
    third = torch.where(torch.rand(len(x), generator=g) < 0.33, torch.nan, x[:, 1])
    return Ragged(torch.stack([x[:, 0], (x[:, 0] > 0).float(), third], 1), lengths)


@pytest.fixture(scope="module", params=["gru", "transformer"])
def walks(request: pytest.FixtureRequest) -> Autoregressive:
    return Autoregressive(space=WALK, architecture=request.param, **SMALL).fit(make_walks(), training=QUICK)


@pytest.fixture(scope="module")
def mixed() -> Autoregressive:
    return Autoregressive(space=MIXED, **SMALL).fit(make_mixed(), training=QUICK)


def integral(model: Autoregressive, scale: float = 1.0, center: float = 0.0) -> float:
    """The density of no step, of one, and of two, summed and integrated over a grid."""
    grid = (torch.linspace(-7, 7, 141, dtype=torch.double) * scale) + center
    width = float(grid[1] - grid[0])
    one = Ragged(grid[:, None], torch.ones(141, dtype=torch.long))
    pairs = torch.cartesian_prod(grid, grid)
    two = Ragged(pairs.view(-1, 1), torch.full((len(pairs),), 2))
    none = Ragged(grid[:1, None], torch.tensor([1, 0]))
    parts = [model.log_prob(none).values[1:], model.log_prob(one).values, model.log_prob(two).values]
    return float(sum(part.double().exp().sum() * width**k for k, part in enumerate(parts)))


def test_the_density_integrates_to_one_over_all_lengths(walks: Autoregressive) -> None:
    assert walks.log_prob(make_walks()).kind == "exact"
    assert integral(walks) == pytest.approx(1.0, abs=2e-3)


def test_a_perturbed_density_is_caught(walks: Autoregressive, monkeypatch: pytest.MonkeyPatch) -> None:
    density = FrameValues.log_prob
    monkeypatch.setattr(FrameValues, "log_prob", lambda *args: density(*args) + 0.01)
    with pytest.raises(AssertionError):
        test_the_density_integrates_to_one_over_all_lengths(walks)


def test_rows_of_codes_sum_to_one_over_all_sequences() -> None:
    """Two binary variables, at most two steps: 21 sequences."""
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, (200,), generator=g)
    data = Ragged(torch.randint(2, (int(lengths.sum()), 2), generator=g), lengths)
    model = Autoregressive(space=Frames((Categorical(2),) * 2, 2), **SMALL).fit(data, training=QUICK)
    rows = list(itertools.product(range(2), repeat=2))
    every = [torch.tensor(s, dtype=torch.long).view(-1, 2) for n in range(3) for s in itertools.product(rows, repeat=n)]
    found = model.log_prob(every).values.double().exp()
    assert len(every) == 21 and found.sum().item() == pytest.approx(1.0, abs=1e-6)
    drawn = model.sample(5000, generator=torch.Generator().manual_seed(0))
    assert drawn.values.dtype == torch.long
    share = torch.tensor([float((drawn.lengths == n).double().mean()) for n in range(3)], dtype=torch.double)
    lengths_of = torch.tensor([len(s) for s in every])
    expected = torch.stack([found[lengths_of == n].sum() for n in range(3)])
    torch.testing.assert_close(share, expected, atol=0.03, rtol=0)


def test_offset_and_unit_change_the_density_by_the_unit_alone() -> None:
    plain = Autoregressive(space=WALK, **SMALL).fit(make_walks(), training=QUICK)
    moved = Autoregressive(space=WALK, **SMALL).fit(make_walks(offset=1e6, unit=40.0), training=QUICK)
    data = make_walks()
    expected = plain.log_prob(data).values - data.lengths * torch.tensor(40.0).log()
    found = moved.log_prob(make_walks(offset=1e6, unit=40.0)).values
    torch.testing.assert_close(found, expected, atol=5e-2, rtol=0)
    assert moved.sample(50).values.mean().item() == pytest.approx(1e6, abs=100)


def test_a_mixture_is_the_sum_of_its_components() -> None:
    """log_prob against torch's own distributions, one component at a time."""
    values = FrameValues(Columns((Continuous(), Categorical(3))), 2)
    g = torch.Generator().manual_seed(0)
    outputs = torch.randn(values.outputs, generator=g)
    rows = torch.tensor([[0.3, 2.0], [-1.2, 0.0]])
    weights, each = outputs[1:3].softmax(0), outputs[3:].view(2, -1)
    expected = torch.zeros(2)
    for weight, part in zip(weights, each, strict=True):
        normal = torch.distributions.Normal(part[0], part[1].exp())
        codes = torch.distributions.Categorical(logits=part[2:])
        expected += weight * (normal.log_prob(rows[:, 0]) + codes.log_prob(rows[:, 1].long())).exp()
    torch.testing.assert_close(values.log_prob(outputs.expand(2, -1), rows), expected.log(), atol=1e-5, rtol=0)
    unknown = torch.tensor([[torch.nan, 1.0]])
    codes = torch.distributions.Categorical(probs=(weights[:, None] * each[:, 2:].softmax(1)).sum(0))
    torch.testing.assert_close(values.log_prob(outputs[None], unknown)[0], codes.log_prob(torch.tensor(1)))


def test_samples_have_the_likelihood_of_the_model(walks: Autoregressive) -> None:
    """The mean of log_prob over samples is minus the entropy, which the grid gives, too."""
    drawn = walks.sample(4000, generator=torch.Generator().manual_seed(0))
    assert int(drawn.lengths.max()) == 2
    ends = torch.tensor([float((drawn.lengths == n).double().mean()) for n in range(3)])
    torch.testing.assert_close(ends, torch.full((3,), 1 / 3), atol=0.08, rtol=0)
    pairs = torch.stack([codes[:, 0] for codes in drawn if len(codes) == 2])
    assert torch.corrcoef(pairs.T)[0, 1] > 0.8  # the second step follows the first


def test_variables_of_a_row_go_together(mixed: Autoregressive) -> None:
    drawn = mixed.sample(400, generator=torch.Generator().manual_seed(0)).values
    assert set(drawn[:, 1].unique().tolist()) <= {0.0, 1.0}
    assert ((drawn[:, 0] > 0).float() == drawn[:, 1]).float().mean() > 0.7
    assert not torch.isnan(drawn).any()


def test_padding_and_order_do_not_matter(mixed: Autoregressive) -> None:
    data = make_mixed(40)
    together = mixed.log_prob(data).values
    alone = torch.cat([mixed.log_prob(data.take(torch.tensor([i]))).values for i in range(40) if data.lengths[i]])
    torch.testing.assert_close(together[data.lengths > 0], alone, atol=1e-4, rtol=0)
    assert torch.isfinite(together).all()


def test_prompts_lengths_and_cold(mixed: Autoregressive) -> None:
    prompt = torch.tensor([[0.5, 1.0, 0.2], [1.5, 1.0, -0.2]])
    drawn = mixed.sample(3, prompt=[prompt], length=4)
    assert drawn.lengths.tolist() == [4, 4, 4]
    for rows in drawn:
        torch.testing.assert_close(rows[:2], prompt, atol=1e-5, rtol=0)
    cold = mixed.sample(2, length=5, temperature=0.0)
    torch.testing.assert_close(cold.values[:5], cold.values[5:])
    one, two = (mixed.sample(5, generator=torch.Generator().manual_seed(1)).values for _ in range(2))
    assert one.equal(two)


def test_labels_steer() -> None:
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (300,), generator=g)
    rows = [0.5 * torch.randn(2, 1, generator=g) + (6.0 * label - 3.0) for label in labels.tolist()]
    model = Autoregressive(space=WALK, **SMALL).fit(rows, training=QUICK, labels=labels)
    for label in (0, 1):
        drawn = model.sample(100, labels=label).values
        assert ((drawn > 0).float() == label).float().mean() > 0.95
    assert integral(model) == pytest.approx(1.0, abs=2e-3)


def test_resumed_is_uninterrupted_and_saved_is_the_same(tmp_path: Path) -> None:
    training = TrainingConfig(max_steps=40, checkpoint_seconds=0, check_steps=20)

    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if event.step >= 30:
            raise Killed

    whole, again, resumed = (Autoregressive(space=MIXED, **SMALL) for _ in range(3))
    whole.fit(make_mixed(), training=training)
    place = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        again.fit(make_mixed(), training=training, checkpoint=place, progress=kill)
    resumed.fit(make_mixed(), training=training, checkpoint=place, resume=True)
    one, two = whole.state()[0], resumed.state()[0]
    assert all(one[name].equal(two[name]) for name in one)
    whole.save(tmp_path / "model.genapps")
    loaded = load_file(tmp_path / "model.genapps")
    assert loaded.log_prob(make_mixed()).values.equal(whole.log_prob(make_mixed()).values)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([torch.zeros(1, 1)], id="one row"),
        pytest.param([torch.full((2, 1), 7.0)] * 30, id="constant"),
        pytest.param([torch.tensor([[torch.nan], [1.0]])] * 5, id="unknown"),
        pytest.param([torch.tensor([[1e6 + k], [1e6 - k]]).double() for k in range(30)], id="offset"),
        pytest.param([torch.tensor([[1e30], [-1e30]])] * 3, id="huge"),
    ],
)
def test_hostile_data_ends_in_finite_numbers(data: list[Tensor]) -> None:
    model = Autoregressive(space=WALK, **SMALL).fit(data, training=TrainingConfig(max_steps=30))
    assert torch.isfinite(model.log_prob(data).values).all()
    assert torch.isfinite(model.sample(10).values).all()


def test_what_cannot_be_is_said(mixed: Autoregressive) -> None:
    with pytest.raises(UsageError, match="samples without top_k; it takes: length, prompt"):
        mixed.sample(2, top_k=3)
    with pytest.raises(UsageError, match="architecture must be"):
        Autoregressive(space=WALK, architecture="lstm")
    with pytest.raises(UsageError, match="too long; cut them"):
        Autoregressive(space=Frames((Continuous(),), 10**6))
