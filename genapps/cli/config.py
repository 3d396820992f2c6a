"""`genapps config`: a domain's settings, to start a file from."""

from __future__ import annotations

from pathlib import Path

import click

from genapps.errors import UsageError
from genapps.suggest import did_you_mean


@click.command()
@click.argument("domain")
@click.argument("task", required=False)
@click.option(
    "--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="Start from this file's values."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
def config(domain: str, task: str | None, file: Path | None, settings: tuple[str, ...]) -> None:
    """Print all settings of a domain as TOML, each with its default and its meaning.

    TASK: detect of tabular has settings of its own.

    \b
    Examples:
      genapps config tabular > run.toml
      genapps config tabular --set training.epochs=20
      genapps config tabular detect > detect.toml
    """
    from genapps.cli.domains import BUILT_IN, load
    from genapps.config import named, resolve, to_toml

    known = {name: entry.config for name, entry in BUILT_IN.items() if entry.config}
    if domain not in known:
        raise UsageError(
            f"no domain {domain!r} has settings.{did_you_mean(domain, known)} There is: {', '.join(known)}"
        )
    if task is None:
        click.echo(to_toml(resolve(load(known[domain]), file, settings)), nl=False)
        return
    own = BUILT_IN[domain].own
    if task not in own:
        there = f" There is: {', '.join(own)}" if own else ""
        raise UsageError(
            f"{domain} {task} has no settings of its own; see: genapps config {domain}.{did_you_mean(task, own)}{there}"
        )
    click.echo(to_toml(resolve(load(own[task]), file, settings), named(file, settings)), nl=False)
