"""What holds of every engine of the family: same seed, resume, files, labels, hostile data."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models import load_file
from genapps.models.vae import VAE
from genapps.spaces import Categorical, Columns, Continuous, Frames, Pixels, Space, Tokens
from genapps.training import Event, TrainingConfig

QUICK = TrainingConfig(max_steps=10, min_steps=10, epochs=10, batch_size=16)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ragged(values: Tensor, n: int) -> Ragged:
    lengths = torch.arange(n) % 5
    return Ragged(values[: int(lengths.sum())], lengths)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator(9))


def codes(size: int, *shape: int) -> Tensor:
    return torch.randint(size, shape, generator=generator(9))


ROW = (Continuous(), Categorical(3))
MIXED = torch.cat([noise(400, 1), codes(3, 400, 1)], 1)
CASES: dict[str, tuple[Space, Any, dict[str, Any]]] = {
    "columns": (Columns(ROW), MIXED[:60], {"hidden": 16, "depth": 1, "dropout": 0.2}),
    "codes": (Columns((Categorical(3), Categorical(2))), codes(2, 60, 2), {"hidden": 16, "depth": 1}),
    "tokens": (Tokens(5, 6), ragged(codes(5, 400), 60), {"hidden": 8, "embedding": 4}),
    "frames": (Frames(ROW, 6), ragged(MIXED, 60), {"hidden": 8, "depth": 2}),
    "bits": (Pixels(1, 6, 7, 2), codes(2, 60, 1, 6, 7).to(torch.uint8), {"hidden": 8, "channels": 4}),
    "levels": (Pixels(2, 5, 4, 9), codes(9, 60, 2, 5, 4), {"hidden": 8, "channels": 4}),
    "grey": (Pixels(1, 4, 4), noise(60, 1, 4, 4), {"hidden": 8, "body": "mlp", "depth": 1}),
}


def learnt(case: str, seed: int = 0, training: TrainingConfig = QUICK, **more: Any) -> VAE:
    space, data, options = CASES[case]
    model = VAE(2, space=space, components=3, **options)
    return model.fit(data, generator=generator(seed), training=training, **more)


def values_of(batch: Any) -> Tensor:
    return batch.values.double() if isinstance(batch, Ragged) else batch.double()


@pytest.mark.parametrize("case", CASES)
def test_learns_scores_draws_and_keeps(case: str, tmp_path: Path) -> None:
    model, data = learnt(case), CASES[case][1]
    found = model.log_prob(data)
    assert found.kind == "bound" and found.values.shape == (60,) and torch.isfinite(found.values).all()
    assert model.transform(data).shape == (60, 2)
    drawn = model.sample(7, generator=generator())
    assert len(drawn) == 7 and torch.isfinite(values_of(drawn)).all()
    assert torch.isfinite(model.log_prob(drawn).values).all()
    assert len(model.reconstruct(data)) == 60 and len(model.interpolate(data, 4)) == 4 and len(model.sample(0)) == 0
    model.save(tmp_path / "model.genapps")
    again = load_file(tmp_path / "model.genapps")
    assert again.log_prob(data).values.equal(found.values)
    assert values_of(again.sample(7, generator=generator())).equal(values_of(drawn))


@pytest.mark.parametrize("case", CASES)
def test_the_global_seed_is_neither_used_nor_changed(case: str) -> None:
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(learnt(case).state()[0])
        after = torch.rand(1)
        torch.manual_seed(seed)
        assert torch.rand(1).equal(after)
    assert all(states[0][name].equal(states[1][name]) for name in states[0])
    other = learnt(case, seed=1).state()[0]
    assert any(not states[0][name].equal(other[name]) for name in other)


class Killed(Exception):
    pass


@pytest.mark.parametrize("case", ["columns", "tokens", "frames", "bits"])
@pytest.mark.parametrize("labelled", [False, True])
def test_ten_steps_are_five_and_five_after_a_kill(case: str, labelled: bool, tmp_path: Path) -> None:
    """Bit for bit: weights, annealing, moments, the mixture fitted at the end."""
    labels = torch.arange(60) % 3 - 1 if labelled else None
    training = replace(QUICK, checkpoint_seconds=0, check_steps=5)
    whole = learnt(case, training=training, labels=labels).state()[0]

    def kill(event: Event) -> None:
        if event.step == 10:
            raise Killed

    file = tmp_path / "run"
    with pytest.raises(Killed):
        learnt(case, training=training, labels=labels, checkpoint=file, progress=kill)
    events: list[Event] = []
    resumed = learnt(
        case, training=training, labels=labels, checkpoint=file, resume=True, progress=events.append
    ).state()[0]
    assert events[0].message.startswith("resumed at step 5")
    assert whole.keys() == resumed.keys() and all(whole[name].equal(resumed[name]) for name in whole)


@pytest.mark.parametrize("case", ["columns", "codes", "tokens", "frames", "bits", "levels", "grey"])
def test_holes_are_filled_and_the_rest_stays(case: str) -> None:
    space, data, options = CASES[case]
    holes = torch.rand(values_of(data).shape, generator=generator(3)) < 0.3
    values = data.values if isinstance(data, Ragged) else data.to(torch.int32) if case == "bits" else data
    unknown = torch.nan if values.is_floating_point() else -1
    broken = values.masked_fill(holes, unknown)
    given = Ragged(broken, data.lengths) if isinstance(data, Ragged) else broken
    model = VAE(2, space=space, components=2, **options).fit(given, training=QUICK)
    filled = values_of(model.impute(given))
    assert torch.isfinite(filled).all() and (filled[~holes] == values[~holes].double()).all()
    if not isinstance(space, Pixels) and case != "columns" and case != "frames":
        assert (filled >= 0).all()
    assert torch.isfinite(model.log_prob(given).values).all()


@pytest.mark.parametrize("case", CASES)
def test_one_row_and_equal_rows_end_in_finite_numbers(case: str) -> None:
    space, data, options = CASES[case]
    for rows in (torch.tensor([3]), torch.full((30,), 3), torch.tensor([1, 2, 3])):
        some = data.take(rows) if isinstance(data, Ragged) else data[rows]
        model = VAE(4, space=space, **options).fit(some, training=QUICK)
        assert torch.isfinite(model.log_prob(some).values).all()
        assert torch.isfinite(values_of(model.sample(5))).all()


@pytest.mark.parametrize("case", ["columns", "tokens", "frames", "bits"])
def test_classes_of_some_rows(case: str) -> None:
    labels = torch.arange(60) % 4 - 1
    model = learnt(case, labels=labels)
    data = CASES[case][1]
    assert model.predict_proba(data).sum(1).allclose(torch.ones(60)) and model.predict(data).max() < 3
    assert torch.isfinite(model.log_prob(data).values).all()
    assert len(model.sample(5, labels=1)) == 5 and len(model.sample(3, labels=[0, 1, 2])) == 3
    with pytest.raises(UsageError, match="labels run from 0 to 2"):
        model.sample(2, labels=3)
    with pytest.raises(UsageError, match="learnt without labels"):
        learnt(case).sample(2, labels=0)


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="at least one row needs a label"):
        learnt("columns", labels=torch.full((60,), -1))
    with pytest.raises(UsageError, match="learnt without labels"):
        learnt("columns").predict(MIXED[:3])


def test_sequences_longer_than_learnt_are_refused() -> None:
    for case in ("tokens", "frames"):
        data = CASES[case][1]
        with pytest.raises(InputError, match="at most 6 are expected"):
            learnt(case).log_prob(Ragged(data.values[:9], torch.tensor([9])))


def test_token_probabilities_of_all_sequences_sum_to_at_most_one() -> None:
    """Every sequence of up to three codes of two: the estimates behind the bounds add up to one, but for noise."""
    every = [list(s) for n in range(4) for s in itertools.product(range(2), repeat=n)]
    batch = Ragged(torch.tensor(list(itertools.chain(*every))), torch.tensor([len(s) for s in every]))
    drawn = batch.take(codes(len(every), 200))
    model = VAE(2, space=Tokens(2, 3), hidden=8, embedding=4).fit(
        drawn, training=replace(QUICK, max_steps=60, epochs=60)
    )
    total = float(model.iwae(batch, 2000).exp().sum())
    assert total == pytest.approx(1.0, abs=0.02)


def test_padding_and_company_do_not_matter() -> None:
    """A sequence alone and beside longer ones has the same latents."""
    for case in ("tokens", "frames"):
        model, data = learnt(case), CASES[case][1]
        alone = torch.cat([model.transform(data.take(torch.tensor([row]))) for row in range(1, 5)])
        torch.testing.assert_close(alone, model.transform(data)[1:5], rtol=1e-4, atol=1e-5)
