"""`genapps molecule fit`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity, visible
from genapps.cli.options import Duration, output_options, seed_option, threads_option
from genapps.errors import InputError, UsageError
from genapps_molecule.cli_score import encoding_option, treatment_of

FILE = click.Path(path_type=Path)
KEEP_OR_STRIP = click.Choice(["keep", "strip"])
STDOUT = "-"
_TOLD = 10  # rows that were dropped and are told one by one


@click.command()
@click.argument("data", metavar="FILE")
@click.option("--from-shipped", is_flag=True, help="Begin from the shipped model: better below 50,000 molecules.")
@click.option("--from", "begin", type=FILE, metavar="FILE.genapps", help="Begin from a model of your own.")
@click.option(
    "--family", metavar="NAME", default="autoregressive", show_default=True,
    help="Or vae, gan, gmm, hmm, rbm, ngram: to compare with.",
)  # fmt: skip
@click.option("--column", metavar="NAME", help="Where the SMILES are; found if not given.")
@encoding_option
@click.option("--salts", type=KEEP_OR_STRIP, default="keep", show_default=True, help="strip: the largest part is kept.")
@click.option(
    "--charges", type=click.Choice(["keep", "neutralize"]), default="keep", show_default=True, help="By moving protons."
)
@click.option("--stereo", type=KEEP_OR_STRIP, default="keep", show_default=True, help="Whether @, / and \\ count.")
@click.option("--isotopes", type=KEEP_OR_STRIP, default="keep", show_default=True, help="strip: [13C] is C.")
@click.option(
    "--rings", type=click.Choice(["keep", "drop"]), default="keep", show_default=True,
    help="drop: without molecules that need ring numbers above 9.",
)  # fmt: skip
@click.option("--dropped", type=FILE, metavar="FILE.csv", help="Write the rows that were not learnt, and why.")
@click.option(
    "--budget", type=Duration(),
    help="Time to train at most: 90s, 5m, 1h30m; reading, and measuring before and after, come on top.",
)  # fmt: skip
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to train.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="Change one setting, such as hidden, layers, training.epochs; may be repeated.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@seed_option
@threads_option()
@output_options
def fit(data: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Learn your own molecules, for propose --model.

    FILE is SMILES, CSV, SDF, Parquet or JSON lines, - is standard input. Rows that hold no molecule are told with their
    number and left out. A stopped run leaves its training in OUTPUT.checkpoint; the same command with --resume goes on
    from there.

    \b
    Examples:
      genapps molecule fit my.smi -o mine.genapps --from-shipped
      genapps molecule fit assay.csv --salts strip --charges neutralize -o mine.genapps --from-shipped
      genapps molecule fit large.smi -o mine.genapps --budget 1h --set hidden=256
      genapps molecule fit large.smi -o counts.genapps --family ngram
    """
    target = _checked(data, output, options)
    from genapps.config import resolve
    from genapps.threads import threads
    from genapps_molecule.generators import fitting, fitting_families
    from genapps_molecule.generators.model import SmilesModel

    config = resolve(fitting.FitConfig, None, options["settings"]).over(options["budget"], options["device"])
    begin = SmilesModel.shipped() if options["from_shipped"] else None
    if options["begin"] is not None:
        begin = SmilesModel.load(options["begin"])
    treatment = treatment_of(options)
    with (
        _checkpoint(target, options["resume"]) as checkpoint,
        threads(options["threads"]),
        Progress("learning", unit="steps") as bar,
    ):
        found: fitting.Fitted | fitting_families.FittedFamily
        if options["family"] == "autoregressive":
            found = fitting.fit(
                data,
                fitting.Study(begin, config, options["seed"]),
                treatment,
                column=options["column"],
                encoding=options["encoding"],
                progress=bar,
                checkpoint=checkpoint,
                resume=options["resume"] and checkpoint.exists(),
            )
        else:
            where = {name: options[name] for name in ("column", "encoding", "seed")}
            found = fitting_families.fit(data, options["family"], config, treatment, **where)
        found.model.save(target)
    if options["dropped"] is not None:
        fitting.write_dropped(options["dropped"], found.dropped)
    if as_json:
        print_json({"model_file": str(target), **found.to_json()})
        return
    for line in found.lines() if verbosity() >= 0 else ():
        click.echo(visible(line))
    for one in found.dropped[:_TOLD]:
        note(f"note: {data}: row {one.row:,}: {one.reason}")
    if len(found.dropped) > _TOLD:
        note(f"note: {sum(found.figures['dropped'].values()) - _TOLD:,} more rows were dropped; --dropped lists them")
    note(f"{'model':<11} {target}")


def _checked(data: str, output: str | None, options: dict[str, Any]) -> Path:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_apart, check_target

    if output is None or output == STDOUT:
        raise UsageError("name the file of the model: -o mine.genapps")
    if options["family"] != "autoregressive" and (options["from_shipped"] or options["begin"] or options["resume"]):
        raise UsageError("--from-shipped, --from and --resume are for the family autoregressive")
    if options["from_shipped"] and options["begin"] is not None:
        raise UsageError("--from-shipped and --from both say where to begin; give one")
    check_suffix(output)
    for place in (output, options["dropped"]):
        if place is not None:
            check_target(place)
    check_apart([output, options["dropped"]], [data, options["begin"]])
    return Path(output)


@contextmanager
def _checkpoint(target: Path, resume: bool) -> Iterator[Path]:
    """Where this run keeps its training: `OUTPUT.checkpoint`, gone once it is done; old ones without --resume."""
    path = Path(f"{target}.checkpoint")
    if resume and not path.exists():
        note(f"{path}: no checkpoint to go on from; starting anew")
    elif path.exists() and not resume:
        note(f"{path}: an earlier run left a checkpoint; starting anew, as --resume was not given")
        path.unlink()
    try:
        yield path
    except BaseException as error:
        if path.exists() and not isinstance(error, InputError | UsageError):
            note(f"training so far is kept in {path}; run the same command with --resume to go on")
        raise
    path.unlink(missing_ok=True)
