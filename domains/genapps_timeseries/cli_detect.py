"""`genapps timeseries detect` and `fit`: parse, call the task, print. Nothing heavy is imported before they run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity
from genapps.cli.options import DURATION, SECONDS, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError

FOUND = 10  # the exit code that --fail-on-anomaly asks for
STDOUT = "-"
FILE = click.Path(path_type=Path)
Decorator = Callable[[Any], Any]


Length = tuple[float | None, float | None]


class SpanType(click.ParamType[Any, Any]):
    """A length of time such as 90s, 5m or 24h, or a number of rows; given on as (rows, seconds), one of them None."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Length:
        """Rows or seconds; fails unless the value is one of them."""
        text = str(value).strip().lower()
        if re.fullmatch(r"\d+", text) and int(text) > 0:
            return float(text), None
        parts = DURATION.findall(text) if re.fullmatch(f"(?:{DURATION.pattern})+", text) else []
        seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
        if seconds > 0:
            return None, seconds
        return self.fail(
            f"{value!r} is no length; write a number of rows, or a time such as 90s, 5m or 24h", param, ctx
        )


class Season(SpanType):
    """The same, or auto."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """None for auto."""
        return None if value == "auto" else super().convert(value, param, ctx)


def reading_options(function: Any) -> Any:
    """What every command that reads series understands: time, channels, ignored, group, encoding."""
    options: list[Decorator] = [
        click.option("--time", metavar="COLUMN", help="Column that tells the time; found if not given."),
        click.option(
            "--channel", "channels", multiple=True, metavar="COLUMN", help="Judge only this one; may be repeated."
        ),
        click.option(
            "--ignore-column", "ignored", multiple=True, metavar="COLUMN", help="Leave this one out; may be repeated."
        ),
        click.option("--group-by", metavar="COLUMN", help="Column that tells several series of one file apart."),
        click.option("--encoding", metavar="NAME", help="Text encoding of the input; UTF-8 if not given."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@click.argument("data", metavar="DATA")
@click.option(
    "--train", metavar="FILE|ROWS|UNTIL", help="What is normal: a file, the first rows, or all before a time."
)
@click.option("--model", type=FILE, metavar="FILE", help="What `fit` or --save learnt to be normal.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save what is normal, to judge other data by.")
@click.option(
    "--alarms-per-week", "weekly", type=float, metavar="N", help="False alarms a week at most; 1 if nothing is asked."
)
@click.option(
    "--false-alarm-rate", "rate", type=float, metavar="SHARE", help="Share of normal rows that may raise an alarm."
)
@click.option("--min-length", "shortest", type=SpanType(), metavar="TIME", help="Shortest event: rows, or 90s, 5m, 1h.")
@click.option("--merge", type=SpanType(), metavar="TIME", help="Alarms at most so far apart are one event.")
@click.option(
    "--direction",
    type=click.Choice(["up", "down", "both"]),
    default="both",
    show_default=True,
    help="Only values above, or below, what was expected.",
)
@click.option(
    "--season",
    type=Season(),
    default="auto",
    show_default=True,
    metavar="TIME",
    help="Length of the period: auto, rows, or 24h.",
)
@click.option(
    "--accept",
    multiple=True,
    type=Whole(1),
    metavar="EVENT",
    help="This event was normal; may be repeated. --model and --save remember it.",
)
@reading_options
@click.option("--family", metavar="NAME", help="ensemble (the default), a family, auto, or pyod:NAME.")
@click.option("--events", type=FILE, metavar="FILE.jsonl", help="Write the events, one JSON object a line.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a report: one page, opens offline.")
@click.option("--fail-on-anomaly", is_flag=True, help="End with exit code 10 where there is an event.")
@threads_option(1)
@seed_option
@output_options
def detect(data: str, output: str | None, as_json: bool, fail_on_anomaly: bool, **options: Any) -> None:
    """Find what does not belong to a series, and say why.

    Learns from a part that is taken as normal (the first quarter, or --train), raises as many false alarms as were
    asked for, and says when and where, of which kind and most like what. -o writes a score, a p-value and what was
    expected for each row.

    \b
    Examples:
      genapps timeseries detect sensors.csv
      genapps timeseries detect sensors.csv --train 2026-03-01 -o scores.csv --report report.html
      genapps timeseries detect new.csv --model normal.genapps --alarms-per-week 0.5 --fail-on-anomaly
      genapps timeseries detect hosts.csv --group-by host --events events.jsonl
    """
    places = {"scores": output, "events": options["events"], "report": options["report"], "model": options["save"]}
    _check(data, as_json, places, options)
    from genapps_timeseries.detection_files import Places, detect_file
    from genapps_timeseries.detection_wishes import Span, Wishes
    from genapps_timeseries.reading import Options

    def span(given: Length | None) -> Span | None:
        return None if given is None else Span(given[0] or 0.0, given[1])

    wishes = Wishes(
        rate=options["rate"],
        weekly=options["weekly"],
        shortest=span(options["shortest"]),
        merge=span(options["merge"]),
        direction=options["direction"],
        season=span(options["season"]),
        family=options["family"] or "ensemble",
        seed=options["seed"],
    )
    columns = Options(options["time"], options["group_by"], options["ignored"], options["channels"])
    with Progress("reading", unit="bytes") as bar:
        made = detect_file(
            data,
            columns,
            wishes,
            train=options["train"],
            model=options["model"],
            accepted=options["accept"],
            places=Places(output, options["events"], options["save"], options["report"]),
            encoding=options["encoding"],
            progress=lambda done, size: bar.update(done, size or None),
        )
    from genapps_timeseries.summary import detection_lines, to_json

    if as_json:
        print_json({**{name: str(place) for name, place in places.items() if place is not None}, **to_json(made)})
    elif output != STDOUT and verbosity() >= 0:
        for line in detection_lines(made, "stdin" if data == STDOUT else Path(data).name):
            click.echo(line)
    if not as_json:
        for sentence in made.notes:
            note(f"note: {sentence}")
        for name, place in places.items():
            if place is not None and str(place) != STDOUT:
                note(f"{name:<11} {place}")
    if fail_on_anomaly and made.events:
        raise click.exceptions.Exit(FOUND)


def _check(data: str, as_json: bool, places: dict[str, Any], options: dict[str, Any]) -> None:
    """Refuse what does not go together, and what could not be written, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.writers import check_output

    output = places["scores"]
    if output == STDOUT and as_json:
        raise UsageError("--json and the scores cannot both go to stdout; name a file for the scores with -o")
    if output is not None:
        check_output(output)
    if places["model"] is not None:
        check_suffix(places["model"])
    taken = {Path(data).resolve()} if data != STDOUT else set()
    for place in places.values():
        if place is None or str(place) == STDOUT:
            continue
        check_target(place)
        if Path(place).resolve() in taken:
            raise UsageError(f"{place}: would overwrite the input or another result; choose another name")
        taken.add(Path(place).resolve())
