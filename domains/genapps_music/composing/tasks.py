"""What a person asks of a model: pieces composed, continued, harmonized, and filled in, as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps_music.codec import Piece, bar_starts
from genapps_music.composing.filling import Manner, fill, nats
from genapps_music.grid import (
    FIRST,
    HOLD,
    REST,
    UNKNOWN,
    Cells,
    Layout,
    Voice,
    cells_of,
    lines_of,
    playable,
    spans,
    split,
    to_grid,
    to_score,
)
from genapps_music.model import MusicModel
from genapps_music.presets import COMPOSE, CONTINUE, HARMONIZE, INFILL, check_can
from genapps_music.score import Meter, Part, Score

MOST_BARS = 1000
_OCTAVE = 12
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Made:
    """A piece that was made, and how: the cells, which of them were given, and what a person should know.

    nats: of each drawn cell, where the family tells, and of all candidates that it was chosen from.
    """

    score: Score
    cells: Cells
    given: Cells
    notes: tuple[str, ...] = ()
    nats: float | None = None
    candidates: tuple[float, ...] = field(default=())


def compose(
    model: MusicModel,
    n: int,
    bars: int,
    manner: Manner,
    *,
    meter: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> list[Made]:
    """New pieces of so many bars. Raises UsageError for a family that cannot, or a meter that was never learnt."""
    check_can(model.family, COMPOSE)
    layout = model.codec.layout
    beats, unit = meter or layout.meter
    bar = round(Meter(0, beats, unit).bar / layout.ticks)
    if bar not in model.codec.bars:
        known = ", ".join(f"{length / layout.steps:g}" for length in model.codec.bars)
        raise UsageError(f"no bars of {beats}/{unit} were learnt; there are bars of {known} quarters")
    starts = tuple(range(0, (bars + 1) * bar, bar))
    empty = np.full((bars * bar, len(layout.voices)), UNKNOWN, np.int64)
    pieces = [Piece(f"{number + 1:03}", empty, starts) for number in range(n)]
    generator = torch.Generator().manual_seed(manner.seed)
    drawn = fill(model, pieces, manner, generator, progress)
    meters = (Meter(0, beats, unit),)
    return [
        Made(to_score(cells, layout, name=piece.name, meters=meters), cells, empty)
        for cells, piece in zip(drawn, pieces, strict=True)
    ]


def continue_(model: MusicModel, seed: Score, bars: int, manner: Manner, *, progress: Progress | None = None) -> Made:
    """The seed with so many more bars. Of one longer than the model's longest all is kept, and the end is listened to.

    Raises UsageError for a family that cannot, InputError for a seed without notes or out of the voices' ranges.
    """
    check_can(model.family, CONTINUE)
    cells, notes = fitted(seed, model)
    layout = model.codec.layout
    if len(cells) > model.codec.longest // 2:
        notes.append("the seed is longer than what the model listens to: its last part counts")
    starts = bar_starts(seed.meters, layout, len(cells))
    last = starts[-1] - starts[-2]
    starts += [starts[-1] + last * (k + 1) for k in range(bars)]
    whole = _unknown(starts[-1], cells)
    made = _best(model, Piece(seed.name, whole, tuple(starts)), manner, 1, progress)
    return _told(made, seed, model, notes)


def harmonize(
    model: MusicModel,
    melody: Score,
    manner: Manner,
    *,
    voice: str | None = None,
    candidates: int = 8,
    progress: Progress | None = None,
) -> Made:
    """The melody, kept note by note, as one voice of a piece whose others are drawn; the likeliest of the candidates.

    voice: which voice it becomes, the top one if not given. Of several parts, and of chords, the highest line is taken.
    Raises as `continue_`.
    """
    check_can(model.family, HARMONIZE)
    layout = model.codec.layout
    if len(layout.voices) < 2:
        raise UsageError(
            "this model has one voice, so there is nothing to add to a melody; fit one on pieces with more"
        )
    column = 0 if voice is None else voices_of(layout, voice)[0]
    notes: list[str] = []
    line = _melody(melody, layout, notes)
    cells, moved = _in_range(line, layout.voices[column], melody.name)
    if moved:
        notes.append(f"the melody is moved by {moved // _OCTAVE:+} octaves to the range of the voice")
    starts = bar_starts(melody.meters, layout, len(cells))
    whole = np.full((starts[-1], len(layout.voices)), UNKNOWN, np.int64)
    whole[:, column] = REST
    whole[: len(cells), column] = cells
    made = _best(model, Piece(melody.name, whole, tuple(starts)), manner, candidates, progress)
    return _told(made, melody, model, notes)


def infill(
    model: MusicModel,
    piece: Score,
    manner: Manner,
    *,
    voices: str | None = None,
    bars: tuple[int, int] | None = None,
    candidates: int = 8,
    progress: Progress | None = None,
) -> Made:
    """The piece with some voices, or some bars (from, to; the first is 1), or both drawn anew; all else is kept.

    Raises as `continue_`, and UsageError where neither is said, or a voice or bar is not there.
    """
    check_can(model.family, INFILL)
    if voices is None and bars is None:
        raise UsageError("say what to fill in: --voices A,T, --bars 3-6, or both")
    layout = model.codec.layout
    columns = list(range(len(layout.voices))) if voices is None else voices_of(layout, voices)
    cells, notes = fitted(piece, model, skip=columns if bars is None else ())
    starts = bar_starts(piece.meters, layout, len(cells))
    first, last = bars or (1, len(starts) - 1)
    if not 1 <= first <= last <= len(starts) - 1:
        raise UsageError(f"{piece.name} has the bars 1-{len(starts) - 1}, so there is no {first}-{last}")
    begin, end = starts[first - 1], starts[last]
    whole = np.zeros((starts[-1], len(layout.voices)), np.int64)
    whole[: len(cells)] = cells
    for column in columns:
        if end < len(whole) and whole[end, column] == HOLD:
            begun = next(k for k in range(end, -1, -1) if whole[k, column] != HOLD)
            whole[end, column] = whole[begun, column]
            notes.append(f"a note of {layout.voices[column].name} that goes on into bar {last + 1} begins anew there")
        whole[begin:end, column] = UNKNOWN
    made = _best(model, Piece(piece.name, whole, tuple(starts)), manner, candidates, progress)
    return _told(made, piece, model, notes)


def voices_of(layout: Layout, asked: str) -> list[int]:
    """The columns of voices that are named, by name, by how it begins, or by number from 1. Raises UsageError."""
    names = voice_names(layout)
    found: list[int] = []
    for one in (part.strip() for part in asked.split(",")):
        exact = [k for k, name in enumerate(names) if name.casefold() == one.casefold()]
        begins = [k for k, name in enumerate(names) if name.casefold().startswith(one.casefold())]
        numbered = [int(one) - 1] if one.isdecimal() and 1 <= int(one) <= len(names) else []
        matches = exact or numbered or begins
        if len(matches) != 1 or not one:
            hint = did_you_mean(one, names)
            raise UsageError(f"no single voice {one!r}; there are: {', '.join(names)}, or numbers from 1.{hint}")
        found += [matches[0]] if matches[0] not in found else []
    return found


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


def fitted(score: Score, model: MusicModel, skip: Sequence[int] = ()) -> tuple[Cells, list[str]]:
    """The cells (T, V) of a given piece, by octaves within the voices' ranges where that helps, and what was done.

    skip: columns that are drawn anew, so their notes may lie anywhere. Raises InputError where it has no notes, or some
    would be lost.
    """
    layout = model.codec.layout
    if not playable(score):
        raise InputError(f"{score.name}: no notes, but perhaps drums; give a piece with notes")
    for octaves in (0, 1, -1, 2, -2):
        moved = transposed_score(score, octaves * _OCTAVE)
        found = to_grid(moved, layout)
        wide = [replace(voice, low=0, high=127) if k in skip else voice for k, voice in enumerate(layout.voices)]
        loose = to_grid(moved, replace(layout, voices=tuple(wide))) if skip else found
        if not _outside(moved, layout, skip):
            notes = loose.remarks(layout.steps)
            if octaves:
                notes.append(f"moved by {octaves:+} octaves to the ranges of the model's voices")
            return found.cells, notes
    low, high = min(v.low for v in layout.voices), max(v.high for v in layout.voices)
    raise InputError(
        f"{score.name}: notes outside the ranges of the model's voices ({low} to {high}); transpose it, or fit a model"
        " on pieces in this range"
    )


def transposed_score(score: Score, semitones: int) -> Score:
    """The piece so many semitones higher; notes beyond 0..127 are left out."""
    if not semitones:
        return score
    parts = [
        Part(
            tuple(replace(n, pitch=n.pitch + semitones) for n in part.notes if 0 <= n.pitch + semitones <= 127),
            part.name,
            part.program,
            part.drums,
        )
        for part in score.parts
    ]
    return replace(score, parts=tuple(parts))


def _outside(score: Score, layout: Layout, skip: Sequence[int]) -> int:
    """How many notes are out of the ranges of their voices."""
    names = [next(v.name for v in layout.voices if v.part == k) for k in range(len(layout.structure))]
    centers = [(voice.low + voice.high) / 2 for voice in layout.voices]
    lines = lines_of(score, layout.steps, layout.structure, centers, names).lines
    pairs = [(line, voice) for k, (line, voice) in enumerate(zip(lines, layout.voices, strict=True)) if k not in skip]
    return sum(not voice.low <= pitch <= voice.high for line, voice in pairs for _, _, pitch in line)


def _melody(melody: Score, layout: Layout, notes: list[str]) -> list[tuple[int, int, int]]:
    """The highest line of a melody on the grid."""
    parts = playable(melody)
    if not parts:
        raise InputError(f"{melody.name}: no notes, but perhaps drums; give a melody")
    if len(parts) > 1:
        notes.append(f"the first of {len(parts)} parts is the melody, {parts[0].name or 'without a name'}")
    own, moved = spans(parts[0], layout.steps)
    highest = {span[0]: span for span in reversed(own)}  # of those that begin together the top one
    if len(highest) < len(own):
        notes.append(f"{len(own) - len(highest):,} lower notes of chords are no part of the melody")
    lines, _, cut = split([highest[onset] for onset in sorted(highest)], 1)
    if moved:
        notes.append(f"{moved:,} notes moved to the grid of {layout.steps} steps a quarter")
    if cut:
        notes.append(f"{cut:,} notes ended early, as the next began")
    return lines[0]


def _in_range(line: list[tuple[int, int, int]], voice: Voice, name: str) -> tuple[Cells, int]:
    """The cells (T,) of a melody in a voice's range, and by how many semitones, whole octaves, it had to move."""
    for octaves in (0, 1, -1, 2, -2, 3, -3):
        moved = [(begin, end, pitch + octaves * _OCTAVE) for begin, end, pitch in line]
        cells, outside = cells_of([moved], [voice])
        if not outside:
            return cells[:, 0], octaves * _OCTAVE
    low, high = min(pitch for _, _, pitch in line), max(pitch for _, _, pitch in line)
    raise InputError(
        f"{name}: from {low} to {high}, it fits in no octave into {voice.name}, {voice.low} to {voice.high}; transpose"
        " it, give another --voice, or fit a model on pieces in this range"
    )


