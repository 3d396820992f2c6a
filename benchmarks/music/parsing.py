"""Seconds to read 1,000 MIDI files, beside pretty_midi and mido, on the same files and one thread.

    .venv/bin/python benchmarks/music/parsing.py

The files are the first 1,000 of the Nottingham collection with melody and chords (midi_nottingham/MIDI), read once
before so that the disk does not count. CPU seconds, the best of three; for a reader alone, and for `open_scores` with
all it does for a folder. The notes of all readers are counted, so that none reads less than the others.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import keep
import mido
import pretty_midi
from sets import place

from genapps_music.reading.folder import open_scores
from genapps_music.reading.midi import read_midi

FILES = 1000


def ours(data: bytes) -> int:
    """Notes that this project reads."""
    return sum(len(part.notes) for part in read_midi(data).parts)


def pretty(data: bytes) -> int:
    """Notes that pretty_midi reads."""
    return sum(len(one.notes) for one in pretty_midi.PrettyMIDI(io.BytesIO(data)).instruments)


def events(data: bytes) -> int:
    """Beginnings of notes among mido's events, which it does not join to notes."""
    tracks: Any = mido.MidiFile(file=io.BytesIO(data)).tracks
    return sum(event.type == "note_on" and event.velocity > 0 for track in tracks for event in track)


def best(task: Callable[[], int], times: int = 3) -> tuple[float, int]:
    """CPU seconds of the quickest run, and what it counted."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        count = task()
        found.append((time.process_time() - begun, count))
    return min(found)


def main() -> None:
    """Measure, print and write down."""
    folder = place("midi_nottingham") / "MIDI"
    paths = sorted(folder.glob("*.mid"))[:FILES]
    data = [path.read_bytes() for path in paths]
    rows = []
    for name, reader, times in (("genapps", ours, 3), ("mido, events only", events, 2), ("pretty_midi", pretty, 2)):
        seconds, notes = best(lambda reader=reader: sum(map(reader, data)), times)  # type: ignore[misc]
        rows.append({"reader": name, "cpu_seconds": round(seconds, 2), "notes": notes})
        print(rows[-1])
    seconds, notes = best(lambda: sum(len(part.notes) for one in open_scores(paths) for part in one.parts))
    rows.append({"reader": "genapps, open_scores", "cpu_seconds": round(seconds, 2), "notes": notes})
    print(rows[-1])
    asked = 5.0
    summary = {"asked_at_most": asked, "kept": max(rows[0]["cpu_seconds"], rows[-1]["cpu_seconds"]) <= asked}
    keep.write("parsing", rows, {"files": len(data), "bytes": sum(map(len, data)), "threads": 1}, summary)


if __name__ == "__main__":
    main()
