"""What a run would do, said before it does it: the columns as detected, an estimate of time and memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from genapps.cli.console import clock
from genapps.report.text import grid
from genapps_tabular.checks import (
    AUTO,
    SDV,
    SchemaLike,
    check_rows,
    family_of,
    read,
    resolve_schema,
    table_families,
)
from genapps_tabular.config import TabularConfig
from genapps_tabular.schema import empty_columns, kind_words

# Measured on one core of a 2.x GHz server; right within a factor of three.
SECONDS_A_PAIR = 5e-7  # of columns, in a row of a training step of the network
SECONDS_A_CELL = 2.6e-5  # of a table that a mixture learns
MOST_ROWS = 200_000  # from here on the time of a mixture hardly grows
BYTES_A_CELL = 60  # text, codes and their copies
BASE_BYTES = 400 * 2**20  # the interpreter with its libraries


@dataclass(frozen=True)
class Plan:
    """What was found in the input and what would be done with it; seconds and bytes are rough."""

    data: str
    rows: int
    columns: tuple[tuple[str, str], ...]  # (name, kind)
    empty: tuple[str, ...]  # the names of those without any value
    family: str
    seed: int
    wanted: int
    seconds: float
    memory_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON."""
        return {**asdict(self), "columns": dict(self.columns)}


def plan(data: str, config: TabularConfig, schema: SchemaLike, encoding: str | None, wanted: int | None) -> Plan:
    """Read the input and say what would be done. Raises as the run itself would for input that cannot be used."""
    table, _, name = read(data, encoding)
    check_rows(table, name)
    families = table_families() if config.family == AUTO else [config.family]
    if not config.family.startswith(SDV):
        families = [family_of(family) for family in families]
    found = resolve_schema(table, schema, name)
    return Plan(
        data=name,
        rows=len(table),
        columns=tuple((column.name, column.kind) for column in found.columns),
        empty=empty_columns(table),
        family=config.family,
        seed=config.seed,
        wanted=len(table) if wanted is None else wanted,
        seconds=config.training.budget
        or sum(_seconds(family, table.num_columns, len(table), config) for family in families),
        memory_bytes=BASE_BYTES + BYTES_A_CELL * len(table) * table.num_columns,
    )


def _seconds(family: str, columns: int, rows: int, config: TabularConfig) -> float:
    """A rough estimate of the seconds of training."""
    from genapps.training import Recipe
    from genapps.training.loop import steps_for

    if family == "gmm":
        return SECONDS_A_CELL * min(rows, MOST_ROWS) * columns
    batch, steps = steps_for(rows, config.training.over(Recipe()))
    return SECONDS_A_PAIR * batch * steps * columns**2


def plan_lines(plan: Plan, places: Mapping[str, Any]) -> Iterator[str]:
    """The plan as a person reads it."""
    yield f"{plan.data}: {plan.rows:,} rows, {len(plan.columns)} columns"
    kinds = [(name, kind_words(kind, name in plan.empty)) for name, kind in plan.columns]
    yield from grid([("column", "taken for"), *kinds])
    yield f"family      {plan.family}, seed {plan.seed}"
    yield f"training    about {clock(max(plan.seconds, 1))}, {plan.memory_bytes / 2**20:,.0f} MiB (rough)"
    for name, place in places.items():
        if place is not None:
            where = "stdout" if str(place) == "-" else str(place)
            yield f"{name:<11} {where}" + (f" ({plan.wanted:,} rows)" if name == "rows" else "")
    yield "nothing was done: --dry-run"
