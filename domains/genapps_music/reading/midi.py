"""Standard MIDI files as scores.

A part is what one channel of one track plays. Times are kept as musical times, so that only the first tempo is known
afterwards. What is wrong with a file and can be mended is mended and said.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

from genapps_music.reading.events import META, events
from genapps_music.reading.limits import (
    DEFAULT,
    Limits,
    check_end,
    check_notes,
    check_parts,
    check_size,
    counted,
    one_line,
    ordered,
    told,
)
from genapps_music.score import QUARTER, Meter, Note, Part, Score, Unreadable

DRUMS = 9  # the channel that General MIDI gives to percussion
TEMPO = 120.0  # quarter notes a minute where a file says nothing


@dataclass
class _Found:
    """What was met on the way through a file."""

    limits: Limits
    notes: dict[tuple[int, int], list[Note]] = field(default_factory=lambda: defaultdict(list))
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    tempos: dict[int, float] = field(default_factory=dict)
    keys: dict[int, tuple[int, bool]] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)


def read_midi(data: bytes, limits: Limits = DEFAULT) -> Score:
    """A MIDI file of type 0 or 1, given as bytes. Raises Unreadable."""
    check_size(len(data), limits.max_midi_bytes)
    tracks, division, remarks = _chunks(data, limits)
    found, scale = _Found(limits), _scale(division)
    if division < 0:
        remarks.append("its times are seconds: read at 120 quarter notes a minute")
    for place, track in enumerate(tracks):
        _walk(track, place, scale, found)
    return _score(found, remarks)


def _chunks(data: bytes, limits: Limits) -> tuple[list[bytes], int, list[str]]:
    """The tracks, the division, and what was wrong: alien chunks are passed over, a length that is too great is cut."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[20:]
    if data[:4] != b"MThd":
        raise Unreadable("not a MIDI file: it does not begin with MThd")
    if len(data) < 14:
        raise Unreadable("cut off in its header")
    size, kind, declared, division = struct.unpack(">LHHh", data[4:14])
    if kind == 2:
        raise Unreadable("MIDI type 2 (independent patterns); save it as type 1")
    if kind > 2 or size < 6:
        raise Unreadable(f"not a MIDI file: its header says type {kind}, {size} bytes")
    if division == 0:
        raise Unreadable("division 0: it does not say how long a quarter note is")
    tracks, place = [], 8 + size
    while place + 8 <= len(data):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "big")
        if name == b"MTrk":
            tracks.append(data[place + 8 : place + 8 + length])
            if len(tracks) > limits.max_parts * 4:
                raise Unreadable(f"more than {limits.max_parts * 4:,} tracks")
        place += 8 + length
    remarks = [] if declared == len(tracks) else [f"{counted(declared, 'track')} declared, {len(tracks):,} there"]
    if not tracks:
        raise Unreadable("; ".join([*remarks, "no track in it"]))
    return tracks, division, remarks


def _scale(division: int) -> float:
    """Our ticks for one of the file's."""
    if division > 0:
        return QUARTER / division
    frames, ticks = -(division >> 8), division & 0xFF
    rate = 30_000 / 1001 if frames == 29 else frames
    if ticks == 0 or frames not in (24, 25, 29, 30):
        raise Unreadable(f"its division says {frames} frames of {ticks} ticks a second, which is no time code")
    return 2 * QUARTER / (rate * ticks)  # two quarters a second


def _walk(track: bytes, place: int, scale: float, found: _Found) -> None:
    """Notes and signs of one track; a note-off ends the oldest note of its channel and pitch that still sounds."""
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    now = count = 0
    try:
        for time, status, first, second, data in events(track):
            now, kind, channel = round(time * scale), status & 0xF0, status & 0x0F
            if kind == 0x90 and second:
                sounding[channel, first].append((now, second))
                count += 1
            elif kind in (0x80, 0x90):
                if begun := sounding[channel, first]:
                    _end(found, place, channel, first, begun.popleft(), now)
                else:
                    found.said["end of a note that was not begun"] += 1
            elif kind == 0xC0:
                _program(found, (place, channel), first)
            elif status == META:
                _sign(first, data, place, now, found)
    except EOFError:
        found.said[f"track cut off after {counted(count, 'note')}"] += 1
    except Unreadable as error:
        raise Unreadable(f"damaged in track {place + 1}: {error}") from None
    check_notes(count + sum(map(len, found.notes.values())), found.limits)
    _hanging(sounding, place, now, found)


