"""`genapps image inpaint`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, print_json, verbosity
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
@seed_option
@threads_option()
@output_options
def inpaint(images: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Fill holes in images by draws from a model, given what is around them.

    IMAGES is a folder, one image, or a set in a file. The families autoregressive, gmm, vae, rbm and hmm can. What is
    written has the size of the model's images; a manifest beside says which files belong to which image.

    \b
    Examples:
      genapps image inpaint photos/ --box 4,4,8,8 --model mine.genapps -o filled/
      genapps image inpaint photo.png --mask hole.png --model mine.genapps -o filled.png
      genapps image inpaint photo.png --mask hole.png --model mine.genapps -n 3 -o several/
    """
    if output is None or output == "-":
        raise UsageError("name where the images go: -o filled/, or -o filled.png for one image")
    from genapps.io.atomic import check_apart
    from genapps.threads import threads
    from genapps_image.generation import filling
    from genapps_image.model import ImageModel

    check_apart([output], [images, options["model"], options["mask"]])
    filling.hole_of(options["mask"], options["box"])
    held = ImageModel.load(options["model"])
    with threads(options["threads"]), Progress("filling", unit="images") as bar:
        filled, skipped = filling.inpaint(
            images,
            held,
            output,
            mask=options["mask"],
            box=options["box"],
            label=options["label"],
            draws=options["draws"],
            seed=options["seed"],
            progress=bar.update,
        )
    figures = {"output": output, "family": held.family, "filled": len(filled), "skipped": len(skipped)}
    if as_json:
        rows = [{"name": one.name, "files": list(one.files), "share": one.share} for one in filled]
        print_json({**figures, "images": rows, "skipped": [{"name": s.name, "reason": s.reason} for s in skipped]})
        return
    if verbosity() >= 0:
        share = sum(one.share for one in filled) / len(filled)
        size = f"{held.codec.height} x {held.codec.width}"
        click.echo(f"filled       {len(filled):,} images at {size}, {share:.0%} of their pixels, by the {held.family}")
    tell_skipped(skipped)
    note(f"written      {Path(output)}")
