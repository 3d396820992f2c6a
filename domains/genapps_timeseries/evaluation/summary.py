"""An evaluation as a person reads it in a terminal, and the buffer that its VUS-PR takes."""

from __future__ import annotations

from collections.abc import Iterator

from genapps.metrics.ranges import natural_window
from genapps.report.measured import measured_lines
from genapps.report.text import grid
from genapps_timeseries.evaluation.scores import Evaluation
from genapps_timeseries.series import Floats

FALLBACK = 125  # rows, as the TSB-AD benchmark has it for series without a period


def window_of(given: int | None, values: Floats | None) -> tuple[int, list[str]]:
    """The longest buffer of VUS-PR in rows, and what is to be said of it: given, the series' period, or 125."""
    if given is not None:
        return given, []
    if values is None:
        return FALLBACK, [
            f"buffers of VUS-PR up to {FALLBACK} rows, as the series' period is not known: --window sets it"
        ]
    return natural_window(values), []


def lines(made: Evaluation) -> Iterator[str]:
    """What was judged, the figures beside their controls, kinds of anomalies, the verdict."""
    events = "1 event" if made.events == 1 else f"{made.events:,} events"
    share = f"{made.anomalous / made.rows:.1%}".replace("%", " %")
    many = "alarm" if made.alarms == 1 else "alarms"
    alarms = "" if made.alarms is None else f", {made.alarms:,} {many} ({made.alarms_are})"
    weeks = "" if made.weeks is None else f", {made.weeks:.1f} weeks"
    yield f"{made.rows:,} rows{weeks}, {events} in {share} of them{alarms}; buffers up to {made.window} rows"
    yield ""
    yield from measured_lines(made.measures, "here")
    for measure in made.measures:
        if measure.note:
            yield f"  {measure.name}: {measure.note}"
    if made.kinds:
        yield ""
        yield from grid([("kind", "events", "found"), *((k.kind, str(k.events), str(k.found)) for k in made.kinds)])
    yield ""
    yield f"{made.verdict.word}. {made.verdict.text}"
