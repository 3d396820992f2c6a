"""`genapps audio demo`: the same as `genapps demo audio`."""

from __future__ import annotations

import click


@click.command()
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
@click.pass_context
def demo(context: click.Context, output: str) -> None:
    """Run the main job on the clips that ship: when a machine sounds odd, and in which band.

    \b
    Examples:
      genapps audio demo
      genapps audio demo -o results
    """
    from genapps.cli.demo import demo as of_any_domain

    context.invoke(of_any_domain, domain="audio", output=output)
