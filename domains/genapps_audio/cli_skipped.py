"""What every command says of files that it could not use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genapps.cli.console import note, one_line

if TYPE_CHECKING:
    from genapps_audio.records import Skipped

_TOLD = 10  # that are told one by one


def tell_skipped(skipped: Sequence[Skipped]) -> None:
    """The first of them with their reasons, and how many more there are."""
    for one in skipped[:_TOLD]:
        note(one_line(f"skipped {one.name}: {one.reason}"))
    if len(skipped) > _TOLD:
        more = len(skipped) - _TOLD
        note(f"{more:,} more {'was' if more == 1 else 'were'} skipped; --json lists them all")
