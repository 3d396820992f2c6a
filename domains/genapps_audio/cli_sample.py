"""`genapps audio sample`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError


@click.command()
@click.argument("model", metavar="MODEL.genapps")
@click.option("-n", "count", type=Whole(1, 10_000_000), required=True, metavar="N", help="How many clips.")
@click.option("--label", metavar="NAME", help="Of this class; of all, as often as in training, if not given.")
@click.option("--seconds", type=Real(0.01, 600), metavar="S", help="Length of all; as in training if not given.")
@click.option(
    "--temperature", type=Real(0, 10), default=1.0, metavar="0..10", show_default=True,
    help="Below 1: more usual sounds, and more alike.",
)  # fmt: skip
@click.option(
    "--top-p", type=Real(0, 1, min_open=True), metavar="SHARE",
    help="Of a model of tokens: draw only the likeliest codes that have this share; 0.9 if not given.",
)  # fmt: skip
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page to see and hear (.html).")
@seed_option
@threads_option()
@output_options
def sample(model: str, output: str | None, as_json: bool, report: Path | None, **options: Any) -> None:
    """Make new clips from a model that fit wrote.

    -o is a new folder (a WAV a clip, in folders by class), or one file with all of them in a row (made.wav). A manifest
    beside them says how each was made; one file replaces an earlier result only. No clip is clipped, and each is about
    as loud as those that were learnt.

    \b
    Examples:
      genapps audio sample voice.genapps -n 100 -o drawn/
      genapps audio sample voice.genapps -n 20 --label yes --seconds 0.8 -o yes.wav
      genapps audio sample voice.genapps -n 50 --temperature 0.7 --seed 7 -o usual/ --report usual.html
    """
    if output is None or output == "-":
        raise UsageError("name where the clips go: -o made/, or -o made.wav for all in a row")
    from genapps.io.placing import check_files
    from genapps.report.files import check_page, figures_beside
    from genapps.threads import threads
    from genapps_audio.generation import delivering
    from genapps_audio.model import AudioModel

    delivering.check_place(output, options["count"])
    check_page(report)
    beside = None if report is None else figures_beside(report)
    check_files([*delivering.places(output), report, beside], [model])
    held = AudioModel.load(model)
    wish = delivering.Wish(
        options["count"],
        options["label"],
        options["seconds"],
        options["temperature"],
        options["seed"],
        options["top_p"],
    )
    delivering.check_wish(held, wish)
    about: dict[str, Any] = {
        "model": model, "family": held.family, "rate": held.codec.rate, "seed": wish.seed, "seconds": wish.seconds,
        "temperature": wish.temperature, "top_p": wish.top_p,
        "count": wish.n, "part": delivering.PART, "reached": held.card.get("reached"),
    }  # fmt: skip
    with threads(options["threads"]), Progress("drawing", unit="clips") as bar:
        parts = delivering.drawn(held, wish, bar.update)
        if report is not None:
            from genapps_audio.generation.page import watched, write_drawn

            parts, seen = watched(parts)
        written = delivering.deliver(output, parts, held, wish, about)
    if report is not None:
        write_drawn(str(report), seen, held, about)
    if as_json:
        print_json({"output": written[0], "manifest": written[1], **about})
        return
    from genapps_audio.generation.judging import Reached

    if verbosity() >= 0:
        click.echo(f"drawn        {wish.n:,} clips by the {held.family}, seed {wish.seed}")
        for line in Reached(**about["reached"]).lines() if about["reached"] else ():
            click.echo(one_line(line))
    note(f"written      {written[0]}")
    note(f"manifest     {written[1]}")
    if report is not None:
        note(f"report       {report}")
