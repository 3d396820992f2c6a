"""`genapps image upscale`: parse, call, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress
from genapps.cli.options import Duration, Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_image.cli_delivered import tell


@click.command()
@click.argument("images", metavar="IMAGES")
@click.option(
    "--factor", type=click.Choice(["2", "3", "4"]), metavar="2|3|4", help="Times larger on each side; 2 if not given."
)
@click.option(
    "--family", type=click.Choice(["regression", "gan"]), default="regression", show_default=True,
    help="regression: the least error; gan: against a critic, too.",
)  # fmt: skip
@click.option("--budget", type=Duration(), help="Time to learn, 3m if not given: 90s, 5m, 1h.")
@click.option("--steps", type=Whole(1, 10**8), metavar="N", help="Steps to learn, instead of a time.")
@click.option(
    "--held-out", type=Real(0, 0.9), default=0.2, metavar="0..0.9", show_default=True,
    help="Share of the images that are not learnt from, but judged by.",
)  # fmt: skip
@click.option("--model", metavar="FILE.genapps", help="Use what --save kept; nothing is learnt.")
@click.option("--save", metavar="FILE.genapps", help="Keep what is learnt, for --model.")
@click.option(
    "--ensemble/--no-ensemble", default=True, show_default=True,
    help="The mean over eight turns of each image: better, and eight times the time.",
)  # fmt: skip
@click.option(
    "--tile", type=Whole(16, 4096), default=192, metavar="N", show_default=True,
    help="Side of the pieces that large images are done in: less memory where it is small, the same result.",
)  # fmt: skip
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Write a page with pieces of the images side by side: it opens offline.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to learn.",
)  # fmt: skip
@seed_option
@threads_option()
@output_options
def upscale(images: str, output: str | None, as_json: bool, report: Path | None, **options: Any) -> None:
    """Make images larger, with details as they are in images of the same kind.

    IMAGES is a folder, one image, or a set in a file. Its images are made small by Pillow's bicubic filter, and a small
    network learns to undo that. What is printed is measured on images that were not learnt from, beside the bicubic
    filter. -o names a folder; for one image it may be a file.

    \b
    Examples:
      genapps image upscale photos/ --factor 2 -o large/ --report large.html
      genapps image upscale photos/ --family gan --budget 5m -o sharp/ --save photos2x.genapps
      genapps image upscale photo.png --model photos2x.genapps -o large.png
    """
    _check(images, output, report, options)
    from genapps.threads import threads
    from genapps_image.upscaling.report import write_report
    from genapps_image.upscaling.tasks import Order
    from genapps_image.upscaling.tasks import upscale as enlarge

    count = options.pop("threads")
    options["factor"] = None if options["factor"] is None else int(options["factor"])
    with threads(count), Progress("learning", unit="steps") as bar, Progress("", unit="images") as counter:

        def tick(what: str, done: int, total: int) -> None:
            counter.label = what
            counter.update(done, total)

        outcome = enlarge(Order(images=images, output=output, **options), tick=tick, progress=bar)
    if report is not None:
        write_report(outcome, report, title=Path(images).name)
    tell(outcome, output, {"model": options["save"], "report": report}, as_json=as_json)


def _check(images: str, output: str | None, report: Path | None, options: dict[str, Any]) -> None:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.report.files import figures_beside
    from genapps_image.placing import check_files, check_page, check_place, several_in

    if output == "-":
        raise UsageError("-o -: images go to files; name a folder")
    if options["model"] is not None and options["factor"] is not None:
        raise UsageError("--factor belongs to what is learnt; the factor of --model is in the file")
    if output is not None:
        check_place(output, images, several_in(images))
    if options["save"] is not None:
        check_suffix(options["save"])
        check_target(options["save"])
    beside = None if report is None else figures_beside(report)
    check_files([output, options["save"], report, beside], [images, options["model"]])
    check_page(report)
