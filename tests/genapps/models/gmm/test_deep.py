"""How strong the priors of a deep mixture are: as set, or as held-out rows ask for where rows are few."""

import pytest
import torch
from torch import Tensor

from genapps.models import build
from genapps.models.gmm import deep
from genapps.models.gmm.deep import DeepMixture
from genapps.spaces import Categorical, Columns

FOUR = Columns((Categorical(3),) * 4)


def ruled(rows: int, seed: int = 0) -> Tensor:
    """Columns a, b, c and d: a decides b and c, d has nothing to do with them."""
    a, d = torch.randint(3, (2, rows), generator=torch.Generator().manual_seed(seed))
    return torch.stack([a, (a + 1) % 3, (2 * a) % 3, d], 1)


def broken(rows: Tensor) -> float:
    """The share of rows that break the rules of `ruled`."""
    a, b, c, _ = rows.T
    return float(((b != (a + 1) % 3) | (c != (2 * a) % 3)).float().mean())


def fitted(space: Columns, rows: Tensor, seed: int = 0) -> DeepMixture:
    model = build("gmm", space).fit(rows, generator=torch.Generator().manual_seed(seed))
    assert isinstance(model.engine, DeepMixture)
    return model.engine


def sampled(engine: DeepMixture) -> Tensor:
    return engine.sample(2000, torch.Generator().manual_seed(1))


def same(one: DeepMixture, other: DeepMixture) -> bool:
    """Whether every number of the two is the same."""
    mine, theirs = one.state()[0], other.state()[0]
    return mine.keys() == theirs.keys() and all(value.equal(theirs[name]) for name, value in mine.items())


@pytest.mark.parametrize(("rows", "most"), [(100, 0.1), (300, 0.05), (1000, 0.05), (5000, 0.05)])
def test_rules_between_columns_hold_in_small_tables(rows: int, most: float) -> None:
    engine = fitted(FOUR, ruled(rows))
    assert broken(sampled(engine)) < most
    assert torch.bincount(sampled(engine)[:, 3]).min() > 400  # the free column stays free


def test_rows_of_three_kinds_come_back_as_themselves() -> None:
    kinds = torch.tensor([[0, 2, 1, 0], [1, 0, 0, 2], [2, 1, 2, 1]])
    found = sampled(fitted(FOUR, kinds.repeat(100, 1)))
    same = (found[:, None] == kinds).all(2)
    assert same.any(1).float().mean() > 0.95
    assert same.float().mean(0).min() > 0.2


@pytest.mark.parametrize(
    "rows",
    [ruled(5001), ruled(19), torch.randint(3, (300, 4), generator=torch.Generator().manual_seed(2))],
    ids=["many rows", "a handful, none held out", "noise"],
)
def test_priors_are_as_set_where_there_is_no_need_or_no_way_to_choose(
    rows: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = fitted(FOUR, rows)
    monkeypatch.setattr(deep, "_WEAKER", ())
    assert same(engine, fitted(FOUR, rows))


def test_priors_of_fixed_strength_would_break_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deep, "_WEAKER", ())
    assert broken(sampled(fitted(FOUR, ruled(300)))) > 0.1


def test_the_same_generator_chooses_the_same_strength() -> None:
    assert same(*(fitted(FOUR, ruled(200), seed=5) for _ in range(2)))
