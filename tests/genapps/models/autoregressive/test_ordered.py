"""Frames of codes cell by cell: all sequences enumerated, given known cells too; draws that follow; rules that hold."""

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
from genapps.models.autoregressive.ordered import OrderedModel
from genapps.models.autoregressive.showing import patterns
from genapps.spaces import Categorical, Continuous, Frames
from genapps.training import TrainingConfig

SPACE = Frames((Categorical(2), Categorical(2), Categorical(3)), 2)
SMALL: dict[str, Any] = {"within": "ordered", "hidden": 16, "head": 8}
QUICK = TrainingConfig(min_steps=160, max_steps=160, epochs=100, warmup_steps=10, learning_rate=0.01)
FRAMES = list(itertools.product(range(2), range(2), range(3)))
EVERY = [torch.tensor(s).long().view(-1, 3) for n in range(3) for s in itertools.product(FRAMES, repeat=n)]
PAIRS = [frames for frames in EVERY if len(frames) == 2]


def make(n: int = 300) -> Ragged:
    """Up to two frames; the second variable mostly is the first, the third of the second frame that of the first."""
    g = torch.Generator().manual_seed(0)
    lengths = torch.randint(3, (n,), generator=g)
    first = torch.randint(2, (n, 2), generator=g)
    second = (first + (torch.rand(n, 2, generator=g) < 0.1)) % 2
    third = torch.randint(3, (n, 1), generator=g).expand(-1, 2)
    both = torch.stack([first, second, third], -1)
    return Ragged(both[torch.arange(2) < lengths[:, None]], lengths)


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    return Autoregressive(space=SPACE, period=2, unshown=0.3, **SMALL).fit(make(), training=QUICK)


def key(frames: Tensor) -> tuple[int, ...]:
    return tuple(frames.flatten().tolist())


def test_all_sequences_of_all_lengths_sum_to_one(model: Autoregressive) -> None:
    found = model.log_prob(EVERY)
    assert found.kind == "exact" and len(EVERY) == 157
    assert found.values.double().exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    steps = model.step_log_prob(EVERY)
    assert steps.lengths.equal(torch.tensor([len(frames) + 1 for frames in EVERY]))
    torch.testing.assert_close(torch.stack([s.sum() for s in steps]).float(), found.values, atol=1e-4, rtol=0)


def test_draws_have_these_probabilities(model: Autoregressive) -> None:
    drawn = Counter(key(frames) for frames in model.sample(4000, generator=torch.Generator().manual_seed(0)))
    shares = model.log_prob(EVERY).values.exp()
    assert max(abs(drawn[key(f)] / 4000 - float(p)) for f, p in zip(EVERY, shares, strict=True)) < 0.015


@pytest.mark.parametrize(
    "known", [[[1, 0, 0], [0, 1, 0]], [[0, 0, 0], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]], [[0, 1, 0], [0, 1, 0]]]
)
def test_the_unknown_cells_sum_to_one_given_the_known_ones(model: Autoregressive, known: list[list[int]]) -> None:
    mask = torch.tensor(known).bool()
    shares = model.log_prob(PAIRS, known=mask).values.double().exp()
    sums: dict[tuple[int, ...], float] = {}
    for frames, share in zip(PAIRS, shares.tolist(), strict=True):
        sums[key(frames[mask])] = sums.get(key(frames[mask]), 0.0) + share
    assert list(sums.values()) == pytest.approx([1.0] * len(sums), abs=1e-5)


def test_draws_given_known_cells_have_these_probabilities(model: Autoregressive) -> None:
    mask = torch.tensor([[True, False, False], [False, False, True]])
    cells = torch.tensor([[1, -1, -1], [-1, -1, 2]])
    drawn = Counter(key(f) for f in model.sample(4000, known=[cells], generator=torch.Generator().manual_seed(0)))
    shares = model.log_prob(PAIRS, known=mask).values.exp()
    for frames, share in zip(PAIRS, shares.tolist(), strict=True):
        expected = share if frames[mask].equal(cells[mask]) else 0.0
        assert abs(drawn[key(frames)] / 4000 - expected) < 0.025
    filled = model.impute([cells, torch.tensor([[-1, 1, -1]])])
    assert filled.lengths.tolist() == [2, 1] and int(filled.values.min()) >= 0 and int(filled.values[2, 1]) == 1


def test_what_comes_later_is_foreseen(model: Autoregressive) -> None:
    """The third variable of the first frame is that of the second, so a known second frame decides it."""
    later = torch.tensor([[False] * 3, [True] * 3])
    right = torch.tensor([[0, 0, 2], [1, 1, 2]])
    wrong = torch.tensor([[0, 0, 1], [1, 1, 2]])
    likely, unlikely = model.log_prob([right, wrong], known=later).values
    assert likely > unlikely + 0.5


