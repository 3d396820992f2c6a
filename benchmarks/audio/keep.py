"""Where this room's results are kept: `write` and `read`, as benchmarks/keeping.py has them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from keeping import Results

_kept = Results(Path(__file__).resolve().parent / "results")
write, read = _kept.write, _kept.read
