"""`genapps molecule optimize`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity, visible
from genapps.cli.options import Real, Whole, output_options, seed_option
from genapps.cli.stopping import Stop
from genapps.errors import UsageError
from genapps.wording import counted

if TYPE_CHECKING:
    from genapps_molecule.optimizing.tasks import Optimized

FILE = click.Path(path_type=Path)
STDOUT = "-"


@click.command()
@click.option(
    "--objective", required=True, metavar="EXPRESSION|FILE.py:FUNCTION",
    help="What to make large: an expression over properties, similarity(FILE) and qsar(FILE.csv, y=COLUMN), or a"
    " Python function.",
)  # fmt: skip
@click.option("--calls", type=Whole(1, 10**8), default=10_000, metavar="N", show_default=True, help="Calls at most.")
@click.option("-n", "--rows", "n", type=Whole(1, 10**6), default=100, metavar="N", show_default=True, help="Delivered.")
@click.option("--start", metavar="FILE", help="First molecules; draws of the shipped model if not given.")
@click.option("--column", metavar="NAME", help="Where the SMILES are in FILE; found if not given.")
@click.option(
    "--first", type=Whole(1, 10**6), metavar="N", help="How many of them are asked; a tenth of the calls, 100 to 250."
)
@click.option("--where", metavar="RANGES", help='What a molecule must be to be asked about: "250<=mw<=500, sa<=4".')
@click.option("--filters", "filters", multiple=True, metavar="NAMES", help="Alerts it must not have: pains,brenk,mcf.")
@click.option("--most-atoms", type=Whole(4, 500), default=50, metavar="N", show_default=True, help="Beside hydrogen.")
@click.option(
    "--hardest", type=Real(1, 10), metavar="1..10",
    help="The highest SA score of a child, 10: any; as 9 of 10 of the first molecules, or 4, if not given.",
)  # fmt: skip
@click.option(
    "--distinct", type=Real(0, 1), default=1.0, metavar="0..1", show_default=True,
    help="The highest similarity of two delivered molecules.",
)  # fmt: skip
@click.option("--novel-to", metavar="FILE", help="Deliver none of the molecules in it; the search may begin from them.")
@click.option(
    "--method", type=click.Choice(["genetic", "guided"]), default="genetic", show_default=True,
    help="guided: half of the molecules are drawn by a network that learns from the best.",
)  # fmt: skip
@click.option("--model", metavar="FILE.genapps", help="A model of your own to draw from; the shipped one if not given.")
@click.option("--3d", "three_d", is_flag=True, help="Coordinates in space, for -o FILE.sdf.")
@click.option("--state", type=FILE, metavar="FILE.genapps", help="Keep the search there while it runs.")
@click.option("--resume", is_flag=True, help="Go on with what --state kept, with more --calls if wanted.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page; its figures go beside it as JSON.")
@seed_option
@output_options
def optimize(output: str | None, as_json: bool, **options: Any) -> None:
    """Search for molecules that an objective likes best, within a number of calls.

    A call is a molecule that was not asked about before. Molecules outside of --where and --filters cost none. An
    objective that raises, or returns no number, costs that molecule its score and nothing else. FILE.py is run: a
    function whose parameter is named smiles, mol or batch gets a SMILES, a molecule of RDKit, or a list of SMILES.

    \b
    Examples:
      genapps molecule optimize --objective "qed*0.5 + similarity(LEAD.smi)*0.5" --calls 2000 -o best.csv
      genapps molecule optimize --objective "qsar(assay.csv, y=pIC50)" --where "mw<=500" --calls 2000 -o best.sdf
      genapps molecule optimize --objective dock.py:score --start hits.smi --calls 2000 --state run.genapps -o best.csv
    """
    output = output or STDOUT
    _check(as_json, output, options)
    from genapps_molecule.optimizing.tasks import Order
    from genapps_molecule.optimizing.tasks import optimize as search

    filters = tuple(name.strip() for names in options["filters"] for name in names.split(",") if name.strip())
    apart = ("filters", "state", "resume", "report", "three_d")
    order = Order(filters=filters, **{name: value for name, value in options.items() if name not in apart})
    found = None
    with Progress("searching", unit="calls") as bar, Stop() as stop:
        try:
            found = search(
                order,
                output,
                state=options["state"],
                resume=options["resume"],
                report=options["report"],
                three_d=options["three_d"],
                progress=bar.update,
                stopped=stop,
                calling=stop.at_once,
            )
        except KeyboardInterrupt:  # before there was anything to deliver
            if not stop():
                raise
    if found is not None:
        _tell(found, output, as_json, options)
    if stop():
        raise stop.error(_kept(found, options["state"]))


def _kept(found: Optimized | None, state: Path | None) -> str:
    """What is left of a search that was ended, and how it can go on."""
    if state is not None and state.exists():
        calls = "what was asked" if found is None else f"all {counted(found.calls, 'finished call')}"
        return f"{state} keeps {calls}, and the same command with --resume goes on"
    return "" if found is None else f"{counted(found.calls, 'call')} made; --state FILE would let the search go on"


def _tell(found: Optimized, output: str, as_json: bool, options: dict[str, Any]) -> None:
    """Print what was found, and where it is."""
    places = {"rows": output, "state": options["state"], "report": options["report"]}
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        print_json({**{f"{name}_file": place for name, place in written.items()}, **found.to_json()})
        return
    for line in found.lines() if verbosity() >= 0 else ():
        click.echo(visible(line), err=output == STDOUT)
    for one in found.dropped[:10]:
        note(f"note: {options['start']}: row {one.row}: {one.reason}")
    if len(found.dropped) > 10:
        note(f"note: {options['start']}: {len(found.dropped) - 10:,} more rows hold no molecule")
    for sentence in found.notes:
        note(f"note: {sentence}")
    for name, place in written.items():
        note(f"{name:<11} {place}")


def _check(as_json: bool, output: str, options: dict[str, Any]) -> None:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_apart, check_target
    from genapps.report.files import check_report, figures_beside
    from genapps_molecule.reading.writing import check_molecules

    state, report, resume = options["state"], options["report"], options["resume"]
    if output == STDOUT and as_json:
        raise UsageError("--json and the rows cannot both go to stdout; name a file for the rows with -o")
    if resume and state is None:
        raise UsageError("--resume goes on with what --state kept; name it")
    if state is not None:
        check_suffix(state)
        check_target(state)
        if state.exists() and not resume:
            raise UsageError(f"{state}: holds a search already; add --resume to go on with it, or name another file")
        if resume and not state.exists():
            note(f"{state}: no search to go on from; starting anew")
    check_molecules(output, options["three_d"])
    check_report(report)
    figures = None if report is None else figures_beside(report)
    check_apart([output, state, report, figures], [options["start"], options["model"], options["novel_to"]])
