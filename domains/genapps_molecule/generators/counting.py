"""Molecules by counting which code follows which: a language model without a network, learnt in a minute or two.

An n-gram model whose contexts hold, beside the last codes, where the text stands (`walking`): the size of the ring that
is open, how many are, how deep the branch is and how many atoms there were. Contexts are smoothed as a hierarchy of
Pitman and Yor's processes, counted the simple way (Y. W. Teh, "A hierarchical Bayesian language model based on
Pitman-Yor processes", 2006, equation 7 with one table a code): what a context was followed by is discounted, and what
that leaves is left to the next shorter context. What is drawn stays in the grammar of SMILES.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genapps.errors import InputError, UsageError
from genapps_molecule.language.grammar import Syntax
from genapps_molecule.language.smiles import Vocabulary
from genapps_molecule.language.walking import Sees, Walk

Words = NDArray[np.uint64]
Codes = NDArray[np.uint8]

ROUND = 8_192  # texts that are drawn at once
_BLOCK = 200_000  # texts that are counted at once
_TRIES = 20  # draws that the grammar refuses before one is taken from what it allows
_TOKEN = np.uint64(255)  # the bits of a key that hold the code; the others hold the context


@dataclass(frozen=True)
class Context:
    """A context: how many codes back, and what is seen of where the text stands. Atoms are counted in steps."""

    back: int
    sees: tuple[Sees, ...] = ()


_PLACE = (Sees.SIZE, Sees.OPEN, Sees.DEPTH, Sees.ODD)
# Chosen by the bits that held-out molecules of MOSES take.
CONTEXTS = (
    Context(1),
    Context(2, _PLACE),
    Context(4, _PLACE),
    *(Context(back, (*_PLACE, Sees.ATOMS)) for back in (6, 9, 13)),
)


@dataclass(frozen=True)
class Counting:
    """How it counts: `discount` of each count, `strength` of what is shorter, atoms a step of their count."""

    discount: float = 0.6
    strength: float = 5.0
    step: int = 3


@dataclass(frozen=True)
class Table:
    """The counts of one context: keys (K,) in order, a context's hash and a code each, and sums of counts (K + 1,)."""

    keys: Words
    sums: NDArray[np.int64]

    @classmethod
    def of(cls, keys: Words) -> Table:
        """Of one key for each code that was read; they are sorted in place."""
        keys.sort()
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        return cls(keys[starts], np.append(starts, len(keys)))

    def draw(self, contexts: Words, rng: np.random.Generator, how: Counting) -> NDArray[np.int64]:
        """A code for each context (N,), or -1 where it is left to a shorter one.

        An occurrence is drawn, which stands with 1 - discount over its count: together the discounted shares.
        """
        first = np.searchsorted(self.keys, contexts)
        total = self.sums[np.searchsorted(self.keys, contexts | _TOKEN, side="right")] - self.sums[first]
        out = np.full(len(contexts), -1, np.int64)
        place = np.floor(rng.random(len(contexts)) * (total + how.strength))
        own = np.flatnonzero(place < total)
        at = np.searchsorted(self.sums, self.sums[first[own]] + place[own].astype(np.int64), side="right") - 1
        count = self.sums[at + 1] - self.sums[at]
        stands = rng.random(len(own)) * count >= how.discount
        out[own[stands]] = (self.keys[at[stands]] & _TOKEN).astype(np.int64)
        return out

    def shares(self, contexts: Words, codes: Codes, before: NDArray[np.float64], how: Counting) -> NDArray[np.float64]:
        """The probability of each code (N,) after its context, given those by the shorter contexts (N,)."""
        first = np.searchsorted(self.keys, contexts)
        last = np.searchsorted(self.keys, contexts | _TOKEN, side="right")
        total, kinds = self.sums[last] - self.sums[first], last - first
        keys = contexts | codes
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        count = np.where(self.keys[at] == keys, self.sums[at + 1] - self.sums[at], 0)
        left = (how.strength + how.discount * kinds) * before
        shares: NDArray[np.float64] = (np.maximum(count - how.discount, 0) + left) / (total + how.strength)
        return shares


