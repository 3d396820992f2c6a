"""Writes what a room's benchmarks find: when, which commit, what kind of machine, how it was measured, and the rows."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "tabular"))

from record import commit, machine, today


@dataclass(frozen=True)
class Results:
    """The folder of a room's results: one JSON a benchmark."""

    folder: Path

    def write(
        self, name: str, rows: list[dict[str, Any]], settings: dict[str, Any], summary: dict[str, Any] | None = None
    ) -> Path:
        """Write `NAME.json`: one row a figure, a series or a contender; `summary`: what they come to."""
        path = self.folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = {"date": today(), "commit": commit(), "machine": machine()}
        told = {"settings": settings, **({} if summary is None else {"summary": summary}), "rows": rows}
        path.write_text(json.dumps({**stamp, **told}, indent=1) + "\n")
        print(f"wrote {os.path.relpath(path)}")
        return path

    def read(self, name: str) -> dict[str, Any]:
        """What was written before, or nothing."""
        path = self.folder / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found
