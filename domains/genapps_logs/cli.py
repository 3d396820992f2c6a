"""`genapps logs`: parse, call a task, print. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, verbosity
from genapps.cli.group import Group
from genapps.cli.options import Whole, output_options
from genapps_logs.runs import check, suffix_of, tell, write

FILE = click.Path(path_type=Path)
ELSEWHERE = {
    "detect": ("genapps_logs.cli_detect:detect", "What in a log is unlike a normal one."),
    "fit": ("genapps_logs.cli_detect:fit", "Learn what a normal log is like, for detect and watch."),
    "watch": ("genapps_logs.cli_watch:watch", "The same as lines come, from a pipe or a growing file."),
    "demo": ("genapps_logs.demo:demo", "The main job on the log that ships."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Find out what a log says, and what in it is unlike the normal one.

    \b
    Examples:
      genapps logs templates app.log
      genapps logs templates app.log -o templates.csv --save app.genapps
      genapps logs detect other.log --train app.log
      genapps logs fit app.log -o app.genapps
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
    check(log, output, save, as_json=as_json)
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
        write(output, as_text(suffix_of(output), figures, figures["templates"], COLUMNS))
    if output is None and verbosity() >= 0 and not as_json:
        for line in table_lines(mined, options["top"]):
            click.echo(line)
    elif output is not None and not as_json:
        note(head_line(mined))
    tell(as_json, places, figures, mined.notes)
