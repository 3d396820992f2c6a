"""Where rows go: into one file as they come, or into one table in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from genapps.io.writers import TableWriter
from genapps_tabular.progress import Progress, Step


@dataclass(frozen=True)
class Destination:
    """A file, written whole or not at all in memory bounded by one shard; or, without one, a table in memory."""

    output: str | Path | None = None
    spreadsheet_safe: bool = False
    progress: Progress | None = None

    def take(self, tables: Iterable[pa.Table], n: int, *, keep: int = 0) -> tuple[pa.Table | None, pa.Table | None]:
        """Take n rows in order. Returns (all of them, or None where they went to a file; the first `keep`, or None)."""
        if self.output is None:
            rows = pa.concat_tables(list(tables))
            return rows, rows.slice(0, keep) if keep else None
        kept: list[pa.Table] = []
        written = 0
        with TableWriter(self.output, spreadsheet_safe=self.spreadsheet_safe) as writer:
            for table in tables:
                writer.write(table)
                if written < keep:
                    kept.append(table.slice(0, keep - written))
                written += len(table)
                if self.progress:
                    self.progress(Step("writing", written, n, "rows"))
        return None, pa.concat_tables(kept) if kept else None
