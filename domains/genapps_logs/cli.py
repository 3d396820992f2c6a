"""`genapps logs`: parse, call a task, print. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity
from genapps.cli.group import Group
from genapps.cli.options import Whole, output_options
from genapps.errors import UsageError

FILE = click.Path(path_type=Path)
STDOUT = "-"
SUFFIXES = (".csv", ".json", ".jsonl")
ELSEWHERE = {"demo": ("genapps_logs.demo:demo", "The main job on the log that ships.")}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Find out what a log says, and what in it is unlike the normal one.

    \b
    Examples:
      genapps logs templates app.log
      genapps logs templates app.log -o templates.csv --save app.genapps
      genapps logs detect other.log --train app.log
    """


@cli.command()
@click.argument("log", metavar="LOG")
@click.option("--format", "form", metavar="NAME", help="The form of the lines: syslog, json, iso ...; else recognized.")
@click.option(
    "--model", type=FILE, metavar="FILE", help="Saved templates that lines are counted under; others are new."
)
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save the templates, to use them on other logs.")
@click.option("--top", type=Whole(1), default=30, metavar="N", show_default=True, help="How many templates to print.")
@click.option(
    "--max-templates", type=Whole(100, 10**7), metavar="N", help="How many to keep in memory; 20,000 if not given."
)
@output_options
def templates(log: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Mine the templates of a log: what its messages have in common, and what varies.

    LOG is a text file, a .gz file, or - for standard input, of any size: memory does not grow with it. Values are
    replaced by their kind (<IP>, <NUM>, <PATH> ...), words that vary by <*>.

    \b
    Examples:
      genapps logs templates app.log
      genapps logs templates app.log -o templates.csv --save app.genapps
      genapps logs templates other.log --model app.genapps -o templates.json
      genapps logs templates app.log --format syslog --top 5
    """
    model, save = options["model"], options["save"]
    _check(log, output, save, as_json)
    from genapps_logs.tasks import templates as run

    with Progress("reading", unit="bytes") as bar:
        mined = run(
            log,
            format=options["form"],
            model=model,
            save=save,
            max_templates=options["max_templates"],
            progress=lambda done, size: bar.update(done, size or None),
        )
    from genapps_logs.summary import COLUMNS, as_text, head_line, table_lines, to_json

    figures = to_json(mined)
    places = {"templates": output, "model": save}
    if output is not None:
        _write(output, as_text(_suffix(output), figures, figures["templates"], COLUMNS))
    if output is None and verbosity() >= 0 and not as_json:
        for line in table_lines(mined, options["top"]):
            click.echo(line)
    elif output is not None and not as_json:
        note(head_line(mined))
    _tell(as_json, places, figures, mined.notes)


@cli.command()
@click.argument("log", metavar="LOG")
@click.option("--train", metavar="FILE", help="A log of normal lines to compare with.")
@click.option("--model", type=FILE, metavar="FILE", help="Saved templates of normal lines to compare with.")
@click.option("--accept", multiple=True, metavar="ID", help="This finding is normal; --model remembers it. Repeatable.")
@click.option(
    "--rare", type=Whole(0), default=2, metavar="N", show_default=True, help="So few normal lines make a template rare."
)
@click.option("--format", "form", metavar="NAME", help="The form of the lines; recognized if not given.")
@click.option("--fail-on-anomaly", is_flag=True, help="Exit with code 10 if anything is found.")
@output_options
def detect(log: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Find what in a log is unlike the normal one: new templates and rare ones, with lines and reasons.

    \b
    Examples:
      genapps logs detect other.log --train app.log
      genapps logs detect other.log --model app.genapps -o anomalies.csv
      genapps logs detect app.log --rare 1
    """
    if options["train"] == STDOUT and log == STDOUT:
        raise UsageError("only one of the two logs can come from standard input; name a file for the other one")
    _check(log, output, None, as_json)
    from genapps_logs.detection import detect as run

    with Progress("reading", unit="bytes") as bar:
        found = run(
            log,
            train=options["train"],
            model=options["model"],
            accept=options["accept"],
            rare=options["rare"],
            format=options["form"],
            progress=lambda done, size: bar.update(done, size or None),
        )
    from genapps_logs.summary import FINDING_COLUMNS, as_text, detected_head, detected_lines

    figures = found.to_json()
    if output is not None:
        _write(output, as_text(_suffix(output), figures, figures["findings"], FINDING_COLUMNS))
    if output is None and verbosity() >= 0 and not as_json:
        for line in detected_lines(found):
            click.echo(line)
    elif output is not None and not as_json:
        note(detected_head(found))
    _tell(as_json, {"findings": output}, figures, found.notes)
    if options["fail_on_anomaly"] and found.findings:
        click.get_current_context().exit(10)


def _tell(as_json: bool, places: dict[str, Any], figures: dict[str, Any], notes: tuple[str, ...]) -> None:
    """Print the figures as JSON, or say beside the result what was met and where files are."""
    if as_json:
        print_json({**{f"{name}_file": str(place) for name, place in places.items() if place is not None}, **figures})
        return
    for sentence in notes:
        note(f"note: {sentence}")
    for name, place in places.items():
        if place is not None and str(place) != STDOUT:
            note(f"{name:<11} {place}")


def _check(log: str, output: str | None, save: Path | None, as_json: bool) -> None:
    """Refuse what could not be written before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target

    if output == STDOUT and as_json:
        raise UsageError("--json and the templates cannot both go to stdout; name a file for the templates with -o")
    if output is not None and output != STDOUT:
        _suffix(output)
        check_target(output)
    if save is not None:
        check_suffix(save)
        check_target(save)
    taken = {Path(log).resolve()} if log != STDOUT else set()
    for place in (output, save):
        if place is not None and str(place) != STDOUT:
            if Path(place).resolve() in taken:
                raise UsageError(f"{place}: would overwrite the input or another result; choose another name")
            taken.add(Path(place).resolve())


def _suffix(output: str) -> str:
    """The suffix that decides how templates are written; CSV on stdout."""
    suffix = ".csv" if output == STDOUT else Path(output).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{output}: templates are written as {', '.join(SUFFIXES)}; choose such a name")
    return suffix


def _write(target: str, text: str) -> None:
    if target == STDOUT:
        click.echo(text, nl=False)
        return
    from genapps.io.atomic import replacing

    with replacing(target) as handle:
        handle.write(text.encode(errors="replace"))
