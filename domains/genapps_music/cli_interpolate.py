"""`genapps music interpolate`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import note, one_line, print_json, verbosity
from genapps.cli.options import Whole
from genapps.errors import UsageError
from genapps_music.cli_common import drawing_options_of, model_option, read_one, tell


@click.command()
@click.argument("first", metavar="FIRST")
@click.argument("last", metavar="LAST")
@model_option
@click.option(
    "--steps", type=Whole(3, 1000), default=7, show_default=True, metavar="N",
    help="How many pieces, the two ends among them.",
)  # fmt: skip
@drawing_options_of(0.3)
def interpolate(first: str, last: str, output: str | None, report: Path | None, as_json: bool, **options: Any) -> None:
    """Go from one piece to another in steps, on the line between their latents.

    FIRST and LAST are files of MIDI, MusicXML, ABC or piano rolls. Two bars at a time become a few numbers and back, as
    the variational autoencoder has learnt that fit trains beside the model, or with --family vae. -o is a new folder.
    The ends are the given pieces as far as they go together: the first bars of both, as many as the shorter one has, in
    twos; LAST is moved into the key and tempo of FIRST. What was cut and moved is said.

    \b
    Examples:
      genapps music interpolate tune.mid other.mid --model bach.genapps --steps 7 -o between/
      genapps music interpolate tune.mid other.mid --model bach.genapps --report page.html -o path/
    """
    from genapps.threads import threads
    from genapps_music.composing import delivering

    reads = [first, last, options["model"]]
    place = delivering.check_place(output, reads, several=True, example="-o between/")
    delivering.check_report(report, place, reads)
    if options["top_p"] is not None:
        raise UsageError("interpolate takes no --top-p; lower --temperature draws the likelier notes")
    from genapps_music.composing.between import interpolate as make
    from genapps_music.composing.filling import Manner
    from genapps_music.judging.of_model import write_report
    from genapps_music.model import MusicModel

    model = MusicModel.load(options["model"])
    manner = Manner(options["temperature"], None, options["seed"])
    with threads(options["threads"]):
        found = make(model, read_one(first), read_one(last), options["steps"], manner)
    about: dict[str, Any] = {
        "first": first, "last": last, "model": options["model"], "steps": options["steps"],
        "temperature": manner.temperature, "seed": manner.seed,
    }  # fmt: skip
    figures = {"to_first": list(found.to_first), "to_last": list(found.to_last)}
    delivering.write_folder(place, found.made, {"made_by": "genapps music interpolate", **about, **figures})
    if report is not None:
        write_report(
            report, found.made, model, title=str(output), subject="music interpolated", facts=about, seed=manner.seed
        )
    if as_json:
        told = None if report is None else str(report)
        print_json({"output": place, "report": told, **about, **figures, "remarks": list(found.notes)})
        return
    for sentence in _lines(found.to_first, found.to_last) if verbosity() >= 0 else ():
        click.echo(one_line(sentence))
    tell(found.notes)
    note(one_line(f"written      {place}"))
    if report is not None:
        note(one_line(f"report       {report}"))


def _lines(to_first: tuple[float, ...], to_last: tuple[float, ...]) -> list[str]:
    """How far each piece is from the two ends."""
    shown = [
        f"differs from 001 in {a:4.0%} of the steps, from {len(to_first):03} in {b:4.0%}"
        for a, b in zip(to_first, to_last, strict=True)
    ]
    return [f"{number:03}          {words}" for number, words in enumerate(shown, 1)]
