"""What the commands on logs have in common: refuse early what cannot be written, write, and tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import note, print_json
from genapps.errors import UsageError

STDOUT = "-"
SUFFIXES = (".csv", ".json", ".jsonl")


def tell(as_json: bool, places: dict[str, Any], figures: dict[str, Any], notes: tuple[str, ...]) -> None:
    """Print the figures as JSON, or say beside the result what was met and where files are."""
    if as_json:
        print_json({**{f"{name}_file": str(place) for name, place in places.items() if place is not None}, **figures})
        return
    for sentence in notes:
        note(f"note: {sentence}")
    for name, place in places.items():
        if place is not None and str(place) != STDOUT:
            note(f"{name:<11} {place}")


def check(
    log: str | Path,
    output: str | None,
    save: Path | None = None,
    *others: str | Path | None,
    inputs: Iterable[str | Path | None] = (),
    as_json: bool = False,
) -> None:
    """Refuse what could not be written before any work is done. others: more files that are written; inputs: read."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_apart, check_target

    if output == STDOUT and as_json:
        raise UsageError("--json and the templates cannot both go to stdout; name a file for the templates with -o")
    if output is not None and output != STDOUT:
        suffix_of(output)
        check_target(output)
    if save is not None:
        check_suffix(save)
        check_target(save)
    check_apart((output, save, *others), (log, *inputs))


def suffix_of(output: str) -> str:
    """The suffix that decides how a table is written; CSV on stdout."""
    suffix = ".csv" if output == STDOUT else Path(output).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{output}: templates are written as {', '.join(SUFFIXES)}; choose such a name")
    return suffix


def write(target: str, text: str) -> None:
    """Write a text to a file, whole or not at all, or to standard output."""
    if target == STDOUT:
        click.echo(text, nl=False)
        return
    from genapps.io.atomic import replacing

    with replacing(target) as handle:
        handle.write(text.encode(errors="replace"))
