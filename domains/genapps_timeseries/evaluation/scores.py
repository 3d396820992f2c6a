"""How well labelled anomalies were found, each figure beside what chance and an alarm that never ends would get.

The figures are those of `genapps.metrics.ranges`, alarms being counted as they were told (`alarms`). A score of chance
is the mean of a few uniform random scores; alarms of chance are as many, of the same lengths, at random places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps.metrics import ranges
from genapps.report.measured import Control, Finding, Measured
from genapps_timeseries.evaluation.alarms import counted, event_scores, false_per_week, numbered, shuffled
from genapps_timeseries.series import Codes, Floats

Mask = NDArray[np.bool_]

SEEDS = 5  # random scores and alarms that a control is the mean of
RANDOM, ALWAYS = "random", "always alarm"
GOOD, USABLE = 0.5, 0.15  # of the way from chance to 1
MISLEADING = "misleading"
EVENTS, RUNS = "events", "runs of rows"


@dataclass(frozen=True)
class Kind:
    """How many events of a kind there are, and in how many there was an alarm."""

    kind: str
    events: int
    found: int


@dataclass(frozen=True)
class Evaluation:
    """What was judged and the figures.

    rows, events, anomalous: counts of rows, labelled events and rows in them. alarms: how many, None where there are
    no alarms to judge; alarms_are: what was counted as one, "events" or "runs of rows". window: the buffer of VUS-PR in
    rows. weeks: recorded time, None without a calendar.
    """

    rows: int
    events: int
    anomalous: int
    alarms: int | None
    window: int
    weeks: float | None
    measures: tuple[Measured, ...]
    kinds: tuple[Kind, ...]
    verdict: Finding
    notes: tuple[str, ...] = ()
    alarms_are: str = RUNS

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        return {
            "rows": self.rows,
            "events": self.events,
            "anomalous_rows": self.anomalous,
            "alarms": self.alarms,
            "alarms_are": None if self.alarms is None else self.alarms_are,
            "window": self.window,
            "weeks": self.weeks,
            "verdict": {"level": self.verdict.level, "text": self.verdict.text},
            "measures": {
                m.key: {
                    "value": m.value,
                    **{control.name.replace(" ", "_"): control.value for control in m.controls},
                    "better": m.better,
                    "n": m.n,
                    "protocol": m.protocol,
                    "note": m.note,
                }
                for m in self.measures
            },
            "kinds": [{"kind": k.kind, "events": k.events, "found": k.found} for k in self.kinds],
            "notes": list(self.notes),
        }


def evaluate(
    labels: Mask,
    *,
    scores: Floats | None = None,
    alarms: Mask | Codes | None = None,
    times: Floats | None = None,
    calendar: bool = False,
    kinds: NDArray[np.str_] | None = None,
    window: int | None = None,
    point_adjusted: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Judge scores (N,), higher is stranger, or alarms (N,), or both, by labels (N,).

    alarms: yes and no, where each run of rows is one, or the numbers of events, 0 where there is none.
    times: (N,) seconds, or the unit of a plain clock, in which delays are told, else rows; `calendar` says that they
    are seconds, so that alarms a week can be counted. kinds: (N,) names of what is labelled. window: the longest buffer
    of VUS-PR, 125 rows where none is given. A score that is unknown (NaN) counts as the lowest one.
    Raises InputError where nothing is labelled, for lengths that differ, or where all scores are unknown.
    """
    truth = np.asarray(labels, bool)
    if not truth.any():
        raise InputError("no row is labelled anomalous, so there is nothing to find; figures need an anomaly at least")
    notes: list[str] = []
    widest = 125 if window is None else window
    known = None if scores is None else _without_gaps(np.asarray(scores, np.float64), notes)
    generator = np.random.default_rng(seed)
    measures: list[Measured] = []
    runs = alarms is None or np.asarray(alarms).dtype == bool
    told = None if alarms is None else numbered(alarms) if runs else np.asarray(alarms, np.int64)
    if known is not None:
        measures += _score_measures(truth, known, widest, generator)
    if told is not None:
        measures += _alarm_measures(truth, told, times, calendar, generator)
        if point_adjusted:
            measures.append(_point_adjusted(truth, told, generator))
    weeks = _weeks(times) if calendar and times is not None else None
    return Evaluation(
        rows=len(truth),
        events=len(ranges.segments(truth)[0]),
        anomalous=int(truth.sum()),
        alarms=None if told is None else counted(told),
        window=widest,
        weeks=weeks,
        measures=tuple(measures),
        kinds=tuple(_by_kind(truth, told, kinds)),
        verdict=_verdict(measures),
        notes=tuple(notes),
        alarms_are=RUNS if runs else EVENTS,
    )


def _score_measures(truth: Mask, scores: Floats, window: int, generator: np.random.Generator) -> Iterator[Measured]:
    drawn = [generator.random(len(truth)) for _ in range(SEEDS)]
    figures: tuple[tuple[str, str, str, Callable[[Floats], float]], ...] = (
        ("vus_pr", "VUS-PR", f"volume under the precision-recall surface, buffers up to {window} rows",
         lambda s: ranges.vus_pr(truth, s, window)),
        ("auc_pr", "AUC-PR", "area under the precision-recall curve of single rows",
         lambda s: ranges.auc_pr(truth, s)),
    )  # fmt: skip
    for key, name, protocol, measure in figures:
        chance = float(np.mean([measure(s) for s in drawn]))
        constant = measure(np.zeros(len(truth)))
        controls = (Control("floor", RANDOM, chance), Control("copied", ALWAYS, constant))
        yield Measured(key, name, "higher", measure(scores), controls, len(truth), protocol)


