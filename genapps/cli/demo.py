"""`genapps demo`: the main job of a domain on the data that ships with it."""

from __future__ import annotations

from pathlib import Path

import click

from genapps.errors import UsageError
from genapps.suggest import did_you_mean


@click.command()
@click.argument("domain", default="tabular")
@click.option("-o", "--output", default="demo", show_default=True, metavar="FOLDER", help="Where to put the results.")
def demo(domain: str, output: str) -> None:
    """Run the main job of a domain on data that ships: rows, a model and a report.

    The command line it stands for is printed first, to be copied and changed.

    \b
    Examples:
      genapps demo
      genapps demo tabular -o results
      genapps demo logs
      genapps demo timeseries
      genapps demo image
      genapps demo audio
      genapps demo music
    """
    import shlex

    from genapps.cli.console import note
    from genapps.cli.domains import BUILT_IN, load
    from genapps.io.datasets import shipped_file

    known = {name: entry for name, entry in BUILT_IN.items() if entry.demo}
    if domain not in known:
        raise UsageError(f"no domain {domain!r} has a demo.{did_you_mean(domain, known)} There is: {', '.join(known)}")
    entry = known[domain]
    package = entry.cli.partition(".")[0]
    sample = shipped_file(f"{package}/samples/{entry.sample}")
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    words = [word.format(sample=sample, samples=Path(sample).parent, folder=folder) for word in entry.demo]
    note(f"$ genapps {domain} {shlex.join(words)}")
    group: click.Group = load(entry.cli)
    parent = click.get_current_context().find_root()
    with group.make_context(domain, words, parent=parent) as context:
        group.invoke(context)
