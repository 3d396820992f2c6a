"""`genapps image evaluate`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Whole, output_options, seed_option, threads_option
from genapps_image.cli_skipped import tell_skipped

_TOLD = 5  # skipped files that are told one by one


@click.command()
@click.argument("real", metavar="REAL")
@click.argument("made", metavar="MADE")
@click.option("--unseen", metavar="IMAGES", help="Real images that the model was not given; else a part of REAL.")
@click.option(
    "--features",
    type=click.Choice(["auto", "lite0", "self", "pixels", "inception"]),
    default="auto",
    show_default=True,
    help="What images are compared by.",
)
@click.option("--weights", metavar="FILE", help="What inception needs: its weights, a .safetensors file of yours.")
@click.option("--size", type=Whole(8, 1024), metavar="PIXELS", help="Side at which all are compared.")
@click.option(
    "--most", type=Whole(12), metavar="N", default=2000, show_default=True, help="Images of each kind to measure."
)
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with pictures (.html).")
@threads_option()
@seed_option
@output_options
def evaluate(
    real: str, made: str, report: Path | None, threads: int | None, output: str | None, as_json: bool, **options: Any
) -> None:
    """Judge made images beside real ones: whether they look real, reach all kinds, and are no copies.

    REAL is what the model learnt, MADE what it made: folders, files or sets. Every figure stands beside the same of
    real images that are held out (what no model can beat) and of a trivial baseline. Distances are named by their
    features: FD-lite0 by a network of photographs (the extra `features`), FD-self by one learnt here, FD-pixels by
    pixels; auto is lite0 from 64 pixels on, where it is installed, else self. By inception, whose weights you bring,
    they are FID, KID and IS; docs/image.md says how. With -o the figures are written as JSON.

    \b
    Examples:
      genapps image evaluate photos/ made/
      genapps image evaluate photos/ made/ --unseen others/ --report report.html
      genapps image evaluate photos/ made/ --features pixels --json
    """
    from genapps.report.files import figures_beside
    from genapps.threads import threads as on_threads
    from genapps_image.evaluation import page
    from genapps_image.evaluation.tasks import evaluate as run
    from genapps_image.placing import check_figures, check_files, check_page
    from genapps_image.writing import write_json

    beside = None if report is None else figures_beside(report)
    check_files([output, report, beside], [real, made, options["unseen"], options["weights"]])
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
