"""`genapps tabular cluster`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from typing import Any

import click

from genapps.cli.console import print_json, verbosity
from genapps.cli.options import Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_tabular.cli import (
    FILE,
    dry_run_option,
    encoding_option,
    report_option,
    schema_option,
    spreadsheet_option,
)
from genapps_tabular.runs import STDOUT, Bars, check_model, check_report, keep_apart, places_json, rows_to, tell


class Clusters(click.ParamType[Any, Any]):
    """A number of clusters, or auto, which is given on as None."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """The number; fails unless it is one of at least 1, or auto."""
        if str(value).strip().lower() == "auto":
            return None
        try:
            return Whole(1, 10_000).convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f"{error.message}; give a number of clusters, or auto", param, ctx)


@click.command()
@click.argument("data", metavar="DATA")
@click.option("--clusters", type=Clusters(), default="auto", metavar="auto|K", show_default=True, help="How many.")
@click.option(
    "--most",
    type=Whole(1, 1000),
    default=20,
    metavar="K",
    show_default=True,
    help="With auto: how many to try at most.",
)
@click.option("--model", type=FILE, metavar="FILE", help="A saved clustering that rows are assigned to.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save the clustering, to assign other rows later.")
@report_option
@schema_option
@encoding_option
@spreadsheet_option
@threads_option(default=1)
@seed_option
@output_options
@dry_run_option
def cluster(data: str, output: str | None, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Find groups of rows that are alike, how many there are, and what sets each apart.

    Adds the columns cluster (1 is the largest) and cluster_probability. Gaps are no obstacle; identifiers, free text
    and constants are left out. The figures say whether there are clusters at all.

    \b
    Examples:
      genapps tabular cluster customers.csv -o clustered.csv --report clusters.html
      genapps tabular cluster customers.csv --clusters 4 --save groups.genapps -o clustered.csv
    """
    model, save, report = options["model"], options["save"], options["report"]
    if model is not None and (save is not None or _given("clusters") or _given("most")):
        raise UsageError("--model brings clusters that were found before; leave out --clusters, --most and --save")
    safe = options["spreadsheet_safe"]
    output = rows_to(output, as_json and not dry_run, data, safe)
    check_report(report, data, model, options["schema_file"])
    check_model(save)
    keep_apart(data, output, save, report)
    if model is not None:
        keep_apart(model, output, report)
    places = {"rows": output, "model": save, "report": report}
    if dry_run:
        _plan(data, options, as_json, places)
        return
    from genapps_tabular.clusters import cluster as run
    from genapps_tabular.summary import cluster_lines

    with Bars() as bars:
        made = run(
            data,
            clusters=options["clusters"],
            most=options["most"],
            model=model,
            save=save,
            output=output,
            report=report,
            schema=options["schema_file"],
            encoding=options["encoding"],
            seed=options["seed"],
            cpu_threads=options["threads"],
            spreadsheet_safe=safe,
            progress=bars,
        )
    lines, said = list(cluster_lines(made)), [*made.notes, *(unread.words for unread in made.unread)]
    if as_json or output == STDOUT:
        tell(as_json, places, made.to_json(), [*lines, *said], made.written)
        return
    for line in lines if verbosity() >= 0 else ():  # rows are elsewhere, so the figures are the result
        click.echo(line)
    tell(False, places, {}, said, made.written)


def _plan(data: str, options: dict[str, Any], as_json: bool, places: dict[str, Any]) -> None:
    """Say what would be done."""
    from genapps.report.text import grid
    from genapps_tabular.clusters import plan_clusters

    rows, columns = plan_clusters(
        data, options["model"], options["schema_file"], options["encoding"], options["clusters"]
    )
    if as_json:
        print_json({"rows_read": rows, "columns": dict(columns), **places_json(places)})
        return
    click.echo(f"{data}: {rows:,} rows, {len(columns)} columns")
    for line in grid([("column", "taken as"), *columns]):
        click.echo(line)
    wanted = options["clusters"] or f"1 to {options['most']}, chosen by BIC"
    click.echo(f"clusters    {'those of ' + str(options['model']) if options['model'] else wanted}")
    for name, place in places.items():
        if place is not None:
            click.echo(f"{name:<11} {'stdout' if str(place) == STDOUT else place}")
    click.echo("nothing was done: --dry-run")


def _given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE
