"""Piano rolls in JSON: pieces as lists of frames, a frame as the pitches that sound in it.

The layout is that of the chorales that many music models were measured with (N. Boulanger-Lewandowski et al., ICML
2012; C.-Z. A. Huang et al., ISMIR 2017): {"train": [piece, ...], "valid": ..., "test": ...}, or a list of pieces, or
one piece. Where every frame has the same number of places, -1 for silence, these are the voices; otherwise the pitches
of a frame are one part. What sounds in frames that follow one another is one note, as such files do not tell a held
note from one that is played again. An object {"step": 0.25, "pieces": ...} says how many quarter notes a frame is, and
its "again", for each piece, the [frame, part, pitch] that are.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from genapps.errors import InputError
from genapps.io.limits import Limits as JsonLimits
from genapps.io.limits import parse_json
from genapps_music.reading.limits import (
    DEFAULT,
    Limits,
    check_end,
    check_notes,
    check_parts,
    check_size,
    one_line,
    ordered,
)
from genapps_music.score import QUARTER, Note, Part, Score, Skipped, Unreadable

STEP = 0.25  # quarter notes in a frame where the file does not say
VOICES = ("Soprano", "Alto", "Tenor", "Bass")
Frames = list[list[int]]
Again = list[tuple[int, int, int]]  # frame, part and pitch
_SETTINGS = frozenset(("step", "tempo", "names", "programs", "again"))


def read_rolls(data: bytes, limits: Limits = DEFAULT) -> tuple[list[Score], list[Skipped]]:
    """The pieces of a JSON file, named "train/0", "1" ..., and those that are none. Raises Unreadable."""
    check_size(len(data), limits.max_text_bytes)
    try:
        value = parse_json(data, "", JsonLimits(max_json_depth=limits.max_depth))
    except InputError as error:
        raise Unreadable(str(error).removeprefix(": ")) from None
    except UnicodeDecodeError:
        raise Unreadable("not valid JSON (not UTF-8)") from None
    settings = {key: value[key] for key in _SETTINGS & value.keys()} if isinstance(value, dict) else {}
    pieces = _pieces(value, limits)
    ticks, tempo = _ticks(settings), _tempo(settings)
    names = {name: at for at, (name, _) in enumerate(pieces)}
    read: list[tuple[str, Frames]] = []
    skipped = []
    for name, piece in pieces:
        try:
            read.append((name, _frames(piece, ticks, limits)))
        except Unreadable as error:
            skipped.append(Skipped(name, str(error)))
    voices = _voices([frames for _, frames in read], settings)
    scores = []
    for name, frames in read:
        try:
            again = _again(settings, names[name])
            scores.append(replace(_score(frames, voices, ticks, settings, again, limits), name=name, tempo=tempo))
        except Unreadable as error:
            skipped.append(Skipped(name, str(error)))
    if not scores:
        raise Unreadable(skipped[0].reason if skipped else "no piece in it")
    return scores, skipped


def _pieces(value: Any, limits: Limits) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        sets = {key: inner for key, inner in value.items() if key not in _SETTINGS and isinstance(inner, list)}
        if not sets:
            raise Unreadable('no piano roll: an object without lists of pieces, such as {"train": [...]}')
        named = [
            (f"{key}/{at}" if key != "pieces" else str(at), piece)
            for key, inner in sets.items()
            for at, piece in enumerate(inner)
        ]
    elif isinstance(value, list) and value and _is_piece(value):
        named = [("", value)]
    elif isinstance(value, list):
        named = [(str(at), piece) for at, piece in enumerate(value)]
    else:
        raise Unreadable("no piano roll: neither a list of pieces nor an object with such lists")
    if len(named) > limits.max_pieces:
        raise Unreadable(f"{len(named):,} pieces, more than the {limits.max_pieces:,} allowed in one file")
    return named


def _is_piece(value: list[Any]) -> bool:
    """Whether this is one piece, a list of frames of numbers, and not a list of pieces."""
    frames = [inner for inner in value if inner != []]
    return bool(frames) and all(
        isinstance(frame, list) and not isinstance(frame[0], (list, dict)) for frame in frames[:1000]
    )


def _ticks(settings: dict[str, Any]) -> int:
    step = settings.get("step", STEP)
    if isinstance(step, bool) or not isinstance(step, (int, float)) or not 1 / QUARTER <= step <= 64:
        raise Unreadable(f'"step" is {str(step)[:40]}: it is the quarter notes in a frame, such as 0.25')
    if abs(step * QUARTER - round(step * QUARTER)) > 0.01:
        raise Unreadable(f'"step" is {step}: no whole number of 1/{QUARTER} of a quarter note')
    return round(step * QUARTER)


def _tempo(settings: dict[str, Any]) -> float:
    tempo = settings.get("tempo", 100.0)
    if isinstance(tempo, bool) or not isinstance(tempo, (int, float)) or not 1 <= tempo <= 1000:
        raise Unreadable(f'"tempo" is {str(tempo)[:40]}: it is the quarter notes a minute')
    return float(tempo)


def _frames(piece: Any, ticks: int, limits: Limits) -> Frames:
    if not isinstance(piece, list) or not piece:
        raise Unreadable("no piece: a piece is a list of frames")
    check_end(len(piece) * ticks, limits)
    return [_frame(frame, at) for at, frame in enumerate(piece)]


def _voices(pieces: list[Frames], settings: dict[str, Any]) -> int:
    """How many voices all pieces of a file have, the highest first; 0 where frames are sets of pitches, which go up."""
    widths = {len(frame) for frames in pieces for frame in frames}
    if len(widths) != 1 or not 1 <= max(widths) <= 16:
        return 0
    if isinstance(names := settings.get("names"), list):
        return len(names) if {len(names)} == widths else 0
    down = sum(frame[0] >= frame[-1] or -1 in frame for frames in pieces for frame in frames)
    return widths.pop() if 2 * down >= sum(map(len, pieces)) else 0


def _score(frames: Frames, voices: int, ticks: int, settings: dict[str, Any], again: Again, limits: Limits) -> Score:
    columns = [[[frame[v]] for frame in frames] for v in range(voices)] if voices else [frames]
    names = _names(settings, len(columns), voices)
    programs = _programs(settings, len(columns))
    parts = []
    for at, (column, name, program) in enumerate(zip(columns, names, programs, strict=True)):
        struck = {(frame, pitch) for frame, part, pitch in again if part == at}
        parts.append(Part(ordered(_held(column, ticks, struck, limits)), name, program))
    return Score(check_parts(parts, limits))


def _frame(frame: Any, at: int) -> list[int]:
    if not isinstance(frame, list):
        raise Unreadable(f"frame {at}: no list of pitches")
    pitches = []
    for pitch in frame:
        whole = isinstance(pitch, float) and math.isfinite(pitch) and pitch == int(pitch)
        if isinstance(pitch, bool) or not (isinstance(pitch, int) or whole) or not -1 <= pitch <= 127:
            raise Unreadable(f"frame {at}: {str(pitch)[:40]!r} is no pitch 0 to 127, nor -1 for silence")
        pitches.append(int(pitch))
    return pitches


def _held(column: Frames, ticks: int, struck: set[tuple[int, int]], limits: Limits) -> list[Note]:
    """Notes of one part: a pitch in frames that follow one another is one note, unless struck again."""
    notes: list[Note] = []
    begun: dict[int, int] = {}
    for at, frame in enumerate([*column, []]):
        sounding = {pitch for pitch in frame if pitch >= 0}
        for pitch in [pitch for pitch in begun if pitch not in sounding or (at, pitch) in struck]:
            onset = begun.pop(pitch)
            notes.append(Note(onset * ticks, (at - onset) * ticks, pitch))
        for pitch in sounding:
            begun.setdefault(pitch, at)
        check_notes(len(notes), limits)
    return notes


def _again(settings: dict[str, Any], piece: int) -> Again:
    """Where notes of a piece are played again without a rest between, in files that say so."""
    pieces = settings.get("again")
    found = pieces[piece] if isinstance(pieces, list) and piece < len(pieces) else []
    if not isinstance(found, list):
        return []
    return [tuple(one) for one in found if isinstance(one, list) and len(one) == 3 and {*map(type, one)} == {int}]


def _names(settings: dict[str, Any], parts: int, voices: int) -> list[str]:
    names = settings.get("names")
    if isinstance(names, list) and len(names) == parts and all(isinstance(name, str) for name in names):
        return [one_line(name) for name in names]
    return list(VOICES) if voices == 4 else [f"Voice {at + 1}" if voices else "" for at in range(parts)]


def _programs(settings: dict[str, Any], parts: int) -> list[int]:
    programs = settings.get("programs")
    valid = isinstance(programs, list) and len(programs) == parts
    if valid and all(type(program) is int and 0 <= program < 128 for program in programs or ()):
        return list(programs or ())
    return [0] * parts
