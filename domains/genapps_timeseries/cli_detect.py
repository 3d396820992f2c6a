"""`genapps timeseries detect` and `fit`: parse, call the task, print. Nothing heavy is imported before they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity
from genapps.cli.options import Whole, output_options, threads_option
from genapps.errors import UsageError

FOUND = 10  # the exit code that --fail-on-anomaly asks for
STDOUT = "-"
LEAST = 16  # rows of a series that is one of several
FILE = click.Path(path_type=Path)
Decorator = Callable[[Any], Any]


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


def wish_options(function: Any) -> Any:
    """How is learnt, by which settings."""
    options: list[Decorator] = [
        click.option("--season", metavar="TIME", help="Length of the period: rows, or 24h; auto finds it."),
        click.option("--family", metavar="NAME", help="ensemble (the default), one of the six, auto, or pyod:NAME."),
        click.option("--seed", type=Whole(), metavar="N", help="Same seed, same result; 0 if not given."),
        threads_option(1),
        click.option("--config", "config_file", type=FILE, metavar="FILE", help="Settings as TOML."),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@click.argument("data", metavar="DATA")
@click.option(
    "--train", metavar="FILE|ROWS|UNTIL", help="What is normal: a file, the first rows (1000, 30%), all before a time."
)
@click.option("--alarms-per-week", type=float, metavar="N", help="False alarms a week; 1 if nothing is asked.")
@click.option(
    "--false-alarm-rate", type=float, metavar="SHARE", help="The same as a share of normal rows, at most 0.5."
)
@click.option("--min-length", metavar="TIME", help="Shortest event: rows, or a time such as 5m.")
@click.option("--merge", metavar="TIME", help="Alarms at most so far apart are one event; half a period if not given.")
@click.option(
    "--direction", type=click.Choice(["up", "down", "both"]), help="Only values above, or below, what was expected."
)
@reading_options
@click.option("--model", type=FILE, metavar="FILE", help="Judge by what `fit` or --save learnt to be normal.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save what is normal, to judge other data by.")
@click.option(
    "--accept",
    multiple=True,
    type=Whole(1),
    metavar="EVENT",
    help="This event was normal: no more of it or its like; --model and --save remember it. May be repeated.",
)
@click.option("--events", type=FILE, metavar="FILE.jsonl", help="Write the events, one JSON object a line.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a report: one page, opens offline.")
@click.option("--fail-on-anomaly", is_flag=True, help="End with exit code 10 where there is an event.")
@wish_options
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
    train = options["train"] if _is_file(options["train"]) else None
    _check(as_json, places, data, train, options["model"])
    if options["model"] is not None and (options["train"] or options["family"] or options["season"]):
        raise UsageError("--model brings what is normal, as it was learnt; leave out --train, --family and --season")
    use_threads(options["threads"])
    wishes = _wishes(options)
    from genapps_timeseries.detection.files import Places, detect_file

    with Progress("reading", unit="bytes") as bar:
        made = detect_file(
            data,
            _columns(options),
            wishes,
            train=options["train"],
            model=options["model"],
            accepted=options["accept"],
            places=Places(output, options["events"], options["save"], options["report"]),
            encoding=options["encoding"],
            progress=lambda done, size: bar.update(done, size or None),
        )
    from genapps_timeseries.detection.leaderboard import leaderboard_lines
    from genapps_timeseries.detection.summary import detection_lines, to_json

    lines = () if as_json or output == STDOUT or verbosity() < 0 else detection_lines(made, _name(data))
    for line in lines:
        click.echo(line)
    _tell(as_json, places, to_json(made) if as_json else {}, made.notes, leaderboard_lines(made.normals))
    if fail_on_anomaly and made.events:
        raise click.exceptions.Exit(FOUND)


@click.command()
@click.argument("data", metavar="DATA")
@click.option("--update", type=FILE, metavar="FILE.genapps", help="Go on from what this file holds.")
@click.option(
    "--train", metavar="FILE|ROWS|UNTIL", help="Which part of DATA is normal: its first rows, or all before a time."
)
@click.option("--alarms-per-week", type=float, metavar="N", help="What detect --model is to promise.")
@click.option(
    "--false-alarm-rate", type=float, metavar="SHARE", help="The same as a share of normal rows, at most 0.5."
)
@reading_options
@wish_options
@output_options
def fit(data: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Learn what is normal of a series, for detect --model.

    All rows of DATA are taken as normal, unless --train names a part of them; rows that are far from all others are
    left out, and that is said. -o is NAME.genapps if not given. With --update more normal rows join those of an earlier
    file; the last 100,000 of each series are kept.

    \b
    Examples:
      genapps timeseries fit january.csv -o normal.genapps
      genapps timeseries fit february.csv --update normal.genapps -o normal.genapps
      genapps timeseries detect march.csv --model normal.genapps
    """
    if options["update"] is not None and (options["family"] or options["season"]):
        raise UsageError("--update goes on as it was learnt; leave out --family and --season")
    output = output or f"{_name(data).partition('.')[0]}.genapps"
    _check(as_json, {"model": output}, data)
    use_threads(options["threads"])
    wishes = _wishes(options)
    from genapps_timeseries.detection.files import fit_file

    with Progress("reading", unit="bytes") as bar:
        made, notes = fit_file(
            data,
            output,
            _columns(options),
            wishes,
            train=options["train"],
            update=options["update"],
            encoding=options["encoding"],
            progress=lambda done, size: bar.update(done, size or None),
        )
    from genapps_timeseries.detection.leaderboard import leaderboard_lines
    from genapps_timeseries.detection.summary import fit_json, fit_lines

    for line in () if as_json or verbosity() < 0 else fit_lines(made):
        click.echo(line)
    _tell(as_json, {"model": output}, fit_json(made) if as_json else {}, notes, leaderboard_lines(made.normals))


