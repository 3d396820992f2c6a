"""`genapps molecule score` and `filter`: parse, call, print. Nothing heavy is imported before they run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity, visible
from genapps.cli.options import Function, output_options, seed_option, threads_option
from genapps.errors import UsageError

FILE = click.Path(path_type=Path)
STDOUT = "-"
TREATMENTS = ("salts", "charges", "stereo", "isotopes", "rings")
_MOST_PROCESSES = 8  # where nobody says how many; each takes some 200 MB


encoding_option = click.option("--encoding", metavar="NAME", help="Text encoding of the input; UTF-8 if not given.")


def reading_options(function: Function) -> Function:
    """Add what every command that reads molecules understands: which column, and how molecules are treated.

    Arguments handed to the function: column, encoding: str | None, salts, charges, stereo, isotopes, rings: str.
    """
    options = [
        click.option(
            "--column", metavar="NAME|N", help="The column with SMILES, by name or number; found if not given."
        ),
        encoding_option,
        _kept("salts", "strip", "Of what is written with dots, all parts or the largest."),
        _kept("charges", "neutralize", "Charges as they are, or protons moved where that ends them."),
        _kept("stereo", "strip", "@, / and \\ as they are, or left out."),
        _kept("isotopes", "strip", "[13C] as it is, or as C."),
        _kept("rings", "drop", "Molecules that need ring numbers above 9, left in or told and left out."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _kept(name: str, other: str, text: str) -> Callable[[Function], Function]:
    return click.option(f"--{name}", type=click.Choice(["keep", other]), default="keep", show_default=True, help=text)


def treatment_of(options: dict[str, Any]) -> Any:
    """The treatment that the options ask for."""
    from genapps_molecule.chemistry import Treatment

    return Treatment(**{name: options[name] for name in TREATMENTS})


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--properties", metavar="NAMES", help="Which, separated by commas; all: every one. Ten if not given.")
@click.option(
    "--filters", multiple=True, metavar="NAMES",
    help="Alerts to look for: pains,brenk,mcf, others by name, a file of SMARTS, or none.",
)  # fmt: skip
@click.option("--3d", "three_d", is_flag=True, help="Coordinates in space, for -o FILE.sdf.")
@click.option("--dropped", type=FILE, metavar="FILE.csv", help="Write the rows that are no molecule, and why.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page with pictures of the molecules.")
@reading_options
@seed_option
@threads_option()
@output_options
def score(file: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Properties and alerts of each molecule of a file.

    FILE is SMI, CSV, TSV, SDF, JSON lines or Parquet, compressed or not, or - for standard input. A row that is no
    molecule stays in its place with the reason; it never ends the run.

    \b
    Examples:
      genapps molecule score mine.csv -o scored.csv --report grid.html
      genapps molecule score mine.sdf --properties qed,mw,sa --filters brenk,own.smarts -o scored.parquet
      genapps molecule score mine.smi --salts strip --charges neutralize --3d -o mine.sdf
    """
    from genapps_molecule.screening.judging import Order
    from genapps_molecule.traits.properties import PROPERTIES, USUAL, check_names

    filters = _listed(options["filters"]) or ["pains", "brenk", "mcf"]
    names = _listed([options["properties"] or ""])
    order = Order(
        tuple(PROPERTIES) if names == ["all"] else check_names(names) or USUAL,
        () if filters == ["none"] else tuple(filters),
        treatment=treatment_of(options),
    )
    _run(file, output or STDOUT, as_json, order, options)


@click.command("filter")
@click.argument("file", metavar="FILE")
@click.option(
    "--where", metavar="RANGES",
    help='Ranges of properties, or of columns of FILE: "qed>=0.6, 250<=mw<=500, logp<4, pIC50>=6".',
)  # fmt: skip
@click.option(
    "--filters", multiple=True, metavar="NAMES",
    help="Alerts that no molecule may have: pains,brenk,mcf, others by name, a file of SMARTS.",
)  # fmt: skip
@click.option("--unique", is_flag=True, help="Each molecule once, however it is written.")
@click.option("--properties", metavar="NAMES", help="Figures to write beside those of --where; all: every one.")
@click.option("--3d", "three_d", is_flag=True, help="Coordinates in space, for -o FILE.sdf.")
@click.option("--dropped", type=FILE, metavar="FILE.csv", help="Write the rows that were dropped, and why.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page with pictures of the molecules.")
@reading_options
@seed_option
@threads_option()
@output_options
def filter_(file: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Keep the molecules of a file that are in range and have no alerts.

    What is dropped is counted by reason; with --dropped each row of it is written with its line and its reason.

    \b
    Examples:
      genapps molecule filter mine.csv --where "qed>=0.6, 250<=mw<=500" -o kept.csv
      genapps molecule filter mine.sdf --filters pains,brenk,mcf,own.smarts -o kept.sdf --dropped dropped.csv
      genapps molecule filter mine.smi --where "similarity(lead.smi)>=0.1" --unique -o kept.smi
    """
    from genapps_molecule.screening.judging import Order
    from genapps_molecule.traits.properties import PROPERTIES, check_names

    names = _listed([options["properties"] or ""])
    order = Order(
        tuple(PROPERTIES) if names == ["all"] else check_names(names),
        tuple(_listed(options["filters"])),
        options["where"],
        treatment_of(options),
        choose=True,
        unique=options["unique"],
    )
    _run(file, output or STDOUT, as_json, order, options)


def _listed(names: Any) -> list[str]:
    return [name.strip() for some in names for name in some.split(",") if name.strip()]


def _processors() -> int:
    """How many this process may use, of which a few are enough."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, _MOST_PROCESSES)


def _run(file: str, output: str, as_json: bool, order: Any, options: dict[str, Any]) -> None:
    from genapps.io.atomic import check_apart, check_target
    from genapps.report.files import check_report, figures_beside
    from genapps_molecule.reading.writing import check_molecules
    from genapps_molecule.screening.tasks import Places, screen

    if output == STDOUT and as_json:
        raise UsageError("--json and the rows cannot both go to stdout; name a file for the rows with -o")
    check_molecules(output, options["three_d"])
    if options["dropped"] is not None:
        check_target(options["dropped"])
    report = options["report"]
    check_report(report)
    beside = None if report is None else figures_beside(report)
    own = [name for name in order.filters if Path(name).is_file()]
    check_apart([output, options["dropped"], report, beside], [file, *own])
    places = Places(output, options["dropped"], options["three_d"], options["seed"], report)
    with Progress("reading", unit="bytes") as bar:
        found = screen(
            file,
            places,
            order,
            column=options["column"],
            encoding=options["encoding"],
            workers=options["threads"] or _processors(),
            progress=lambda done, size: bar.update(done, size or None),
        )
    if as_json:
        written = {"rows_file": output, "dropped_file": options["dropped"], "report_file": options["report"]}
        print_json({**{name: str(place) for name, place in written.items() if place is not None}, **found.to_json()})
        return
    for line in found.lines() if verbosity() >= 0 else ():
        click.echo(visible(line), err=output == STDOUT)
    for sentence in found.notes():
        note(f"note: {sentence}")
    for place in (output, options["dropped"], options["report"]):
        if place is not None and str(place) != STDOUT:
            note(f"wrote {place}")
