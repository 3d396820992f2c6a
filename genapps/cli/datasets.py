"""`genapps datasets`: what the catalogue holds, whose it is and how to get it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from genapps.cli.console import note, print_json
from genapps.cli.group import Group
from genapps.cli.options import json_option


@click.group(cls=Group)
def datasets() -> None:
    """List, describe or fetch the catalogued data sets.

    \b
    Examples:
      genapps datasets list
      genapps datasets info adult
      genapps datasets get flights -o flights.csv
    """


@datasets.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the data sets.

    \b
    Examples:
      genapps datasets list
    """
    from genapps.io.datasets import catalogue

    entries = catalogue()
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    for entry in entries:
        place = "shipped" if entry.shipped else "to download"
        click.echo(f"{entry.name:<12}{entry.rows:>9,} rows  {entry.license:<10}  {place:<12}  {entry.title}")


@datasets.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> None:
    """Describe one data set: license, citation, source.

    \b
    Examples:
      genapps datasets info adult
    """
    from genapps.io.datasets import find

    entry = asdict(find(name))
    if as_json:
        print_json(entry)
        return
    for key, value in entry.items():
        if value:
            click.echo(f"{key:<10}{', '.join(value) if isinstance(value, tuple) else value}")


@datasets.command()
@click.argument("name")
@click.option("-o", "--output", metavar="FILE", help="Where to write the CSV, NAME.csv if not given; - is stdout.")
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="The file you downloaded.")
def get(name: str, output: str | None, source: Path | None) -> None:
    """Write a data set as CSV: a shipped one, or one you downloaded from where `info` says.

    \b
    Examples:
      genapps datasets get flights -o flights.csv
      genapps datasets get adult --from adult.data -o adult.csv
    """
    from genapps.io.atomic import replacing
    from genapps.io.datasets import fetch, find

    entry = find(name)
    target = output or f"{name}.csv"
    if target != "-" and not target.endswith(".csv"):
        raise click.UsageError(f"{target}: data sets are written as .csv")
    table = fetch(entry, source)
    if target == "-":
        sys.stdout.buffer.write(table)
        return
    with replacing(target) as handle:
        handle.write(table)
    note(f"{target}: {entry.rows:,} rows. {entry.license}; cite {entry.citation}")
