"""`genapps music`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "compose": ("genapps_music.cli_compose:compose", "New pieces from what fit learnt."),
    "continue": ("genapps_music.cli_continue:continue_", "A piece, and so many bars more."),
    "demo": ("genapps_music.demo:demo", "Three voices for a melody, by what ships."),
    "evaluate": ("genapps_music.cli_evaluate:evaluate", "How good made music is, and whether it is copied."),
    "fit": ("genapps_music.cli_fit:fit", "Learn a folder of scores, by any of six families."),
    "harmonize": ("genapps_music.cli_harmonize:harmonize", "The other voices for a melody."),
    "infill": ("genapps_music.cli_infill:infill", "Some voices, or some bars, of a piece anew."),
    "interpolate": ("genapps_music.cli_interpolate:interpolate", "From one piece to another in steps."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Music: new pieces, continuations, voices added to a melody; how good any piece is."""
