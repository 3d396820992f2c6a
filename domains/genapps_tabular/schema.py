"""What the columns of a table are: their kind, their type and how their values are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, get_args

from genapps.errors import InputError
from genapps.suggest import did_you_mean

Kind = Literal["number", "category", "boolean", "datetime", "date", "time", "identifier", "text", "constant"]
KINDS: tuple[str, ...] = get_args(Kind)
VERSION = 1
VERSION_KEY = "genapps_schema"


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

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults, and always name, kind and dtype, as plain JSON."""
        always = {"name": self.name, "kind": self.kind, "dtype": self.dtype}
        others = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return always | {key: list(v) if isinstance(v, tuple) else v for key, v in others.items()}

    @classmethod
    def from_json(cls, plain: Any) -> ColumnSchema:
        """The inverse of `to_json`; InputError naming the column and what is wrong with it."""
        if not isinstance(plain, Mapping) or not isinstance(plain.get("name"), str):
            raise InputError(f"schema: each column needs a name, which {str(plain)[:60]} has not")
        where = f"schema: column '{plain['name']}'"
        known = {f.name: f for f in fields(cls)}
        for key in plain:
            if key not in known:
                raise InputError(f"{where} has an unknown key '{key}'.{did_you_mean(str(key), known)}")
        for key, f in known.items():
            if f.default is MISSING and key not in plain:
                raise InputError(f"{where} has no {key}; give one of {', '.join(KINDS)}")
        values = {key: tuple(v) if isinstance(v, list) else v for key, v in plain.items()}
        for key, value in values.items():
            _check_type(where, key, value)
        fitting: dict[str, Any] = values
        column = cls(**fitting)
        column.check()
        return column

    def check(self) -> None:
        """InputError where the fields contradict each other."""
        from genapps_tabular.columns.base import arrow_type

        where = f"schema: column '{self.name}'"
        if self.kind not in KINDS:
            raise InputError(f"{where} has an unknown kind '{self.kind}'.{did_you_mean(self.kind, KINDS)}")
        try:
            dtype = str(arrow_type(self.dtype))
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{where} has an unknown dtype '{self.dtype}'; it is an Arrow type like string") from error
        text = dtype in ("string", "large_string") or dtype.startswith("dictionary")
        dated = dtype.startswith(("date", "timestamp", "time"))
        if self.kind in ("datetime", "date", "time"):
            if not (text or dated):
                raise InputError(f"{where} is {dtype}, which holds no {self.kind}s; choose another kind")
            if text and not self.format:
                raise InputError(f"{where} is a {self.kind} in text and needs a format, like %Y-%m-%d")
            if text and self.format:
                _check_format(where, self.format, self.kind)
        if self.kind == "number" and (dated or dtype == "bool"):
            raise InputError(f"{where} is {dtype}, which is no number; choose another kind")
        if self.decimals is not None and not self.least_decimals <= self.decimals <= 18:
            raise InputError(f"{where} has {self.decimals} decimals, and at least {self.least_decimals}; give 0 to 18")
        if self.thousands == self.point:
            raise InputError(f"{where} has '{self.point}' both between thousands and before decimals")


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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for people to edit."""
        return {VERSION_KEY: VERSION, "columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, plain: Any) -> Schema:
        """The inverse of `to_json`; InputError for what is no schema, is of a newer version or contradicts itself."""
        if not isinstance(plain, Mapping) or not isinstance(plain.get("columns"), list):
            raise InputError('schema: needs the form {"genapps_schema": 1, "columns": [{"name": ..., "kind": ...}]}')
        version = plain.get(VERSION_KEY)
        if version != VERSION:
            raise InputError(f"schema: {VERSION_KEY} is {version!r}, and this program reads {VERSION}; upgrade genapps")
        for key in plain:
            if key not in (VERSION_KEY, "columns"):
                raise InputError(f"schema: unknown key '{key}'.{did_you_mean(str(key), (VERSION_KEY, 'columns'))}")
        columns = tuple(ColumnSchema.from_json(column) for column in plain["columns"])
        check_distinct([column.name for column in columns])
        return cls(columns)

    def to_sdv_metadata(self, table: str = "table") -> dict[str, Any]:
        """SDV's metadata of a single table, as plain JSON."""
        from genapps_tabular.sdv_metadata import to_sdv

        return to_sdv(self, table)

    @classmethod
    def from_sdv_metadata(cls, metadata: Mapping[str, Any], table: Any) -> Schema:
        """From SDV's metadata of one table (1.x or 2.x) and its rows, which tell how values are written."""
        from genapps_tabular.sdv_metadata import from_sdv

        return from_sdv(metadata, table)

    def check(self, table: Any) -> None:
        """InputError unless the table has these columns, and values of these kinds."""
        from genapps_tabular.detection import check_column

        for name in self.names:
            if name not in table.column_names:
                raise InputError(f"the table has no column '{name}'.{did_you_mean(name, table.column_names)}")
        for name in table.column_names:
            if name not in self.names:
                raise InputError(f"the table has a column '{name}' that the schema has not; drop it or add it there")
        for column in self.columns:
            check_column(column, table.column(column.name))


