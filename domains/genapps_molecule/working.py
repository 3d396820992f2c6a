"""A CSV file of what was dropped."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from genapps.io.atomic import replacing


@contextmanager
def listing(path: Path, columns: Sequence[str]) -> Iterator[Callable[..., None]]:
    """What writes a row (its cells) to a CSV file with these columns."""
    with replacing(path) as handle:
        text = io.TextIOWrapper(handle, "utf-8", newline="", write_through=True)
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(columns)

        def write(*cells: object) -> None:
            rows.writerow(cells)

        try:
            yield write
        finally:
            text.detach()  # the handle is not the text's to close
