"""`genapps music compose`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Whole
from genapps_music.cli_common import drawing_options, tell


class MeterType(click.ParamType[tuple[int, int], str]):
    """Beats of a part of a whole note: 3/4."""

    name = "meter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """The two numbers."""
        beats, _, unit = str(value).partition("/")
        if not (beats.isdecimal() and unit.isdecimal() and 1 <= int(beats) <= 64 and int(unit) in (1, 2, 4, 8, 16, 32)):
            self.fail(f"{value!r} is no meter; write 4/4, 3/4 or 6/8", param, ctx)
        return int(beats), int(unit)


@click.command()
@click.argument("model", metavar="MODEL.genapps")
@click.option("-n", "count", type=Whole(1, 100_000), default=1, show_default=True, metavar="N", help="How many pieces.")
@click.option("--bars", type=Whole(1, 1000), default=8, show_default=True, metavar="N", help="Bars of each.")
@click.option("--meter", type=MeterType(), metavar="3/4", help="The meter; the usual one of the corpus if not given.")
@drawing_options
def compose(model: str, output: str | None, report: Path | None, as_json: bool, **options: Any) -> None:
    """Compose new pieces with a model that fit wrote.

    -o is a new folder (MIDI, MusicXML and a WAV to hear of each, and a manifest), or one file for one piece. Whatever
    is drawn is a piece: its voices stay in the ranges of the corpus, and it ends where it should.

    \b
    Examples:
      genapps music compose bach.genapps -n 20 --bars 8 -o composed/
      genapps music compose bach.genapps --bars 4 --temperature 0.9 -o tune2.mid
      genapps music compose bach.genapps -n 3 --top-p 0.95 --seed 7 -o some/ --report page.html
    """
    from genapps.threads import threads
    from genapps_music.composing import delivering

    example = "-o new/, or with -n 1 -o piece.mid"
    several = options["count"] > 1 or (output is not None and delivering.is_folder(output))
    place = delivering.check_place(output, [model], several=several, example=example)
    delivering.check_report(report, place, [model])
    from genapps_music.composing.filling import Manner
    from genapps_music.composing.tasks import compose as make
    from genapps_music.judging.of_model import write_report
    from genapps_music.model import MusicModel

    held = MusicModel.load(model)
    manner = Manner(options["temperature"], options["top_p"], options["seed"])
    with threads(options["threads"]), Progress("composing", unit="pieces") as bar:
        made = make(held, options["count"], options["bars"], manner, meter=options["meter"], progress=bar.update)
    about: dict[str, Any] = {
        "model": model, "family": held.family, "seed": manner.seed, "temperature": manner.temperature,
        "top_p": manner.top_p, "bars": options["bars"], "count": options["count"],
    }  # fmt: skip
    if several:
        delivering.write_folder(place, made, {"made_by": "genapps music compose", **about})
    else:
        delivering.write_one(place, made[0].score)
    if report is not None:
        write_report(report, made, held, title=str(output), subject="music composed", facts=about, seed=manner.seed)
    count = sum(len(part.notes) for one in made for part in one.score.parts)
    if as_json:
        print_json({"output": place, "report": None if report is None else str(report), **about, "notes": count})
        return
    if verbosity() >= 0:
        pieces = f"{len(made):,} piece{'s' if len(made) > 1 else ''}"
        click.echo(one_line(f"composed     {pieces}, {count:,} notes, by the {held.family}, seed {manner.seed}"))
    tell(list(dict.fromkeys(sentence for one in made for sentence in one.notes)))
    note(one_line(f"written      {place}"))
    if report is not None:
        note(one_line(f"report       {report}"))
