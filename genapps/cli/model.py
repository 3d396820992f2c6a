"""`genapps model`: what a saved model file holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from genapps.cli.group import Group
from genapps.cli.options import json_option

VERIFIED = 2**30  # bytes; of a larger file only the header is read
SHOWN = 60  # characters of a value; --json has all of it


@click.group(cls=Group)
def model() -> None:
    """Show what a saved model file holds."""


@model.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def show(file: Path, as_json: bool) -> None:
    """Print the card of a model file: family, domain, settings, rows, seed, versions, measures.

    \b
    Examples:
      genapps model show model.genapps
    """
    from genapps.cli.console import note, print_json
    from genapps.io.artifact import read_artifact, read_header

    if file.is_file() and file.stat().st_size > VERIFIED:
        note(f"{file}: large, so only its header is read; the checksum is verified where the model is used")
        header = read_header(file)
    else:
        header = read_artifact(file).header
    if as_json:
        print_json(header)
        return
    family = str(header.get("family", "?"))
    article = "an" if family[:1] in "aeiou" else "a"
    click.echo(f"{file}: {article} {family} model of {header.get('domain', '?')} data")
    for line in card(header):
        click.echo(line)


def card(header: dict[str, Any]) -> Iterator[str]:
    """The header's figures and the model's settings, a line each; long lists are counted, not shown."""
    for key, value in header.items():
        if key in ("family", "domain"):
            continue
        if not isinstance(value, dict):
            yield f"{key:<22} {_short(value)}"
            continue
        yield f"{key}:"
        for name, item in _listed(value):
            if len(_short(item)) < SHOWN or not isinstance(item, dict):
                yield f"  {name:<20} {_short(item)}"
                continue
            yield f"  {name}:"
            yield from (f"    {key:<18} {_short(own)}" for key, own in item.items() if own != "")


def _listed(section: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings of a section, then what else it holds."""
    settings = section.get("config")
    if isinstance(settings, dict):
        yield from settings.items()
    yield from ((name, item) for name, item in section.items() if item is not settings)


def _short(value: Any) -> str:
    if isinstance(value, list) or (isinstance(value, dict) and any(isinstance(v, list | dict) for v in value.values())):
        return "1 entry" if len(value) == 1 else f"{len(value):,} entries"
    if isinstance(value, dict):
        value = ", ".join(f"{key} {_short(item)}" for key, item in value.items() if item != "")
    if value is None or isinstance(value, bool):
        value = "none" if value is None else str(value).lower()  # as settings are written
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