def use_threads(count: int) -> None:
    """So many CPU threads for all libraries that are not loaded yet, 0 for as many as they choose."""
    if count and "numpy" not in sys.modules:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(count)


def _wishes(options: dict[str, Any]) -> Any:
    """The settings: defaults, then the file, then --set, then the options that were given by name."""
    from dataclasses import fields, replace

    from genapps.config import resolve
    from genapps_timeseries.detection.wishes import Wishes

    found = resolve(Wishes, options["config_file"], options["settings"])
    given = {f.name: options[f.name] for f in fields(Wishes) if options.get(f.name) is not None}
    made = replace(found, **given)
    made.check()
    return made


def _columns(options: dict[str, Any]) -> Any:
    from genapps_timeseries.reading.files import Options

    group = options["group_by"]
    shortest = 2 if group is None else LEAST  # of several series the shortest are left out, one alone is refused
    return Options(options["time"], group, options["ignored"], options["channels"], shortest)


def _name(data: str) -> str:
    return "stdin" if data == STDOUT else Path(data).name


def _is_file(train: str | None) -> bool:
    return train is not None and train != STDOUT and Path(train).exists()


def _tell(
    as_json: bool, places: dict[str, Any], figures: dict[str, Any], notes: Sequence[str], table: Iterable[str]
) -> None:
    """Figures and places as JSON on stdout, or what was met, a table and where files are for people on stderr."""
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        print_json({**{f"{name}_file": place for name, place in written.items()}, **figures})
        return
    for sentence in notes:
        note(f"note: {sentence}")
    for line in table:
        note(line)
    for name, place in written.items():
        note(f"{name:<11} {place}")


def _check(as_json: bool, places: dict[str, Any], *inputs: Any) -> None:
    """Refuse what does not go together, and what could not be written, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_apart, check_target
    from genapps.io.writers import check_output
    from genapps.report.files import check_report, figures_beside

    scores, report = places.get("scores"), places.get("report")
    if scores == STDOUT and as_json:
        raise UsageError("--json and the scores cannot both go to stdout; name a file for the scores with -o")
    if scores is not None:
        check_output(scores)
    if places["model"] is not None:
        check_suffix(places["model"])
    check_report(report)
    targets = [*places.values(), None if report is None else figures_beside(report)]
    for place in targets:
        if place is not None and str(place) != STDOUT:
            check_target(place)
    check_apart(targets, inputs)
