"""`genapps music harmonize`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress
from genapps_music.cli_common import candidates_option, deliver_one, drawing_options_of, model_option, read_one


@click.command()
@click.argument("melody", metavar="MELODY")
@model_option
@click.option("--voice", metavar="NAME", help="The voice that the melody becomes; the top one if not given.")
@candidates_option
@drawing_options_of(0.5)
def harmonize(melody: str, output: str | None, report: Path | None, as_json: bool, **options: Any) -> None:
    """Add the other voices to a melody.

    MELODY is a file of MIDI, MusicXML, ABC or a piano roll, of which the first part is taken; it is kept note by note
    on the model's grid, by octaves within the range of the voice. Of several candidates the likeliest is kept.

    \b
    Examples:
      genapps music harmonize melody.mid --model bach.genapps -o harmony.musicxml
      genapps music harmonize melody.mid --model bach.genapps --candidates 32 --report page.html -o harmony.mid
    """
    from genapps.threads import threads
    from genapps_music.composing import delivering

    reads = [melody, options["model"]]
    place = delivering.check_place(output, reads, several=False, example="-o chorale.musicxml")
    delivering.check_report(report, place, reads)
    from genapps_music.composing.filling import Manner
    from genapps_music.composing.tasks import harmonize as make
    from genapps_music.model import MusicModel

    model = MusicModel.load(options["model"])
    given = read_one(melody)
    manner = Manner(options["temperature"], options["top_p"], options["seed"])
    with threads(options["threads"]), Progress("harmonizing") as bar:
        made = make(model, given, manner, voice=options["voice"], candidates=options["candidates"], progress=bar.update)
    about = {"input": melody, "model": options["model"], "family": model.family, "candidates": options["candidates"]}
    about |= {"seed": manner.seed, "temperature": manner.temperature, "top_p": manner.top_p}
    deliver_one(made, place, report, model, about, as_json=as_json, word="harmonized")
