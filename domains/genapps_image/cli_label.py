"""`genapps image label`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_image.cli_fit import Size
from genapps_image.cli_skipped import tell_skipped

STDOUT = "-"
PLACE = click.Path(path_type=Path)


@click.command()
@click.argument("images", metavar="IMAGES")
@click.option(
    "--labels", "table", metavar="KNOWN.csv",
    help="Known labels: columns file and label; images of a set by their number, from 1.",
)  # fmt: skip
@click.option(
    "--unlabeled", metavar="PLACE",
    help="More images without a label: another folder or set, or the name of the subfolder that is no class.",
)  # fmt: skip
@click.option("--copy-to", type=PLACE, metavar="FOLDER", help="Copy the images into a folder for each class.")
@click.option(
    "--at-least", type=Real(0, 1), default=0.9, metavar="0..1", show_default=True,
    help="How sure a label must be for --copy-to.",
)  # fmt: skip
@click.option("--model", metavar="FILE.genapps", help="Label by what --save kept; nothing is learnt.")
@click.option("--save", metavar="FILE.genapps", help="Keep what is learnt, to label new images by.")
@click.option("--size", type=Size(), metavar="N|HxW", help="Pixels of a side to learn at; chosen if not given.")
@click.option("--budget", type=Duration(), help="Time to learn: 90s, 5m, 1h30m; as the images are worth if not given.")
@click.option("--steps", type=Whole(1, 10**8), metavar="N", help="Steps to learn, instead of a time.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to learn.",
)  # fmt: skip
@seed_option
@threads_option()
@output_options
def label(images: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Label many images by the few whose label is known, and say how sure that is.

    IMAGES is a folder whose subfolders are classes; what lies beside them, or in a subfolder called unlabeled, has no
    label yet. Or it is any folder or set (IDX, NPZ, Parquet), and --labels names some of its images. All images are
    learnt from, with and without a label. -o writes a row an image; known labels stay as they are, and those that a
    model, which was not shown them, does not believe are noted. How right the labels are is told by known ones that
    were held out.

    \b
    Examples:
      genapps image label animals/ -o labels.csv
      genapps image label mixed/ --labels known.csv --copy-to sorted/ --save labeller.genapps
      genapps image label new/ --model labeller.genapps -o labels.csv
    """
    _check(images, output, as_json, options)
    from genapps.threads import threads
    from genapps_image.labelling.known import gathered
    from genapps_image.labelling.learning import Effort
    from genapps_image.labelling.model import Labeller
    from genapps_image.labelling.summary import lines, to_json
    from genapps_image.labelling.tasks import teach, use

    labeller = None if options["model"] is None else Labeller.load(options["model"])
    asked = gathered(
        images,
        table=options["table"],
        unlabeled=options["unlabeled"],
        classes=() if labeller is None else labeller.classes,
    )
    with threads(options["threads"]), Progress("", unit="steps") as bar:

        def tell(what: str, event: Any) -> None:
            bar.label = what
            bar(event)

        reading = lambda done, total: bar.update(done, total, "images read")  # noqa: E731
        if labeller is not None:
            made = use(asked, labeller, reading)
        else:
            effort = Effort(options["steps"], options["budget"], options["seed"], options["device"])
            size, needs = options["size"], options["save"] is None
            made = teach(asked, size=size, effort=effort, needs_others=needs, reading=reading, tell=tell)
        if options["save"] is not None:
            made.labeller.save(options["save"])
        copied = _write(made, asked, images, output, options, bar)
    places = {"labels": output, "model": options["save"], "images": options["copy_to"]}
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        figures = {**to_json(made), **({} if copied is None else {"copied": copied})}
        print_json({**{f"{name}_file": place for name, place in written.items()}, **figures})
    elif verbosity() >= 0 and output != STDOUT:
        for line in lines(made, learnt=labeller is None):
            click.echo(one_line(line))
    for sentence in made.notes:
        note(f"note: {one_line(sentence)}")
    tell_skipped(made.skipped)
    for name, place in {} if as_json else written.items():
        note(f"{name:<11} {place}{f', {copied:,} of {len(made.rows):,}' if name == 'images' else ''}")


def _write(
    made: Any, asked: Any, images: str, output: str | None, options: dict[str, Any], bar: Progress
) -> int | None:
    """Write the table and the copies; how many were copied, None where none were asked for."""
    from genapps.io.writers import TableWriter
    from genapps_image.labelling.sorting import sort_into
    from genapps_image.labelling.summary import table

    if output is not None:
        with TableWriter(output) as writer:
            writer.write(table(made))
    if options["copy_to"] is None:
        return None
    watch = lambda done, total: bar.update(done, total, "copied")  # noqa: E731
    return sort_into(options["copy_to"], asked.pictures, made.rows, options["at_least"], asked.file_of, watch)


def _check(images: str, output: str | None, as_json: bool, options: dict[str, Any]) -> None:
    """Refuse what does not go together, and what could not be written, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.writers import check_output
    from genapps_image.placing import check_files, check_folder

    if output is None and options["save"] is None and options["copy_to"] is None:
        raise UsageError("nothing to write: -o labels.csv, --copy-to FOLDER or --save FILE.genapps")
    if options["model"] is not None:
        given = [f"--{name}" for name in ("save", "size", "budget", "steps") if options[name] is not None]
        if given:
            raise UsageError(f"--model brings what was learnt; leave out {' and '.join(given)}")
    if options["steps"] is not None and options["budget"] is not None:
        raise UsageError("--budget and --steps both say how long to learn; give one")
    if output == STDOUT and as_json:
        raise UsageError("--json and the labels cannot both go to stdout; name a file for the labels with -o")
    if output is not None:
        check_output(output)
    if options["save"] is not None:
        check_suffix(options["save"])
        check_target(options["save"])
    if options["copy_to"] is not None:
        check_folder(options["copy_to"], [images], option="--copy-to")
    check_files([output, options["save"], options["copy_to"]], [images, options["table"], options["model"]])
