"""The events of one track of a MIDI file, byte by byte.

Source: The MIDI Association, Standard MIDI Files 1.0, RP-001, 1996.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from genapps_music.score import Unreadable

META, END_OF_TRACK = 0xFF, 0x2F


class Event(NamedTuple):
    """time: ticks since the track began. status: as in the file; META has its kind in `first` and bytes in `data`."""

    time: int
    status: int
    first: int = 0
    second: int = 0
    data: bytes = b""


def events(track: bytes) -> Iterator[Event]:
    """The events of a track, without those of no channel that are not META; values above 127 are cut to it.

    Raises EOFError where the track stops within an event, after all before it were given; Unreadable for damage.
    """
    try:
        yield from _events(track)
    except IndexError:
        raise EOFError from None


def _events(track: bytes) -> Iterator[Event]:
    at = time = status = 0
    size = len(track)
    while at < size:
        delta, at = (track[at], at + 1) if track[at] < 0x80 else number(track, at)
        time += delta
        byte = track[at]
        if byte < 0xF0:
            if byte >= 0x80:
                status, at = byte, at + 1
            elif not status:
                raise Unreadable("an event without its kind")
            first = min(track[at], 127)
            if 0xC0 <= status < 0xE0:
                at += 1
                yield Event(time, status, first)
            else:
                yield Event(time, status, first, min(track[at + 1], 127))
                at += 2
        elif byte == META:
            kind = track[at + 1]
            length, begin = number(track, at + 2)
            at = begin + length
            if at > size:
                raise EOFError
            yield Event(time, META, kind, 0, track[begin:at])
            if kind == END_OF_TRACK:
                return
        elif byte in (0xF0, 0xF7):
            length, at = number(track, at + 1)
            at += length
            if at > size:
                raise EOFError
        elif byte >= 0xF8:
            at += 1
        else:
            raise Unreadable(f"an event of kind {byte:#x}, which no file may have")


def number(track: bytes, at: int) -> tuple[int, int]:
    """A number of one to four bytes of seven bits each, and the place behind it. Raises IndexError, Unreadable."""
    value = 0
    for place in range(at, at + 4):
        value = value << 7 | track[place] & 0x7F
        if track[place] < 0x80:
            return value, place + 1
    raise Unreadable("a number of more than four bytes")
