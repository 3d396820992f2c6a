"""What is asked for, checked before any work: each check raises one line that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from genapps.errors import GenappsError, InputError, UsageError
from genapps.io.frames import to_arrow
from genapps.io.limits import parse_json
from genapps.io.tables import read_table
from genapps.models import FAMILIES, family_class
from genapps.spaces import Columns
from genapps.suggest import did_you_mean
from genapps_tabular.conditions import Between, Condition, Equals, IsMissing, OneOf, parse, parse_value
from genapps_tabular.schema import Schema, detect, schema_from

AUTO = "auto"
SDV = "sdv:"
FEWEST_ROWS = 2

Back = Callable[[pa.Table], Any]
SchemaLike = Schema | str | Path | None
Given = Mapping[str, Any] | Sequence[str] | None


def read(data: Any, encoding: str | None = None) -> tuple[pa.Table, Back, str]:
    """A table of any kind, or a path, as Arrow; the way back to its kind; and what to call it in a message."""
    if isinstance(data, str | Path):
        return read_table(data, encoding=encoding), same, "stdin" if str(data) == "-" else str(data)
    table, back = to_arrow(data)
    return table, back, f"the {type(data).__module__.partition('.')[0]} table"


def same(table: pa.Table) -> pa.Table:
    """The way back for a caller who speaks Arrow."""
    return table


def family_of(name: str) -> str:
    """The family to build. Raises UsageError for one that learns no tables, and for a name that is none."""
    if name in FAMILIES:
        family_class(name).engine_class(Columns)  # says why where it does not learn tables
        return name
    known = [*table_families(), AUTO]
    raise UsageError(f"unknown family {name!r}; choose from {', '.join(known)} or sdv:NAME.{did_you_mean(name, known)}")


def check_family(name: str) -> None:
    """Raises UsageError as `family_of` does, but for auto, which stands for several."""
    if name != AUTO:
        family_of(name)


def table_families() -> list[str]:
    """The families that learn tables."""
    return [name for name in FAMILIES if Columns in family_class(name).engines]


def check_rows(table: pa.Table, name: str, fewest: int = FEWEST_ROWS) -> None:
    """Raises InputError where there is too little to learn from."""
    if len(table) < fewest:
        rows = "1 row" if len(table) == 1 else f"{len(table)} rows"
        raise InputError(f"{name}: holds {rows}, and this needs {fewest} or more; give more rows")


def check_count(n: int) -> None:
    """Raises UsageError unless n rows can be made."""
    if n < 1:
        raise UsageError(f"cannot make {n} rows; ask for 1 or more")


def check_target(target: str | None, table: pa.Table) -> None:
    """Raises UsageError where the target is no column of the table."""
    if target is not None and target not in table.column_names:
        raise UsageError(f"no column {target!r} to predict.{did_you_mean(target, table.column_names)}")


def refuse_for_sdv(family: str, conditions: dict[str, Condition], model: str | Path | None) -> None:
    """Raises UsageError where SDV's synthesizers are asked for what they cannot do: a model, conditions."""
    if not family.startswith(SDV):
        return
    if model is not None:
        raise UsageError(
            f"{family}: a model of SDV cannot be saved, such a run ends with its rows; leave the model out"
        )
    if conditions:
        raise UsageError(f"{family}: conditions are for models of our own; leave them out or choose another family")


def resolve_schema(table: pa.Table, schema: SchemaLike, name: str) -> Schema:
    """The given schema once it fits the table, or the detected one; `schema` may be a file, ours or SDV's metadata.

    Raises UsageError where the file does not exist, InputError where it is no schema or does not fit the table.
    """
    if schema is None:
        return detect(table)
    if isinstance(schema, str | Path):
        with naming(str(schema)):
            schema = schema_from(parse_json(_read_small(Path(schema)), "schema"), table)
    with naming(name):
        schema.check(table)
    return schema


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Let errors inside say which file or table they speak of."""
    try:
        yield
    except GenappsError as error:
        raise type(error)(f"{source}: {error}") from error


def _read_small(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError("no such file") from None
    except IsADirectoryError:
        raise UsageError("is a directory; name a file in it") from None


def conditions_of(given: Given, schema: Schema) -> dict[str, Condition]:
    """`given` as conditions by column: texts like `age=30..40`, or a mapping of columns to what is asked of them.

    In a mapping a text is read as in the command, a list or tuple means one of several, any other value itself.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        return parse([given], schema)
    return parse(given, schema) if isinstance(given, Sequence) else {k: _condition(k, v) for k, v in given.items()}


def _condition(column: str, asked: Any) -> Condition:
    if isinstance(asked, (Equals, OneOf, Between, IsMissing)):
        return asked
    if isinstance(asked, str):
        return parse_value(column, asked)
    return OneOf(tuple(asked)) if isinstance(asked, (list, tuple)) else Equals(asked)


def check_same_columns(table: pa.Table, real: pa.Table, name: str, real_name: str) -> None:
    """Raises InputError unless both tables have columns of the same names."""
    missing = [column for column in real.column_names if column not in table.column_names]
    if missing:
        raise InputError(
            f"{name}: has no column {missing[0]!r}, which {real_name} has; give tables of the same columns"
        )
    extra = [column for column in table.column_names if column not in real.column_names]
    if extra:
        raise InputError(
            f"{name}: has a column {extra[0]!r}, which {real_name} has not; give tables of the same columns"
        )
