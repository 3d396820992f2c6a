"""One file as the pieces in it, whatever its format; its contents say which that is, not its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genapps_music.reading.limits import DEFAULT, Limits, check_size
from genapps_music.score import Score, Skipped, Unreadable

Found = tuple[list[Score], list[Skipped]]  # pieces, named by what tells them apart in the file; and those left out
SUFFIXES = (".mid", ".midi", ".kar", ".rmi", ".musicxml", ".xml", ".mxl", ".abc", ".json")
_HEAD = 65_536  # bytes in which a tune book has begun


def read_score(path: str | Path, limits: Limits = DEFAULT) -> Score:
    """The piece in a file, its name the file's; of several the first, which is said. Raises Unreadable, OSError."""
    pieces, skipped = read_scores(path, limits)
    if not pieces:
        raise Unreadable(skipped[0].reason if skipped else "no piece in it")
    first, number = pieces[0], len(pieces)
    told = (f"the first of {number:,} pieces in the file",) if number > 1 else ()
    return replace(first, name=Path(path).name, remarks=(*first.remarks, *told))


def _no_file(place: Path) -> str:
    """Why there is nothing to read."""
    if place.is_symlink() and not place.is_dir():
        return "a link that leads nowhere"
    return "no regular file" if place.exists() else "no such file"


def read_scores(path: str | Path, limits: Limits = DEFAULT) -> Found:
    """All pieces of a file, and those in it that could not be read. Raises Unreadable, OSError.

    A piece's name is the file's, and # with its number or place where a file may hold several.
    """
    place = Path(path)
    if not place.is_file():
        raise Unreadable(_no_file(place))
    with place.open("rb") as file:
        head = file.read(_HEAD)
        reader = _reader(head, place.suffix.lower())
        check_size(place.stat().st_size, limits.max_bytes)
        data = head + file.read(limits.max_bytes)
    try:
        pieces, skipped = reader(data, limits)
    except (RecursionError, MemoryError):
        raise Unreadable("nested too deeply or too large") from None
    name = place.name
    return (
        [replace(piece, name=f"{name}#{piece.name}" if piece.name else name) for piece in pieces],
        [Skipped(f"{name}#{one.name}" if one.name else name, one.reason) for one in skipped],
    )


def _reader(head: bytes, suffix: str) -> Callable[[bytes, Limits], Found]:
    """What reads a file that begins so. Raises Unreadable for what is of no format that is read."""
    if not head:
        raise Unreadable("empty file")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:4]
    if start[:4] == b"MThd" or (start == b"RIFF" and head[8:12] == b"RMID"):
        return _midi
    if start[:4] == b"PK\x03\x04":
        return _mxl
    if start[:1] == b"<" or head[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<"):
        return _musicxml
    if start[:1] in (b"{", b"["):
        return _roll
    if suffix == ".abc" or re.search(rb"^X:", head, re.MULTILINE):
        return _abc
    raise Unreadable(_unknown(suffix))


def _unknown(suffix: str) -> str:
    begins = {".mxl": "PK", ".musicxml": "<", ".xml": "<", ".json": "{ or ["}.get(suffix, "MThd")
    if suffix in SUFFIXES:
        return f"no score: a {suffix} file begins with {begins}, and this does not"
    return f"no score; what is read: {', '.join(SUFFIXES)}"


def _midi(data: bytes, limits: Limits) -> Found:
    from genapps_music.reading.midi import read_midi

    return [read_midi(data, limits)], []


def _musicxml(data: bytes, limits: Limits) -> Found:
    from genapps_music.reading.musicxml import read_musicxml

    return [read_musicxml(data, limits)], []


def _mxl(data: bytes, limits: Limits) -> Found:
    from genapps_music.reading.musicxml import read_musicxml
    from genapps_music.reading.mxl import unpack

    return [read_musicxml(unpack(data, limits), limits)], []


def _abc(data: bytes, limits: Limits) -> Found:
    from genapps_music.reading.abc import read_abc

    return read_abc(data, limits)


def _roll(data: bytes, limits: Limits) -> Found:
    from genapps_music.reading.pianoroll import read_rolls

    return read_rolls(data, limits)
