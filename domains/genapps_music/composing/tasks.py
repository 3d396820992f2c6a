"""What a person asks of a model: pieces composed, continued, harmonized, and filled in, as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps_music.codec import Piece, bar_starts, moved
from genapps_music.composing.filling import BESIDE_A_MELODY, Manner, fill, nats
from genapps_music.composing.silences import sounds
from genapps_music.grid import (
    FIRST,
    HOLD,
    REST,
    UNKNOWN,
    Cells,
    Gridded,
    Layout,
    Line,
    cells_of,
    lines_of,
    playable,
    spans,
    split,
    voice_names,
)
from genapps_music.model import MusicModel
from genapps_music.presets import COMPOSE, CONTINUE, HARMONIZE, INFILL, check_can
from genapps_music.score import Meter, Score
from genapps_music.tonality import home_of, keys_of, to_home

MOST_BARS = 1000
_AGAIN = 10  # times that a piece without a note is drawn again
_OCTAVE = 12
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Made:
    """A piece that was made, and how: the cells, which of them were given, and what a person should know.

    nats: of the drawn cells, for each of them that sounds, where the family tells, and of all candidates that it was
    chosen from. shift: by how many semitones the cells are higher than the piece sounds.
    """

    score: Score
    cells: Cells
    given: Cells
    notes: tuple[str, ...] = ()
    nats: float | None = None
    candidates: tuple[float, ...] = field(default=())
    shift: int = 0


def compose(
    model: MusicModel,
    n: int,
    bars: int,
    manner: Manner,
    *,
    meter: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> list[Made]:
    """New pieces of so many bars, in the keys of the corpus.

    Raises UsageError for a family that cannot, or a meter that was never learnt.
    """
    check_can(model.family, COMPOSE)
    layout = model.codec.layout
    beats, unit = meter or layout.meter
    bar = round(Meter(0, beats, unit).bar / layout.ticks)
    if bar not in model.codec.bars:
        known = ", ".join(f"{length / layout.steps:g}" for length in model.codec.bars)
        raise UsageError(f"no bars of {beats}/{unit} were learnt; there are bars of {known} quarters")
    starts = tuple(range(0, (bars + 1) * bar, bar))
    empty = np.full((bars * bar, len(layout.voices)), UNKNOWN, np.int64)
    generator = torch.Generator().manual_seed(manner.seed)
    chosen = torch.randint(len(model.codec.homes), (n,), generator=generator).tolist()
    pieces = [Piece(f"{number:03}", empty, starts, model.codec.homes[k]) for number, k in enumerate(chosen, 1)]
    drawn = _heard(fill(model, pieces, manner, generator, progress), model, pieces, manner, generator)
    meters = (Meter(0, beats, unit),)
    return [
        Made(model.codec.score(replace(piece, cells=cells), meters=meters), cells, empty, shift=piece.shift)
        for cells, piece in zip(drawn, pieces, strict=True)
    ]


def _heard(
    drawn: list[Cells], model: MusicModel, pieces: Sequence[Piece], manner: Manner, generator: torch.Generator
) -> list[Cells]:
    """The pieces, those of rests alone drawn again a few times. Raises UsageError where that does not help."""
    for _ in range(_AGAIN):
        silent = [k for k, cells in enumerate(drawn) if not (cells >= FIRST).any()]
        if not silent:
            return drawn
        for k, cells in zip(silent, fill(model, [pieces[k] for k in silent], manner, generator), strict=True):
            drawn[k] = cells
    raise UsageError(
        "the model draws pieces of rests alone; ask for more bars, give another --seed, or fit it for longer"
    )


def continue_(model: MusicModel, seed: Score, bars: int, manner: Manner, *, progress: Progress | None = None) -> Made:
    """The seed with so many more bars. Of one longer than the model's longest all is kept, and the end is listened to.

    Raises UsageError for a family that cannot, InputError for a seed without notes or out of the voices' ranges.
    """
    check_can(model.family, CONTINUE)
    given = fitted(seed, model)
    layout, cells = model.codec.layout, given.cells
    starts = bar_starts(seed.meters, layout, len(cells))
    last = starts[-1] - starts[-2]
    starts += [starts[-1] + last * (k + 1) for k in range(bars)]
    notes = list(given.notes)
    if starts[-1] > model.codec.longest:
        notes.append(f"of the seed what is within {model.codec.longest:,} steps before the new bars is listened to")
    whole = np.full((starts[-1], cells.shape[1]), UNKNOWN, np.int64)
    whole[: len(cells)] = cells
    piece = Piece(seed.name, whole, tuple(starts), given.shift)
    return _told(_best(model, [piece], manner, 1, progress), seed, model, notes)


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

    voice: which voice it becomes, the top one if not given. The temperature is 0.5 if none is given. Of several parts,
    and of chords, the highest line is taken. Raises as `continue_`.
    """
    check_can(model.family, HARMONIZE)
    manner = manner.usually(BESIDE_A_MELODY, model.family)
    layout = model.codec.layout
    if len(layout.voices) < 2:
        raise UsageError(
            "this model has one voice, so there is nothing to add to a melody; fit one on pieces with more"
        )
    column = 0 if voice is None else voices_of(layout, voice)[0]
    notes: list[str] = []
    line = _melody(melody, layout, notes)
    octaves = _octaves(line, model.codec.limits[column], melody.name, layout.voices[column].name)
    if octaves:
        notes.append(f"the melody is moved {_by(octaves)} to the range of the voice")
    homes = [to_home(*key) for key in keys_of((pitch, end - begin) for begin, end, pitch in line)]
    pieces = []
    for home in list(dict.fromkeys(homes))[: 2 if candidates > 3 else 1]:  # a melody alone may be of either of two keys
        cells, _ = cells_of(moved([line], octaves * _OCTAVE + home), [layout.voices[column]])
        starts = bar_starts(melody.meters, layout, len(cells))
        whole = np.full((starts[-1], len(layout.voices)), UNKNOWN, np.int64)
        whole[:, column] = REST
        whole[: len(cells), column] = cells[:, 0]
        pieces.append(Piece(melody.name, whole, tuple(starts), home))
    return _told(_best(model, pieces, manner, candidates, progress), melody, model, notes)


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
    given = fitted(piece, model, skip=columns if bars is None else ())
    cells, notes = given.cells, list(given.notes)
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
    holed = Piece(piece.name, whole, tuple(starts), given.shift)
    return _told(_best(model, [holed], manner, candidates, progress), piece, model, notes)


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


