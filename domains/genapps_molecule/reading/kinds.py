"""What the other columns of a file hold: whole numbers, decimal ones, or texts, and their cells as such.

A cell is a number where it would be written so again: 007, +5 and 1,5 are texts, and a column with one of those is one
of texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")  # an integer of 64 bits holds each
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")

WHOLE, LONG, DECIMAL, TEXT = 1, 2, 4, 8  # LONG: whole, with more digits than a decimal number keeps


def number_of(text: str) -> float:
    """The number that a cell is, however it is written; NaN where it is none."""
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else math.nan


def kinds_of(rows: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """The kind of each column (WHOLE, DECIMAL or TEXT) from every row's cells; one of empty cells has none."""
    found: dict[str, int] = {}
    for row in rows:
        for name, text in row.items():
            before = found.get(name, 0)
            if before < TEXT and text.strip():
                found[name] = before | _kind(text.strip())
    return {name: _column(kind) for name, kind in found.items()}


def _column(kinds: int) -> int:
    """What a column is whose cells are of these kinds."""
    if kinds >= TEXT or (kinds & LONG and kinds & DECIMAL):
        return TEXT
    return DECIMAL if kinds & DECIMAL else WHOLE


def _kind(text: str) -> int:
    if _WHOLE.fullmatch(text):
        return WHOLE if len(text) <= 15 else LONG
    return DECIMAL if _DECIMAL.fullmatch(text) else TEXT


def typed(cells: Sequence[str | None], kind: int) -> Any:
    """A column of texts (N,) as what it holds; None is a missing cell, and in numbers a blank one, too."""
    if kind == TEXT:
        return pa.array(cells, pa.string())
    read: type[int] | type[float] = int if kind == WHOLE else float
    numbers = [read(cell) if cell is not None and cell.strip() else None for cell in cells]
    return pa.array(numbers, pa.int64() if kind == WHOLE else pa.float64())
