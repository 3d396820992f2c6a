"""Rolls as sets of keys: all sets enumerated, draws that follow, memory against its plain definition."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models import load_file
from genapps.models.autoregressive import Autoregressive
from genapps.models.autoregressive.remembering import LAGS, PLANES, memories
from genapps.spaces import Categorical, Frames
from genapps.training import TrainingConfig

SMALL: dict[str, Any] = {"within": "keys", "hidden": 16, "channels": 8, "reach": 2}
QUICK = TrainingConfig(max_steps=80, warmup_steps=10, learning_rate=0.01)
SPACE = Frames((Categorical(2),) * 6, 3)
SETS = list(itertools.product(range(2), repeat=6))
PAIRS = [torch.tensor(s) for s in itertools.product(SETS, repeat=2)]


def make(n: int = 300) -> Ragged:
    """Up to three steps of six keys; the second key mostly is the first; the last two are never there."""
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(4, (n,), generator=g)
    steps = torch.randint(2, (int(lengths.sum()), 6), generator=g)
    steps[:, 1] = (steps[:, 0] + (torch.rand(len(steps), generator=g) < 0.2)) % 2
    steps[:, 4:] = 0
    return Ragged(steps, lengths)


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    found = Autoregressive(space=SPACE, **SMALL).fit(make(), training=QUICK)
    assert found.engine.keys == slice(0, 6)
    return found


def test_all_sets_sum_to_one_at_each_step(model: Autoregressive) -> None:
    frames = model.engine.frame_log_prob(Ragged.of(PAIRS))
    both = torch.stack([steps.double().sum() for steps in frames]).exp()
    assert both.sum().item() == pytest.approx(1.0, abs=1e-5)
    short = [torch.zeros(0, 6).long(), *(torch.tensor([s]) for s in SETS), *PAIRS]
    shares = model.log_prob(short).values.double().exp()
    lengths = torch.tensor([len(steps) for steps in short])
    drawn = model.sample(4000, generator=torch.Generator().manual_seed(0)).lengths
    for n in range(3):
        assert float((drawn == n).double().mean()) == pytest.approx(float(shares[lengths == n].sum()), abs=0.03)


def test_keys_beyond_the_known_ones_count_too() -> None:
    wide = Frames((Categorical(2),) * 7, 2)
    data = make(100)
    padded = Ragged(
        torch.cat([0 * data.values[:, :1], data.values * 0, data.values], 1)[:, :7], data.lengths.clamp_max(3)
    )
    data = Ragged(torch.cat([data.values[:, :2] * 0, data.values[:, :2], data.values[:, :3] * 0], 1), data.lengths)
    assert padded.values.shape == data.values.shape
    model = Autoregressive(space=Frames(wide.variables, 3), **SMALL).fit(data, training=TrainingConfig(max_steps=5))
    assert model.engine.keys == slice(0, 6)
    every = [torch.tensor([s]) for s in itertools.product(range(2), repeat=7)]
    total = torch.stack([f.double().sum() for f in model.engine.frame_log_prob(Ragged.of(every))]).exp().sum()
    assert total.item() == pytest.approx(1.0, abs=1e-5)


def test_draws_have_these_probabilities(model: Autoregressive) -> None:
    drawn = Counter(
        tuple(steps.flatten().tolist())
        for steps in model.sample(4000, length=2, generator=torch.Generator().manual_seed(0))
    )
    frames = model.engine.frame_log_prob(Ragged.of(PAIRS))
    gaps = [
        abs(drawn[tuple(s.flatten().tolist())] / 4000 - float(f.sum().exp()))
        for s, f in zip(PAIRS, frames, strict=True)
    ]
    assert max(gaps) < 0.02


def test_steps_and_their_ends_are_the_whole(model: Autoregressive) -> None:
    data = make(60)
    steps = model.step_log_prob(data)
    torch.testing.assert_close(
        torch.stack([s.sum() for s in steps]).float(), model.log_prob(data).values, atol=1e-4, rtol=0
    )
    alone = [model.log_prob([steps]).values[0] for steps in data if len(steps)]
    torch.testing.assert_close(torch.stack(alone), model.log_prob(data).values[data.lengths > 0], atol=1e-4, rtol=0)


def plainly(roll: Tensor, t: int) -> tuple[Tensor, int]:
    """The lags before step t, and the last step s < t before which most steps are as before t; -1 for none."""
    lags = torch.stack([roll[t - lag] if t >= lag else roll[0] * 0 for lag in LAGS])
    best, longest = -1, 0
    for s in range(t):
        length = 0
        while length < s and roll[s - 1 - length].equal(roll[t - 1 - length]):
            length += 1
        if length and length >= longest:
            best, longest = s, length
    return lags, best


def test_memory_is_what_it_says() -> None:
    g = torch.Generator().manual_seed(0)
    rolls = torch.randint(2, (3, 40, 2), generator=g)
    planes, levels = memories(rolls)
    assert planes.shape == (3, 41, PLANES, 2)
    for row in range(3):
        for t in range(41):
            lags, source = plainly(rolls[row], t)
            assert planes[row, t, : len(LAGS)].equal(lags.float())
            came = planes[row, t, -3] + planes[row, t, -2]
            assert came.equal(rolls[row, source].float() if source >= 0 else torch.zeros(2))
            assert (int(levels[row, t]) == 0) == (source < 0)


def test_prompts_are_kept(model: Autoregressive) -> None:
    prompt = torch.tensor([[1, 1, 0, 0, 0, 1]])
    drawn = model.sample(20, prompt=[prompt], length=3)
    assert all(steps[0].equal(prompt[0]) for steps in drawn) and drawn.lengths.tolist() == [3] * 20
    cold = model.sample(2, length=3, temperature=0.0)
    assert cold.values[:3].equal(cold.values[3:])


def test_kept_models_say_the_same(model: Autoregressive, tmp_path: Path) -> None:
    model.save(tmp_path / "m.genapps")
    again = load_file(tmp_path / "m.genapps")
    assert again.log_prob(PAIRS[:9]).values.equal(model.log_prob(PAIRS[:9]).values)


def test_what_does_not_fit_is_said(model: Autoregressive) -> None:
    with pytest.raises(UsageError, match="truth values"):
        Autoregressive(within="keys", space=Frames((Categorical(3),), 4))
    with pytest.raises(InputError, match="unknown keys"):
        model.log_prob([torch.tensor([[0, -1, 0, 0, 0, 0]])])
