"""`genapps image`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "inspect": ("genapps_image.cli_inspect:inspect", "What is in a folder of images, and how it would be learnt."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Images: more of them, better ones, restyled ones, and the odd ones out."""
