"""`genapps image detect`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, Whole, output_options, seed_option
from genapps.errors import UsageError
from genapps_image.cli_skipped import tell_skipped

FOUND = 10  # the exit code that --fail-on-anomaly asks for
STDOUT = "-"
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("images", metavar="GOOD NEW", nargs=-1, required=True)
@click.option(
    "--false-alarm-rate",
    "rate",
    type=float,
    metavar="SHARE",
    help="Share of good images that may raise an alarm; 0.01, or the least that so few good ones can promise.",
)
@click.option(
    "--look-at",
    type=click.Choice(["auto", "patches", "whole"]),
    default="auto",
    show_default=True,
    help="Each place of an image, or the image as a whole; auto: by size.",
)
@click.option(
    "--features",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="Of places: filters, lite0 (a network; extra `features`), lite0+filters, or auto: all that are installed.",
)
@click.option(
    "--family",
    metavar="NAME",
    help="Of small images: ensemble (the default), gmm, vae, autoregressive, rbm, gan or hmm.",
)
@click.option("--budget", type=Duration(), help="Time a family learns at most: 90s, 5m, 1h30m.")
@click.option("--maps", type=FILE, metavar="FOLDER", help="New folder for the heat of each image over it, as PNG.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a report: one page, opens offline.")
@click.option("--model", type=FILE, metavar="FILE", help="Judge by what --save kept; give NEW alone.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save what is good, to judge other images by.")
@click.option("--fail-on-anomaly", is_flag=True, help="End with exit code 10 where an image has an alarm.")
@click.option(
    "--threads", type=Whole(0, 4096), default=1, metavar="N", show_default=True, help="CPU threads to use; 0: all."
)
@seed_option
@output_options
def detect(images: tuple[str, ...], output: str | None, as_json: bool, fail_on_anomaly: bool, **options: Any) -> None:
    """Find odd images and where in them, from good ones alone.

    GOOD and NEW are folders of images, or sets in one file. One folder with train and test in it, as MVTec AD has
    them, is both; where NEW's subfolders say what is good, how well the others are found is told too. Small images are
    judged as a whole, larger ones place by place. -o writes a score, a p-value and a box for each image.

    \b
    Examples:
      genapps image detect good/ new/ -o scores.csv --report odd.html --maps heat/
      genapps image detect good/ --save good.genapps
      genapps image detect new/ --model good.genapps --fail-on-anomaly
    """
    _check(images, output, as_json, options)
    from genapps.threads import threads
    from genapps_image.detection.model import OddModel, learn
    from genapps_image.detection.promising import Promise
    from genapps_image.detection.sources import asked
    from genapps_image.detection.summary import learnt_json, learnt_lines, lines, to_json
    from genapps_image.detection.tasks import detect as run
    from genapps_image.detection.tasks import prepare

    wanted = asked(images, model=options["model"] is not None)
    prepare(options["maps"])
    if wanted.new is None and options["save"] is None:
        raise UsageError("nothing to judge: give NEW after GOOD, or --save what is learnt")
    skipped: list[Any] = []
    with threads(options["threads"]), Progress("images", unit="images") as bar:
        watch = lambda what, done, total: bar.update(done, total, what)  # noqa: E731
        if options["model"] is not None:
            model = OddModel.load(options["model"])
        else:
            assert wanted.good is not None
            seen = {
                name: options[name]
                for name in ("features", "look_at", "family", "budget", "seed")
                if options[name] is not None
            }
            model, found = learn(wanted.good, **seen, watch=watch)
            skipped += found.skipped
        made = None
        if wanted.new is not None:
            given = {"rate": options["rate"], "truth": wanted.truth, "maps": options["maps"]}
            made = run(wanted.new, model, **given, watch=watch)
            skipped += made.skipped
    promise = Promise.of(model.scores, options["rate"]) if made is None else made.promise
    places = {"scores": output, "report": options["report"], "maps": options["maps"], "model": options["save"]}
    _write(made, model, places, images)
    figures = learnt_json(model, promise) if made is None else to_json(made)
    told = learnt_lines(model) if made is None else lines(made)
    _tell(as_json, figures, told if verbosity() >= 0 and output != STDOUT else (), skipped, places)
    if fail_on_anomaly and made is not None and made.alarms:
        raise click.exceptions.Exit(FOUND)


def _write(made: Any, model: Any, places: dict[str, Any], images: tuple[str, ...]) -> None:
    if places["model"] is not None:
        model.save(places["model"])
    if made is None:
        return
    if places["scores"] is not None:
        from genapps.io.writers import TableWriter
        from genapps_image.detection.summary import table

        with TableWriter(places["scores"]) as writer:
            writer.write(table(made.rows))
    if places["report"] is not None:
        from genapps_image.detection.report import write_report

        write_report(made, places["report"], title=Path(images[-1]).name or images[-1])


def _tell(as_json: bool, figures: Any, told: Any, skipped: Sequence[Any], places: dict[str, Any]) -> None:
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        everything = [{"name": one.name, "reason": one.reason} for one in skipped]
        print_json({**{f"{name}_file": place for name, place in written.items()}, **figures, "skipped": everything})
    else:
        for line in told:
            click.echo(one_line(line))
    tell_skipped(skipped)
    if not as_json:
        for name, place in written.items():
            note(f"{name:<11} {place}")


def _check(images: tuple[str, ...], output: str | None, as_json: bool, options: dict[str, Any]) -> None:
    """Refuse what does not go together, and what could not be written, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.writers import check_output
    from genapps.report.files import figures_beside
    from genapps_image.placing import check_files, check_folder, check_page

    if options["model"] is not None and (
        options["save"] or options["family"] or options["features"] != "auto" or options["look_at"] != "auto"
    ):
        raise UsageError("--model brings what was learnt; leave out --save, --family, --features and --look-at")
    if output == STDOUT and as_json:
        raise UsageError("--json and the scores cannot both go to stdout; name a file for the scores with -o")
    if output is not None:
        check_output(output)
    if options["save"] is not None:
        check_suffix(options["save"])
        check_target(options["save"])
    report = options["report"]
    maps, beside = options["maps"], None if report is None else figures_beside(report)
    check_files([output, options["save"], report, beside, maps], [*images, options["model"]])
    check_page(report)
    if maps is not None:
        check_folder(maps, images, option="--maps")
