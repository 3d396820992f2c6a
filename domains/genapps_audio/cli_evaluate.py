"""`genapps audio evaluate`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Whole, output_options, seed_option, threads_option
from genapps_audio.cli_skipped import tell_skipped


@click.command()
@click.argument("real", metavar="REAL")
@click.argument("made", metavar="MADE")
@click.option("--holdout", metavar="CLIPS", help="Real clips that the model was not given; else a part of REAL.")
@click.option(
    "--most", type=Whole(12), metavar="N", default=2000, show_default=True, help="Clips of each kind to measure."
)
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page to see and hear (.html).")
@threads_option()
@seed_option
@output_options
def evaluate(
    real: str, made: str, report: Path | None, threads: int | None, output: str | None, as_json: bool, **options: Any
) -> None:
    """Judge made clips beside real ones: what they teach, how near they come, and whether they are copies.

    REAL is what the model learnt, MADE what it made: folders of clips. Where both have classes (subfolders), a
    classifier learns from the made clips and is tested on real ones. Distances are named by their features: FD-mel by
    statistics of mel bands, FD-classes by a network that learnt the real classes, FD-cepstra by principal components.
    Every figure stands beside the same of real clips that are held out, of steady noise and of shuffled frames. With -o
    the figures are written as JSON.

    \b
    Examples:
      genapps audio evaluate clips/ made/
      genapps audio evaluate clips/ made/ --holdout new/ --report report.html
      genapps audio evaluate clips/ made/ --most 500 --json
    """
    from genapps.io.placing import check_files
    from genapps.report.files import check_figures, check_page, figures_beside
    from genapps.threads import threads as on_threads
    from genapps_audio.evaluation import page
    from genapps_audio.evaluation.tasks import evaluate as run
    from genapps_audio.writing import write_json

    beside = None if report is None else figures_beside(report)
    check_files([output, report, beside], [real, made, options["holdout"]])
    check_page(report)
    check_figures(output)
    with Progress("evaluating") as bar, on_threads(threads):
        found = run(real, made, progress=lambda what, done, total: bar.update(done, total, what), **options)
    if output not in (None, "-"):
        write_json(str(output), found.to_json())
    if report is not None:
        page.write_page(str(report), found)
    if as_json or output == "-":
        print_json(found.to_json())
    elif verbosity() >= 0:
        for line in page.lines(found):
            click.echo(one_line(line))
    for sentence in (*found.notes, *found.judged.notes):
        note(f"note: {one_line(sentence)}")
    tell_skipped(found.skipped)