class NGrams:
    """Counts of codes after contexts; a `Drawer`."""

    def __init__(
        self, vocabulary: Vocabulary, tables: Sequence[Table], longest: int, how: Counting, texts: int
    ) -> None:
        self.vocabulary, self.tables, self.longest, self.how = vocabulary, tuple(tables), longest, how
        self.texts = texts
        self.syntax = Syntax(vocabulary)

    @classmethod
    def fit(cls, smiles: Sequence[str], how: Counting = Counting()) -> NGrams:
        """Count canonical SMILES. Raises InputError where there are none, or for what is no character of SMILES."""
        if not smiles:
            raise InputError("no molecules to learn from")
        vocabulary = Vocabulary.of(smiles)
        if len(vocabulary) >= int(_TOKEN):
            raise InputError(
                f"{len(vocabulary)} different codes in the molecules, where {int(_TOKEN) - 1} are the most"
            )
        parts = [_Read.of(vocabulary, block) for block in _blocks(smiles)]
        tables = [Table.of(np.concatenate([part.keys(context, how.step) for part in parts])) for context in CONTEXTS]
        longest = max(part.longest for part in parts)
        return cls(vocabulary, tables, longest, how, len(smiles))

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        """n texts in the grammar, each beginning with its prompt (n,). Raises UsageError for another temperature."""
        if temperature != 1.0:
            raise UsageError("counts of n-grams are drawn from as they are: temperature is 1")
        if prompts is not None and len(prompts) != n:
            raise UsageError(f"{len(prompts)} prompts for {n} texts: give one for each")
        seed = int(torch.randint(2**62, (1,), generator=generator))
        rng = np.random.default_rng(seed)
        drawn: list[str] = []
        for start in range(0, n, ROUND):
            some = None if prompts is None else prompts[start : start + ROUND]
            drawn += self._round(min(ROUND, n - start), rng, some)
        return drawn

    def bits(self, smiles: Sequence[str]) -> float:
        """How many bits a text takes on average: less is better."""
        part = _Read.of(self.vocabulary, smiles)
        shares = np.full(len(part.codes), 1 / (len(self.vocabulary) + 1))
        for context, table in zip(CONTEXTS, self.tables, strict=True):
            contexts = part.keys(context, self.how.step) & ~_TOKEN
            shares = table.shares(contexts, part.codes, shares, self.how)
        return float(-np.log2(shares).sum() / len(smiles))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON that `restore` takes."""
        arrays: dict[str, np.ndarray] = {f"{i}/keys": table.keys for i, table in enumerate(self.tables)}
        arrays |= {f"{i}/sums": table.sums for i, table in enumerate(self.tables)}
        return arrays, {"longest": self.longest, "how": asdict(self.how), "texts": self.texts}

    @classmethod
    def restore(cls, vocabulary: Vocabulary, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> NGrams:
        """What `state` described. Raises KeyError, TypeError or ValueError for anything else."""
        tables = [Table(arrays[f"{i}/keys"], arrays[f"{i}/sums"]) for i in range(len(CONTEXTS))]
        if any(len(table.sums) != len(table.keys) + 1 for table in tables):
            raise ValueError("counts and contexts of different lengths")
        return cls(vocabulary, tables, int(facts["longest"]), Counting(**facts["how"]), int(facts["texts"]))

    def _round(self, n: int, rng: np.random.Generator, prompts: Sequence[str] | None) -> list[str]:
        given = self.vocabulary.encode(prompts) if prompts is not None else None
        begun = np.zeros(n, np.int64) if given is None else given.lengths.numpy()
        longest = max(self.longest, int(begun.max(initial=0)) + 16 if given is not None else 0)
        texts = np.zeros((n, longest), np.uint8)
        if given is not None:
            padded, _ = given.padded()
            texts[:, : padded.shape[1]] = padded.numpy()
        lengths = np.zeros(n, np.int64)
        walk, state, rows = Walk(self.vocabulary, n), self.syntax.start(n), np.arange(n)
        for step in range(longest + 1):
            allowed = self.syntax.allowed(state, longest - step, False).numpy()
            codes = self._next(_contexts(texts, rows, step, walk.seen(rows), self.how.step), allowed, rng)
            codes = np.where(step < begun[rows], texts[rows, min(step, longest - 1)], codes)
            goes = codes < len(self.vocabulary)
            lengths[rows[~goes]] = step
            rows, codes, state = rows[goes], codes[goes], state[torch.from_numpy(goes)]
            if not len(rows) or step == longest:
                break
            texts[rows, step] = codes
            walk.step(rows, codes)
            state = self.syntax.advance(state, torch.from_numpy(codes))
        names = np.array(self.vocabulary.texts, object)
        return ["".join(names[text[:length]]) for text, length in zip(texts, lengths, strict=True)]

    def _next(
        self, contexts: Sequence[Words], allowed: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The next code of each text, drawn from the longest context that keeps it; refused ones are drawn again."""
        out = np.full(len(allowed), -1, np.int64)
        left = np.arange(len(allowed))
        for _ in range(_TRIES):
            codes = np.full(len(left), -1, np.int64)
            for table, keys in zip(reversed(self.tables), reversed(contexts), strict=True):
                open_ = np.flatnonzero(codes < 0)
                if not len(open_):
                    break
                codes[open_] = table.draw(keys[left[open_]], rng, self.how)
            fits = (codes >= 0) & allowed[left, codes]
            out[left[fits]] = codes[fits]
            left = left[~fits]
            if not len(left):
                return out
        chances = rng.random((len(left), allowed.shape[1])) * allowed[left]
        out[left] = chances.argmax(1)
        return out


