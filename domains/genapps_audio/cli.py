"""`genapps audio`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "augment": ("genapps_audio.cli_augment:augment", "A larger set of clips by variants, and what it is worth."),
    "demo": ("genapps_audio.demo:demo", "The main job on the clips that ship."),
    "detect": ("genapps_audio.cli_detect:detect", "Odd clips, when and in which band, from normal ones alone."),
    "evaluate": (
        "genapps_audio.cli_evaluate:evaluate",
        "How good made clips are, what they teach, and whether they are copies.",
    ),
    "fit": ("genapps_audio.cli_fit:fit", "Learn a folder of clips, by any of six families."),
    "inspect": ("genapps_audio.cli_inspect:inspect", "What is in a folder of clips, and what is wrong with it."),
    "recognize": (
        "genapps_audio.cli_recognize:recognize",
        "Which word is said, learnt from clips of each, and what is none of them.",
    ),
    "sample": ("genapps_audio.cli_sample:sample", "New clips from what fit learnt."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Audio: more clips like a folder's, variants of them, odd ones, and spoken words."""
