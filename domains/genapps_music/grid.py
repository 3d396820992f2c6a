"""A piece on a grid: what each voice does at each step of time, as small whole numbers.

Cells (T, V): 0 rest, 1 the note before goes on, 2 + k a note begins k semitones above the voice's lowest. Every array
of such cells is a piece: what goes on after a rest is a rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps_music.score import QUARTER, Meter, Note, Part, Score

Cells = NDArray[np.int64]
REST, HOLD, FIRST = 0, 1, 2
UNKNOWN = -1
MOST_VOICES = 12
Span = tuple[int, int, int]  # onset and end in steps, pitch
Line = list[Span]  # by onset, none while another sounds


@dataclass(frozen=True)
class Voice:
    """One line of notes. low, high: its range, pitches as in MIDI. part: which part of the piece it belongs to."""

    name: str
    low: int
    high: int
    program: int = 0
    part: int = 0

    @property
    def size(self) -> int:
        """How many codes its cells have."""
        return FIRST + self.high - self.low + 1


@dataclass(frozen=True)
class Layout:
    """How pieces lie on the grid. steps: of a quarter note. meter, tempo: what is usual, in quarter notes a minute."""

    steps: int
    voices: tuple[Voice, ...]
    meter: tuple[int, int] = (4, 4)
    tempo: float = 100.0

    @property
    def ticks(self) -> int:
        """Ticks of a step."""
        return QUARTER // self.steps

    @property
    def structure(self) -> tuple[int, ...]:
        """How many voices each part has."""
        parts = [voice.part for voice in self.voices]
        return tuple(parts.count(k) for k in range(max(parts) + 1))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, for a model file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """The inverse of `to_json`."""
        voices = tuple(Voice(**voice) for voice in data["voices"])
        return cls(int(data["steps"]), voices, (int(data["meter"][0]), int(data["meter"][1])), float(data["tempo"]))


def voice_names(layout: Layout) -> list[str]:
    """The voices' names; of several in one part with their numbers."""
    names = [voice.name for voice in layout.voices]
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    counts: dict[str, int] = {}
    told = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        told.append(f"{name} {counts[name]}" if seen[name] > 1 else name)
    return told


@dataclass(frozen=True)
class Gridded:
    """A piece on the grid, and what that changed.

    cells: (T, V). moved: notes that began or ended between steps. lost: notes for which no voice was free, or outside
    its voice's range. cut: notes that ended early as their voice had to go on. left_out: lines without a voice.
    """

    cells: Cells
    notes: int = 0
    moved: int = 0
    lost: int = 0
    cut: int = 0
    left_out: int = 0

    @property
    def exact(self) -> bool:
        """Whether the grid holds the piece as it was."""
        return not (self.moved or self.lost or self.cut or self.left_out)

    def remarks(self, steps: int) -> list[str]:
        """What was changed, for a person."""
        found = []
        if self.moved:
            found.append(f"{self.moved:,} of {self.notes:,} notes moved to the grid of {steps} steps a quarter")
        if self.lost:
            found.append(f"{self.lost:,} of {self.notes:,} notes left out: no voice was free for them, or out of range")
        if self.cut:
            found.append(f"{self.cut:,} of {self.notes:,} notes ended early, as their voice went on")
        if self.left_out:
            found.append(f"{self.left_out:,} lines left out, as there are more than voices")
        return found


def playable(score: Score) -> tuple[Part, ...]:
    """The parts that can be learnt: those with notes, without drums."""
    return tuple(part for part in score.parts if part.notes and not part.drums)