def _unknown(length: int, cells: Cells) -> Cells:
    """Cells (length, V) that begin with those given."""
    whole = np.full((length, cells.shape[1]), UNKNOWN, np.int64)
    whole[: len(cells)] = cells
    return whole


def _best(model: MusicModel, piece: Piece, manner: Manner, candidates: int, progress: Progress | None) -> Made:
    """The likeliest of some ways to fill a piece in; the first where the family has no exact likelihood."""
    generator = torch.Generator().manual_seed(manner.seed)
    pieces = [piece] * max(1, candidates)
    drawn = fill(model, pieces, manner, generator, progress)
    known = [piece.cells != UNKNOWN] * len(drawn)
    open_ = max(1, int((piece.cells == UNKNOWN).sum()))
    found = nats(model, [replace(piece, cells=cells) for cells in drawn], known)
    each = tuple(value / open_ for value in found) if found is not None else ()
    best = int(np.argmin(each)) if each else 0
    score = to_score(drawn[best], model.codec.layout, name=piece.name)
    return Made(score, drawn[best], piece.cells, (), each[best] if each else None, each)


def _told(made: Made, given: Score, model: MusicModel, notes: Sequence[str]) -> Made:
    """The piece with the name, bars and tempo of what was given."""
    score = to_score(made.cells, model.codec.layout, name=given.name, meters=given.meters, tempo=given.tempo)
    score = replace(score, fifths=given.fifths, minor=given.minor)
    return replace(made, score=score, notes=(*given.remarks, *notes))


__all__ = [
    "FIRST",
    "MOST_BARS",
    "Made",
    "compose",
    "continue_",
    "fitted",
    "harmonize",
    "infill",
    "voice_names",
    "voices_of",
]
