"""Sequences beside normal ones: nearest counts and surprises, against their definitions."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genapps_logs.scoring import END, START, UNKNOWN, Counts, Markov, repeated
from genapps_logs.scoring_families import Family
from genapps_logs.sequences import held_scores

NORMAL = [(1, 2, 3)] * 40 + [(1, 2, 2, 3)] * 20 + [(1, 3)] * 5
SEQUENCES = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6).map(tuple), min_size=1, max_size=12)


@given(SEQUENCES, st.lists(st.integers(0, 6), min_size=1, max_size=8).map(tuple))
def test_counts_are_the_distance_to_the_nearest(normal: list[tuple[int, ...]], steps: tuple[int, ...]) -> None:
    def distance(other: tuple[int, ...]) -> float:
        here = Counter(code if code <= 4 else UNKNOWN for code in steps)
        there = Counter(other)
        return sum(abs(math.log((1 + here[code]) / (1 + there[code]))) for code in range(5))

    (found,) = Counts().fit(normal, 4).score([steps])
    assert found == pytest.approx(min(map(distance, normal)), abs=1e-5)


def test_counts_say_what_differs() -> None:
    counts = Counts().fit(NORMAL, 3)
    assert counts.score([(1, 2, 3), (3, 2, 1)]).tolist() == [0.0, 0.0], "the order does not count"
    assert counts.difference((1, 2, 2, 2, 2, 2, 3)) == (2, 2, 5)
    assert counts.difference((2, 3))[0] == 1


@given(SEQUENCES)
def test_what_may_follow_sums_to_one(normal: list[tuple[int, ...]]) -> None:
    markov = Markov().fit(normal, 4)
    for past in [(START, START), (1, 2), (4, 4), (START, 3)]:
        total = sum(2 ** -markov.surprise(past, step) for step in (END, UNKNOWN, 1, 2, 3, 4))
        assert total == pytest.approx(1.0)


def test_surprise_is_low_for_the_usual_and_high_for_the_new() -> None:
    markov = Markov().fit(NORMAL, 3)
    usual, backwards, early, unknown = markov.score([(1, 2, 3), (3, 2, 1), (1, 2), (1, 2, UNKNOWN, 3)])
    assert usual < 1.5 < early and usual < 1.5 < backwards and usual < 1.5 < unknown
    assert markov.expected((START, START))[0] == (1, 1.0)
    assert markov.expected((START, 1))[0][0] == 2
    assert markov.expected((2, 3)) == [(END, 1.0)]
    assert markov.surprises((1, 2, 3))[-1] < 0.5, "the end is expected there"
    assert markov.surprises((1, 2))[-1] > 5, "and not there"


def test_repeated_sequences_are_told_once() -> None:
    different, which = repeated(NORMAL)
    assert different == [(1, 2, 3), (1, 2, 2, 3), (1, 3)]
    assert [different[place] for place in which] == NORMAL


def test_held_out_scores_do_not_know_their_own_sequence() -> None:
    lonely = [*NORMAL, (3, 3, 3, 1)]
    for name in ("counts", "markov"):
        held = held_scores(name, lonely, 3)
        assert held[-1] == held.max() and held[-1] > 0.5
        assert held[0] < 1.5


@pytest.mark.parametrize(
    ("family", "options", "training"),
    [
        ("hmm", {"n_components": 4, "n_init": 1, "max_iter": 20}, {}),
        (
            "autoregressive",
            {"hidden": 12, "layers": 1, "dropout": 0.0},
            {"max_steps": 60, "min_steps": 60, "learning_rate": 0.03},
        ),
    ],
)
def test_families_learn_the_order_and_are_kept(
    family: str, options: dict[str, object], training: dict[str, object]
) -> None:
    normal = [(1, 2, 3, 4) * 2] * 40 + [(1, 2, 3, 4)] * 40
    scorer = Family(family, options, training).fit(normal, 4)
    usual, backwards, early = scorer.score([(1, 2, 3, 4), (4, 3, 2, 1), (1, 2)])
    assert usual < min(backwards, early)
    again = Family.restore(family, *scorer.state())
    assert np.array_equal(again.score(normal), scorer.score(normal))
