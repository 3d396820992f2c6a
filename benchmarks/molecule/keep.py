"""Writes the results of the benchmarks of molecules: when, which commit, what kind of machine, how, and the rows."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tabular"))

from record import commit, machine, today

RESULTS = Path(__file__).resolve().parent / "results"


def write(
    name: str,
    rows: list[dict[str, Any]],
    settings: dict[str, Any],
    summary: dict[str, Any] | None = None,
    folder: Path = RESULTS,
) -> Path:
    """Write `NAME.json`: one row a figure or a run; `summary` is what they come to, `settings` how."""
    path = folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = {"date": today(), "commit": commit(), "machine": machine()}
    path.write_text(
        json.dumps({**stamp, "settings": settings, "summary": summary or {}, "rows": rows}, indent=1) + "\n"
    )
    print(f"wrote {os.path.relpath(path)}")
    return path


def read(name: str, folder: Path = RESULTS) -> dict[str, Any]:
    """What was written before, or nothing."""
    path = folder / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found
