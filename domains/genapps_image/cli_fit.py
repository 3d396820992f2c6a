"""`genapps image fit`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import VERBOSITY, Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, output_options, seed_option, threads_option
from genapps.errors import InputError, UsageError
from genapps.training.settings import Event
from genapps_image.cli_skipped import tell_skipped

STDOUT = "-"
_MOST_SIDE = 1024


class Size(click.ParamType[tuple[int, int], str]):
    """Pixels: 32, or height x width as in 24x32."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """(height, width)."""
        parts = str(value).lower().split("x")
        if not all(part.strip().isdecimal() for part in parts) or len(parts) > 2:
            self.fail(f"{value!r} is no size; write 32, or 24x32 (height x width)", param, ctx)
        height, width = int(parts[0]), int(parts[-1])
        if not (4 <= height <= _MOST_SIDE and 4 <= width <= _MOST_SIDE):
            self.fail(f"sides lie between 4 and {_MOST_SIDE} pixels, not {value}", param, ctx)
        return height, width


@click.command()
@click.argument("images", metavar="IMAGES")
@click.option(
    "--family", metavar="NAME", default="auto", show_default=True,
    help="autoregressive, gan, vae, gmm, rbm or hmm; auto: as the images' number and size suggest.",
)  # fmt: skip
@click.option("--size", type=Size(), metavar="N|HxW", help="Pixels of a side; chosen if not given.")
@click.option(
    "--levels", type=click.Choice(["auto", "2", "256"]), default="auto", show_default=True,
    help="2: black and white, greys taken for the chance of white.",
)  # fmt: skip
@click.option("--no-classes", is_flag=True, help="Learn all images alike, whatever subfolder they are in.")
@click.option("--budget", type=Duration(), help="Time to train at most: 90s, 5m, 1h30m.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to train.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="Change one setting, such as hidden, n_components, training.max_steps; may be repeated.",
)  # fmt: skip
@click.option("--no-sheet", is_flag=True, help="Write no sheet of samples beside the model.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@seed_option
@threads_option()
@output_options
def fit(images: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Learn a folder of images, for sample, inpaint and augment.

    IMAGES is a folder, whose subfolders are classes, or a set in one file: IDX, NPZ or Parquet. Families that learn no
    classes (gmm, rbm, hmm) become one model for each. While it learns, a sheet of samples stands beside the model:
    mine.png beside mine.genapps. A GAN that collapses, or training that diverges, goes back and says so; --verbose
    tells each look at how varied a GAN's images are. A stopped run leaves its training in OUTPUT.checkpoint; the same
    command with --resume goes on to the same model.

    \b
    Examples:
      genapps image fit photos/ -o mine.genapps
      genapps image fit photos/ -o mine.genapps --family gan --budget 10m
      genapps image fit photos/ -o mixture.genapps --family gmm --size 16 --set n_components=8
    """
    target = _checked(images, output, sheet=not options["no_sheet"])
    leads = _leads()
    from genapps.threads import threads
    from genapps_image.generation.fitting import Study
    from genapps_image.generation.sheets import Sheets, sheet_beside, write_sheet
    from genapps_image.generation.tasks import fit_images

    sheet = sheet_beside(target)
    with (
        _checkpoint(target, options["resume"], leads) as checkpoint,
        threads(options["threads"]),
        Progress("learning", unit="steps") as bar,
    ):
        study = Study(
            settings=options["settings"],
            budget=options["budget"],
            seed=options["seed"],
            device=options["device"],
            levels=None if options["levels"] == "auto" else int(options["levels"]),
            progress=_Live(bar),
            snapshot=Sheets(sheet, options["seed"]) if leads and not options["no_sheet"] else None,
            checkpoint=checkpoint,
            resume=options["resume"],
        )
        found = fit_images(
            images, study, family=options["family"], size=options["size"], labelled=not options["no_classes"]
        )
        if not leads:
            return
        found.model.save(target)
        if not options["no_sheet"]:
            write_sheet(sheet, found.model, options["seed"])
    places = {"model": str(target), **({} if options["no_sheet"] else {"sheet": str(sheet)})}
    if as_json:
        print_json({**{f"{name}_file": place for name, place in places.items()}, **found.to_json()})
        return
    for line in found.lines() if verbosity() >= 0 else ():
        click.echo(one_line(line))
    for sentence in found.notes:
        note(f"note: {one_line(sentence)}")
    tell_skipped(found.skipped)
    for name, place in places.items():
        note(f"{name:<12} {place}")


class _Live:
    """A bar that tells of training: what a watch saw last beside it, what happened in lines of its own.

    With --verbose each look of the watch has a line, too.
    """

    def __init__(self, bar: Progress) -> None:
        self.bar, self.seen = bar, ""

    def __call__(self, event: Event) -> None:
        from genapps_image.generation.watching import brief, figures_of, full, happened

        figures = figures_of(event)
        if figures:
            self.seen = brief(figures)
            self.bar.detail(f"step {event.step:,}: {full(figures)}")
        if event.message:
            self.bar.note(happened(event))
        self.bar.update(event.step, event.total, self.seen)


def _leads() -> bool:
    """Join the processes that torchrun began, if it did; whether this one is to tell and to write, as the first is."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return True
    from genapps.training import distributed

    distributed.start()
    leads = distributed.rank() == 0
    if not leads:
        click.get_current_context().meta[VERBOSITY] = -1
    return leads


def _checked(images: str, output: str | None, sheet: bool) -> Path:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps_image.placing import check_files

    if output is None or output == STDOUT:
        raise UsageError("name the file of the model: -o mine.genapps")
    check_suffix(output)
    places = [output, str(Path(output).with_suffix(".png"))] if sheet else [output]
    for place in places:
        check_target(place)
    check_files(places, [images])
    return Path(output)


@contextmanager
def _checkpoint(target: Path, resume: bool, leads: bool) -> Iterator[Path]:
    """Where this run keeps its training: files that begin with `OUTPUT.checkpoint`, gone once it is done."""
    path = Path(f"{target}.checkpoint")
    if not leads:  # it may read them, and leaves them alone
        yield path
        return

    def kept() -> list[Path]:
        return sorted(one for one in path.parent.iterdir() if one.name.startswith(path.name))

    if resume and not kept():
        note(f"{path}: no checkpoint to go on from; starting anew")
    elif kept() and not resume:
        note(f"{path}: an earlier run left a checkpoint; starting anew, as --resume was not given")
        for one in kept():
            one.unlink()
    try:
        yield path
    except BaseException as error:
        if kept() and not isinstance(error, InputError | UsageError):
            note(f"training so far is kept in {path}; run the same command with --resume to go on")
        raise
    for one in kept():
        one.unlink()
