"""`genapps timeseries demo`: the same as `genapps demo timeseries`."""

from __future__ import annotations

import click


@click.command()
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
@click.pass_context
def demo(context: click.Context, output: str) -> None:
    """Run the main job on the series that ships: what does not belong to it, row by row and event by event.

    \b
    Examples:
      genapps timeseries demo
      genapps timeseries demo -o results
    """
    from genapps.cli.demo import demo as of_any_domain

    context.invoke(of_any_domain, domain="timeseries", output=output)
