"""Scores as they come, for the benchmarks of this room: where they lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from genapps_music.reading.folder import Scores, open_scores


def place(name: str) -> Path:
    """Where `name` lies in GENAPPS_DATA/audio or ../shared/data/audio. Ends the program, saying so, where it is not."""
    places = [Path(os.environ["GENAPPS_DATA"]) / "audio" / name] if os.environ.get("GENAPPS_DATA") else []
    places.append(Path(__file__).resolve().parents[3] / "shared" / "data" / "audio" / name)
    for one in places:
        if one.exists():
            return one
    print(f"skipped: no {name} in GENAPPS_DATA/audio", file=sys.stderr)
    raise SystemExit(0)


def scores(name: str) -> Scores:
    """All pieces of a file or folder of that place."""
    return open_scores(place(name))
