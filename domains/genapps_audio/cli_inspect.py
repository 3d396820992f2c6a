"""`genapps audio inspect`: parse, call, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import output_options
from genapps.errors import InputError, UsageError
from genapps_audio.cli_skipped import tell_skipped


@click.command()
@click.argument("clips", metavar="CLIPS")
@output_options
def inspect(clips: str, output: str | None, as_json: bool) -> None:
    """Say what is in a folder of clips, and what would spoil learning from it.

    Classes, lengths, rates, channels, loudness, silence; clipped, silent and damaged clips, copies, and what tells
    classes apart without being heard. CLIPS is a folder, whose subfolders are classes, or a file. With -o the same is
    written as JSON.

    \b
    Examples:
      genapps audio inspect clips/
      genapps audio inspect clips/ --json
    """
    from genapps.io.atomic import check_target
    from genapps.io.placing import check_files
    from genapps_audio import inspecting
    from genapps_audio.reading.clips import open_clips

    check_files([output], [clips])
    if output not in (None, "-"):
        if not str(output).lower().endswith(".json"):
            raise UsageError(f"{output}: the figures are written as JSON; name it .json")
        check_target(str(output))
    opened = open_clips(clips)
    with Progress("listening", unit="clips") as bar:
        found = inspecting.inspect(opened, progress=bar.update)
    if output not in (None, "-"):
        from genapps_audio.writing import write_json

        write_json(str(output), inspecting.to_json(found))
    if as_json or output == "-":
        print_json(inspecting.to_json(found))
    elif verbosity() >= 0:
        for line in inspecting.lines(found):
            click.echo(one_line(line))
    if opened.note:
        note(f"note: {one_line(opened.note)}")
    tell_skipped(found.skipped)
    if not found.clips:
        raise InputError(f"{clips}: no clip that can be used")
