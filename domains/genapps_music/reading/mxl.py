"""Compressed MusicXML: the score in a ZIP archive, found as its container says; nothing is unpacked to the disk.

Source: W3C Music Notation Community Group, MusicXML 4.0, "Compressed .mxl files", 2021.
"""

from __future__ import annotations

import io
import zipfile

from genapps_music.reading.limits import DEFAULT, MIB, Limits
from genapps_music.reading.xml import Kept, parse
from genapps_music.score import Unreadable

CONTAINER = "META-INF/container.xml"
_KEPT = frozenset(("container", "rootfiles", "rootfile"))


def unpack(data: bytes, limits: Limits = DEFAULT) -> bytes:
    """The bytes of the score in an archive. Raises Unreadable, also where it would expand to more than is allowed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, limits)
            return _entry(archive, _root(archive, limits), limits)
    except Unreadable:
        raise
    except (
        Exception
    ) as error:  # zipfile lets through whatever its parts raise: BadZipFile, zlib.error, RuntimeError ...
        raise Unreadable(f"a damaged archive ({str(error)[:100] or type(error).__name__})") from None


def _check(archive: zipfile.ZipFile, limits: Limits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.max_entries:
        raise Unreadable(f"an archive of {len(entries):,} files, more than the {limits.max_entries:,} allowed")
    declared = sum(entry.file_size for entry in entries)
    if declared > limits.max_expanded:
        raise Unreadable(
            f"expands to {declared / MIB:,.0f} MiB, more than the {limits.max_expanded / MIB:,.0f} MiB allowed;"
            " save it anew"
        )


def _root(archive: zipfile.ZipFile, limits: Limits) -> str:
    """The name of the score: what the container names first, or the only MusicXML where there is no container."""
    names = archive.namelist()
    if CONTAINER in names:
        container = parse(_entry(archive, CONTAINER, limits), Kept(_KEPT), limits)
        paths = [root.get("full-path", "") for files in container.all("rootfiles") for root in files.all("rootfile")]
        for path in paths:
            if path in names:
                return path
        raise Unreadable(f"an archive whose {CONTAINER} names no score that is in it")
    scores = [name for name in names if name.endswith((".xml", ".musicxml")) and not name.startswith("META-INF/")]
    if len(scores) != 1:
        raise Unreadable(f"an archive with {len(scores)} scores and no {CONTAINER}")
    return scores[0]


def _entry(archive: zipfile.ZipFile, name: str, limits: Limits) -> bytes:
    with archive.open(name) as file:
        data = file.read(limits.max_expanded + 1)  # what the archive declares need not be true
    if len(data) > limits.max_expanded:
        raise Unreadable(f"expands to more than the {limits.max_expanded / MIB:,.0f} MiB allowed; save it anew")
    return data
