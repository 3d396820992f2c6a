"""`genapps image stylize`: parse, call, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress
from genapps.cli.options import Duration, Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_image.cli_delivered import tell


@click.command()
@click.argument("photos", metavar="[PHOTOS]", required=False)
@click.option(
    "--style", "styles", multiple=True, metavar="PICTURE", help="The picture whose style it is; several are mixed."
)
@click.option(
    "--strength", type=Real(0, 1), default=0.7, metavar="0..1", show_default=True,
    help="0: the photograph; 1: the style, with hardly any structure kept.",
)  # fmt: skip
@click.option("--keep-color", is_flag=True, help="Light and strokes as the style's, color as the photograph's.")
@click.option(
    "--size", type=Whole(32, 4096), default=512, metavar="N", show_default=True,
    help="Pixels of the longer side of a result; a smaller photograph keeps its own. With --model all keep theirs.",
)  # fmt: skip
@click.option("--train", metavar="FOLDER", help="Learn the style on these photographs, to paint any number quickly.")
@click.option("--save", metavar="FILE.genapps", help="Keep what is learnt, for --model.")
@click.option("--model", metavar="FILE.genapps", help="Paint with what --save kept.")
@click.option("--steps", type=Whole(1, 10**7), metavar="N", help="Of painting, 150 if not given; or of learning.")
@click.option("--budget", type=Duration(), help="Time to learn with --train, 4m if not given: 90s, 5m, 1h.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Write a page with photographs, style and results: it opens offline.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to learn.",
)  # fmt: skip
@seed_option
@threads_option()
@output_options
def stylize(photos: str | None, output: str | None, as_json: bool, report: Path | None, **options: Any) -> None:
    """Paint photographs in the style of another picture, with no network of anyone else's.

    PHOTOS is a photograph, a folder of them, or a set in a file. Patches of the result are distributed as the style's
    are, at several scales, while the photograph's structure is kept. -o names a folder; for one photograph it may be a
    file.

    \b
    Examples:
      genapps image stylize photo.png --style painting.png -o painted.png --strength 0.7 --report painted.html
      genapps image stylize photos/ --style painting.png --style texture.png --keep-color -o painted/
      genapps image stylize --train photos/ --style painting.png --save style.genapps
      genapps image stylize photos/ --model style.genapps -o painted/
    """
    _check(photos, output, report, options)
    from genapps.threads import threads
    from genapps_image.stylizing.report import write_report
    from genapps_image.stylizing.tasks import Order
    from genapps_image.stylizing.tasks import stylize as paint

    count = options.pop("threads")
    with threads(count), Progress("learning", unit="steps") as bar, Progress("", unit="steps") as counter:

        def tick(what: str, done: int, total: int) -> None:
            counter.label = what
            counter.update(done, total)

        outcome = paint(Order(photos=photos, output=output, **options), tick=tick, progress=bar)
    if report is not None:
        write_report(outcome, report, title=Path(photos or options["train"]).name)
    tell(outcome, output, {"model": options["save"], "report": report}, as_json=as_json)


def _check(photos: str | None, output: str | None, report: Path | None, options: dict[str, Any]) -> None:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.report.files import figures_beside
    from genapps_image.placing import check_files, check_page, check_place, several_in

    if output == "-":
        raise UsageError("-o -: images go to files; name a file or a folder")
    if output is not None and photos is not None:
        check_place(output, photos, several_in(photos))
    if options["save"] is not None:
        check_suffix(options["save"])
        check_target(options["save"])
    beside = None if report is None else figures_beside(report)
    check_files(
        [output, options["save"], report, beside], [photos, options["train"], options["model"], *options["styles"]]
    )
    check_page(report)