@dataclass(frozen=True)
class Fitted:
    """A given piece as the model sees it: its cells (T, V), by how many semitones it came home, what was done to it."""

    cells: Cells
    shift: int
    notes: tuple[str, ...] = ()


def fitted(score: Score, model: MusicModel, skip: Sequence[int] = ()) -> Fitted:
    """The cells of a given piece, by octaves within the voices' ranges where that helps.

    skip: columns that are drawn anew, so their notes may lie anywhere. Raises InputError where it has no notes, or some
    are out of range in every octave.
    """
    codec, layout = model.codec, model.codec.layout
    if not playable(score):
        raise InputError(f"{score.name}: {_nothing(score)}; give a piece with notes")
    names = [next(v.name for v in layout.voices if v.part == k) for k in range(len(layout.structure))]
    found = lines_of(score, layout.steps, layout.structure, [(low + high) / 2 for low, high in codec.limits], names)
    kept = [[] if k in skip else line for k, line in enumerate(found.lines)]
    fits = [octaves for octaves in (0, 1, -1, 2, -2) if not _outside(moved(kept, octaves * _OCTAVE), codec.limits)]
    if not fits:
        low, high = min(low for low, _ in codec.limits), max(high for _, high in codec.limits)
        raise InputError(
            f"{score.name}: notes outside the ranges of the model's voices ({low} to {high} in all); transpose it, or"
            " fit a model on pieces in this range"
        )
    home = home_of(score)
    cells, _ = cells_of(moved(kept, fits[0] * _OCTAVE + home), layout.voices)
    length = max((line[-1][1] for line in found.lines if line), default=0)
    whole = np.zeros((length, len(layout.voices)), np.int64)
    whole[: len(cells)] = cells
    about = Gridded(whole, found.notes, found.moved, found.lost, found.cut, found.left_out)
    notes = about.remarks(layout.steps)
    if fits[0]:
        notes.append(f"moved {_by(fits[0])} to the ranges of the model's voices")
    return Fitted(whole, home, tuple(notes))


