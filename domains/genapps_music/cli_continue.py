"""`genapps music continue`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress
from genapps.cli.options import Whole
from genapps_music.cli_common import deliver_one, drawing_options, model_option, read_one


@click.command("continue")
@click.argument("seed_file", metavar="SEED")
@model_option
@click.option("--bars", type=Whole(1, 1000), default=8, show_default=True, metavar="N", help="Bars to add.")
@drawing_options
def continue_(seed_file: str, output: str | None, report: Path | None, as_json: bool, **options: Any) -> None:
    """Continue a piece by so many bars, up to an end.

    SEED is a file of MIDI, MusicXML, ABC or a piano roll, kept note by note on the model's grid. One outside the ranges
    of the model's voices is moved by octaves, which is said.

    \b
    Examples:
      genapps music continue tune.mid --model bach.genapps --bars 8 -o longer.mid
      genapps music continue tune.mid --model bach.genapps --bars 4 --report page.html -o longer.musicxml
    """
    from genapps.threads import threads
    from genapps_music.composing import delivering

    reads = [seed_file, options["model"]]
    place = delivering.check_place(output, reads, several=False, example="-o longer.mid")
    delivering.check_report(report, place, reads)
    from genapps_music.composing.filling import Manner
    from genapps_music.composing.tasks import continue_ as make
    from genapps_music.model import MusicModel

    model = MusicModel.load(options["model"])
    given = read_one(seed_file)
    manner = Manner(options["temperature"], options["top_p"], options["seed"])
    with threads(options["threads"]), Progress("continuing") as bar:
        made = make(model, given, options["bars"], manner, progress=bar.update)
    about = {"input": seed_file, "model": options["model"], "family": model.family, "bars": options["bars"]}
    about |= {"seed": manner.seed, "temperature": manner.temperature, "top_p": manner.top_p}
    deliver_one(made, place, report, model, about, as_json=as_json, word="continued")
