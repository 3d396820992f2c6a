"""`genapps tabular demo`: the same as `genapps demo tabular`."""

from __future__ import annotations

import click


@click.command()
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
@click.pass_context
def demo(context: click.Context, output: str) -> None:
    """Run the main job on the table that ships: rows, a model and a report.

    \b
    Examples:
      genapps tabular demo
      genapps tabular demo -o results
    """
    from genapps.cli.demo import demo as of_any_domain

    context.invoke(of_any_domain, domain="tabular", output=output)
