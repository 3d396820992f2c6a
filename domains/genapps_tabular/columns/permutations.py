"""Keyed permutations of integers and hashes of texts, in arrays: how fresh values stay unique and unlike the old."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint64]
ROUNDS = 4
TAIL = 64  # of a longer text only so many first and last bytes are hashed (and its length)


def permute(index: NDArray[np.int64], size: int, key: Words) -> NDArray[np.int64]:
    """The place of each index (N,) in 0..size-1 under a permutation of them that `key` (ROUNDS,) picks; size <= 2**62.

    A Feistel network over the next power of four, walked until it lands inside (Black and Rogaway, 2002).
    """
    half = np.uint64(max((size - 1).bit_length() + 1, 2) // 2)
    place = index.astype(np.uint64)
    outside = np.ones(len(place), bool)
    while outside.any():
        place[outside] = _feistel(place[outside], half, key)
        outside = place >= np.uint64(size)
    return place.astype(np.int64)


def _feistel(values: Words, half: np.uint64, key: Words) -> Words:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = values >> half, values & mask
    for k in key:
        left, right = right, left ^ (_mix(right + k) & mask)
    return (left << half) | right


def _mix(values: Words) -> Words:
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): each bit of the result hangs on all bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hashes(text: pa.Array) -> Words:
    """A 64-bit hash of each string (N,) of an array without nulls."""
    text = text.cast(pa.large_string())
    _, places, content = text.buffers()
    offsets = np.frombuffer(places, np.int64, len(text) + 1, text.offset * 8)
    data = np.frombuffer(content, np.uint8) if content is not None and content.size else np.zeros(1, np.uint8)
    padded = np.concatenate([data, np.zeros(8, np.uint8)])
    words: Words = np.ndarray(
        len(data) + 1, np.dtype("<u8"), padded, strides=(1,)
    )  # the eight bytes from each place on
    starts, lengths = offsets[:-1], np.diff(offsets)
    state = lengths.astype(np.uint64)
    longest = int(lengths.max(initial=0))
    for step in range(0, min(longest, TAIL), 8):
        left = lengths - step
        kept = np.clip(8 * left, 0, 63).astype(np.uint64)
        mask = np.where(left >= 8, ~np.uint64(0), (np.uint64(1) << kept) - np.uint64(1))
        state = _absorb(state, words[np.where(left > 0, starts + step, 0)] & mask, left > 0)
    for step in range(TAIL if longest > TAIL else 0, 0, -8):
        held = lengths > TAIL
        state = _absorb(state, words[np.where(held, starts + lengths - step, 0)], held)
    return _mix(state)


def _absorb(state: Words, word: Words, held: NDArray[np.bool_]) -> Words:
    """The state after eight more bytes, where there are any."""
    after = (state ^ word) * np.uint64(0x9FB21C651E98DF25)
    return np.where(held, after ^ (after >> np.uint64(29)), state)


def among(values: Words, known: Words) -> NDArray[np.bool_]:
    """Which values are in the rising array `known`."""
    if not len(known):
        return np.zeros(len(values), bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values)


def keys(*seed: int) -> Words:
    """The key of a permutation, (ROUNDS,) from whole numbers."""
    return np.asarray(np.random.SeedSequence(seed).generate_state(ROUNDS, np.uint64), np.uint64)
