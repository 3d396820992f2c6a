"""`genapps image`: the commands by name; each is imported when it is called."""

from __future__ import annotations

import click

from genapps.cli.group import Group

# Name -> (where the command is, its line in the list). A command comes in here together with its module.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "augment": (
        "genapps_image.cli_augment:augment",
        "A larger training set, with labels, boxes and masks, and what it is worth.",
    ),
    "demo": ("genapps_image.demo:demo", "The main job on the pictures that ship."),
    "detect": ("genapps_image.cli_detect:detect", "Odd images and where in them, from good ones alone."),
    "evaluate": ("genapps_image.cli_evaluate:evaluate", "How good made images are, and whether they are copies."),
    "fit": ("genapps_image.cli_fit:fit", "Learn a folder of images, by any of six families."),
    "inpaint": ("genapps_image.cli_inpaint:inpaint", "Fill holes in images, given what is around them."),
    "inspect": ("genapps_image.cli_inspect:inspect", "What is in a folder of images, and how it would be learnt."),
    "label": ("genapps_image.cli_label:label", "Labels for many images from a few that are known, and how sure."),
    "sample": ("genapps_image.cli_sample:sample", "New images from what fit learnt."),
    "stylize": ("genapps_image.cli_stylize:stylize", "Photographs painted in the style of other pictures."),
    "upscale": ("genapps_image.cli_upscale:upscale", "Larger images, with details learnt from images of their kind."),
}


@click.group(cls=Group, table=ELSEWHERE)
def cli() -> None:
    """Images: more of them, better ones, restyled ones, and the odd ones out."""
