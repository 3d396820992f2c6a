"""The longest shared passage is what trying every pair of places finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from genapps_music.judging.passages import Ints, Shared, longest_among, longest_shared


def tried(query: Ints, others: Sequence[Ints]) -> int:
    """The length of the longest common substring, by the table of all pairs of places."""
    best = 0
    for other in others:
        table = np.zeros((len(query) + 1, len(other) + 1), int)
        for i, a in enumerate(query):
            for j, b in enumerate(other):
                table[i + 1, j + 1] = table[i, j] + 1 if a == b else 0
        best = max(best, int(table.max()))
    return best


def holds(found: Shared, query: Ints, others: Sequence[Ints]) -> bool:
    if not found.length:
        return found == Shared(0)
    here = query[found.start : found.start + found.length]
    there = others[found.other][found.other_start : found.other_start + found.length]
    return len(here) == found.length and here.tolist() == there.tolist()


@pytest.mark.parametrize("seed", range(30))
def test_as_if_every_pair_were_tried(seed: int) -> None:
    generator = np.random.default_rng(seed)
    symbols = int(generator.integers(1, 5))
    sequences = [generator.integers(0, symbols, generator.integers(0, 16)) for _ in range(6)]
    queries, references = sequences[:3], sequences[3:]
    for query, found in zip(queries, longest_shared(queries, references), strict=True):
        assert found.length == tried(query, references)
        assert holds(found, query, references)
    for k, found in enumerate(longest_among(sequences)):
        assert found.length == tried(sequences[k], sequences[:k] + sequences[k + 1 :])
        assert holds(found, sequences[k], sequences)
        assert found.other != k


def test_nothing_is_shared_with_nothing() -> None:
    empty = np.zeros(0, np.int64)
    assert longest_shared([empty, np.array([1, 2])], []) == [Shared(0), Shared(0)]
    assert longest_shared([], [empty]) == []
    assert longest_among([np.array([1, 1, 1])]) == [Shared(0)]
