"""`genapps molecule propose`: parse, call, print. Nothing heavy is imported before they run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity
from genapps.cli.options import Duration, Real, Whole, output_options_of, seed_option, threads_option
from genapps.errors import UsageError

FILE = click.Path(path_type=Path)
STDOUT = "-"
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".smi", ".sdf")


@click.command()
@click.option("-n", "--rows", "n", type=Whole(1, 10**7), default=1000, show_default=True, metavar="N", help="How many.")
@click.option("--where", metavar="RANGES", help='Ranges of properties: "qed>=0.6, 250<=mw<=500, logp<4, sa<=3.5".')
@click.option(
    "--filters", "filters", multiple=True, metavar="NAMES",
    help="Alerts that no molecule may have: pains,brenk,mcf, others by name, a file of SMARTS.",
)  # fmt: skip
@click.option("--like", metavar="FILE|SMILES", help="Leads: molecules as similar to one of them as --similarity says.")
@click.option("--similarity", metavar="LOW..HIGH", help="To the nearest lead, Tanimoto of Morgan bits; 0.4..0.8.")
@click.option("--scaffold", metavar="SMILES|FILE", help="Every molecule contains it; [*:1] is where it may grow.")
@click.option(
    "--link", nargs=2, metavar="A B", default=None, help="Every molecule is these two pieces, files or SMILES, linked."
)
@click.option("--novel-to", "novel_to", multiple=True, type=FILE, metavar="FILE", help="Molecules not to deliver.")
@click.option("--diverse", is_flag=True, help="Draw three times as many and pick those least alike (MaxMin).")
@click.option("--rank", metavar="AIMS", help="Best first, by Pareto fronts: qed, -sa is high QED and low SA.")
@click.option("--model", type=FILE, metavar="FILE.genapps", help="A model of your own; the shipped one if not given.")
@click.option(
    "--temperature", type=Real(0.1, 3), default=1.0, show_default=True, metavar="T",
    help="Below 1: more usual molecules; above: stranger ones.",
)  # fmt: skip
@click.option(
    "--most",
    type=Whole(1, 10**9),
    default=1_000_000,
    metavar="N",
    help="Draws, and molecules of a search, at most; a million.",
)
@click.option("--budget", type=Duration(), help="Time to draw at most: 90s, 5m; what was found is delivered.")
@click.option("--dropped", type=FILE, metavar="FILE.csv", help="Write what was dropped, and why.")
@click.option("--3d", "three_d", is_flag=True, help="Coordinates in space, for -o FILE.sdf.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page with pictures of the molecules.")
@seed_option
@threads_option()
@output_options_of(", ".join(SUFFIXES))
def propose(output: str | None, as_json: bool, **options: Any) -> None:
    """Propose new molecules like drugs.

    Every molecule that is delivered parses, is canonical and there once, and passes what is asked for. Beside its
    properties it is told which alerts it has, which approved drug is nearest, and whether the model learnt it.

    \b
    Examples:
      genapps molecule propose -n 1000 -o out.csv --report grid.html
      genapps molecule propose --where "qed>=0.6, 250<=mw<=500, logp<4" --filters pains,brenk -o out.sdf
      genapps molecule propose --scaffold "c1ccc2[nH]c([*:1])cc2c1" -n 100 -o indoles.csv
      genapps molecule propose --like lead.smi --similarity 0.4..0.8 -n 100 -o near.csv
      genapps molecule propose --model mine.genapps --novel-to known.smi --diverse -o new.smi --dropped why.csv
    """
    output = output or STDOUT
    _check(as_json, {"rows": output, "dropped": options["dropped"], "report": options["report"]}, options)
    from genapps.threads import threads
    from genapps_molecule.proposing.delivering import Places, deliver
    from genapps_molecule.proposing.known import known_molecules
    from genapps_molecule.proposing.picking import Aim
    from genapps_molecule.proposing.sources import Shape
    from genapps_molecule.proposing.tasks import Order
    from genapps_molecule.traits.ranges import Wish

    order = Order(
        n=options["n"],
        seed=options["seed"],
        wish=Wish.parse(options["where"]) if options["where"] is not None else None,
        filters=tuple(name.strip() for names in options["filters"] for name in names.split(",") if name.strip()),
        shape=Shape.parse(options["scaffold"], options["link"], options["like"], options["similarity"]),
        aims=Aim.parse(options["rank"]) if options["rank"] is not None else (),
        diverse=options["diverse"],
        temperature=options["temperature"],
        most=options["most"],
        seconds=options["budget"],
        novel_to=known_molecules(options["novel_to"], lambda sentence: note(f"note: {sentence}")),
    )
    places = Places(output, options["dropped"], options["report"], options["three_d"])
    said: list[str] = []
    with threads(options["threads"]), Progress("proposing", unit="molecules") as bar:

        def say(sentence: str) -> None:
            said.append(sentence)
            bar.note(f"note: {sentence}")

        found = deliver(order, places, model=options["model"], progress=bar.update, say=say)
    _tell(as_json, {"rows": output, "dropped": places.dropped, "report": places.report}, found, said)


def _check(as_json: bool, places: dict[str, Any], options: dict[str, Any]) -> None:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.atomic import check_apart, check_target
    from genapps.report.files import check_report, figures_beside
    from genapps_molecule.reading.writing import check_molecules

    if places["rows"] == STDOUT and as_json:
        raise UsageError("--json and the rows cannot both go to stdout; name a file for the rows with -o")
    try:
        check_molecules(places["rows"], options["three_d"])
    except UsageError as error:
        if "a table's name" not in str(error):
            raise
        raise UsageError(f"{error}; molecules also go to .smi and .sdf") from None
    if places["dropped"] is not None:
        check_target(places["dropped"])
    check_report(places["report"])
    beside = None if places["report"] is None else figures_beside(places["report"])
    check_apart([*places.values(), beside], [options["model"], *options["novel_to"]])


def _tell(as_json: bool, places: dict[str, Any], found: Any, said: Collection[str]) -> None:
    """Figures and places as JSON on stdout, or lines for people: on stderr where rows go to stdout."""
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        print_json({**{f"{name}_file": place for name, place in written.items()}, **found.to_json()})
        return
    for line in found.lines() if verbosity() >= 0 else ():
        click.echo(line, err=places["rows"] == STDOUT)
    for sentence in found.notes:
        if sentence not in said:
            note(f"note: {sentence}")
    for name, place in written.items():
        note(f"{name:<11} {place}")