def _end(found: _Found, track: int, channel: int, pitch: int, begun: tuple[int, int], now: int) -> None:
    onset, velocity = begun
    if now > onset:
        found.notes[track, channel].append(Note(onset, now - onset, pitch, velocity))
    else:
        found.said["note without length left out"] += 1


def _hanging(sounding: dict[tuple[int, int], deque[tuple[int, int]]], track: int, last: int, found: _Found) -> None:
    """End what never ended: at the next onset of its pitch or with the track, but after four quarters at the latest.

    The last event of a track may lie far behind the music.
    """
    for (channel, pitch), begun in sounding.items():
        ends = [*(onset for onset, _ in list(begun)[1:]), last]
        for (onset, velocity), end in zip(begun, ends, strict=False):
            length = min(end - onset if end > onset else QUARTER, 4 * QUARTER)
            found.notes[track, channel].append(Note(onset, length, pitch, velocity))
            found.said["note never ended, cut"] += 1


def _program(found: _Found, key: tuple[int, int], program: int) -> None:
    if not found.notes.get(key):
        found.programs[key] = program
    elif found.programs.setdefault(key, 0) != program:
        found.said["change of instrument within a part not kept"] += 1


def _sign(kind: int, data: bytes, track: int, now: int, found: _Found) -> None:
    """What a meta event says: 3 the track's name, 0x51 tempo, 0x58 time signature, 0x59 key signature."""
    if kind == 3:
        found.names.setdefault(track, name_of(data))
    elif kind == 0x51:
        tempo = int.from_bytes(data[:3], "big")
        if tempo:
            found.tempos[now] = 60e6 / tempo
        else:
            found.said["tempo of 0 left out"] += 1
    elif kind == 0x58:
        if len(data) >= 2 and 0 < data[0] <= 64 and data[1] <= 6:
            found.meters[now] = Meter(now, data[0], 1 << data[1])
        else:
            found.said["time signature that is none left out"] += 1
    elif kind == 0x59:
        fifths = int.from_bytes(data[:1], "big", signed=True)
        if len(data) >= 2 and abs(fifths) <= 7 and data[1] <= 1:
            found.keys[now] = fifths, data[1] == 1
        else:
            found.said["key signature that is none left out"] += 1


def name_of(data: bytes) -> str:
    """Text of a MIDI file, in UTF-8 or else Latin-1, as one short line without control characters."""
    try:
        text = data[:1000].decode()
    except UnicodeDecodeError:
        text = data[:1000].decode("latin-1")
    return one_line(text)


def _score(found: _Found, remarks: list[str]) -> Score:
    programs: dict[int, int] = {}
    for (_, channel), program in found.programs.items():
        programs.setdefault(channel, program)
    channels = Counter(track for track, _ in found.notes)
    parts = []
    for (track, channel), notes in sorted(found.notes.items()):
        name = found.names.get(track, "")
        drums = channel == DRUMS
        program = found.programs.get((track, channel), programs.get(channel, 0))
        numbered = f"{name} {channel + 1}".strip() if channels[track] > 1 and name else name
        parts.append(Part(ordered(notes), numbered, 0 if drums else program, drums))
    sounding = check_parts(parts, found.limits)
    check_end(max(found.meters, default=0), found.limits)
    remarks += told(found.said)
    tempo = found.tempos[min(found.tempos)] if found.tempos else TEMPO
    if len(set(found.tempos.values())) > 1:
        remarks.append("its tempo changes: only the first is kept")
    fifths, minor = found.keys[min(found.keys)] if found.keys else (None, False)
    return Score(
        parts=sounding,
        meters=_meters(found.meters),
        tempo=min(max(tempo, 1.0), 1000.0),
        fifths=fifths,
        minor=minor,
        remarks=tuple(remarks),
    )


def _meters(found: dict[int, Meter]) -> tuple[Meter, ...]:
    """By onset, without repetitions, the first at 0 as 4/4 where the file says nothing."""
    kept = [found[min(found)]] if found and min(found) == 0 else [Meter()]
    for onset in sorted(found):
        if (found[onset].beats, found[onset].unit) != (kept[-1].beats, kept[-1].unit):
            kept.append(found[onset])
    return tuple(kept)
