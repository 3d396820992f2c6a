"""How often real music breaks the rules that made music is judged by, in 100 changes of what sounds.

    python benchmarks/music/rules.py

The files of Bach's chorales in music21's corpus (those of four parts), the same as sixteenths (Boulanger-Lewandowski's
382), and 1,034 tunes of Nottingham's collection, whose chords are played as blocks and so move in parallel. Intervals
are 95 %, by a bootstrap over the pieces. The five files with most parallels in relation to their length are named.
"""

from __future__ import annotations

import time
from typing import Any

import keep
import numpy as np
import sets

from genapps_music.judging.judging import PARALLELS
from genapps_music.judging.rules import RULES, Checked, check, learn_ranges, rate
from genapps_music.judging.voices import voices_of
from genapps_music.score import Score

SETS = {
    "Bach, MusicXML, four parts": "bach_mxl",
    "Bach, sixteenths": "jsb_chorales/Jsb16thSeparated.json",
    "Nottingham, MIDI": "midi_nottingham/MIDI",
}


def main() -> None:
    rows: list[dict[str, Any]] = []
    for name, where in SETS.items():
        start = time.process_time()
        found = sets.scores(where)
        read = time.process_time() - start
        scores = [one for one in found if wanted(one, where)]
        rows.append({"set": name, "files_skipped": len(found.skipped), **figures(scores)})
        rows[-1] |= {"cpu_seconds_reading": round(read, 2), "cpu_seconds": round(time.process_time() - start - read, 2)}
        print(rows[-1], flush=True)
    keep.write("rules", rows, {"interval": "95 %, bootstrap over pieces", "seed": 0})


def wanted(score: Score, where: str) -> bool:
    """Bach's movements in four parts; tunes with their chords, not the same without."""
    return len(score.parts) == 4 if where == "bach_mxl" else "/" not in score.name.split("#")[0]


def figures(scores: list[Score]) -> dict[str, Any]:
    """Rates of all rules; ranges are those of the same pieces, so none is broken."""
    pieces = [voices_of(one) for one in scores]
    ranges = learn_ranges(pieces)
    checked = [check(one, ranges) for one in pieces]
    generator = np.random.default_rng(0)
    told: dict[str, Any] = {"pieces": len(scores), "changes": sum(one.changes for one in checked)}
    for name, rules in {"parallels": PARALLELS, **{rule: (rule,) for rule in RULES}}.items():
        one = rate(checked, *rules, generator=generator)
        told[name] = {
            "rate": round(one.value, 3),
            "low": round(one.low, 3),
            "high": round(one.high, 3),
            "places": one.breaches,
        }
    told["without_parallels"] = round(float(np.mean([one.count(*PARALLELS) == 0 for one in checked])), 3)
    told["most"] = [scores[k].name for k in np.argsort([-share(one) for one in checked], kind="stable")[:5].tolist()]
    return told


def share(one: Checked) -> float:
    """Parallels a change."""
    return one.count(*PARALLELS) / max(one.changes, 1)


if __name__ == "__main__":
    main()
