"""What the columns of a table are: their kind, their type and how their values are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal["number", "category", "boolean", "datetime", "date", "time", "identifier", "text", "constant"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class ColumnSchema:
    """One column: what it means (`kind`), how it is stored (`dtype`, an Arrow type) and how it is written.

    The remaining fields speak of text: a number 1,234.50 EUR has `decimals` 2, `least_decimals` 2, `thousands` ",",
    `point` "." and `suffix` " EUR"; a date has a `format` of strptime letters. `words` are values that a number or date
    column has beside its numbers and dates and that come back as written; `missing` are those that mean "no value".
    """

    name: str
    kind: Kind
    dtype: str = "string"
    nullable: bool = True
    decimals: int | None = None
    least_decimals: int = 0
    prefix: str = ""
    suffix: str = ""
    thousands: str = ""
    point: str = "."
    format: str | None = None
    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ColumnSchema:
        """From the fields as JSON has them (lists for tuples)."""
        fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in plain.items()}
        return cls(**fields)


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order."""

    columns: tuple[ColumnSchema, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names in order."""
        return tuple(c.name for c in self.columns)

    def __getitem__(self, name: str) -> ColumnSchema:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def detect(table: Any) -> Schema:
    """The schema that a table's own values tell (see `detection`)."""
    from genapps_tabular.detection import detect_column

    return Schema(tuple(detect_column(name, table.column(name)) for name in table.column_names))
