"""`genapps config`: a domain's settings, to start a file from."""

from __future__ import annotations

from pathlib import Path

import click

from genapps.errors import UsageError
from genapps.suggest import did_you_mean


@click.command()
@click.argument("domain")
@click.option(
    "--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="Start from this file's values."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
def config(domain: str, file: Path | None, settings: tuple[str, ...]) -> None:
    """Print all settings of a domain as TOML, each with its default and its meaning.

    \b
    Examples:
      genapps config tabular > run.toml
      genapps config tabular --set training.epochs=20
    """
    from genapps.cli.domains import BUILT_IN, load
    from genapps.config import resolve, to_toml

    known = {name: entry.config for name, entry in BUILT_IN.items() if entry.config}
    if domain not in known:
        raise UsageError(
            f"no domain {domain!r} has settings.{did_you_mean(domain, known)} There is: {', '.join(known)}"
        )
    click.echo(to_toml(resolve(load(known[domain]), file, settings)), nl=False)
