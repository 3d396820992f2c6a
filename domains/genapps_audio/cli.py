"""`genapps audio`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "fit": ("genapps_audio.cli_fit:fit", "Learn a folder of clips, by any of six families."),
    "sample": ("genapps_audio.cli_sample:sample", "New clips from what fit learnt."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Audio: more clips like a folder's, variants of them, odd ones, and spoken words."""
