"""A corpus of pieces as sequences of frames, and back: the layout that suits it, the key it is learnt in, bars.

A frame (C + V,) is what is always known of a step, namely its place in the bar, how long the bar is, how many bars
were before it and how many are left, and then the cell of each voice (see `grid`). All pieces are learnt in C major or
A minor, as Boulanger-Lewandowski et al. 2012 do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps.spaces import Categorical, Frames
from genapps_music.grid import (
    FIRST,
    HOLD,
    MOST_VOICES,
    REST,
    UNKNOWN,
    Cells,
    Gridded,
    Layout,
    Line,
    Lines,
    Voice,
    cells_of,
    lines_of,
    playable,
    polyphony,
    spans,
    to_grid,
    to_score,
)
from genapps_music.score import QUARTER, Meter, Score, Skipped
from genapps_music.tonality import HOMES, home_of

CONTEXT = 4  # variables that are always known: place in the bar, length of the bar, bars before, bars left
BEFORE, LEFT = 4, 8  # bars from the beginning and to the end that are told apart
MOST_STEPS = 512  # of a sequence; longer pieces are cut at bars
_GRIDS = (2, 4, 3, 6, 8, 12)  # steps a quarter, the first that holds nearly all onsets
_NEARLY = 0.99
_MOST_PLACES = 96  # steps of a bar that are told apart
_STRAY = 2000  # notes of which one may be out of the range at either end
_QUARTET = ("Soprano", "Alto", "Tenor", "Bass")


@dataclass(frozen=True)
class Codec:
    """How pieces become frames.

    layout: of pieces at home, in C major or A minor, with room for what any key needs. limits: the range of each voice
    as it sounds. homes: by how many semitones the pieces came home. bars: lengths of a bar that were seen, in steps.
    longest: steps of a sequence.
    """

    layout: Layout
    limits: tuple[tuple[int, int], ...]
    homes: tuple[int, ...]
    bars: tuple[int, ...]
    longest: int

    @property
    def space(self) -> Frames:
        """The space of the frames."""
        places = max(2, min(max(self.bars), _MOST_PLACES))
        sizes = (places, max(2, len(self.bars)), BEFORE + 1, LEFT + 1, *(voice.size for voice in self.layout.voices))
        return Frames(tuple(map(Categorical, sizes)), self.longest)

    @property
    def bar(self) -> int:
        """Steps of a bar of the usual meter."""
        beats, unit = self.layout.meter
        return max(1, 4 * self.layout.steps * beats // unit)

    def context(self, starts: Sequence[int], length: int, before: int = 0) -> Cells:
        """What is always known (length, CONTEXT) of the first steps of a piece with these bars, the end the last.

        before: how many bars of the piece were before these.
        """
        found = np.zeros((starts[-1], CONTEXT), np.int64)
        for number, (begin, end) in enumerate(pairwise(starts)):
            found[begin:end, 0] = np.minimum(np.arange(end - begin), self.space.row.sizes[0] - 1)
            found[begin:end, 1] = int(np.argmin([abs(end - begin - known) for known in self.bars]))
            found[begin:end, 2] = min(number + before, BEFORE)
            found[begin:end, 3] = min(len(starts) - 2 - number, LEFT)
        return found[:length]

    def frames(self, piece: Piece) -> Cells:
        """The frames (T, C + V) of a piece, or of a part of it."""
        return np.concatenate([self.context(piece.starts, len(piece.cells), piece.before), piece.cells], 1)

    def limits_at(self, shift: int) -> list[tuple[int, int]]:
        """The range of each voice of a piece that came home by so many semitones."""
        return [(low + shift, high + shift) for low, high in self.limits]

    def score(self, piece: Piece, **about: Any) -> Score:
        """The piece in its own key; about: as in `to_score`."""
        return transposed(to_score(piece.cells, self.layout, **{"name": piece.name, **about}), -piece.shift)

    def cells(self, frames: NDArray[Any]) -> Cells:
        """The cells (T, V) of frames (T, C + V)."""
        return np.asarray(frames)[:, CONTEXT:].astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, for a model file."""
        return {
            "layout": self.layout.to_json(),
            "limits": [list(pair) for pair in self.limits],
            "homes": list(self.homes),
            "bars": list(self.bars),
            "longest": self.longest,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Codec:
        """The inverse of `to_json`."""
        limits = tuple((int(low), int(high)) for low, high in data["limits"])
        homes, bars = tuple(map(int, data["homes"])), tuple(map(int, data["bars"]))
        return cls(Layout.from_json(data["layout"]), limits, homes, bars, int(data["longest"]))


@dataclass(frozen=True)
class Piece:
    """A piece on the grid, or the first steps of what is left of one.

    starts: the steps at which its bars begin, and last where it ends. shift: by how many semitones it came home.
    before: how many bars of it were before these.
    """

    name: str
    cells: Cells
    starts: tuple[int, ...]
    shift: int = 0
    before: int = 0


@dataclass(frozen=True)
class Corpus:
    """Pieces on one grid, what could not be used, and what a person should know of the rest."""

    codec: Codec
    pieces: tuple[Piece, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def cells(self) -> int:
        """How many cells all pieces have."""
        return sum(piece.cells.size for piece in self.pieces)


def gather(scores: Sequence[Score], *, longest: int = MOST_STEPS) -> Corpus:
    """The corpus of these pieces on the grid that suits them. Raises InputError where none can be used."""
    usable = [score for score in scores if playable(score)]
    silent = [Skipped(score.name, "no notes but drums, if any") for score in scores if not playable(score)]
    if not usable:
        raise InputError("no piece with notes to learn from, drums aside; give pieces with pitched notes")
    steps = steps_of(usable)
    structure = structure_of(usable, steps)
    names, programs = _named(usable, structure)
    kept: list[tuple[Score, Lines]] = []
    skipped = list(silent)
    for score in usable:
        found = lines_of(score, steps, structure, names=names)
        if found.left_out:
            skipped.append(Skipped(score.name, f"{found.left_out} lines more than the {sum(structure)} usual voices"))
        else:
            kept.append((score, found))
    limits = _limits([found.lines for _, found in kept], structure)
    strange = [score for score, found in kept if _beyond(found.lines, limits)]
    skipped += [Skipped(score.name, "a voice far out of the range that it has in other pieces") for score in strange]
    kept = [(score, found) for score, found in kept if not _beyond(found.lines, limits)]
    if not kept:
        raise InputError("no two pieces are alike in their voices and ranges; give pieces for the same voices")
    homes = [home_of(score) for score, _ in kept]
    voices = _voices(structure, names, programs, limits)
    meters = Counter((m.beats, m.unit) for score, _ in kept for m in score.meters[:1])
    tempo = float(np.median([score.tempo for score, _ in kept]))
    layout = Layout(steps, voices, meters.most_common(1)[0][0], round(tempo, 1))
    pieces, sums = [], Counter[str]()
    for (score, found), home in zip(kept, homes, strict=True):
        cells, _ = cells_of(moved(found.lines, home), voices)
        starts = bar_starts(score.meters, layout, len(cells))
        padded = np.concatenate([cells, np.zeros((starts[-1] - len(cells), len(voices)), np.int64)])
        pieces.append(Piece(score.name, padded, tuple(starts), home))
        sums.update(notes=found.notes, moved=found.moved, lost=found.lost, cut=found.cut)
    bars = Counter(b - a for piece in pieces for a, b in pairwise(piece.starts))
    codec = Codec(
        layout, limits, tuple(homes), tuple(sorted(n for n, _ in bars.most_common(16))), max(longest, *bars, 1)
    )
    about = Gridded(np.zeros((0, 0), np.int64), sums["notes"], sums["moved"], sums["lost"], sums["cut"])
    remarks = about.remarks(steps)
    if any(len(piece.cells) > codec.longest for piece in pieces):
        remarks.append(f"pieces of more than {codec.longest:,} steps are learnt in parts that begin at bars")
    drums = sum(1 for score in usable if any(part.drums for part in score.parts))
    if drums:
        remarks.append(f"drums of {drums:,} pieces left out")
    return Corpus(codec, tuple(pieces), tuple(skipped), tuple(remarks))


def moved(lines: Sequence[Line], semitones: int) -> list[Line]:
    """The lines so many semitones higher."""
    return [[(begin, end, pitch + semitones) for begin, end, pitch in line] for line in lines]


def transposed(score: Score, semitones: int) -> Score:
    """The piece so many semitones higher; notes beyond 0..127 are left out."""
    if not semitones:
        return score
    parts = [
        replace(
            part,
            notes=tuple(
                replace(note, pitch=note.pitch + semitones) for note in part.notes if 0 <= note.pitch + semitones <= 127
            ),
        )
        for part in score.parts
    ]
    return replace(score, parts=tuple(parts))


def steps_of(scores: Sequence[Score]) -> int:
    """The steps of a quarter note that hold nearly all onsets: 2, 4, or 3, 6, 12 where there are triplets."""
    onsets = np.array([note.onset for score in scores for part in playable(score) for note in part.notes])
    shares = {steps: float((onsets % (QUARTER // steps) == 0).mean()) for steps in _GRIDS}
    for steps in _GRIDS:
        if shares[steps] >= _NEARLY:
            return steps
    return 12 if shares[12] - shares[4] > 0.02 else 4


def structure_of(scores: Sequence[Score], steps: int) -> tuple[int, ...]:
    """How many voices each part has in most pieces, at most 12 in all."""
    seen: Counter[tuple[int, ...]] = Counter()
    for score in scores:
        own = tuple(min(polyphony(spans(part, steps)[0]), MOST_VOICES) for part in playable(score))
        while sum(own) > MOST_VOICES:
            own = own[:-1] if own[-1] == 1 else (*own[:-1], own[-1] - 1)
        seen[own] += 1
    return max(seen, key=lambda one: (seen[one], sum(one), one))


def bar_starts(meters: Sequence[Meter], layout: Layout, length: int) -> list[int]:
    """The steps at which bars begin, of which the last is at or after `length`: where the last bar ends."""
    found = [0]
    ordered = sorted(meters, key=lambda meter: meter.onset)
    changes = [round(meter.onset / layout.ticks) for meter in ordered]
    while found[-1] < max(length, 1):
        now = found[-1]
        current = max((k for k, change in enumerate(changes) if change <= now), default=0)
        end = now + max(1, round(ordered[current].bar / layout.ticks))
        after = next((change for change in changes if change > now), end)
        found.append(min(end, after))
    return found


def parted(piece: Piece, longest: int, hop: int = 0) -> list[Piece]:
    """The piece in parts of at most `longest` steps that begin at bars; a note that goes on into a part begins there.

    Each knows how many bars of the piece are before and left. hop: begin a part every so many bars, overlapping; 0: one
    after the other.
    """
    if len(piece.cells) <= longest:
        return [piece]
    found = []
    begin = 0
    while begin < len(piece.starts) - 1:
        end = begin + 1
        while end + 1 < len(piece.starts) and piece.starts[end + 1] - piece.starts[begin] <= longest:
            end += 1
        found.append(part_of(piece, begin, end, longest))
        if end == len(piece.starts) - 1:
            break
        begin = begin + hop if hop else end
    return found


def part_of(piece: Piece, begin: int, end: int, longest: int) -> Piece:
    """Bars begin..end of a piece, at most so many steps of them."""
    first, last = piece.starts[begin], piece.starts[end]
    cells = _resumed(piece.cells, first, min(last, first + longest))
    starts = tuple(start - first for start in piece.starts[begin:])
    return Piece(piece.name, cells, starts, piece.shift, piece.before + begin)


def _resumed(cells: Cells, first: int, last: int) -> Cells:
    """Steps first..last of cells, in which the notes that have begun before begin."""
    part = cells[first:last].copy()
    for column in range(cells.shape[1]):
        if len(part) and part[0, column] == HOLD:
            before = cells[:first, column]
            starts = (before != HOLD).nonzero()[0]
            part[0, column] = before[starts[-1]] if len(starts) else REST
    return part


def _named(scores: Sequence[Score], structure: tuple[int, ...]) -> tuple[list[str], list[int]]:
    """The usual name and program of each part of pieces of that structure; names of a quartet where there are none."""
    alike = [parts for parts in map(playable, scores) if len(parts) == len(structure)]
    names, programs = [], []
    for k in range(len(structure)):
        counts = Counter(parts[k].name.strip() for parts in alike)
        names.append(counts.most_common(1)[0][0] if counts else "")
        programs.append(Counter(parts[k].program for parts in alike).most_common(1)[0][0] if alike else 0)
    if len({name.casefold() for name in names}) < len(names) or "" in names:
        quartet = structure == (1, 1, 1, 1)
        names = [_QUARTET[k] if quartet else f"Part {k + 1}" for k in range(len(structure))]
    return names, programs


def _beyond(lines: Sequence[Line], limits: Sequence[tuple[int, int]]) -> bool:
    """Whether some note is out of its voice's range."""
    pairs = zip(lines, limits, strict=True)
    return any(not low <= pitch <= high for line, (low, high) in pairs for _, _, pitch in line)


def _limits(lines: Sequence[Sequence[Line]], structure: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The range of each voice but for one note in 2,000 at either end."""
    found = []
    for column in range(sum(structure)):
        seen = sorted(pitch for own in lines for _, _, pitch in own[column])
        cut = len(seen) // _STRAY
        found.append((seen[cut], seen[-1 - cut]) if seen else (60, 60))
    return tuple(found)


def _voices(
    structure: tuple[int, ...], names: list[str], programs: list[int], limits: Sequence[tuple[int, int]]
) -> tuple[Voice, ...]:
    """The voices with room for what any key brings home."""
    parts = [part for part, count in enumerate(structure) for _ in range(count)]
    return tuple(
        Voice(names[part], max(0, low + HOMES[0]), min(127, high + HOMES[1]), programs[part], part)
        for part, (low, high) in zip(parts, limits, strict=True)
    )


__all__ = [
    "CONTEXT",
    "FIRST",
    "UNKNOWN",
    "Codec",
    "Corpus",
    "Piece",
    "bar_starts",
    "gather",
    "parted",
    "to_grid",
    "to_score",
    "transposed",
]
