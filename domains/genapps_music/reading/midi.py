"""Standard MIDI files as scores; mido reads the events.

A part is what one channel of one track plays. Times are kept as musical times, so that only the first tempo is known
afterwards. What is wrong with a file and can be mended is mended and said.
Source of the format: The MIDI Association, Standard MIDI Files 1.0, RP-001, 1996.
"""

from __future__ import annotations

import io
import re
import struct
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from genapps_music.reading.limits import DEFAULT, Limits, check_end, check_notes, check_parts, check_size, counted
from genapps_music.reading.limits import in_order as ordered
from genapps_music.score import QUARTER, Meter, Note, Part, Score, Unreadable

DRUMS = 9  # the channel that General MIDI gives to percussion
TEMPO = 120.0  # quarter notes a minute where a file says nothing
# A number of a MIDI file has four bytes at most; mido adds up more of them in a time that grows with their square.
_ENDLESS = re.compile(rb"[\x80-\xff]{2000}")
_FOREVER = 2**50  # ticks; later than any note may end
_LINE = "Cb Gb Db Ab Eb Bb F C G D A E B F# C# G# D# A#"  # by fifths; the last three are keys in minor only
_FIFTHS = {name: at - 7 for at, name in enumerate(_LINE.split())} | {
    f"{name}m": at - 10 for at, name in enumerate(_LINE.split())
}


@dataclass
class _Found:
    """What was met on the way through a file."""

    limits: Limits
    notes: dict[tuple[int, int], list[Note]] = field(default_factory=lambda: defaultdict(list))
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    tempos: dict[int, float] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)


def read_midi(data: bytes, limits: Limits = DEFAULT) -> Score:
    """A MIDI file of type 0 or 1, given as bytes. Raises Unreadable."""
    check_size(len(data), limits.max_midi_bytes)
    tracks, division, remarks = _chunks(data, limits)
    found, scale = _Found(limits), _scale(division)
    if division < 0:
        remarks.append("its times are seconds: read at 120 quarter notes a minute")
    for place, events in enumerate(_events(tracks)):
        _walk(events, place, scale, found)
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


def _events(tracks: list[bytes]) -> Iterator[list[Any]]:
    """mido's messages, track by track."""
    import mido

    for number, track in enumerate(tracks, 1):
        if _ENDLESS.search(track):
            raise Unreadable(f"track {number}: a number of thousands of bytes")
        whole = b"MThd" + struct.pack(">LHHH", 6, 0, 1, QUARTER) + b"MTrk" + struct.pack(">L", len(track)) + track
        try:
            [messages] = mido.MidiFile(file=io.BytesIO(whole), clip=True).tracks
        except EOFError:
            raise Unreadable(f"cut off in track {number}") from None
        except Exception as error:  # mido lets through whatever its parts raise: IndexError, KeyError, ValueError ...
            raise Unreadable(f"damaged in track {number} ({str(error) or type(error).__name__})") from None
        yield messages


def _walk(events: list[Any], track: int, scale: float, found: _Found) -> None:
    """Notes and signs of one track; a note-off ends the oldest note of its channel and pitch that still sounds."""
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    raw = now = count = 0
    for event in events:
        if event.time:
            raw = min(raw + event.time, _FOREVER)
            now = round(raw * scale)
        kind = event.type
        if kind == "note_on" and event.velocity:
            sounding[event.channel, event.note].append((now, event.velocity))
            count += 1
        elif kind == "note_on" or kind == "note_off":
            if begun := sounding[event.channel, event.note]:
                _end(found, track, event.channel, event.note, begun.popleft(), now)
            else:
                found.said["end of a note that was not begun"] += 1
        elif kind == "program_change":
            _program(found, track, event)
        elif event.is_meta:
            _sign(event, track, now, found)
    check_notes(count + sum(map(len, found.notes.values())), found.limits)
    _hanging(sounding, track, now, found)


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


def _program(found: _Found, track: int, event: Any) -> None:
    key = track, event.channel
    if key not in found.programs:
        found.programs[key] = event.program
    elif found.programs[key] != event.program:
        found.said["change of instrument within a part not kept"] += 1


def _sign(event: Any, track: int, now: int, found: _Found) -> None:
    kind = event.type
    if kind == "track_name":
        found.names.setdefault(track, " ".join(event.name.split())[:200])
    elif kind == "set_tempo":
        if event.tempo > 0:
            found.tempos[now] = 60e6 / event.tempo
        else:
            found.said["tempo of 0 left out"] += 1
    elif kind == "time_signature":
        if 0 < event.numerator <= 64 and event.denominator <= 64:
            found.meters[now] = Meter(now, event.numerator, event.denominator)
        else:
            found.said["time signature that is none left out"] += 1
    elif kind == "key_signature":
        found.keys[now] = event.key


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
    remarks += [counted(number, what) if number > 1 else f"1 {what}" for what, number in found.said.items()]
    tempo = found.tempos[min(found.tempos)] if found.tempos else TEMPO
    if len(set(found.tempos.values())) > 1:
        remarks.append("its tempo changes: only the first is kept")
    key = found.keys[min(found.keys)] if found.keys else None
    return Score(
        parts=sounding,
        meters=_meters(found.meters),
        tempo=min(max(tempo, 1.0), 1000.0),
        fifths=None if key is None else _FIFTHS.get(key),
        minor=key is not None and key.endswith("m"),
        remarks=tuple(remarks),
    )


def _meters(found: dict[int, Meter]) -> tuple[Meter, ...]:
    """By onset, without repetitions, the first at 0 as 4/4 where the file says nothing."""
    kept = [found[min(found)]] if found and min(found) == 0 else [Meter()]
    for onset in sorted(found):
        if (found[onset].beats, found[onset].unit) != (kept[-1].beats, kept[-1].unit):
            kept.append(found[onset])
    return tuple(kept)
