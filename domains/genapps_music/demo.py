"""`genapps music demo`: the same as `genapps demo music`."""

from __future__ import annotations

import click


@click.command()
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
@click.pass_context
def demo(context: click.Context, output: str) -> None:
    """Run the main job on what ships: three voices for a melody, by a model of Bach's chorales.

    \b
    Examples:
      genapps music demo
      genapps music demo -o results
    """
    from genapps.cli.demo import demo as of_any_domain

    context.invoke(of_any_domain, domain="music", output=output)