def detect(table: Any) -> Schema:
    """The schema that a table's own values tell (see `detection`)."""
    from genapps_tabular.detection import detect_column

    check_distinct(table.column_names)
    return Schema(tuple(detect_column(name, table.column(name)) for name in table.column_names))


def empty_columns(table: Any) -> tuple[str, ...]:
    """The names of the columns without any value, whose kind is constant."""
    return tuple(name for name in table.column_names if table.column(name).null_count == len(table))


def kind_words(kind: str, empty: bool) -> str:
    """A column's kind as people are told it: a constant without any value is called empty."""
    return "empty" if empty and kind == "constant" else kind


def schema_from(plain: Any, table: Any) -> Schema:
    """A schema from JSON of either kind, this program's own or SDV's metadata, for a table."""
    if (
        isinstance(plain, Mapping)
        and VERSION_KEY not in plain
        and ("tables" in plain or "METADATA_SPEC_VERSION" in plain)
    ):
        return Schema.from_sdv_metadata(plain, table)
    return Schema.from_json(plain)


def check_distinct(names: Sequence[str]) -> None:
    """InputError where two columns have the same name."""
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"column '{name}' is there {count} times; give each column its own name")


def _check_type(where: str, key: str, value: Any) -> None:
    """InputError where a field of a column has a value of another type than its own."""
    if key == "nullable":
        good, needs = isinstance(value, bool), "true or false"
    elif key in ("decimals", "least_decimals"):
        good = (isinstance(value, int) and not isinstance(value, bool)) or (value is None and key == "decimals")
        needs = "a whole number"
    elif key in ("words", "missing"):
        good, needs = isinstance(value, tuple) and all(isinstance(v, str) for v in value), "a list of texts"
    else:
        good, needs = isinstance(value, str) or (value is None and key == "format"), "a text"
    if not good:
        raise InputError(f"{where} has {key} {value!r}, which needs to be {needs}")


def _check_format(where: str, format: str, kind: str) -> None:
    from genapps_tabular.columns import stamps

    letters = [letter.lstrip("%-") for letter in stamps.letters(format)]
    for letter in stamps.letters(format):
        if letter not in stamps.PATTERNS:
            known = " ".join(stamps.PATTERNS)
            raise InputError(f"{where} has a format with {letter}; the letters are {known}")
    if len(set(letters)) < len(letters):
        raise InputError(f"{where} has the format '{format}', which names a part twice")
    day, hour = {"y", "m", "d"}, {"h"}
    has = {"y" if c in "Yy" else "m" if c in "mbB" else "h" if c in "HI" else c for c in letters}
    needs = hour if kind == "time" else day if kind == "date" else day | hour
    if not needs <= has:
        raise InputError(f"{where} has the format '{format}', which does not tell a {kind}; use %Y %m %d, %H %M %S")
    if "I" in letters and not {"p", "P"} & set(letters):
        raise InputError(f"{where} has the format '{format}' with %I but without %p")