def _by(octaves: int) -> str:
    """How far, as a person says it."""
    return f"{abs(octaves)} octave{'' if abs(octaves) == 1 else 's'} {'up' if octaves > 0 else 'down'}"


def _nothing(score: Score) -> str:
    """Why a piece has nothing to begin with."""
    return "its notes are of drums alone" if any(part.notes for part in score.parts) else "no notes"


def _outside(lines: Sequence[Line], limits: Sequence[tuple[int, int]]) -> bool:
    pairs = zip(lines, limits, strict=True)
    return any(not low <= pitch <= high for line, (low, high) in pairs for _, _, pitch in line)


def _melody(melody: Score, layout: Layout, notes: list[str]) -> Line:
    """The highest line of a melody on the grid."""
    parts = playable(melody)
    if not parts:
        raise InputError(f"{melody.name}: {_nothing(melody)}; give a melody")
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
        notes.append(f"{cut:,} {'note' if cut == 1 else 'notes'} ended early, as the next began")
    return lines[0]


def _octaves(line: Line, limits: tuple[int, int], name: str, voice: str) -> int:
    """By how many octaves a melody has to move into a voice's range. Raises InputError where that does not help."""
    for octaves in (0, 1, -1, 2, -2, 3, -3):
        if not _outside(moved([line], octaves * _OCTAVE), [limits]):
            return octaves
    low, high = min(pitch for _, _, pitch in line), max(pitch for _, _, pitch in line)
    raise InputError(
        f"{name}: from {low} to {high}, it fits in no octave into {voice}, {limits[0]} to {limits[1]}; transpose it,"
        " give another --voice, or fit a model on pieces in this range"
    )


def _best(
    model: MusicModel, pieces: Sequence[Piece], manner: Manner, candidates: int, progress: Progress | None
) -> Made:
    """The likeliest of some ways to fill pieces in; the first where the family has no exact likelihood.

    Nats are counted for each drawn cell that sounds: in all, a candidate that falls silent would be the likeliest.
    """
    generator = torch.Generator().manual_seed(manner.seed)
    tried = [pieces[k % len(pieces)] for k in range(max(1, candidates))]
    drawn = fill(model, tried, manner, generator, progress)
    if any((piece.cells == UNKNOWN).all() for piece in tried):
        drawn = _heard(drawn, model, tried, manner, generator)
    filled = [replace(piece, cells=cells) for piece, cells in zip(tried, drawn, strict=True)]
    known = [piece.cells != UNKNOWN for piece in tried]
    found = nats(model, filled, known)
    heard = [max(1, int((sounds(one.cells) & ~given).sum())) for one, given in zip(filled, known, strict=True)]
    each = tuple(value / cells for value, cells in zip(found, heard, strict=True)) if found is not None else ()
    best = int(np.argmin(each)) if each else 0
    score = model.codec.score(filled[best])
    return Made(score, drawn[best], tried[best].cells, (), each[best] if each else None, each, filled[best].shift)


def _told(made: Made, given: Score, model: MusicModel, notes: Sequence[str]) -> Made:
    """The piece with the name, bars, tempo and key of what was given."""
    about = {"meters": given.meters, "tempo": given.tempo, "fifths": given.fifths, "minor": given.minor}
    score = replace(made.score, name=given.name, **about)  # type: ignore[arg-type]
    return replace(made, score=score, notes=(*given.remarks, *notes))


__all__ = [
    "MOST_BARS",
    "Fitted",
    "Made",
    "compose",
    "continue_",
    "fitted",
    "harmonize",
    "infill",
    "voices_of",
]