def test_everything_known_is_certain(model: Autoregressive) -> None:
    assert model.log_prob(PAIRS[:5], known=[True] * 3).values.abs().max() == 0.0


def test_rules_hold_and_share_what_is_left(model: Autoregressive) -> None:
    seen: list[int] = []

    def rules(past: Tensor, now: Tensor, variable: int) -> Tensor:
        """The third variable is not the first; the others are free."""
        seen.append(past.shape[1])
        may = torch.ones(len(now), (2, 2, 3)[variable]).bool()
        if variable == 2:
            may[torch.arange(len(now)), now[:, 0]] = False
        return may

    drawn = model.sample(500, length=2, allowed=rules, generator=torch.Generator().manual_seed(0))
    assert (drawn.values[:, 0] != drawn.values[:, 2]).all() and set(seen) == {0, 1}
    assert set(drawn.values[:, 2].tolist()) == {0, 1, 2}
    with pytest.raises(UsageError, match="allow no code"):
        model.sample(1, length=2, allowed=lambda past, now, v: torch.zeros(len(now), (2, 2, 3)[v]).bool())


def test_prompts_are_kept_and_ends_follow(model: Autoregressive) -> None:
    prompt = torch.tensor([[1, 0, 2]])
    drawn = model.sample(300, prompt=[prompt], generator=torch.Generator().manual_seed(0))
    assert all(frames[0].equal(prompt[0]) for frames in drawn) and set(drawn.lengths.tolist()) == {1, 2}
    cold = model.sample(2, length=2, temperature=0.0)
    assert cold.values[:2].equal(cold.values[2:])
    bold = model.sample(50, length=2, top_k=1, generator=torch.Generator().manual_seed(0))
    assert bold.values.view(50, -1).equal(cold.values[:2].view(1, -1).expand(50, -1))


def test_padding_and_order_do_not_matter(model: Autoregressive) -> None:
    data = patterns(make(40), 0.3, torch.Generator().manual_seed(0))
    rows = (data.lengths > 0).nonzero()[:, 0]
    engine, usual = model.engine, torch.zeros(1, dtype=torch.long)
    together = engine.row_log_prob(data.take(rows), usual.expand(len(rows)))
    alone = torch.cat([engine.row_log_prob(data.take(row[None]), usual) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_a_shift_keeps_intervals_and_codes_within_their_variables() -> None:
    space = Frames((Categorical(12), Categorical(9)), 8)
    engine = OrderedModel(space, OrderedModel.Config(shift=20, first_pitch=2))
    g = torch.Generator().manual_seed(0)
    cells = torch.stack([torch.randint(12, (400,), generator=g), torch.randint(9, (400,), generator=g)], 1)
    data = Ragged(cells, torch.full((100,), 4))
    moved = engine._moved(data, g).view(100, 4, 2)
    before, pitched = cells.view(100, 4, 2), cells.view(100, 4, 2) >= 2
    assert moved[~pitched].equal(before[~pitched]) and (moved[pitched] >= 2).all()
    assert (moved[..., 0] < 12).all() and (moved[..., 1] < 9).all()
    by = [set((m - b)[p].tolist()) for m, b, p in zip(moved, before, pitched, strict=True)]
    assert all(len(one) <= 1 for one in by) and len(set().union(*by)) > 4


def test_patterns_show_nothing_as_often_as_asked() -> None:
    data = Ragged(torch.zeros(3000, 3).long(), torch.full((600,), 5))
    known = patterns(data, 0.5, torch.Generator().manual_seed(0)).known.view(600, 15)
    assert float((~known.any(1)).double().mean()) == pytest.approx(0.52, abs=0.06)
    assert float(known.all(1).double().mean()) < 0.05


def test_kept_models_say_the_same(model: Autoregressive, tmp_path: Path) -> None:
    model.save(tmp_path / "m.genapps")
    again = load_file(tmp_path / "m.genapps")
    assert again.log_prob(PAIRS).values.equal(model.log_prob(PAIRS).values)


def test_what_does_not_fit_is_said(model: Autoregressive) -> None:
    with pytest.raises(UsageError, match="all categorical"):
        Autoregressive(within="ordered", space=Frames((Continuous(),), 4))
    with pytest.raises(InputError, match="unknown codes"):
        model.log_prob([torch.tensor([[0, -1, 0]])])
    with pytest.raises(UsageError, match="leave out prompt and length"):
        model.sample(1, known=[PAIRS[0]], length=2)
    with pytest.raises(UsageError, match="known must hold"):
        model.log_prob(PAIRS, known=[[True, False]])
    with pytest.raises(UsageError, match="ordered"):
        plain = Autoregressive(space=SPACE, hidden=4, layers=1, components=2)
        plain.fit(make(20), training=TrainingConfig(max_steps=1)).log_prob(PAIRS[:1], known=[True] * 3)
