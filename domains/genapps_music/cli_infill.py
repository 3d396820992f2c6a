"""`genapps music infill`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.console import Progress
from genapps_music.cli_common import candidates_option, deliver_one, drawing_options, model_option, read_one

if TYPE_CHECKING:
    from genapps_music.score import Score


class Bars(click.ParamType[tuple[int, int], str]):
    """Bars from and to, or one: 3-6."""

    name = "bars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """The two numbers."""
        first, dash, last = str(value).partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            self.fail(f"{value!r} is no range of bars; write 3-6, or one number; an upbeat is 0", param, ctx)
        return int(first), int(last)


@click.command()
@click.argument("piece", metavar="PIECE")
@model_option
@click.option(
    "--voices", metavar="A,T", help="Voices to draw anew, by name, how it begins, or number; all if not given."
)
@click.option("--bars", type=Bars(), metavar="3-6", help="Bars to draw anew; an upbeat is 0; all if not given.")
@candidates_option
@drawing_options
def infill(piece: str, output: str | None, report: Path | None, as_json: bool, **options: Any) -> None:
    """Draw some voices, or some bars, of a piece anew, given all the rest.

    PIECE is a file of MIDI, MusicXML, ABC or a piano roll; what is not drawn anew is kept note by note on the model's
    grid. Bars are numbered as in the score: an upbeat is bar 0, the first whole bar is 1. Of several candidates the
    likeliest is kept.

    \b
    Examples:
      genapps music infill tune.mid --voices A,T --model bach.genapps -o filled.mid
      genapps music infill tune.mid --bars 2-3 --model bach.genapps -o filled.mid
      genapps music infill tune.mid --voices B --bars 2-3 --model bach.genapps --report page.html -o filled.mid
    """
    from genapps.threads import threads
    from genapps_music.composing import delivering

    reads = [piece, options["model"]]
    place = delivering.check_place(output, reads, several=False, example="-o filled.mid")
    delivering.check_report(report, place, reads)
    from genapps_music.composing.filling import Manner
    from genapps_music.composing.tasks import infill as make
    from genapps_music.model import MusicModel

    model = MusicModel.load(options["model"])
    given = read_one(piece)
    manner = Manner(options["temperature"], options["top_p"], options["seed"])
    with threads(options["threads"]), Progress("filling") as bar:
        made = make(
            model, given, manner, voices=options["voices"], bars=_counted(given, options["bars"]),
            candidates=options["candidates"], progress=bar.update,
        )  # fmt: skip
    about = {"input": piece, "model": options["model"], "family": model.family, "voices": options["voices"]}
    about |= {"bars": options["bars"], "candidates": options["candidates"]}
    about |= {"seed": manner.seed, "temperature": manner.temperature, "top_p": manner.top_p}
    deliver_one(made, place, report, model, about, as_json=as_json, word="filled")


def _counted(score: Score, asked: tuple[int, int] | None) -> tuple[int, int] | None:
    """The bars as they are counted from 1, of those that the score numbers. Raises UsageError for one it lacks."""
    from genapps.errors import UsageError
    from genapps_music.writing.notation import bars

    if asked is None:
        return None
    numbers = [bar.number for bar in bars(score)]
    if not numbers[0] <= asked[0] <= asked[1] <= numbers[-1]:
        raise UsageError(f"{score.name} has the bars {numbers[0]}-{numbers[-1]}, so there is no {asked[0]}-{asked[1]}")
    return asked[0] + 1 - numbers[0], asked[1] + 1 - numbers[0]
