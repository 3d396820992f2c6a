"""`genapps image sample`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError


@click.command()
@click.argument("model", metavar="MODEL.genapps")
@click.option("-n", "count", type=Whole(1, 100_000_000), required=True, metavar="N", help="How many images.")
@click.option("--label", metavar="NAME", help="Of this class; of all, as often as in training, if not given.")
@click.option(
    "--temperature", type=Real(0, 10), default=1.0, metavar="0..10", show_default=True,
    help="Below 1: more usual images, and more alike.",
)  # fmt: skip
@seed_option
@threads_option()
@output_options
def sample(model: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Make new images from a model that fit wrote.

    -o is a new folder (a PNG an image, in folders by class), one sheet (sheet.png), or arrays (images.npz). A manifest
    beside them says how each was made; a sheet or arrays replace an earlier result only.

    \b
    Examples:
      genapps image sample mine.genapps -n 100 -o drawn/
      genapps image sample mine.genapps -n 20 --label cat --temperature 0.8 -o sheet.png
      genapps image sample mine.genapps -n 1000 --seed 7 -o images.npz
    """
    if output is None or output == "-":
        raise UsageError("name where the images go: -o drawn/, -o sheet.png or -o images.npz")
    from genapps.io.atomic import check_apart
    from genapps.threads import threads
    from genapps_image.generation import delivering
    from genapps_image.model import ImageModel

    delivering.check_place(output, options["count"])
    check_apart([output], [model])
    held = ImageModel.load(model)
    wish = delivering.Wish(options["count"], options["label"], options["temperature"], options["seed"])
    about: dict[str, Any] = {
        "model": model, "family": held.family, "seed": wish.seed, "temperature": wish.temperature,
        "count": wish.n, "part": delivering.PART, "reached": held.card.get("reached"),
    }  # fmt: skip
    with threads(options["threads"]), Progress("drawing", unit="images") as bar:
        written = delivering.deliver(output, delivering.drawn(held, wish, bar.update), held, wish, about)
    if as_json:
        print_json({"output": written[0], "manifest": written[1], **about})
        return
    from genapps_image.generation.judging import Reached

    if verbosity() >= 0:
        click.echo(f"drawn        {wish.n:,} images by the {held.family}, seed {wish.seed}")
        for line in Reached(**about["reached"]).lines() if about["reached"] else ():
            click.echo(one_line(line))
    note(f"written      {written[0]}")
    note(f"manifest     {written[1]}")
