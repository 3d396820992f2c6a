"""Anomalies put into a file: all columns as they were but for the cells that an anomaly changes, and its labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps.io.atomic import replacing
from genapps.io.writers import TableWriter
from genapps.report.text import grid
from genapps.suggest import did_you_mean
from genapps_timeseries.detection.learning import FEWEST
from genapps_timeseries.detection.tasks import first_part
from genapps_timeseries.detection.training_part import training_part
from genapps_timeseries.injection.inject import (
    CORRELATION,
    KINDS,
    POINTS,
    STRENGTHS,
    WINDOW,
    Event,
    Injected,
    count_of,
    injected_channels,
)
from genapps_timeseries.injection.kinds import lengths_seen
from genapps_timeseries.reading.clock import stamped
from genapps_timeseries.reading.files import Options, read
from genapps_timeseries.reading.inputs import Input, in_input_order
from genapps_timeseries.reading.numerals import recognize_numeral
from genapps_timeseries.scoring.roles import roles_of
from genapps_timeseries.series import Codes, Floats, Series
from genapps_timeseries.synthesis.rhythm import period_of
from genapps_timeseries.synthesis.shape import decimals_of, filled
from genapps_timeseries.synthesis.writing import words_of
from genapps_timeseries.wording import listed

SHOWN = 30  # events that are printed
ADDED = ("is_anomaly", "anomaly_kind", "anomaly_id")


@dataclass(frozen=True)
class Wishes:
    """What is to be put in: `count` anomalies a series, into these channels; see `injected_channels` for the rest.

    train: the first rows, which stay as they are, as `training_part` reads them; "0" for none. Where nothing is said,
    those that `detect` learns from where nothing is said.
    """

    kinds: tuple[str, ...] = KINDS
    count: int = 10
    strength: float | tuple[float, float] = STRENGTHS
    lengths: tuple[int, int] | None = None
    window: int | None = None
    seed: int = 0
    channels: tuple[str, ...] = ()
    train: str | None = None


@dataclass(frozen=True)
class Labelled:
    """What was put in: a dict for each anomaly, how many rows there are and how many are labelled."""

    events: tuple[dict[str, Any], ...]
    rows: int
    anomalous: int
    notes: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """What was put in, for people."""
        share = f"{self.anomalous / max(self.rows, 1):.1%}".replace("%", " %")
        yield f"{count_of(len(self.events))} in {share} of {self.rows:,} rows"
        shown = self.events[:SHOWN]
        ends = [[str(e[end]).replace("T", " ") for end in ("start", "end")] for e in shown]
        rows = [(str(e["id"]), e["kind"], *two, f"{e['strength']:g}") for e, two in zip(shown, ends, strict=True)]
        named = [(*row, listed(e["channels"])) for row, e in zip(rows, shown, strict=True)]
        yield from grid([("id", "kind", "start", "end", "strength", "channels"), *named])
        if len(self.events) > SHOWN:
            yield f"and {len(self.events) - SHOWN:,} more; --events writes them all"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "rows": self.rows,
            "anomalous_rows": self.anomalous,
            "events": list(self.events),
            "notes": list(self.notes),
        }


def inject_file(
    source: str,
    output: str,
    wishes: Wishes,
    columns: Options | None = None,
    *,
    events: str | Path | None = None,
    encoding: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Labelled:
    """Write the table of `source` with anomalies in it, labelled by the columns of ADDED.

    events: a file for what was put in, one JSON object a line. Raises UsageError for unknown kinds and columns,
    InputError for what is no series or too short.
    """
    for kind in wishes.kinds:
        if kind not in (*KINDS, CORRELATION):
            there = (*KINDS, CORRELATION)
            raise UsageError(f"no kind of anomaly {kind!r}; there are: {', '.join(there)}.{did_you_mean(kind, there)}")
    columns = columns or Options()
    with Input(source, encoding=encoding) as given:
        for name in ADDED:
            if name in given.columns():
                raise UsageError(f"{given.name}: has a column {name!r} already, which labels would go to; rename it")
        # All that could be a channel is read, but only what is asked for is changed.
        reading = read(given, columns, progress)
        plans = [_Plan.of(one, wishes) for one in reading.series]
        made = [
            _injected(one, wishes, k, plan) for k, (one, plan) in enumerate(zip(reading.series, plans, strict=True))
        ]
        table = _Changes(reading.series, made, reading.rows)
        with TableWriter(output) as writer:
            for batch in table.applied(given):
                writer.write(batch)
    described = tuple(_described(reading.series, made))
    if events is not None:
        with replacing(events) as handle:
            handle.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in described).encode())
    return Labelled(
        described, reading.rows, int((table.ids > 0).sum()), tuple(_notes(reading.series, made, wishes, plans))
    )


@dataclass(frozen=True)
class _Plan:
    """Of one series: how many first rows stay as they are, and its period."""

    clean: int
    window: int

    @classmethod
    def of(cls, series: Series, wishes: Wishes) -> _Plan:
        window = wishes.window or period_of(filled(series.values)) or WINDOW
        if wishes.train is not None:
            none = wishes.train.strip() in ("0", "0%")
            return cls(0 if none else training_part(series, wishes.train).rows, window)
        enough = len(series) >= 2 * FEWEST  # of fewer rows `detect` tells nothing
        return cls(first_part(len(series)) if enough else 0, window)


def _injected(series: Series, wishes: Wishes, number: int, plan: _Plan) -> Injected:
    generator = np.random.default_rng([wishes.seed, number])
    made = injected_channels(
        series.values,
        generator,
        kinds=wishes.kinds,
        count=wishes.count,
        window=plan.window,
        lengths=wishes.lengths or lengths_seen,
        strength=wishes.strength,
        channels=_eligible(series, wishes.channels),
        first=plan.clean,
    )
    return replace(made, events=_with_the_way_back(made.events, series))


def _with_the_way_back(events: Sequence[Event], series: Series) -> tuple[Event, ...]:
    """The events, those in a counter with the row after: of a counter only steps tell, and there it steps back."""
    counters = {c for c, role in enumerate(roles_of(series.values)) if role == "counter"}
    return tuple(
        replace(event, length=event.length + 1) if counters & {*event.channels} and event.stop < len(series) else event
        for event in events
    )


def _eligible(series: Series, asked: tuple[str, ...]) -> list[int]:
    """The channels asked for, else those of more than two values; where there are none, those that vary, or all."""
    if asked:
        return [series.channels.index(name) for name in asked]
    known = [column[~np.isnan(column)][:100_000] for column in series.values.T]
    counts = [len(np.unique(column)) for column in known]
    for least in (3, 2, 0):
        if found := [c for c, count in enumerate(counts) if count >= least]:
            return found
    return []


class _Changes:
    """Values and labels in the order of the input."""

    def __init__(self, series: Sequence[Series], made: Sequence[Injected], rows: int) -> None:
        self.channels = series[0].channels
        self.values = in_input_order(series, [one.values for one in made], rows)
        ids, last = [], 0
        for one in made:
            numbers = np.zeros(len(one.values), np.int64)
            for event in one.events:
                last += 1
                numbers[event.start : event.stop] = last
            ids.append(numbers)
        self.ids: Codes = in_input_order(series, ids, rows, missing=0)
        self.kinds = ["", *(event.kind for one in made for event in one.events)]
        changed = [self._changed(one, new) for one, new in zip(series, made, strict=True)]
        self.changed: NDArray[np.bool_] = in_input_order(series, changed, rows, missing=False)
        both = np.concatenate([one.values[:100_000] for one in series])
        self.decimals = [decimals_of(both[:, c]) for c in range(len(self.channels))]

    @staticmethod
    def _changed(series: Series, new: Injected) -> NDArray[np.bool_]:
        same = (series.values == new.values) | (np.isnan(series.values) & np.isnan(new.values))
        changed: NDArray[np.bool_] = ~same
        return changed

    def applied(self, given: Input) -> Iterator[pa.Table]:
        """The batches of the input with changed cells and labels."""
        seen = 0
        for batch in given.tables():
            rows = slice(seen, seen + batch.num_rows)
            for c, name in enumerate(self.channels):
                if self.changed[rows, c].any():
                    place = batch.column_names.index(name)
                    new = _cells(batch[name], self.values[rows, c], self.changed[rows, c], self.decimals[c])
                    batch = batch.set_column(place, name, new)
            ids = self.ids[rows]
            batch = batch.append_column(ADDED[0], pa.array((ids > 0).astype(np.int64)))
            batch = batch.append_column(ADDED[1], pa.array([self.kinds[i] or None for i in ids], pa.string()))
            batch = batch.append_column(ADDED[2], pa.array(ids, mask=ids == 0))
            seen += batch.num_rows
            yield batch


def _cells(column: pa.ChunkedArray, values: Floats, changed: NDArray[np.bool_], decimals: int | None) -> pa.Array:
    """A column with new values where they changed, written and typed as the others; unknown ones are empty."""
    rounded = values if decimals is None else np.round(values, decimals)
    if pa.types.is_string(column.type):
        numeral, words = recognize_numeral(column), words_of(column)
        point, unit = (numeral.point, numeral.unit) if numeral else (".", "")
        cells = column.to_pylist()
        for row in np.flatnonzero(changed):
            value = float(rounded[row])
            cells[row] = words[int(value)] if words and value in (0, 1) else _text(value, decimals, point, unit)
        return pa.array(cells, column.type)
    numbers = np.where(changed, rounded, np.nan)
    new = pa.array(np.nan_to_num(numbers), pa.float64(), mask=np.isnan(numbers)).cast(column.type, safe=False)
    cells = column.combine_chunks()
    return pc.if_else(pa.array(changed), new, cells)


def _text(value: float, decimals: int | None, point: str, unit: str) -> str | None:
    if np.isnan(value):
        return None
    text = f"{value:.{decimals}f}" if decimals is not None else repr(value)
    return text.replace(".", point) + unit


def _described(series: Sequence[Series], made: Sequence[Injected]) -> Iterator[dict[str, Any]]:
    number = 0
    for one, new in zip(series, made, strict=True):
        for event in new.events:
            number += 1
            rows = one.rows[event.start : event.stop]
            times = [one.times[row] for row in (event.start, event.stop - 1)]
            clock = one.clock
            start, end = (stamped(clock, t) if clock.kind != "rows" else int(t) + 1 for t in times)
            yield {
                "id": number,
                **({"series": one.name} if one.name else {}),
                "kind": event.kind,
                "start": start,
                "end": end,
                "rows": int((rows >= 0).sum()),
                "strength": round(event.strength, 3),
                "channels": [one.channels[c] for c in event.channels],
            }


def _notes(series: Sequence[Series], made: Sequence[Injected], wishes: Wishes, plans: Sequence[_Plan]) -> Iterator[str]:
    yield from dict.fromkeys(note for one in series for note in one.notes)
    part = f"the first {plans[0].clean:,} rows" if len(plans) == 1 else "the first rows of each series"
    if any(plan.clean for plan in plans):
        why = ", which detect takes as normal (--train sets how many; 0 for none)" if wishes.train is None else ""
        yield f"{part} stay as they were{why}"
    if short := [event.length for event in _cut(made, plans, wishes)]:
        few = f"{count_of(len(short))} had room for {max(short):,} rows at most"
        than = "the kind is plain by" if wishes.lengths is None else "asked for"
        yield f"{few}, fewer than {than}; a lower --count leaves more"
    lacking = sum(wishes.count - len(one.events) for one in made)
    if lacking:
        yield f"{count_of(lacking)} left out, as nothing would have changed: {listed(sorted(set(wishes.kinds)))}"


def _cut(made: Sequence[Injected], plans: Sequence[_Plan], wishes: Wishes) -> Iterator[Event]:
    """Anomalies that are shorter than was asked for, or, where nothing was, than their kind takes to be seen."""
    for one, plan in zip(made, plans, strict=True):
        for event in one.events:
            if wishes.lengths is not None:
                short = event.cut and event.kind not in POINTS  # which are of a few rows whatever is asked
            else:
                short = event.length < lengths_seen(event.kind, plan.window)[0]
            if short:
                yield event
