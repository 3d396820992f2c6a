"""The task `synthesize`: learn from a part of the series, judge by the rest, write new ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.io.writers import TableWriter
from genapps.report.measured import Finding, Measured, measured_lines
from genapps.report.text import grid
from genapps.suggest import did_you_mean
from genapps_timeseries.reading.files import Options, read
from genapps_timeseries.reading.inputs import Input
from genapps_timeseries.series import Floats, Series
from genapps_timeseries.synthesis.counters import Counters
from genapps_timeseries.synthesis.families import LEARN
from genapps_timeseries.synthesis.metrics import Sides, measure, score_of
from genapps_timeseries.synthesis.model import FEWEST, SavedSeries, SeriesModel, learn_series
from genapps_timeseries.synthesis.shape import filled, positions
from genapps_timeseries.synthesis.verdict import judge
from genapps_timeseries.synthesis.writing import Layout, gaps_like, names_of, start_of

DEFAULT = ("gmm", "hmm")  # fast, and the likest two on average of seven series, now the one, now the other
AUTO = ("gmm", "hmm", "autoregressive", "vae", "rbm")  # tried in turn while the budget lasts
AUTO_BUDGET = 120.0
BLOCKS, KEPT = 10, (3, 7)  # of a single series: so many stretches, and those that the model does not see
MANY = 5  # series from which on whole ones are kept, each fifth
CHUNK = 100_000  # rows of a new series written at once


@dataclass(frozen=True)
class Order:
    """What is wanted: rows of each new series (None: as the input has), how many, where time begins, gaps or none."""

    rows: int | None = None
    count: int = 1
    start: str = "after"
    missing: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Trial:
    """One family tried: its figures, how unlike real rows its own are (0 is as like as real ones), CPU seconds."""

    family: str
    unlike: float
    measures: tuple[Measured, ...]
    seconds: float


@dataclass(frozen=True)
class Synthesis:
    """What was made: rows written, family, figures beside their controls, families tried, the verdict."""

    family: str
    rows: int
    series: int
    channels: tuple[str, ...]
    measures: tuple[Measured, ...]
    trials: tuple[Trial, ...]
    verdict: Finding | None
    rhythms: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    def lines(self) -> Iterator[str]:
        """For people."""
        many = f"{self.series:,} series of " if self.series > 1 else ""
        yield f"{many}{self.rows:,} rows of {len(self.channels)} channels by {self.family} in {self.seconds:.1f} s"
        if self.measures:
            yield ""
            yield from measured_lines(self.measures, "these rows")
        if len(self.trials) > 1:
            yield ""
            rows = [(t.family, f"{t.unlike:.3f}", f"{t.seconds:.1f}") for t in self.trials]
            yield from grid([("family", "unlike real rows", "CPU seconds"), *rows])
        if self.verdict is not None:
            yield ""
            yield f"{self.verdict.word}. {self.verdict.text}"

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        return {
            "family": self.family,
            "rows": self.rows,
            "series": self.series,
            "channels": list(self.channels),
            "rhythms": list(self.rhythms),
            "measures": {m.key: m.to_json() for m in self.measures},
            "trials": [{"family": t.family, "unlike": t.unlike, "seconds": t.seconds} for t in self.trials],
            "verdict": None if self.verdict is None else {"level": self.verdict.level, "text": self.verdict.text},
            "seconds": self.seconds,
            "notes": list(self.notes),
        }


def synthesize_file(
    source: str | None,
    output: str,
    order: Order,
    columns: Options | None = None,
    *,
    family: str | None = None,
    budget: float | None = None,
    model: str | Path | None = None,
    save: str | Path | None = None,
    report: str | Path | None = None,
    encoding: str | None = None,
    progress: Callable[[Any], None] | None = None,
) -> Synthesis:
    """Learn from `source` and write new series to `output`; with `model` draw from what was saved, without `source`.

    Raises UsageError for an unknown family, InputError for what no series can be learnt from.
    """
    began = time.monotonic()
    if model is not None:
        saved = SavedSeries.load(model)
        rows = _write(saved, output, order)
        notes = ("drawn from a saved model: its figures are those of when it was learnt",)
        return Synthesis(saved.model.maker_name, rows, order.count, saved.model.channels, saved.measures, (),
                         None, saved.model.rhythm_names(), notes, time.monotonic() - began)  # fmt: skip
    assert source is not None
    with Input(source, encoding=encoding) as given:
        reading = read(given, columns or Options())
        first = next(iter(given.tables())).slice(0, 1_000)
    series = reading.series
    check_series(series, given.name)
    start_of(order.start, reading.clock, 0.0, 0.0)  # refused before anything is learnt
    if family not in (None, "auto", *LEARN):
        there = ", ".join(("auto", *LEARN))
        raise UsageError(f"no family {family!r}; there are: {there}.{did_you_mean(family or '', LEARN)}")
    counters = Counters.of(series)
    parts = parted([counters.steps(one) for one in series])
    trials, learnt = _tried(parts, family, order.seed, budget, progress)
    layout = Layout.of(first, reading.clock, series[0].channels, (columns or Options()).group_by)
    saved = SavedSeries.of(learnt, layout, series, trials[0].measures, counters)
    rows = _write(saved, output, order)
    if save is not None:
        saved.save(save)
    made = Synthesis(
        family=trials[0].family,
        rows=rows,
        series=order.count,
        channels=series[0].channels,
        measures=trials[0].measures,
        trials=trials,
        verdict=judge(trials[0].measures),
        rhythms=learnt.rhythm_names(),
        notes=(*(note for one in series for note in one.notes), *_said(learnt, parts, counters)),
        seconds=time.monotonic() - began,
    )
    if report is not None:
        from genapps_timeseries.synthesis.report import write_synthesis

        drawn = again(learnt, parts.learnt[:1], order.seed)
        write_synthesis(made, parts, drawn, Path(report), title=given.name)
    return made


def check_series(series: Sequence[Series], name: str) -> None:
    """Refuse what no series can be learnt from. Raises InputError."""
    rows = sum(map(len, series))
    if rows < FEWEST:
        raise InputError(f"{name}: {rows:,} rows are too few to learn a series from; give at least {FEWEST}")
    values = np.concatenate([one.values for one in series])
    known = ~np.isnan(values)
    if not known.any():
        raise InputError(f"{name}: no channel holds a number, so there is nothing to learn")
    low, high = np.nanmin(np.where(known.any(0), values, 0.0)), np.nanmax(np.where(known.any(0), values, 0.0))
    spans = [np.ptp(values[known[:, c], c]) if known[:, c].any() else 0.0 for c in range(values.shape[1])]
    if not any(spans):
        raise InputError(f"{name}: every channel is constant, so there is nothing to learn")
    if not np.isfinite(high - low):
        raise InputError(f"{name}: values beyond what can be subtracted; scale them")


@dataclass(frozen=True)
class Parts:
    """Series that are learnt from, and those that are kept to judge by."""

    learnt: tuple[Series, ...]
    kept: tuple[Series, ...]


def parted(series: Sequence[Series]) -> Parts:
    """Keep each fifth series of five or more; of fewer, two of ten stretches each, so that drift meets both sides."""
    if len(series) >= MANY:
        kept = tuple(series[MANY - 1 :: MANY])
        return Parts(tuple(one for k, one in enumerate(series) if k % MANY != MANY - 1), kept)
    learnt: list[Series] = []
    unseen: list[Series] = []
    for one in series:
        ends = np.round(np.linspace(0, len(one), BLOCKS + 1)).astype(np.int64)
        for k in range(BLOCKS):
            part = one.part(int(ends[k]), int(ends[k + 1]))
            if k in KEPT:
                unseen.append(part)
            elif k and k - 1 not in KEPT and learnt:
                before = learnt.pop()
                learnt.append(one.part(int(ends[k]) - len(before), int(ends[k + 1])))
            else:
                learnt.append(part)
    return Parts(tuple(learnt), tuple(unseen))


def _tried(
    parts: Parts, family: str | None, seed: int, budget: float | None, progress: Callable[[Any], None] | None
) -> tuple[tuple[Trial, ...], SeriesModel]:
    """The families that were tried, the likest first, and what that one learnt."""
    names = AUTO if family == "auto" else DEFAULT if family is None else (family,)
    left = (budget or AUTO_BUDGET) if family == "auto" else budget
    found: list[tuple[Trial, SeriesModel]] = []
    for k, name in enumerate(names):
        share = None if left is None else max(left / (len(names) - k), 1.0)
        if found and left is not None and left <= 0:
            break
        began, cpu = time.monotonic(), time.process_time()
        model = learn_series(parts.learnt, name, seed=seed, budget=share, progress=progress)
        drawn = again(model, parts.learnt, seed)
        sides = Sides([filled(one.values) for one in parts.learnt], [filled(one.values) for one in parts.kept], drawn)
        measures = measure(sides, seed, before=found[0][0].measures if found else ())
        found.append((Trial(name, score_of(measures), measures, time.process_time() - cpu), model))
        if left is not None:
            left -= time.monotonic() - began
    found.sort(key=lambda one: one[0].unlike)
    return tuple(trial for trial, _ in found), found[0][1]


def again(model: SeriesModel, series: Sequence[Series], seed: int) -> list[Floats]:
    """New series (N, C) for the times of given ones, each drawn by itself: of one seed they would repeat each other."""
    generator = np.random.default_rng([seed, 7])
    return [model.draw(positions(one), 1, generator)[0] for one in series]


def _write(saved: SavedSeries, output: str, order: Order) -> int:
    """Write the new series; returns the rows of each."""
    generator = np.random.default_rng([order.seed, 11])
    clock, model = saved.layout.clock, saved.model
    step = clock.step or 1.0
    rows = order.rows or saved.rows
    begin = start_of(order.start, clock, saved.first, saved.last)
    times: Floats = begin + np.arange(rows, dtype=np.float64) * step
    counters = saved.counters
    counted = dict(zip(counters.columns, counters.decimals, strict=True))
    decimals = [counted.get(c, channel.decimals) for c, channel in enumerate(model.shape.channels)]
    several = order.count > 1 or saved.layout.group is not None
    with TableWriter(output) as writer:
        for number, name in enumerate(names_of(order.count, several)):
            values = model.draw(times / step, 1, generator)[0]
            values = counters.summed(values, number, later=begin > saved.last)
            if order.missing:
                values = np.where(gaps_like(saved.gaps, rows, generator), np.nan, values)
            for start in range(0, rows, CHUNK):
                part = slice(start, start + CHUNK)
                writer.write(saved.layout.table(model.channels, values[part], times[part], name, decimals))
    return rows


def _said(model: SeriesModel, parts: Parts, counters: Counters) -> Iterator[str]:
    shape = model.shape
    names = model.rhythm_names()
    if names:
        yield f"learnt with a profile of {' and '.join(names)}"
    if counters.columns:
        told = ", ".join(model.channels[c] for c in counters.columns)
        yield f"only grows, and so learnt and judged by its steps, which new rows sum up: {told}"
    trends = [name for name, channel in zip(model.channels, shape.channels, strict=True) if channel.slope]
    if trends:
        yield f"trend of {', '.join(trends)} goes on at the same pace in the new rows"
    constant = [name for name, channel in zip(model.channels, shape.channels, strict=True) if channel.constant]
    if constant:
        yield f"constant and so kept as they are: {', '.join(constant)}"
    learnt, kept = (sum(map(len, side)) for side in (parts.learnt, parts.kept))
    yield f"learnt from {learnt:,} rows; {kept:,} others were kept to judge by"
