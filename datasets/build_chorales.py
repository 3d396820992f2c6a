"""Makes the demo's pieces, domains/genapps_music/samples, from Bach's chorales in the package music21.

    .venv/bin/python datasets/build_chorales.py [FOLDER]

Sixty four-part chorales as MIDI files, a file each, and the melody of another one: notes, meter and key, encoded anew.
J. S. Bach's music is in the public domain. Chosen are those with four voices of one note at a time, within usual
ranges, in 4/4, of 8 to 24 bars, on a grid of sixteenths; every so many of them, so that all keys are there. The same
package version gives the same bytes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from genapps_music.reading.files import read_score
from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.writing.files import write_score

CHOSEN = 60
VOICES = (("Soprano", 60, 81), ("Alto", 53, 76), ("Tenor", 46, 69), ("Bass", 36, 64))
PROGRAM = 52  # General MIDI's choir
SIXTEENTH = QUARTER // 4
SAMPLES = Path(__file__).parent.parent / "domains" / "genapps_music" / "samples"


def main(target: Path) -> None:
    """Write the files."""
    folder = target / "chorales"
    folder.mkdir(parents=True, exist_ok=True)
    fitting = [one for path in found() if (one := chorale(read_score(path))) is not None]
    chosen = [fitting[at * len(fitting) // CHOSEN] for at in range(CHOSEN)]
    for one in chosen:
        write_score(folder / f"{one.name}.mid", one)
    another = fitting[fitting.index(chosen[CHOSEN // 2]) + 1]
    write_score(target / "melody.mid", replace(another, parts=another.parts[:1]))


def found() -> list[Path]:
    """The files of the corpus that are numbered in Bach's catalogue."""
    package = find_spec("music21")
    if package is None or package.origin is None:
        raise SystemExit("this needs music21: pip install music21")
    return sorted((Path(package.origin).parent / "corpus" / "bach").glob("bwv*.mxl"))


def chorale(score: Score) -> Score | None:
    """Four voices and what is known of them, or None for what is no plain chorale."""
    if len(score.parts) != 4 or score.meters != (Meter(0, 4, 4),) or not 8 <= score.end // (4 * QUARTER) <= 24:
        return None
    parts = []
    for part, (name, low, high) in zip(score.parts, VOICES, strict=True):
        if not all(low <= note.pitch <= high for note in part.notes):
            return None
        if any(note.onset % SIXTEENTH or note.duration % SIXTEENTH for note in part.notes):
            return None
        if any(before.end > after.onset for before, after in pairwise(part.notes)):
            return None
        parts.append(Part(tuple(Note(note.onset, note.duration, note.pitch) for note in part.notes), name, PROGRAM))
    number = score.name.removesuffix(".mxl")
    return Score(tuple(parts), number, score.meters, 80.0, score.fifths, score.minor)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