@dataclass(frozen=True)
class _Read:
    """Texts end to end, each closed by the end's code: codes, places in their text, and what is seen before each."""

    codes: Codes
    places: NDArray[np.uint16]
    seen: NDArray[np.uint8]
    longest: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, smiles: Sequence[str]) -> _Read:
        """Of texts."""
        ragged = vocabulary.encode(smiles)
        lengths = ragged.lengths.numpy()
        ends = np.cumsum(lengths + 1)
        codes = np.full(int(ends[-1]), len(vocabulary), np.uint8)
        codes[np.delete(np.arange(len(codes)), ends - 1)] = ragged.values.numpy()
        starts = ends - lengths - 1
        places = (np.arange(len(codes)) - np.repeat(starts, lengths + 1)).astype(np.uint16)
        seen = np.zeros((len(codes), len(Sees)), np.uint8)
        walk = Walk(vocabulary, len(smiles))
        order = np.argsort(-lengths, kind="stable")
        falling = -lengths[order]
        for step in range(int(lengths.max()) + 1):
            rows = order[: np.searchsorted(falling, -step, side="right")]
            seen[starts[rows] + step] = walk.seen(rows)
            rows = order[: np.searchsorted(falling, -step, side="left")]
            walk.step(rows, codes[starts[rows] + step])
        return cls(codes, places, seen, int(lengths.max()))

    def keys(self, context: Context, step: int) -> Words:
        """The key of each code after its context."""
        sums = np.zeros(len(self.codes), np.uint64)
        numbers = self.codes.astype(np.uint64) + np.uint64(1)
        for back in range(1, context.back + 1):
            sums[back:] += np.where(self.places[back:] >= back, numbers[:-back] * _FACTORS[back], np.uint64(0))
        return _mixed(sums + _seen(self.seen, context, step)) | self.codes


def _contexts(texts: Codes, rows: NDArray[np.intp], step: int, seen: NDArray[np.uint8], every: int) -> list[Words]:
    """The hashes of all contexts of texts at a step, as `_Read.keys` has them."""
    sums = np.zeros(len(rows), np.uint64)
    hashes: dict[int, Words] = {}
    for back in range(1, max(context.back for context in CONTEXTS) + 1):
        if back <= step:
            sums = sums + (texts[rows, step - back].astype(np.uint64) + np.uint64(1)) * _FACTORS[back]
        hashes[back] = sums
    return [_mixed(hashes[context.back] + _seen(seen, context, every)) for context in CONTEXTS]


def _seen(seen: NDArray[np.uint8], context: Context, every: int) -> Words:
    sums = np.zeros(len(seen), np.uint64)
    for what in context.sees:
        column = seen[:, what] // every if what is Sees.ATOMS else seen[:, what]
        sums += column.astype(np.uint64) * _FACTORS[100 + what]
    return sums


def _mixed(sums: Words) -> Words:
    """Hashes whose last eight bits are free for the code (the steps of Vigna's splitmix64)."""
    mixed = sums * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed & ~_TOKEN


def _blocks(smiles: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(smiles), _BLOCK):
        yield smiles[start : start + _BLOCK]


_FACTORS = np.random.default_rng(20).integers(1, 2**63, 128, dtype=np.uint64) | np.uint64(1)
