"""`genapps molecule evaluate`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity, visible
from genapps.cli.options import Whole, output_options, seed_option
from genapps_molecule.cli_score import encoding_option

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--reference", metavar="FILE", help="What the molecules should be like; MOSES' test sets if not given.")
@click.option(
    "--training", metavar="FILE", help="What novelty is told of; what the shipped model learnt, if not given."
)
@click.option("--column", metavar="NAME", help="The column of SMILES, where it is not found by itself.")
@encoding_option
@click.option(
    "--most", type=Whole(2), metavar="N", default=30_000, show_default=True, help="Rows to judge: the first N."
)
@click.option("--fcd/--no-fcd", default=True, help="The Fréchet ChemNet distance, the slowest of the measures.")
@click.option(
    "--report", type=FILE, metavar="FILE.html", help="Write a page: figures, distributions and some of the molecules."
)
@seed_option
@output_options
def evaluate(file: str, output: str | None, as_json: bool, report: Path | None, **options: Any) -> None:
    """Judge molecules by MOSES' measures, each beside what real molecules reach at the same number.

    FILE is a list as it was made, with what is no molecule left in: that counts as invalid. The column "real" says
    what as many molecules of the training set reach; where FILE reaches it too, no more can be told. CharRNN is the
    best published model of MOSES, with 30,000 molecules: figures of another number compare by how far they are from
    theirs of "real". With -o the same is written as JSON.

    \b
    Examples:
      genapps molecule evaluate proposed.csv --report judged.html
      genapps molecule evaluate proposed.smi --reference mine.smi --training mine.smi
      genapps molecule evaluate proposed.csv --no-fcd --json
    """
    from genapps_molecule.evaluating.summary import check_places, lines, write_judged
    from genapps_molecule.evaluating.tasks import evaluate as run

    check_places(output, report, [file, options["reference"], options["training"]])
    with Progress("evaluating") as bar:
        judged = run(file, progress=lambda what, done, n: bar.update(done, n, what), **options)
    if output is not None:
        write_judged(judged, output)
    if report is not None:
        from genapps_molecule.report.judged import show_judged

        show_judged(report, judged, file)
    if as_json:
        if output != "-":
            print_json({**judged.to_json(), **({"report_file": str(report)} if report is not None else {})})
        return
    if verbosity() >= 0 and output != "-":
        for line in lines(judged):
            click.echo(visible(line))
    for sentence in judged.notes:
        note(f"note: {sentence}")
    if report is not None:
        note(f"wrote {report}")
