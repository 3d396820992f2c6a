"""`genapps music`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "evaluate": ("genapps_music.cli_evaluate:evaluate", "How good made music is, and whether it is copied."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Music: new pieces, continuations, voices added to a melody; what any piece is worth."""
