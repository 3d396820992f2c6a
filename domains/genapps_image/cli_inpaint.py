"""`genapps image inpaint`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_image.cli_skipped import tell_skipped


class Box(click.ParamType[tuple[int, int, int, int], str]):
    """x,y,width,height in pixels of the image."""

    name = "box"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        """The four numbers."""
        parts = [part.strip() for part in str(value).split(",")]
        if len(parts) != 4 or not all(part.isdecimal() for part in parts) or 0 in (int(parts[2]), int(parts[3])):
            self.fail(f"{value!r} is no box; write x,y,width,height in pixels, such as 0,14,28,14", param, ctx)
        x, y, width, height = map(int, parts)
        return x, y, width, height


@click.command()
@click.argument("images", metavar="IMAGES")
@click.option("--model", "model", metavar="FILE.genapps", required=True, help="What fit wrote.")
@click.option("--box", type=Box(), metavar="X,Y,W,H", help="What to fill: a box in pixels of the image.")
@click.option("--mask", metavar="FILE|FOLDER", help="What to fill: white in this image, or in that of the same name.")
@click.option("--label", metavar="NAME", help="Fill as an image of this class; guessed from the rest if not given.")
@click.option(
    "-n", "draws", type=Whole(1, 1000), default=1, metavar="N", show_default=True, help="Completions of each."
)
@click.option("--check", metavar="IMAGES", help="Whole images that were not learnt: put the hole in, tell the error.")
@click.option("--at-model-size", is_flag=True, help="Write images of the size of the model's, not of their own.")
@seed_option
@threads_option()
@output_options
def inpaint(images: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Fill holes in images by draws from a model, given what is around them.

    IMAGES is a folder, one image, or a set in a file. What is known stays as it is. What is filled in was thought of at
    the size of the model's images and is enlarged smoothly: it has no finer detail. A manifest beside says which files
    belong to which image.

    \b
    Examples:
      genapps image inpaint photos/ --box 4,4,8,8 --model mine.genapps -o filled/
      genapps image inpaint photo.png --mask hole.png --model mine.genapps -o filled.png
      genapps image inpaint photo.png --mask hole.png --model mine.genapps -n 3 -o several/
      genapps image inpaint photos/ --box 4,4,8,8 --model mine.genapps --check others/ -o filled/
    """
    if output is None or output == "-":
        raise UsageError("name where the images go: -o filled/, or -o filled.png for one image")
    from genapps.threads import threads
    from genapps_image.generation import filling
    from genapps_image.generation.holes import hole_of
    from genapps_image.model import ImageModel
    from genapps_image.placing import check_files, check_place, several_in

    check_place(output, images, several_in(images) or options["draws"] > 1)
    check_files([output], [options["model"], options["mask"], options["check"]])
    hole_of(options["mask"], options["box"])
    held = ImageModel.load(options.pop("model"))
    on = options.pop("threads")
    wish = filling.Wish(**options)
    with threads(on), Progress("filling", unit="images") as bar:
        found = filling.inpaint(
            images,
            held,
            output,
            wish,
            lambda what, done, total: bar.update(done, total, "" if what == "filling" else what),
        )
    if as_json:
        print_json({"output": output, "family": held.family, **found.to_json()})
        return
    if verbosity() >= 0:
        for line in found.lines(held):
            click.echo(one_line(line))
    if Path(output).suffix.lower() in (".jpg", ".jpeg", ".webp"):
        note(f"note: {Path(output).suffix} changes all pixels a little; name a .png and what is known stays as it is")
    tell_skipped(found.skipped)
    note(f"written      {Path(output)}")
