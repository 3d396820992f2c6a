"""RBMs as people use them: learning, resuming, units of numbers, unknown entries, hostile data, files, sequences."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import GenappsError, UsageError
from genapps.models import load_file
from genapps.models.base import Family
from genapps.models.rbm import RBM
from genapps.models.rbm.layout import Layout
from genapps.models.rbm.machine import Learning, Machine
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels
from genapps.training import TrainingConfig
from genapps.training import loop as training_loop

QUICK = TrainingConfig(epochs=4, batch_size=50, min_steps=20, checkpoint_seconds=0.0, device="cpu")
MIXED = Columns((Categorical(2), Continuous(), Categorical(3)))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def binary(n: int = 300, width: int = 8) -> Tensor:
    """Two prototypes with a tenth of the bits turned."""
    g = seeded()
    prototypes = torch.tensor([[1, 0] * (width // 2), [0, 1] * (width // 2)])
    flips = torch.rand(n, width, generator=g) < 0.1
    return prototypes[torch.randint(2, (n,), generator=g)] ^ flips.long()


def mixed(n: int = 400) -> Tensor:
    g = seeded()
    code = torch.randint(2, (n,), generator=g).double()
    number = 4 * code - 2 + torch.randn(n, generator=g).double()
    return torch.stack([code, number, (number > 0).double() + 1], 1)


def sequences(n: int = 40, dtype: Any = np.uint8) -> list[Any]:
    rng = np.random.default_rng(0)
    rows = [np.eye(4, dtype=dtype)[(rng.integers(4) + np.arange(rng.integers(3, 7))) % 4] for _ in range(n)]
    return rows if dtype == np.uint8 else [r + 0.1 * rng.normal(size=r.shape) for r in rows]


def fit(data: Any, *, training: TrainingConfig = QUICK, space: Any = None, hidden: int = 6, **options: Any) -> RBM:
    further = {name: options.pop(name) for name in ("checkpoint", "resume", "progress") if name in options}
    model = RBM(hidden, space=space, **options)
    return model.fit(data, training=training, generator=seeded(), **further)


def test_probabilities_of_all_rows_sum_to_one() -> None:
    model = fit(binary())
    every = (torch.arange(256)[:, None] >> torch.arange(8)) & 1
    found = model.log_prob(every)
    assert found.kind == "exact" and found.error is None
    assert float(found.values.exp().sum()) == pytest.approx(1.0, abs=1e-9)


def test_it_learns_what_belongs_together() -> None:
    model = fit(binary(1000), training=TrainingConfig(epochs=40, batch_size=50))
    usual, strange = binary(200), binary(200)
    strange[:, :4] = strange[:, :4].roll(1, 1)
    assert float(model.score_samples(usual).mean()) > float(model.score_samples(strange).mean()) + 2
    assert float(model.anomaly_score(strange).mean()) > float(model.anomaly_score(usual).mean()) + 2
    rows = model.sample(2000, generator=seeded())
    torch.testing.assert_close(torch.corrcoef(rows.T.float()), torch.corrcoef(binary(2000).T.float()), rtol=0, atol=0.2)
    assert model.transform(usual).shape == (200, 6)


def test_many_chains_have_the_exact_expectation() -> None:
    """The second half of the gradient, over 20,000 chains at rest, against enumeration."""
    layout = Layout(Columns((Categorical(2),) * 6))
    machine = Machine(layout, 4, 20_000, 1, Learning())
    with torch.no_grad():
        machine.weights.copy_(torch.randn(6, 4, generator=seeded()))
        machine.visible.copy_(torch.randn(6, generator=seeded(1)))
        every = ((torch.arange(64)[:, None] >> torch.arange(6)) & 1).float()
        model = machine.model()
        share = torch.softmax(-model.free_energy(every), 0)
        for step in range(30):
            machine.learn(every, None, seeded(step))
        odds = model.inputs(every).sigmoid()
        exact = every.T @ odds / 64 - (every * share[:, None]).T @ odds
        gain_visible, gain_hidden = every.mean(0) - share @ every, odds.mean(0) - share @ odds
        exact -= machine.mean_visible[:, None] * gain_hidden + gain_visible[:, None] * machine.mean_hidden
    assert machine.weights.grad is not None
    decay = machine.learning.weight_decay * machine.weights
    torch.testing.assert_close(decay - machine.weights.grad, exact, rtol=0, atol=0.02)


class Killed(BaseException):
    """Stands for a signal."""


@pytest.mark.parametrize(
    ("data", "space", "options"),
    [
        pytest.param(binary(), None, {"temperatures": 3}, id="columns"),
        pytest.param(mixed(), MIXED, {}, id="mixed"),
        pytest.param(sequences(), Frames((Categorical(2),) * 4, 8), {"recurrent": 5}, id="frames"),
    ],
)
def test_a_killed_fit_goes_on_bit_for_bit(
    data: Any, space: Any, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chains included: all that was learnt is equal."""
    training = TrainingConfig(
        epochs=40, batch_size=10, min_steps=10, max_steps=60, check_steps=20, checkpoint_seconds=0.0
    )
    whole = fit(data, space=space, training=training, **options)
    write, checkpoint = training_loop.write_checkpoint, tmp_path / "run.checkpoint"

    def write_and_die(*arguments: Any) -> None:
        write(*arguments)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(training_loop, "write_checkpoint", write_and_die)
        fit(data, space=space, training=training, checkpoint=checkpoint, **options)
    again = fit(data, space=space, training=training, checkpoint=checkpoint, resume=True, **options)
    one, two = whole.state()[0], again.state()[0]
    assert one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)
    assert "machine/chains" in one or isinstance(space, Frames)


