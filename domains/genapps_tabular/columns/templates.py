"""The shapes of identifiers and texts, and fresh values of the same shapes."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps_tabular.columns.permutations import among, hashes, keys, permute

SHAPES = 32  # shapes kept; rarer ones are not made again
LONGEST = 400  # characters of a text's shape
FEW = 4  # a place with no more different characters than this keeps to them
ROOM = 8  # a value that is taken is looked for in so many other places before it gets longer
GROWN = 3  # characters that shapes grow by one at a time; from then on no two shapes grow to the same length
CAPACITY = 2**60
CONSONANTS, VOWELS = "bcdfghklmnprstvz", "aeiou"
HEXADECIMAL = ("0123456789abcdef", "0123456789ABCDEF")
_RUN = re.compile(r"[^\W_]+")

Shape = tuple[str, ...]  # for each place the characters it may have; a single one is always there


@dataclass(frozen=True)
class Template:
    """Shapes of values and their shares: what makes a fresh value look like the real ones."""

    shapes: tuple[Shape, ...]
    shares: tuple[float, ...]

    @classmethod
    def learn(cls, sample: list[str], words: bool) -> Template:
        """From distinct values; with `words` letters come as pronounceable pseudo-words (names, text)."""
        common = _common_words(sample)
        groups: dict[str, list[str]] = {}
        for value in sample:
            groups.setdefault(_outline(value[:LONGEST], common), []).append(value[:LONGEST])
        largest = sorted(groups.values(), key=len, reverse=True)[:SHAPES]
        shapes = tuple(_shape(group, common, words) for group in largest)
        total = sum(len(group) for group in largest)
        return cls(shapes, tuple(len(group) / total for group in largest))

    def fresh(
        self, rows: NDArray[np.int64], key: int, known: NDArray[np.uint64], generator: np.random.Generator
    ) -> pa.Array:
        """A value for each row number (N,), none with a hash among the rising `known`.

        No two rows share one, be they of this call or of another with the same key.
        """
        kinds = generator.choice(len(self.shapes), len(rows), p=np.array(self.shares))
        pieces, order = [], []
        for kind in np.unique(kinds):
            where = np.flatnonzero(kinds == kind)
            pieces.append(self._fill(int(kind), 0, rows[where], key, known, generator))
            order.append(where)
        if not pieces:
            return pa.array([], pa.string())
        return pa.concat_arrays(pieces).take(pa.array(np.argsort(np.concatenate(order), kind="stable")))

    def _fill(
        self,
        kind: int,
        level: int,
        rows: NDArray[np.int64],
        key: int,
        known: NDArray[np.uint64],
        generator: np.random.Generator,
    ) -> pa.Array:
        """Values of one shape, grown `level` times: the row number, permuted, spells the free places.

        What another shape before it could spell, too, is left to that one; a shape too small for its rows grows.
        Shapes may grow alike, the one always into what the other holds, so in the end each has lengths of its own.
        """
        shape = self._grown(kind, level)
        before = [
            self._grown(k, m)
            for m in range(min(level, GROWN) + 1)
            for k in range(kind if m == level else len(self.shapes))
        ]
        rivals = [rival for rival in before if _overlap(rival, shape)]
        places, size = _spelling(shape)
        room = size // ROOM
        pending = np.flatnonzero(rows < room)
        placed, values = [], []
        for attempt in range(ROOM if len(pending) else 0):
            letters = _spell(
                shape, places, permute(rows[pending] + attempt * room, size, keys(key, kind, level)), generator
            )
            text = pa.array(letters.view(f"U{len(shape)}")[:, 0], pa.string())
            free = ~among(hashes(text), known)
            for rival in rivals:
                free &= ~_matches(letters, rival)
            placed.append(pending[free])
            values.append(text.filter(pa.array(free)))
            pending = pending[~free]
            if not len(pending):
                break
        rest = np.concatenate([np.flatnonzero(rows >= room), pending])
        if len(rest):
            placed.append(rest)
            values.append(self._fill(kind, level + 1, rows[rest], key, known, generator))
        return pa.concat_arrays(values).take(pa.array(np.argsort(np.concatenate(placed))))

    def _grown(self, kind: int, level: int) -> Shape:
        """A shape grown `level` times: beyond GROWN to the next lengths that are `kind` modulo the number of shapes."""
        shape, count = self.shapes[kind], len(self.shapes)
        if level <= GROWN:
            return _longer(shape, level)
        further = (kind - len(shape) - GROWN - 1) % count
        return _longer(shape, GROWN + 1 + further + (level - GROWN - 1) * count)


def _common_words(sample: list[str]) -> set[str]:
    """Words (runs of letters and digits) so frequent that they belong to the shape: domains, prefixes, years."""
    counts = Counter(word for value in sample for word in set(_RUN.findall(value)) if len(word) >= 3)
    least = max(5, len(sample) // 50)
    return {word for word, count in counts.items() if count >= least}


def _outline(value: str, common: set[str]) -> str:
    """What values of one shape share: common words as they are, a NUL for each other letter and digit."""
    return _RUN.sub(lambda run: run[0] if run[0] in common else "\0" * len(run[0]), value)


def _shape(group: list[str], common: set[str], words: bool) -> Shape:
    """The characters of each place, over values of the same outline."""
    literal = {i for run in _RUN.finditer(group[0]) if run[0] in common for i in range(*run.span())}
    hexadecimal = next((h for h in HEXADECIMAL if all(c in h for v in group for c in v if c.isalnum())), None)
    return tuple(
        group[0][i]
        if i in literal or not group[0][i].isalnum()
        else _characters(set(column), len(group), group[0], i, words, hexadecimal)
        for i, column in enumerate(zip(*group, strict=True))
    )


def _characters(seen: set[str], count: int, example: str, place: int, words: bool, hexadecimal: str | None) -> str:
    """The characters that a place may have, from those seen there in `count` values."""
    if len(seen) <= FEW and count >= 20:
        return "".join(sorted(seen))
    if all(c in string.digits for c in seen):
        first = place == 0 or not example[place - 1].isalnum()
        return string.digits[1:] if first and "0" not in seen and count >= 20 else string.digits
    if hexadecimal and any(c.isdigit() for c in seen):
        return hexadecimal
    if words and all(c.isalpha() for c in seen):
        start = max((run.start() for run in _RUN.finditer(example) if run.start() <= place), default=0)
        letters = VOWELS if (place - start) % 2 else CONSONANTS
        return letters.upper() if all(c.isupper() for c in seen) else letters
    classes = (
        (string.digits, str.isdigit),
        (string.ascii_lowercase, str.islower),
        (string.ascii_uppercase, str.isupper),
    )
    return "".join(letters for letters, holds in classes if any(map(holds, seen))) or "".join(sorted(seen))


def _spelling(shape: Shape) -> tuple[list[int], int]:
    """The free places that spell the row number, last first, and how many numbers they can spell."""
    places, size = [], 1
    for place in range(len(shape) - 1, -1, -1):
        if len(shape[place]) > 1 and size * len(shape[place]) <= CAPACITY:
            places.append(place)
            size *= len(shape[place])
    return places, size


def _longer(shape: Shape, by: int) -> Shape:
    """The shape with its last free place repeated (with more digits where no place is free)."""
    place = max((i for i, c in enumerate(shape) if len(c) > 1), default=len(shape) - 1)
    extra = shape[place] if len(shape[place]) > 1 else string.digits
    return (*shape[: place + 1], *[extra] * by, *shape[place + 1 :])


def _overlap(one: Shape, other: Shape) -> bool:
    """Whether two shapes have a value in common."""
    return len(one) == len(other) and all(set(a) & set(b) for a, b in zip(one, other, strict=True))


def _matches(letters: NDArray[np.uint32], shape: Shape) -> NDArray[np.bool_]:
    """Which rows of characters (N, length) a shape could have spelled."""
    places = [np.isin(letters[:, i], [ord(c) for c in choices]) for i, choices in enumerate(shape)]
    return np.asarray(np.all(places, axis=0))


def _spell(
    shape: Shape, places: list[int], number: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.uint32]:
    """Characters (N, length): numbers spelled at `places`, random ones at the other free places."""
    letters = np.empty((len(number), len(shape)), np.uint32)
    others = [i for i in range(len(shape)) if i not in set(places)]
    for place in [*places, *others]:
        choices = np.array([ord(c) for c in shape[place]], np.uint32)
        if len(choices) == 1:
            letters[:, place] = choices[0]
            continue
        if place in others:
            index = generator.integers(len(choices), size=len(letters))
        else:
            number, index = np.divmod(number, len(choices))
        letters[:, place] = choices[index]
    return letters