def spans(part: Part, steps: int) -> tuple[Line, int]:
    """A part's notes on the grid, by onset and from the top down, and how many of them had to move to it."""
    ticks = QUARTER // steps
    found, moved = set(), 0
    for note in part.notes:
        begin = (note.onset + ticks // 2) // ticks
        end = max(begin + 1, (note.end + ticks // 2) // ticks)
        moved += (begin * ticks, end * ticks) != (note.onset, note.end)
        found.add((begin, end, note.pitch))
    return sorted(found, key=lambda span: (span[0], -span[2], -span[1])), moved


def polyphony(notes: Line) -> int:
    """How many notes sound together at most, but for the busiest twentieth of the steps."""
    if not notes:
        return 0
    sounding = np.zeros(max(end for _, end, _ in notes) + 1, np.int64)
    np.add.at(sounding, [begin for begin, _, _ in notes], 1)
    np.subtract.at(sounding, [end for _, end, _ in notes], 1)
    together = np.sort(sounding.cumsum())
    together = together[together > 0]
    return int(together[min(len(together) - 1, int(0.95 * len(together)))])


def split(notes: Line, most: int) -> tuple[list[Line], int, int]:
    """Notes as at most so many lines from the top down, in each of which one sounds at a time.

    Notes that begin together go to the free lines whose last notes were nearest, the order of pitch kept. Where no line
    is free, the note that has sounded longest ends early; where more begin than there are lines, inner ones are lost.
    Returns the lines, and how many notes were lost and cut.
    """
    lines: list[Line] = [[] for _ in range(most)]
    lost = cut = 0
    groups: dict[int, list[Span]] = {}
    for span in notes:
        groups.setdefault(span[0], []).append(span)
    for onset, group in groups.items():
        if len(group) > most:
            lost += len(group) - most
            group = group[: most - 1] + group[-1:] if most > 1 else group[:1]
        busy = sorted((line[-1][0], k) for k, line in enumerate(lines) if line and line[-1][1] > onset)
        for _, k in busy[: max(0, len(group) + len(busy) - most)]:
            begin, _, pitch = lines[k][-1]
            lines[k][-1] = (begin, onset, pitch)
            cut += 1
        free = [k for k, line in enumerate(lines) if not line or line[-1][1] <= onset]
        for k, span in zip(_nearest(group, free, lines), group, strict=True):
            lines[k].append(span)
    return lines, lost, cut


def _nearest(group: Sequence[Span], free: Sequence[int], lines: Sequence[Line]) -> tuple[int, ...]:
    """The lines, of those that are free and in their order, that are nearest to the notes of a group."""
    if len(group) == len(free):
        return tuple(free)

    def apart(chosen: tuple[int, ...]) -> int:
        pairs = zip(chosen, group, strict=True)
        return sum(abs(lines[k][-1][2] - span[2]) for k, span in pairs if lines[k])

    return min(combinations(free, len(group)), key=apart)


def matched(middles: Sequence[float], centers: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs (line, voice) that keep the order of both, as many as there can be, nearest in pitch in sum."""
    few, many = (middles, centers) if len(middles) <= len(centers) else (centers, middles)
    cost = np.full((len(few) + 1, len(many) + 1), np.inf)
    cost[0] = 0.0
    for i in range(1, len(few) + 1):
        for j in range(i, len(many) + 1):
            cost[i, j] = min(cost[i, j - 1], cost[i - 1, j - 1] + abs(few[i - 1] - many[j - 1]))
    pairs, i, j = [], len(few), len(many)
    while i:
        if cost[i, j] == cost[i - 1, j - 1] + abs(few[i - 1] - many[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        else:
            j -= 1
    return [pair if len(middles) <= len(centers) else pair[::-1] for pair in reversed(pairs)]


@dataclass(frozen=True)
class Lines:
    """The lines of a piece, one for each voice, and what that changed, as in `Gridded`."""

    lines: tuple[Line, ...]
    notes: int
    moved: int
    lost: int = 0
    cut: int = 0
    left_out: int = 0


def lines_of(
    score: Score, steps: int, structure: Sequence[int], centers: Sequence[float] = (), names: Sequence[str] = ()
) -> Lines:
    """The lines of a piece for a structure: so many voices of each part. centers: the usual pitch of each voice.

    Parts of the same names as the structure's go where these are; as many parts go in their order; otherwise the lines
    that each part has go to the voices nearest in pitch.
    """
    parts = _ordered(playable(score), names)
    placed = [spans(part, steps) for part in parts]
    notes, moved = sum(len(part.notes) for part in parts), sum(count for _, count in placed)
    twice = notes - sum(len(own) for own, _ in placed)  # two of one part that became one
    total = sum(structure)
    own_lines = [min(max(polyphony(own), 1), MOST_VOICES) for own, _ in placed]
    wanted = structure if len(parts) == len(structure) else own_lines
    made = [split(own, most) for (own, _), most in zip(placed, wanted, strict=True)]
    lines = [line for own, _, _ in made for line in own]
    lost, cut = sum(count for _, count, _ in made) + twice, sum(count for _, _, count in made)
    if len(lines) == total:
        return Lines(tuple(lines), notes, moved, lost, cut)
    middles = [float(np.mean([pitch for _, _, pitch in line])) if line else 0.0 for line in lines]
    where = centers or [90 - 50 * (k + 0.5) / total for k in range(total)]
    voices: list[Line] = [[] for _ in range(total)]
    pairs = matched(middles, where)
    for line, voice in pairs:
        voices[voice] = lines[line]
    missing = set(range(len(lines))) - {line for line, _ in pairs}
    lost += sum(len(lines[k]) for k in missing)
    return Lines(tuple(voices), notes, moved, lost, cut, len(missing))


def _ordered(parts: tuple[Part, ...], names: Sequence[str]) -> tuple[Part, ...]:
    """The parts of these names in their order, empty ones where some are not there; else all parts as they are.

    Either every name is a part's, or every part has one of the names, and no name is there twice.
    """
    own = [part.name.casefold() for part in parts]
    wanted = [name.casefold() for name in names]
    known = "" not in wanted and (set(wanted) <= set(own) or set(own) <= set(wanted))
    if wanted and known and all(own.count(name) <= 1 for name in wanted) and len(set(wanted)) == len(wanted):
        return tuple(parts[own.index(name)] if name in own else Part(()) for name in wanted)
    return parts


def to_grid(score: Score, layout: Layout) -> Gridded:
    """The cells (T, V) of a piece, T up to the end of its last note, and what had to be changed."""
    names = [next(v.name for v in layout.voices if v.part == k) for k in range(len(layout.structure))]
    centers = [(voice.low + voice.high) / 2 for voice in layout.voices]
    found = lines_of(score, layout.steps, layout.structure, centers, names)
    cells, outside = cells_of(found.lines, layout.voices)
    return Gridded(cells, found.notes, found.moved, found.lost + outside, found.cut, found.left_out)


def cells_of(lines: Sequence[Line], voices: Sequence[Voice]) -> tuple[Cells, int]:
    """The cells (T, V) of a line for each voice, and how many notes were left out as out of the voice's range."""
    length = max((line[-1][1] for line in lines if line), default=0)
    cells = np.zeros((length, len(voices)), np.int64)
    outside = 0
    for column, (line, voice) in enumerate(zip(lines, voices, strict=True)):
        for begin, end, pitch in line:
            if not voice.low <= pitch <= voice.high:
                outside += 1
                continue
            cells[begin, column] = FIRST + pitch - voice.low
            cells[begin + 1 : end, column] = HOLD
    return cells, outside


def to_score(
    cells: Cells, layout: Layout, *, name: str = "", meters: Sequence[Meter] = (), tempo: float | None = None
) -> Score:
    """The piece of cells (T, V): the voices of one part together, as the layout says. meters, tempo: its usual ones."""
    parts: dict[int, list[Note]] = {}
    for column, voice in enumerate(layout.voices):
        notes = parts.setdefault(voice.part, [])
        for begin, end, pitch in line_of(cells[:, column], voice):
            notes.append(Note(begin * layout.ticks, (end - begin) * layout.ticks, pitch))
    first = {voice.part: voice for voice in reversed(layout.voices)}
    made = tuple(
        Part(tuple(sorted(notes)), first[part].name, first[part].program) for part, notes in sorted(parts.items())
    )
    usual = (Meter(0, *layout.meter),)
    return Score(made, name, tuple(meters) or usual, layout.tempo if tempo is None else tempo)


def line_of(column: NDArray[np.int64], voice: Voice) -> Line:
    """The notes of one voice's cells (T,)."""
    found: Line = []
    begin, pitch = -1, 0
    for step, code in enumerate([*column.tolist(), REST]):
        if code != HOLD and begin >= 0:
            found.append((begin, step, pitch))
            begin = -1
        if code >= FIRST:
            begin, pitch = step, voice.low + code - FIRST
    return found


def pitches(cells: Cells, voices: Sequence[Voice]) -> NDArray[np.int64]:
    """The pitch (T, V) that sounds at each step, -1 for a rest."""
    found = np.full(cells.shape, -1, np.int64)
    for column, voice in enumerate(voices):
        for begin, end, pitch in line_of(cells[:, column], voice):
            found[begin:end, column] = pitch
    return found


def lawful(cells: Cells) -> Cells:
    """The same cells (T, V) where what goes on after a rest, or at the beginning, is the rest that it is taken for."""
    kept = cells.copy()
    before = np.zeros(cells.shape[1], np.int64)
    for row in kept:
        row[(row == HOLD) & (before == REST)] = REST
        before = row
    return kept


def within(cells: Cells, voices: Sequence[Voice], limits: Sequence[tuple[int, int]]) -> Cells:
    """The cells (T, V) with notes outside their voice's limits (low, high) moved by octaves; a rest where none fits."""
    kept = cells.copy()
    for column, (voice, (low, high)) in enumerate(zip(voices, limits, strict=True)):
        for step in (kept[:, column] >= FIRST).nonzero()[0]:
            pitch = voice.low + int(kept[step, column]) - FIRST
            fits = [pitch + 12 * octave for octave in (0, 1, -1, 2, -2, 3, -3) if low <= pitch + 12 * octave <= high]
            kept[step, column] = FIRST + fits[0] - voice.low if fits else REST
    return lawful(kept)