def test_units_and_offsets_of_numbers_change_nothing() -> None:
    plain, moved = mixed(), mixed()
    moved[:, 1] = 1e6 + 1000 * moved[:, 1]
    one, two = fit(plain, space=MIXED), fit(moved, space=MIXED)
    expected = one.score_samples(plain) - np.log(1000)
    torch.testing.assert_close(two.score_samples(moved), expected, rtol=0, atol=1e-3)
    rows = two.sample(500, generator=seeded())
    back = (rows[:, 1].double() - 1e6) / 1000
    torch.testing.assert_close(back, one.sample(500, generator=seeded())[:, 1].double(), rtol=0, atol=1e-2)


def test_numbers_are_learnt_with_their_spread() -> None:
    model = fit(mixed(2000), space=MIXED, training=TrainingConfig(epochs=30, batch_size=50), hidden=8)
    rows = model.sample(4000, generator=seeded()).double()
    for code in (0.0, 1.0):
        own, seen = rows[rows[:, 0] == code][:, 1], mixed(4000)
        seen = seen[seen[:, 0] == code][:, 1]
        assert abs(float(own.mean() - seen.mean())) < 0.4 and abs(float(own.std() - seen.std())) < 0.4


def test_unknown_entries_are_learnt_scored_and_filled() -> None:
    data = binary(600)
    holes = torch.where(torch.rand(600, 8, generator=seeded(3)) < 0.2, -1, data)
    model = fit(holes, training=TrainingConfig(epochs=40, batch_size=50))
    filled = model.impute(holes, generator=seeded())
    assert filled[holes >= 0].equal(data[holes >= 0]) and bool((filled >= 0).all())
    assert float((filled == data)[holes < 0].float().mean()) > 0.7
    one, both = holes[:1].clone(), holes[:1].repeat(2, 1)
    one[0, 0], both[0, 0], both[1, 0] = -1, 0, 1
    total = torch.logsumexp(model.score_samples(both), 0)
    assert float(model.score_samples(one)[0]) == pytest.approx(float(total), abs=1e-9)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(torch.zeros(1, 4), id="one row"),
        pytest.param(torch.full((40, 4), 1e6), id="constant"),
        pytest.param(torch.randn(3, 4, generator=seeded()), id="few rows"),
        pytest.param(torch.randn(60, 4, generator=seeded()) + 1e6, id="offset"),
        pytest.param(torch.randn(60, 4, generator=seeded()) * 1e-9, id="tiny"),
        pytest.param(torch.where(torch.rand(60, 4, generator=seeded()) < 0.5, torch.nan, 1.0), id="unknown"),
        pytest.param(torch.full((20, 4), torch.nan), id="all unknown"),
        pytest.param(torch.full((20, 4), torch.inf), id="infinite"),
    ],
)
def test_hostile_numbers_end_in_a_named_error_or_finite_numbers(data: Tensor) -> None:
    try:
        model = fit(data, space=Columns((Continuous(),) * 4))
    except GenappsError as error:
        assert "\n" not in str(error)
        return
    assert bool(torch.isfinite(model.log_prob(torch.zeros(3, 4)).values).all())
    assert bool(torch.isfinite(model.sample(10)).all())


def test_a_large_rate_does_not_diverge() -> None:
    wild = TrainingConfig(epochs=20, batch_size=50, learning_rate=1.0)
    model = fit(mixed(), space=MIXED, training=wild)
    assert bool(torch.isfinite(model.log_prob(mixed()).values).all())
    assert float(model.engine.machine.weights.norm(dim=0).max()) < 30


def test_a_saved_model_is_the_same_model(tmp_path: Path) -> None:
    model = fit(mixed(), space=MIXED, hidden=24, ais_steps=50, ais_chains=20)
    found = model.log_partition()
    assert found.kind == "estimate" and found.ess > 1 and np.isfinite([found.error, found.reverse_error]).all()
    assert model.log_prob(mixed()).error == pytest.approx(found.error)
    model.save(tmp_path / "rbm.genapps")
    again = load_file(tmp_path / "rbm.genapps")
    assert isinstance(again, RBM) and again.log_partition() == found
    assert again.log_prob(mixed()).values.equal(model.log_prob(mixed()).values)
    assert again.sample(20, generator=seeded(5)).equal(model.sample(20, generator=seeded(5)))


