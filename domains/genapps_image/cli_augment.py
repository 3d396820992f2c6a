"""`genapps image augment`: parse, call, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError

_TOLD = 10  # refused rows and skipped files that are told one by one


class Share(click.ParamType["float | str", str]):
    """A share from 0 to 0.9, or auto."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """The share; fails unless it is one."""
        if str(value) == "auto":
            return "auto"
        try:
            share = float(value)
        except ValueError:
            self.fail(f"{value!r} is no share; write 0.3, or auto", param, ctx)
        if not 0 <= share <= 0.9:
            self.fail(f"must lie between 0 and 0.9, not {share:g}", param, ctx)
        return share


@click.command()
@click.argument("images", metavar="IMAGES")
@click.option(
    "--per-class", type=Whole(1, 10**7), metavar="N",
    help="Images of each class in the end, real ones among them; of all where there are no classes.",
)  # fmt: skip
@click.option("--boxes", metavar="FILE", help="Boxes that move with the images: COCO's JSON, a CSV, a YOLO folder.")
@click.option("--masks", metavar="DIR", help="Masks that move with the images: files of the same names.")
@click.option(
    "--mix", default="auto", metavar="NAMES", show_default=True,
    help="Transforms: none, gentle, bent, looks, +flip, or rotate=15,noise=0.05:0.3; auto tries and takes the best.",
)  # fmt: skip
@click.option(
    "--generated", type=Share(), default="auto", metavar="SHARE", show_default=True,
    help="Share of the added images that a model makes; auto: 0.3 where that measurably helps.",
)  # fmt: skip
@click.option("--family", default="gmm", metavar="NAME", show_default=True, help="Model family that makes images.")
@click.option(
    "--budget", type=Duration(), help="Time for it to learn, 90s, 5m, 1h; a fixed number of steps if not given."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one of its settings.")
@click.option(
    "--steps",
    type=Whole(1, 10**6),
    default=400,
    metavar="N",
    show_default=True,
    help="Steps that the small classifier learns for.",
)
@click.option("--measure/--no-measure", default=True, help="Whether to try mixes and to measure the gain.")
@click.option(
    "--visible", type=Real(0, 1), default=0.3, metavar="SHARE", show_default=True,
    help="Share of a box that must stay in sight for it to be kept.",
)  # fmt: skip
@click.option(
    "--format", "suffix", type=click.Choice(["png", "jpg", "webp"]), default="png", show_default=True,
    help="Format of the images that are written.",
)  # fmt: skip
@click.option("--replay", metavar="FILE.jsonl", help="Make the files of an earlier manifest again, and nothing else.")
@click.option("--workers", type=Whole(1, 256), default=1, metavar="N", show_default=True, help="Processes that write.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where the generator learns.",
)  # fmt: skip
@seed_option
@threads_option()
@output_options
def augment(images: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Enlarge a training set of images, and say whether it helps.

    IMAGES is a folder whose subfolders are classes, or a set in one file. -o names a new folder: images/ with a folder
    for each class, manifest.jsonl with how each file was made, augment.json and report.html with the figures. A mix of
    transforms is chosen by what a small classifier makes of images it was not shown; the gain is measured on others.

    \b
    Examples:
      genapps image augment photos/ --per-class 500 -o out/
      genapps image augment photos/ --per-class 500 --generated 0.3 -o more/
      genapps image augment photos/ --per-class 40 --mix gentle,flip --no-measure --generated 0 -o flipped/
      genapps image augment boards/ --boxes boards.json --per-class 200 -o boxed/
    """
    if output in (None, "-"):
        raise UsageError("name a new folder for the images: -o out/")
    from genapps.threads import threads
    from genapps_image.augmentation.generating import Generating
    from genapps_image.augmentation.report import lines, to_json
    from genapps_image.augmentation.tasks import Order
    from genapps_image.augmentation.tasks import augment as enlarge

    how = Generating(options["family"], options["budget"], options["settings"], options["device"])
    replay, per_class = options["replay"], options["per_class"]
    if replay is None and per_class is None:
        raise UsageError("say how many images of each class there shall be: --per-class 500")
    order = Order(
        images, str(output), per_class or 0, options["boxes"], options["masks"], options["mix"], options["generated"],
        how, options["measure"], options["visible"], f".{options['suffix']}", options["steps"], options["seed"],
        options["workers"],
    )  # fmt: skip
    with threads(options["threads"]), Progress("", unit="images") as bar:

        def tell(what: str, done: int, total: int) -> None:
            bar.label = what
            bar.update(done, total or None)

        if replay is not None:
            from genapps_image.augmentation.replaying import replay as again

            count = again(order, replay, tell)
            note(f"images      {count:,} made again in {output}")
            if as_json:
                print_json({"files": count, "output": output})
            return
        outcome = enlarge(order, tell)
    if as_json:
        print_json(to_json(outcome))
    elif verbosity() >= 0:
        for line in lines(outcome):
            click.echo(one_line(line))
    _notes(outcome)
    note(f"folder      {output}")
    note(f"report      {Path(str(output)) / 'report.html'}")


def _notes(outcome: Any) -> None:
    """What was met, on stderr."""
    for sentence in outcome.notes:
        note(f"note: {one_line(sentence)}")
    refused = [(f"refused {one.row}", one.reason) for one in outcome.looked.refused]
    skipped = [(f"skipped {one.name}", one.reason) for one in outcome.looked.skipped]
    for told in (refused, skipped):
        for name, reason in told[:_TOLD]:
            note(one_line(f"{name}: {reason}"))
        if len(told) > _TOLD:
            note(f"{len(told) - _TOLD:,} more were {told[0][0].split()[0]}; augment.json lists them all")
