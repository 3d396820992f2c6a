"""Scores as piano rolls in JSON, as `genapps_music.reading.pianoroll` describes them."""

from __future__ import annotations

import json
from itertools import pairwise
from math import gcd
from typing import Any

from genapps_music.score import QUARTER, Note, Part, Score

_FINEST = QUARTER // 48  # ticks; what lies between such steps is moved to them


def roll_bytes(score: Score) -> bytes:
    """The file. Parts of one note at a time are voices; where one has more, all are one part, as sets of pitches.

    A frame is as long as fits all notes, at most a quarter note and at least 1/48 of one. Meter, key, velocities and
    drums are not in such files.
    """
    ticks = _step(score)
    apart = bool(score.parts) and all(_single(part, ticks) for part in score.parts) and len(score.parts) <= 16
    parts = list(score.parts) if apart else [_joined(score)]
    frames = -(-score.end // ticks)
    roll: list[list[int]] = [[-1] * len(parts) if apart else [] for _ in range(frames)]
    again = []
    for number, part in enumerate(parts):
        ends: dict[int, int] = {}
        for note in part.notes:
            begin, end = _frames(note, ticks)
            for frame in roll[begin:end]:
                if apart:
                    frame[number] = note.pitch
                elif note.pitch not in frame:
                    frame.append(note.pitch)
            if ends.get(note.pitch, -1) >= begin:
                again.append([begin, number, note.pitch])
            ends[note.pitch] = max(ends.get(note.pitch, -1), end)
    value: dict[str, Any] = {"step": ticks / QUARTER, "tempo": score.tempo, "names": [part.name for part in parts]}
    value |= {"programs": [part.program for part in parts]} | ({"again": [again]} if again else {})
    value["pieces"] = [[frame if apart else sorted(frame) for frame in roll]]
    return (json.dumps(value, separators=(",", ":")) + "\n").encode()


def _step(score: Score) -> int:
    ticks = QUARTER
    for part in score.parts:
        for note in part.notes:
            ticks = gcd(ticks, note.onset, note.duration)
    return max(ticks, _FINEST)


def _frames(note: Note, ticks: int) -> tuple[int, int]:
    begin = round(note.onset / ticks)
    return begin, max(round(note.end / ticks), begin + 1)


def _single(part: Part, ticks: int) -> bool:
    """Whether it never has two notes at once."""
    spans = sorted(_frames(note, ticks) for note in part.notes)
    return all(before[1] <= after[0] for before, after in pairwise(spans))


def _joined(score: Score) -> Part:
    notes = {(note.onset, note.pitch, note.duration): note for part in score.parts for note in part.notes}
    first = score.parts[0] if score.parts else Part(())
    return Part(tuple(notes[key] for key in sorted(notes)), first.name, first.program)
