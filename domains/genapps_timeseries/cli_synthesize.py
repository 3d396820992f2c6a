"""`genapps timeseries synthesize` and `inject`: parse, call, print. Nothing heavy is imported before they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity
from genapps.cli.options import Duration, Whole, output_options, seed_option
from genapps.errors import UsageError
from genapps_timeseries.cli_detect import reading_options

FILE = click.Path(path_type=Path)
STDOUT = "-"


class Span(click.ParamType[tuple[float, float], str]):
    """Two positive numbers as LOW..HIGH, or one for both."""

    name = "number"

    def __init__(self, whole: bool = False) -> None:
        self.whole = whole

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """The two numbers; fails unless they are positive and in order."""
        parts = re.fullmatch(r"\s*([\d.]+?)\s*(?:(?:\.\.|-|:)\s*([\d.]+))?\s*", str(value))
        try:
            low, high = float(parts[1]), float(parts[2] or parts[1])  # type: ignore[index]
        except (TypeError, ValueError):
            self.fail(f"{value!r} is neither a number nor a range such as 5..50", param, ctx)
        if not 0 < low <= high or (self.whole and (low % 1 or high % 1)):
            self.fail(
                f"{value!r}: give {'whole ' if self.whole else ''}numbers above 0, the lower one first", param, ctx
            )
        return low, high


@click.command()
@click.argument("data", metavar="[DATA]", required=False)
@click.option("-n", "--rows", type=Whole(1, 10**8), metavar="N", help="Rows of each new series; as many as DATA has.")
@click.option("--series", "count", type=Whole(1, 100_000), default=1, metavar="N", help="How many new series; 1.")
@click.option(
    "--family", metavar="NAME",
    help="gmm, hmm, vae, gan, rbm, autoregressive, bootstrap; auto: the likest of five; gmm or hmm if not given.",
)  # fmt: skip
@click.option(
    "--start", metavar="after|same|TIME", default="after", show_default=True, help="Where the clock of new rows begins."
)
@click.option("--missing", is_flag=True, help="Leave cells empty where DATA has such gaps; else all are filled.")
@click.option("--budget", type=Duration(), help="Time to learn at most: 90s, 5m.")
@click.option("--model", type=FILE, metavar="FILE", help="Draw from what --save kept; DATA is not read then.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Keep what was learnt, to draw more later.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page; its figures go beside it as JSON.")
@reading_options
@seed_option
@output_options
def synthesize(data: str | None, output: str | None, as_json: bool, **options: Any) -> None:
    """Make new series like the given one, of any length, and say how like they are.

    DATA is one long series or, with --group-by, several. The same columns come out, by the same clock, in the same
    range and rounding. A part of DATA is kept from the model, and the figures compare with that.

    \b
    Examples:
      genapps timeseries synthesize machine.csv -o made.csv
      genapps timeseries synthesize machine.csv -n 1000 --series 5 --start same -o made.csv --report report.html
      genapps timeseries synthesize machine.csv --family hmm --save machine.genapps -o made.csv
    """
    model, save, report = options["model"], options["save"], options["report"]
    output = output or STDOUT
    if (data is None) == (model is None):
        raise UsageError("give either DATA to learn from or --model FILE to draw from")
    if model is not None and (save or options["family"] or report or options["budget"]):
        raise UsageError("--model brings what was learnt; leave out --family, --budget, --save and --report")
    _check(as_json, {"rows": output, "model": save, "report": report}, data, model)
    from genapps_timeseries.reading.files import Options
    from genapps_timeseries.synthesis.tasks import Order, synthesize_file

    columns = Options(options["time"], options["group_by"], options["ignored"], options["channels"])
    order = Order(options["rows"], options["count"], options["start"], options["missing"], options["seed"])
    with Progress("learning", unit="steps") as bar:
        made = synthesize_file(
            data,
            output,
            order,
            columns,
            family=options["family"],
            budget=options["budget"],
            model=model,
            save=save,
            report=report,
            encoding=options["encoding"],
            progress=bar,
        )
    _tell(as_json, {"rows": output, "model": save, "report": report}, made.to_json(), list(made.lines()), made.notes)


@click.command()
@click.argument("data", metavar="DATA")
@click.option(
    "--kind", "kinds", multiple=True, metavar="NAMES",
    help="Which kinds, separated by commas; may be repeated. All of one channel if not given.",
)  # fmt: skip
@click.option("--count", type=Whole(1, 10**6), default=10, metavar="N", show_default=True, help="How many a series.")
@click.option(
    "--strength", type=Span(), default="1..8", metavar="N|LOW..HIGH", show_default=True,
    help="In spreads of the series: 1 is subtle, 3 can be seen, 10 is plain.",
)  # fmt: skip
@click.option(
    "--length", type=Span(whole=True), metavar="N|LOW..HIGH", help="In rows; by kind and period if not given."
)
@click.option("--period", type=Whole(2, 10**6), metavar="N", help="Rows of a cycle; found if not given.")
@click.option(
    "--train", metavar="ROWS|SHARE|TIME",
    help="First rows that stay clean: 1000, 30%, 2026-03-01, 0; what detect takes as normal if not given.",
)  # fmt: skip
@click.option("--events", type=FILE, metavar="FILE.jsonl", help="Write what was put in, one JSON object a line.")
@reading_options
@seed_option
@output_options
def inject(data: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Put labelled anomalies of chosen kinds into a series.

    Adds the columns is_anomaly, anomaly_kind and anomaly_id; all other cells stay as they are but for those that an
    anomaly changes. Anomalies go behind the part that detect takes as normal. Channels of two values are changed only
    where --channel names them. Kinds: spike, level, trend, noise, shape, speed, flatline, flip, mirror, scale, dropout,
    cutoff, contextual, missing, and correlation, which breaks the relation of channels.

    \b
    Examples:
      genapps timeseries inject machine.csv -o labelled.csv
      genapps timeseries inject machine.csv --kind spike,flatline --count 4 --strength 3 --length 5..20 -o labelled.csv
    """
    output = output or STDOUT
    _check(as_json, {"rows": output, "events": options["events"]}, data)
    from genapps_timeseries.injection.files import Wishes, inject_file
    from genapps_timeseries.injection.inject import KINDS
    from genapps_timeseries.reading.files import Options

    kinds = tuple(name.strip() for names in options["kinds"] for name in names.split(",") if name.strip())
    low, high = options["strength"]
    length = options["length"]
    wishes = Wishes(
        kinds or KINDS,
        options["count"],
        (low, high),
        None if length is None else (int(length[0]), int(length[1])),
        options["period"],
        options["seed"],
        options["channels"],
        options["train"],
    )
    columns = Options(options["time"], options["group_by"], options["ignored"], options["channels"])
    with Progress("reading", unit="bytes") as bar:
        made = inject_file(
            data,
            output,
            wishes,
            columns,
            events=options["events"],
            encoding=options["encoding"],
            progress=lambda done, size: bar.update(done, size or None),
        )
    _tell(as_json, {"rows": output, "events": options["events"]}, made.to_json(), list(made.lines()), made.notes)


def _check(as_json: bool, places: dict[str, Any], *inputs: Any) -> None:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_apart, check_target
    from genapps.io.writers import check_output
    from genapps.report.files import check_report, figures_beside

    if places["rows"] == STDOUT and as_json:
        raise UsageError("--json and the rows cannot both go to stdout; name a file for the rows with -o")
    check_output(places["rows"])
    if places.get("model") is not None:
        check_suffix(places["model"])
    report = places.get("report")
    check_report(report)
    targets = [*places.values(), None if report is None else figures_beside(report)]
    for place in targets:
        if place is not None and str(place) != STDOUT:
            check_target(place)
    check_apart(targets, inputs)


def _tell(
    as_json: bool, places: dict[str, Any], figures: dict[str, Any], lines: list[str], notes: tuple[str, ...]
) -> None:
    """Figures and places as JSON on stdout, or lines for people: on stderr where rows go to stdout."""
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        print_json({**{f"{name}_file": place for name, place in written.items()}, **figures})
        return
    for line in lines if verbosity() >= 0 else ():
        click.echo(line, err=places["rows"] == STDOUT)
    for sentence in notes:
        note(f"note: {sentence}")
    for name, place in written.items():
        note(f"{name:<11} {place}")