def _alarm_measures(
    truth: Mask, alarms: Codes, times: Floats | None, calendar: bool, generator: np.random.Generator
) -> Iterator[Measured]:
    event_scores(truth, alarms)  # refuses lengths that differ
    drawn = [shuffled(alarms, generator) for _ in range(SEEDS)]
    always = np.ones(len(truth), np.int64)
    for key, name, better, n, protocol, figure in _figures(truth, alarms, times, calendar):
        chance = _mean([figure(a) for a in drawn])
        controls = (Control("floor", RANDOM, chance), Control("copied", ALWAYS, figure(always)))
        yield Measured(key, name, better, figure(alarms), controls, n, protocol)


def _figures(
    truth: Mask, alarms: Codes, times: Floats | None, calendar: bool
) -> Iterator[tuple[str, str, Literal["higher", "lower"], int, str, Callable[[Codes], float | None]]]:
    """Key, name, better end, on how many it stands, what it is, and how it is had from alarms (N,)."""
    events, raised, normal = len(ranges.segments(truth)[0]), counted(alarms), int((~truth).sum())
    about = "share of the alarms that touch an event"
    yield "event_precision", "Event precision", "higher", raised, about, lambda a: event_scores(truth, a).precision
    about = "share of the events in which there was an alarm"
    yield "event_recall", "Event recall", "higher", events, about, lambda a: event_scores(truth, a).recall
    yield "event_f1", "Event F1", "higher", events, "harmonic mean of both", lambda a: event_scores(truth, a).f1
    unit = "seconds" if calendar else "rows" if times is None else "units of the clock"
    about = "from an event's first row to the first row in alarm, of events that were found"
    name = f"Median delay, {unit}"
    yield "delay", name, "lower", events, about, lambda a: _median(ranges.delays(truth, a > 0, times))
    if not normal:
        return
    about = "share of the rows outside events: the price at which an alarm that never ends finds everything"
    name = "Normal rows in alarm"
    yield "normal_rows_in_alarm", name, "lower", normal, about, lambda a: float((a[~truth] > 0).mean())
    if calendar and times is not None:
        about = "alarms that touch no event, in a week of recorded normal time"
        name = "False alarms a week"
        yield "false_alarms_per_week", name, "lower", raised, about, lambda a: false_per_week(truth, a, times)


def _point_adjusted(truth: Mask, alarms: Codes, generator: np.random.Generator) -> Measured:
    chance = _mean([ranges.point_adjusted_f1(truth, shuffled(alarms, generator)) for _ in range(SEEDS)])
    always = ranges.point_adjusted_f1(truth, np.ones(len(truth), bool))
    return Measured(
        "point_adjusted_f1",
        f"Point-adjusted F1 ({MISLEADING})",
        "higher",
        ranges.point_adjusted_f1(truth, alarms),
        (Control("floor", RANDOM, chance), Control("copied", ALWAYS, always)),
        len(truth),
        "every row of an event counts as found where one of them is in alarm",
        "Misleading: one lucky row makes a long event hundreds of right answers, so random alarms reach high figures "
        "(Kim et al., 2022). Only to compare with papers that use it.",
    )


def _without_gaps(scores: Floats, notes: list[str]) -> Floats:
    unknown = np.isnan(scores)
    if unknown.all():
        raise InputError("no row has a score, so there is nothing to judge")
    if unknown.any():
        notes.append(f"{int(unknown.sum()):,} rows without a score count as the least strange")
    scores = np.where(unknown, -np.inf, scores)
    if np.isfinite(scores).all():
        return scores
    ranks = np.unique(scores, return_inverse=True)[1]  # measures see the order alone, so ranks serve for infinities
    return ranks.astype(np.float64)


def _by_kind(truth: Mask, alarms: Codes | None, kinds: NDArray[np.str_] | None) -> Iterator[Kind]:
    if alarms is None or kinds is None:
        return
    first, last = ranges.segments(truth)
    names = [str(kinds[row]) for row in first]
    found = [bool((alarms[a : b + 1] > 0).any()) for a, b in zip(first, last, strict=True)]
    for name in sorted(set(names)):
        chosen = [f for n, f in zip(names, found, strict=True) if n == name]
        yield Kind(name or "(no name)", len(chosen), sum(chosen))


def _verdict(measures: Sequence[Measured]) -> Finding:
    figures = {m.key: m for m in measures}
    best = figures.get("vus_pr") or figures["event_f1"]
    chance = max(control.value or 0.0 for control in best.controls if control.name == RANDOM)
    skill = (best.value or 0.0) - chance
    share = skill / (1 - chance) if chance < 1 else 0.0
    level: Literal["good", "usable", "poor"] = "good" if share >= GOOD else "usable" if share >= USABLE else "poor"
    word = {"good": "Found", "usable": "Partly found", "poor": "Hardly better than chance"}[level]
    text = f"{best.name} is {best.value or 0:.3f}, where chance has {chance:.3f}."
    if "event_f1" in figures and best.key != "event_f1":
        recall, precision = figures["event_recall"], figures["event_precision"]
        text += f" {recall.value or 0:.0%} of {recall.n:,} events were found"
        text += f"; {precision.value or 0:.0%} of {precision.n:,} alarms touch one." if precision.n else "; no alarm."
    return Finding(level, word, text)


def _weeks(times: Floats) -> float | None:
    steps = np.diff(times)
    steps = steps[steps > 0]
    return float(np.median(steps) * len(times) / ranges.WEEK) if len(steps) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def with_notes(made: Evaluation, notes: Sequence[str]) -> Evaluation:
    """The same with further notes, said first."""
    return replace(made, notes=(*notes, *made.notes))
