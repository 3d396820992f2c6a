"""Sets of sounds as they come, for the benchmarks of this room: where they lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def folder(name: str) -> Path:
    """Where the set "fsdd" or "esc10" lies. Ends the program, saying so, where it does not."""
    places = [Path(os.environ["GENAPPS_DATA"]) / "audio" / name] if os.environ.get("GENAPPS_DATA") else []
    places += [Path(__file__).resolve().parents[3] / "shared" / "data" / "audio" / name]
    for place in places:
        if place.is_dir():
            return place
    print(f"skipped: no {name} in GENAPPS_DATA/audio", file=sys.stderr)
    raise SystemExit(0)
