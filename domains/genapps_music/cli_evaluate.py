"""`genapps music evaluate`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Whole, output_options_of, seed_option
from genapps.errors import UsageError

_TOLD = 5  # skipped files that are told one by one


@click.command()
@click.argument("real", metavar="REAL")
@click.argument("made", metavar="MADE")
@click.option("--holdout", metavar="SCORES", help="Real pieces that the model was not given; else half of REAL.")
@click.option("--model", metavar="FILE.genapps", help="What fit wrote: how likely it finds each bar, and its ranges.")
@click.option(
    "--most", type=Whole(2), metavar="N", default=1000, show_default=True, help="Pieces of each kind to judge."
)
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with sounds (.html).")
@seed_option
@output_options_of(".json")
def evaluate(real: str, made: str, report: Path | None, output: str | None, as_json: bool, **options: Any) -> None:
    """Judge made pieces beside real ones: whether they keep their rules, sound like them, vary, and are no copies.

    REAL is what the model learnt, MADE what it made: folders or files of MIDI, MusicXML, ABC or piano rolls. Every
    figure stands beside the same of real pieces that are held out (what no model needs to be better than) and of notes
    drawn one by one. With -o the figures are written as JSON; with --report as a page, too, with piano rolls and
    sounds, every place where a rule is broken and every passage that is copied. With --model it tells how surprised
    that model is, bar by bar, and notes are out of range by its voices; without, by those of REAL.

    \b
    Examples:
      genapps music evaluate scores/ new/
      genapps music evaluate scores/ new/ --holdout others/ --report report.html
      genapps music evaluate scores/ tune.mid --model bach.genapps --json
    """
    from genapps.io.placing import check_files
    from genapps.report.files import check_figures, check_page, figures_beside
    from genapps_music.judging.report import lines, write_judged
    from genapps_music.judging.tasks import evaluate as run
    from genapps_music.names import check_names

    check_names(real, made, options["holdout"], options["model"], report, output)
    beside = None if report is None else figures_beside(report)
    if beside is not None and output is not None and Path(output).resolve() == beside.resolve():
        raise UsageError(f"{output}: --report writes its figures there itself; leave out -o, or name another file")
    check_files([output, report, beside], [real, made, options["holdout"], options["model"]])
    check_page(report)
    check_figures(output)
    with Progress("evaluating") as bar:
        steps = iter(range(100))
        found = run(real, made, progress=lambda what: bar.update(next(steps), None, what), **options)
    if output not in (None, "-"):
        _write_json(str(output), found.to_json())
    if report is not None:
        write_judged(report, found.judged, title=made, subject="music evaluated", facts=found.facts, notes=found.notes)
    if as_json or output == "-":
        print_json(found.to_json())
    elif verbosity() >= 0:
        for line in lines(found.judged):
            click.echo(one_line(line))
    for sentence in (*found.notes, *found.judged.notes):
        note(f"note: {one_line(sentence)}")
    for one in found.skipped[:_TOLD]:
        note(f"skipped: {one_line(f'{one.name}: {one.reason}')}")
    if len(found.skipped) > _TOLD:
        note(f"skipped: {len(found.skipped) - _TOLD:,} more")


def _write_json(path: str, value: Any) -> None:
    import json

    from genapps.io.atomic import replacing

    with replacing(path) as part:
        part.write((json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode())