def test_further_rows_are_learnt_in_parts() -> None:
    model = RBM(6, n_chains=50)
    for _ in range(15):
        assert model.partial_fit(binary(1000)) is model
    strange = torch.tensor([[1, 1, 1, 1, 0, 0, 0, 0]])
    assert float(model.score_samples(binary(100)).mean()) > float(model.score_samples(strange).mean())


def test_images_are_learnt_in_their_shape() -> None:
    images = binary(200, 16).view(-1, 1, 4, 4)
    model = fit(images, space=Pixels(1, 4, 4, 2))
    assert model.sample(5, generator=seeded()).shape == (5, 1, 4, 4)
    assert model.transform(images).shape == (200, 6) and model.pseudo_log_likelihood(images).shape == (200,)
    real = fit(images.float() + 0.1 * torch.randn(images.shape, generator=seeded()), space=Pixels(1, 4, 4))
    assert bool(torch.isfinite(real.score_samples(images.float())).all())
    with pytest.raises(UsageError, match="2 levels or of real numbers"):
        RBM(6, space=Pixels(1, 4, 4, 256))


# Sequences.


@pytest.fixture(scope="module")
def recurrent() -> Family:
    training = TrainingConfig(epochs=60, batch_size=20, device="cpu")
    return fit(sequences(100), space=Frames((Categorical(2),) * 4, 8), training=training, hidden=8, recurrent=16)


def test_without_recurrence_each_row_is_that_of_one_rbm(recurrent: Family) -> None:
    engine = RBM(3, space=Frames((Categorical(2),) * 4, 8), recurrent=2).fit(sequences(), training=QUICK).engine
    with torch.no_grad():
        for name in ("to_visible", "to_hidden"):
            getattr(engine.machine, name).zero_()
    single = Machine(engine.layout, 3, 1, 1, Learning())
    with torch.no_grad():
        for name in ("weights", "visible", "hidden"):
            getattr(single, name).copy_(getattr(engine.machine, name))
    model = single.model().double()
    every = ((torch.arange(16)[:, None] >> torch.arange(4)) & 1).double()
    log_z = torch.logsumexp(-model.free_energy(every), 0)
    batch = Ragged.of([torch.from_numpy(s).long() for s in sequences(5)])
    rows = (-model.free_energy(batch.values.double()) - log_z).detach()
    expected = torch.stack([part.sum() for part in rows.split(batch.lengths.tolist())])
    torch.testing.assert_close(engine.log_prob(batch, seeded()).values, expected, rtol=0, atol=1e-5)


def test_annealing_of_each_step_agrees_with_enumeration(recurrent: Family) -> None:
    batch = Ragged.of([torch.from_numpy(s).long() for s in sequences(10)])
    engine = recurrent.engine
    exact = engine.log_prob(batch, seeded())
    assert exact.kind == "exact"
    engine._enumerable = lambda: False  # ask for the estimate of a machine that could be enumerated
    estimate = engine.log_prob(batch, seeded())
    del engine._enumerable
    assert estimate.kind == "estimate" and estimate.error is not None
    assert float((estimate.values - exact.values).abs().max()) < 5 * estimate.error + 0.05


def test_steps_follow_from_the_steps_before(recurrent: Family) -> None:
    """The one that moves on by a place each step is likelier than the one that stands still."""
    moving = [np.eye(4, dtype=np.uint8)[np.arange(5) % 4]]
    still = [np.eye(4, dtype=np.uint8)[np.zeros(5, int)]]
    assert float(recurrent.score_samples(moving)[0]) > float(recurrent.score_samples(still)[0]) + 3
    drawn = recurrent.sample(50, generator=seeded())
    assert len(drawn) == 50 and int(drawn.lengths.max()) <= 8
    right = [bool((row[1:] == row[:-1].roll(1, 1)).all(1).float().mean() > 0.5) for row in drawn]
    assert sum(right) > 25
    holes = Ragged.of([torch.from_numpy(s).long() for s in sequences(5)])
    wanted = holes.values.clone()
    holes.values[1] = -1
    filled = recurrent.impute(holes, generator=seeded())
    assert bool((filled.values >= 0).all()) and filled.values[2:].equal(wanted[2:])


def test_sequences_of_numbers_are_learnt() -> None:
    model = fit(sequences(dtype=np.float64), space=Frames((Continuous(),) * 4, 8), recurrent=6)
    assert bool(torch.isfinite(model.log_prob(sequences(dtype=np.float64)).values).all())
    assert bool(torch.isfinite(model.sample(5, generator=seeded()).values).all())
    assert model.transform(sequences(dtype=np.float64)).shape == (40, 6)
