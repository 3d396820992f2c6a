"""`genapps logs demo`: the same as `genapps demo logs`."""

from __future__ import annotations

import click


@click.command()
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
@click.pass_context
def demo(context: click.Context, output: str) -> None:
    """Run the main job on the log that ships: what in it is unlike the normal one beside it, with lines and reasons.

    \b
    Examples:
      genapps logs demo
      genapps logs demo -o results
    """
    from genapps.cli.demo import demo as of_any_domain

    context.invoke(of_any_domain, domain="logs", output=output)
