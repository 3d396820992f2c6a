"""Options that the commands of made music share, and what they say. Nothing heavy is imported before they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from genapps.cli.console import note, one_line
from genapps.cli.options import Real, output_options_of, seed_option, threads_option

if TYPE_CHECKING:
    from genapps_music.composing.tasks import Made
    from genapps_music.model import MusicModel
    from genapps_music.score import Score, Skipped

Function = TypeVar("Function", bound=Callable[..., Any])

FORMATS = ".mid, .musicxml, .mxl, .json, .wav"
_TOLD = 10  # skipped files that are told one by one


def drawing_options_of(usual: float) -> Callable[[Function], Function]:
    """Add --temperature, --top-p, --report, --seed, --threads and what every command that writes has.

    usual: the temperature if none is given.
    """
    options: list[Callable[[Any], Any]] = [
        click.option(
            "--temperature", type=Real(0, 10), metavar="0..10",
            help=f"Below 1: more usual notes, and more alike; 0: always the likeliest. {usual:g} if not given.",
        ),
        click.option(
            "--top-p", "top_p", type=Real(0, 1, min_open=True), metavar="0..1",
            help="Draw only from the likeliest notes that have this share of the chance together.",
        ),
        click.option(
            "--report", type=click.Path(path_type=Path), metavar="FILE",
            help="Write a page to see and hear the music, with the rules it breaks (.html).",
        ),
        seed_option,
        threads_option(),
        output_options_of(FORMATS),
    ]  # fmt: skip

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


drawing_options = drawing_options_of(0.8)


def model_option(function: Function) -> Function:
    """Add --model."""
    text = "What fit wrote."
    return click.option("--model", "model", metavar="FILE.genapps", required=True, help=text)(function)


def candidates_option(function: Function) -> Function:
    """Add --candidates."""
    from genapps.cli.options import Whole

    text = "Draw so many, and keep the likeliest."
    return click.option("--candidates", type=Whole(1, 1000), metavar="N", default=8, show_default=True, help=text)(
        function
    )


def read_one(path: str) -> Score:
    """The piece in a file. Raises UsageError where there is none, InputError where it cannot be read."""
    from genapps.errors import InputError, UsageError
    from genapps_music.reading.files import read_score
    from genapps_music.score import Unreadable

    if Path(path).is_dir():
        raise UsageError(f"{path}: a folder; give one piece, a file in it")
    if not Path(path).is_file():
        raise UsageError(f"{path}: no such file; give a piece as MIDI, MusicXML, ABC or a piano roll")
    try:
        return read_score(path)
    except Unreadable as error:
        raise InputError(f"{path}: {error}") from error


def deliver_one(
    made: Made, output: str, report: Path | None, model: MusicModel, about: dict[str, Any], *, as_json: bool, word: str
) -> None:
    """Write one piece and its page, and say what was done."""
    from dataclasses import replace

    from genapps.cli.console import print_json, verbosity
    from genapps_music.composing import delivering
    from genapps_music.judging.of_model import write_report

    delivering.write_one(output, made.score)
    if report is not None:
        named = replace(made, score=replace(made.score, name=Path(output).name))
        write_report(
            report, [named], model, title=Path(output).name, subject=f"music {word}", facts=about, seed=about["seed"]
        )
    count = sum(len(part.notes) for part in made.score.parts)
    if as_json:
        print_json({
            "output": output, "report": None if report is None else str(report), **about, "notes": count,
            "nats": made.nats, "candidate_nats": list(made.candidates), "remarks": list(made.notes),
        })  # fmt: skip
        return
    if verbosity() >= 0:
        click.echo(one_line(f"{word:<12} {count:,} notes by the {model.family}, seed {about['seed']}"))
        if made.nats is not None and len(made.candidates) > 1:
            worst = max(made.candidates)
            click.echo(
                f"likeliest    of {len(made.candidates)}: {made.nats:.3f} nats a sounding cell; the least: {worst:.3f}"
            )
    tell(made.notes)
    note(one_line(f"written      {output}"))
    if report is not None:
        note(one_line(f"report       {report}"))


def tell(notes: Sequence[str]) -> None:
    """Sentences that a person should know."""
    for sentence in notes:
        note(f"note: {one_line(sentence)}")


def tell_skipped(skipped: Sequence[Skipped]) -> None:
    """The first files that could not be used with their reasons, and how many more there are."""
    for one in skipped[:_TOLD]:
        note(one_line(f"skipped {one.name}: {one.reason}"))
    if len(skipped) > _TOLD:
        note(f"{len(skipped) - _TOLD:,} more were skipped; --json lists them all")
