"""What a command that writes changed images says in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import click

from genapps.cli.console import note, one_line, print_json, verbosity
from genapps_image.cli_skipped import tell_skipped

if TYPE_CHECKING:
    from genapps_image.records import Skipped


class Outcome(Protocol):
    """What came of it: figures for people and as JSON, notes, and files that were written or could not be used."""

    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def skipped(self) -> Sequence[Skipped]: ...
    @property
    def written(self) -> Sequence[str]: ...
    def lines(self) -> Sequence[str]: ...
    def to_json(self) -> dict[str, Any]: ...


def tell(outcome: Outcome, output: str | None, also: Mapping[str, object | None], *, as_json: bool) -> None:
    """Figures to stdout; notes, and where images and other files lie, to stderr. also: files by what they are."""
    if as_json:
        print_json(outcome.to_json())
    elif verbosity() >= 0:
        for line in outcome.lines():
            click.echo(one_line(line))
    for sentence in outcome.notes:
        note(f"note: {one_line(sentence)}")
    tell_skipped(outcome.skipped)
    if outcome.written:
        many = len(outcome.written)
        note(f"{'images':<9}{outcome.written[0] if many == 1 else f'{many:,} in {output}'}")
    for what, path in also.items():
        if path is not None:
            note(f"{what:<9}{path}")
