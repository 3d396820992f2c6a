"""`genapps image inspect`: parse, call, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import output_options
from genapps.errors import InputError
from genapps_image.cli_skipped import tell_skipped


@click.command()
@click.argument("images", metavar="IMAGES")
@output_options
def inspect(images: str, output: str | None, as_json: bool) -> None:
    """Say what is in a folder of images: formats, sizes, classes, copies, what cannot be used, and the preset for it.

    IMAGES is a folder, whose subfolders are classes, or a set in one file: IDX, NPZ or Parquet. With -o the same is
    written as JSON.

    \b
    Examples:
      genapps image inspect photos/
      genapps image inspect photos/ --json
    """
    from genapps_image import inspecting
    from genapps_image.placing import check_figures, check_files
    from genapps_image.reading.pictures import open_pictures

    check_files([output], [images])
    check_figures(output)
    pictures = open_pictures(images)
    with Progress("looking", unit="images") as bar:
        found = inspecting.inspect(pictures, progress=bar.update)
    if output not in (None, "-"):
        from genapps_image.writing import write_json

        write_json(str(output), inspecting.to_json(found))
    if as_json or output == "-":
        print_json(inspecting.to_json(found))
    elif verbosity() >= 0:
        for line in inspecting.lines(found):
            click.echo(one_line(line))
    if pictures.note:
        note(f"note: {one_line(pictures.note)}")
    tell_skipped(found.skipped)
    if not found.count:
        raise InputError(f"{images}: no image that can be used")
