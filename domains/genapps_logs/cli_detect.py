"""`genapps logs detect` and `fit`: parse, call a task, print. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, verbosity
from genapps.cli.options import Duration, Function, Whole, output_options
from genapps.errors import MissingExtra, UsageError
from genapps_logs.runs import STDOUT, check, suffix_of, tell, write

FILE = click.Path(path_type=Path)
FOUND = 10  # the exit code that --fail-on-anomaly asks for

rate_option = click.option(
    "--false-alarm-rate",
    "rate",
    type=float,
    metavar="SHARE",
    help="Share of normal sessions and stretches of time that may raise an alarm; 0.01 and 0.001 if not given.",
)
rare_option = click.option(
    "--rare", type=Whole(0), default=2, metavar="N", show_default=True, help="So few normal lines make a template rare."
)


def learning_options(function: Function) -> Function:
    """Add what says how a log is learnt, handed on as format, session, group_by, window and family."""
    options = [
        click.option("--format", "format", metavar="NAME", help="The form of the lines; recognized if not given."),
        click.option(
            "--session",
            metavar="FIELD|REGEX",
            help="What lines of one session share: a field, a pattern, none; found if not given.",
        ),
        click.option("--group-by", metavar="NAME", help="Group lines by host, process or another field instead."),
        click.option("--window", type=Duration(), help="Cut groups into windows of so long: 5m, 1h."),
        click.option(
            "--family",
            metavar="NAME",
            default="auto",
            show_default=True,
            help="What scores sequences: counts, markov, hmm, autoregressive, or several with + between.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@click.argument("log", metavar="LOG")
@click.option("--train", metavar="FILE", help="A log of normal lines to compare with.")
@click.option("--model", type=FILE, metavar="FILE", help="What `fit` learnt of normal lines, to compare with.")
@click.option("--accept", multiple=True, metavar="ID", help="This finding is normal; --model remembers it. Repeatable.")
@rate_option
@rare_option
@learning_options
@click.option("--events", metavar="FILE.jsonl", help="Write every line, session or stretch behind the findings.")
@click.option("--report", metavar="FILE.html", help="Write a page with lines over time and the findings.")
@click.option("--fail-on-anomaly", is_flag=True, help="Exit with code 10 if anything is found.")
@output_options
def detect(log: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Find what in a log is unlike a normal one, with lines and reasons.

    Found are new and rare templates, sessions with unusual, missing or miscounted steps, bursts and silences, and
    unusual values. Nothing has to be said of the log: its form and what names its sessions are recognized.

    \b
    Examples:
      genapps logs detect other.log --train app.log
      genapps logs detect other.log --model app.genapps -o anomalies.csv --report anomalies.html
      genapps logs detect app.log --rare 1
      genapps logs detect other.log --train app.log --group-by host --window 10m --fail-on-anomaly
    """
    train, model = options["train"], options["model"]
    if train == STDOUT and log == STDOUT:
        raise UsageError("only one of the two logs can come from standard input; name a file for the other one")
    report, events = options["report"], options["events"]
    check(log, output, None, report, events, inputs=(train, model), as_json=as_json)
    if report is not None:
        _check_report(report)
    from genapps_logs.detection import detect as run

    with ExitStack() as stack:
        told = _events_to(events, stack) if events is not None else None
        bar = stack.enter_context(Progress("reading", unit="bytes"))
        found = run(
            log,
            train=train,
            model=model,
            accept=options["accept"],
            rare=options["rare"],
            false_alarm_rate=options["rate"],
            format=options["format"],
            session=options["session"],
            group_by=options["group_by"],
            window=options["window"],
            family=options["family"],
            events=told,
            timeline=report is not None,
            progress=lambda done, size: bar.update(done, size or None),
        )
    from genapps_logs.summary import FINDING_COLUMNS, as_text, detected_head, detected_lines

    figures = found.to_json()
    if output is not None:
        write(output, as_text(suffix_of(output), figures, figures["findings"], FINDING_COLUMNS))
    if report is not None:
        from genapps_logs.report import write_report

        write_report(found, report)
    if output is None and verbosity() >= 0 and not as_json:
        for line in detected_lines(found):
            click.echo(line)
    elif output is not None and not as_json:
        note(detected_head(found))
    tell(as_json, {"findings": output, "events": events, "report": report}, figures, found.notes)
    if options["fail_on_anomaly"] and found.findings:
        click.get_current_context().exit(FOUND)


@click.command()
@click.argument("log", metavar="LOG")
@click.option(
    "-o", "--output", "save", type=FILE, metavar="FILE.genapps", help="The model's file; that of --update if not given."
)
@click.option("--update", type=FILE, metavar="FILE", help="Go on with what this model learnt before.")
@click.option(
    "--accept", multiple=True, metavar="ID", help="This finding is normal; the model remembers it. Repeatable."
)
@learning_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every figure.")
def fit(log: str, save: Path | None, as_json: bool, **options: Any) -> None:
    """Learn what a normal log is like: its templates, their order and rates, and the values in them.

    LOG is read twice; memory does not grow with it. The model holds no lines but an example of each template, and
    values that stand in few forms: it is as confidential as the log.

    \b
    Examples:
      genapps logs fit app.log -o normal.genapps
      genapps logs fit other.log --update app.genapps -o normal.genapps
    """
    save = save or options["update"]
    if save is None:
        raise UsageError("where is the model to go? name a file: -o normal.genapps")
    check(log, None, save)
    from genapps_logs.fitting import fit as run

    with Progress("reading", unit="bytes") as bar:
        fitted = run(log, save=save, progress=lambda done, size: bar.update(done, size or None), **options)
    from genapps_logs.summary import fitted_lines

    if not as_json and verbosity() >= 0:
        for line in fitted_lines(fitted):
            click.echo(line)
    tell(as_json, {"model": save}, fitted.to_json(), fitted.notes)


def _check_report(report: str) -> None:
    """Refuse a page that could not be written. Raises MissingExtra without the library that makes pages."""
    from importlib.util import find_spec

    from genapps.report.files import check_report

    if find_spec("jinja2") is None:
        raise MissingExtra("jinja2", "timeseries")
    check_report(report)


def _events_to(target: str, stack: ExitStack) -> Callable[[Any], object]:
    """A function that writes one sign as a JSON line."""
    from genapps.io.atomic import check_target, replacing

    if target == STDOUT:
        raise UsageError("--events needs a file; the findings go to stdout")
    check_target(target)
    handle = stack.enter_context(replacing(target))
    return lambda sign: handle.write((json.dumps(asdict(sign), ensure_ascii=False) + "\n").encode(errors="replace"))
