"""`genapps image demo`: the same as `genapps demo image`."""

from __future__ import annotations

import click


@click.command()
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
@click.pass_context
def demo(context: click.Context, output: str) -> None:
    """Run the main job on the pictures that ship: which flanges are damaged, and where.

    \b
    Examples:
      genapps image demo
      genapps image demo -o results
    """
    from genapps.cli.demo import demo as of_any_domain

    context.invoke(of_any_domain, domain="image", output=output)
