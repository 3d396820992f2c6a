"""Diverse sets and Pareto fronts are what their definitions say, found the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genapps.errors import UsageError
from genapps_molecule.proposing.picking import Aim, diverse, fronts, order_of
from genapps_molecule.traits.fingerprints import similarities

VALUES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 25), st.integers(1, 3)), elements=st.sampled_from([0, 1, 2, 3])
)


def slow_fronts(values: np.ndarray) -> list[int]:
    front = [0] * len(values)
    number = 0
    while 0 in front:
        number += 1
        left = [i for i in range(len(values)) if front[i] == 0]
        best = [
            i for i in left if not any((values[j] >= values[i]).all() and (values[j] > values[i]).any() for j in left)
        ]
        for i in best:
            front[i] = number
    return front


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_fronts_are_peeled_one_by_one(values: np.ndarray) -> None:
    front = fronts(values)
    assert front.tolist() == slow_fronts(values)
    order = order_of(front, values)
    assert sorted(order) == list(range(len(values))) and (np.diff(front[order]) >= 0).all()


def test_a_value_that_is_not_known_is_the_lowest() -> None:
    assert fronts(np.array([[1.0, np.nan], [1.0, 0.0], [np.nan, np.nan]])).tolist() == [2, 1, 3]


def test_each_pick_is_the_one_least_like_those_before() -> None:
    prints = np.random.default_rng(0).integers(0, 256, (60, 128), np.uint8) & 0x11
    alike = similarities(prints, prints)
    picked = diverse(prints, 20, first=5).tolist()
    assert picked[0] == 5 and len(set(picked)) == 20
    for k in range(1, 20):
        left = [i for i in range(60) if i not in picked[:k]]
        closest = {i: max(alike[i][j] for j in picked[:k]) for i in left}
        assert closest[picked[k]] == min(closest.values())
    assert len(diverse(prints, 1_000)) == 60
    assert len(diverse(prints[:0], 5)) == 0
    spread = [alike[i][j] for i in picked for j in picked if i < j]
    assert max(spread) < np.max(alike[np.triu_indices(60, 1)])  # more spread out than all are


def test_aims() -> None:
    assert Aim.parse("qed, -sa, logp:min") == (Aim("qed", 1.0), Aim("sa", -1.0), Aim("logp", -1.0))
    for text in ("", "quality", "qed>1", "-qed:max"):
        with pytest.raises(UsageError):
            Aim.parse(text)
