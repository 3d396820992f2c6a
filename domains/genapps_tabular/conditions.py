"""What a person may ask of a column: a value, one of several, a range, or a missing cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Equals:
    """The column has this value; text is read as the column's own values are written."""

    value: Any


@dataclass(frozen=True)
class OneOf:
    """The column has one of these values."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Between:
    """The column lies in this closed range; None leaves that side open."""

    low: Any = None
    high: Any = None


@dataclass(frozen=True)
class IsMissing:
    """The cell is empty."""


Condition = Equals | OneOf | Between | IsMissing
