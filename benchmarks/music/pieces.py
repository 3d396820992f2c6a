"""A thousand composed pieces, read by strangers: how many fail to parse, or leave a voice's range.

    .venv/bin/python benchmarks/music/pieces.py [MODEL.genapps]

Without a model one is fitted on every other of Bach's chorales, as `genapps music fit` does by itself; a model that is
given must have learnt these, too. Pieces of 8 bars are composed at several temperatures, written as MIDI and as
MusicXML, and read by pretty_midi and by music21. The ranges are those of the corpus.

Beside it: a hundred pieces as `genapps music compose` makes them if nothing is said, judged as `genapps music evaluate`
does, beside every fourth chorale, none of which was learnt or chosen by, and notes drawn one by one. How to draw by
default was chosen on the fourth that is left.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import keep
import sets
import torch

from genapps_music.composing.filling import Manner
from genapps_music.composing.fitting import Study, fit
from genapps_music.composing.tasks import compose
from genapps_music.judging.judging import judge
from genapps_music.model import MusicModel
from genapps_music.score import Score
from genapps_music.writing.files import write_score

PIECES, BARS, AT_ONCE, JUDGED = 1000, 8, 100, 100
FOUR = 4  # voices of a chorale; some pieces of that folder are none
TEMPERATURES = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 1.0, 1.0)


def main(path: str | None) -> None:
    """Compose, write, read, count."""
    torch.set_num_threads(1)
    chorales = list(sets.scores("bach_mxl"))
    model = MusicModel.load(path) if path else fit(chorales[::2], Study(latents=False)).model
    began = time.process_time()
    made: list[Score] = []
    for chunk in range(PIECES // AT_ONCE):
        found = compose(model, AT_ONCE, BARS, Manner(TEMPERATURES[chunk % len(TEMPERATURES)], 1.0, chunk))
        made += [one.score for one in found]
    seconds = time.process_time() - began
    with tempfile.TemporaryDirectory() as folder:
        counts = {name: counted(made, model, Path(folder) / f"piece{suffix}", read) for name, suffix, read in READERS}
    usual = compose(model, JUDGED, BARS, Manner(seed=99))
    unseen = [one for one in chorales[3::4] if [len(part.notes) > 0 for part in one.parts] == [True] * FOUR]
    judged = judge([one.score for one in usual], model.scores(model.learnt), unseen, seed=0)
    rows = [{"what": "read by a stranger", "reader": name, **found} for name, found in counts.items()]
    rows += [
        {
            "what": one["name"],
            "made": one["value"],
            **{control["name"]: control["value"] for control in one["controls"]},
            "protocol": one["protocol"],
        }
        for one in judged.to_json()["measures"]
    ]
    settings = {"pieces": PIECES, "bars": BARS, "temperatures": list(TEMPERATURES), "judged": JUDGED, "threads": 1}
    summary = {
        "failed": sum(one["failed"] for one in counts.values()),
        "out_of_range": sum(one["out_of_range"] for one in counts.values()),
        "other_notes": sum(one["other_notes"] for one in counts.values()),
        "compose_cpu_seconds": round(seconds, 1),
        "verdict": judged.finding.text,
        "rates": judged.to_json()["rates"],
        "model": dict(model.card),
    }
    keep.write("pieces", rows, settings, summary)


def counted(made: list[Score], model: MusicModel, place: Path, read: Any) -> dict[str, int]:
    """How many pieces fail to parse, how many have a note out of its voice's range or one lost, of how many notes."""
    failed = outside = lost = notes = 0
    for score in made:
        write_score(place, score)
        try:
            voices = read(place)
        except Exception:  # whatever a stranger stumbles over is a failure of ours
            failed += 1
            continue
        wanted = [[note.pitch for note in part.notes] for part in score.parts]
        notes += sum(map(len, wanted))
        lost += sorted(map(sorted, voices)) != sorted(map(sorted, wanted))
        pairs = list(zip(score.parts, model.codec.limits, strict=True))
        inside = all(low <= pitch <= high for part, (low, high) in pairs for pitch in (n.pitch for n in part.notes))
        widest = (min(low for low, _ in model.codec.limits), max(high for _, high in model.codec.limits))
        outside += not inside or any(not widest[0] <= pitch <= widest[1] for voice in voices for pitch in voice)
    return {"failed": failed, "out_of_range": outside, "other_notes": lost, "notes": notes, "pieces": len(made)}


def by_pretty_midi(place: Path) -> list[list[int]]:
    """The pitches of each voice."""
    import pretty_midi

    return [[note.pitch for note in one.notes] for one in pretty_midi.PrettyMIDI(str(place)).instruments]


def by_music21(place: Path) -> list[list[int]]:
    """The pitches of each voice; tied notes are one."""
    import music21

    parts = music21.converter.parse(str(place), forceSource=True).parts
    return [[int(note.pitch.midi) for note in part.stripTies().flatten().notes] for part in parts]


READERS = (("pretty_midi", ".mid", by_pretty_midi), ("music21", ".musicxml", by_music21))

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1] if len(sys.argv) > 1 else None)
