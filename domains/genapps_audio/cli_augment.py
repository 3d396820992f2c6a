"""`genapps audio augment`: parse, call, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Real, Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_audio.cli_skipped import tell_skipped


@click.command()
@click.argument("clips", metavar="CLIPS")
@click.option("--copies", type=Whole(1, 1000), metavar="K", help="Variants of each clip.")
@click.option("--per-class", type=Whole(1, 10**7), metavar="N", help="Clips of each class in the end, real ones too.")
@click.option(
    "--transforms", default="all", metavar="NAMES", show_default=True,
    help="Which: all, or pitch,noise=0.5 with strengths beside the usual one of 1.",
)  # fmt: skip
@click.option("--strength", type=Real(0.01, 4), default=1.0, show_default=True, help="Of all of them; 1 is usual.")
@click.option("--background", metavar="FOLDER", help="Clips to be heard behind; adds the transform background.")
@click.option(
    "--group", metavar="PATTERN",
    help="What in a file's name says who is heard, as a regular expression; held-out clips are of others.",
)  # fmt: skip
@click.option("--measure/--no-measure", default=True, help="Whether to check that labels hold and to measure the gain.")
@click.option(
    "--format", "suffix", type=click.Choice(["wav", "flac", "ogg"]), default="wav", show_default=True,
    help="Format of the variants.",
)  # fmt: skip
@click.option(
    "--replay", metavar="FILE.jsonl", help="Make the variants of an earlier manifest again, and nothing else."
)
@click.option("--report", metavar="FILE.html", help="Write a report: one page, opens offline.")
@seed_option
@threads_option()
@output_options
def augment(clips: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Enlarge a set of clips by variants, and say whether that helps.

    CLIPS is a folder whose subfolders are classes. -o names a new folder: clips/ with the clips as they were and their
    variants, manifest.jsonl with how each was made, augment.json with the figures. A small classifier tries each
    transform on clips that it was not shown: what it no longer recognises is turned down, or left out. The gain is
    measured on held-out clips.

    \b
    Examples:
      genapps audio augment clips/ --copies 2 -o larger/
      genapps audio augment clips/ --per-class 40 --transforms pitch,noise=0.5 --report more.html -o more/
    """
    if output in (None, "-"):
        raise UsageError("name a new folder for the clips: -o larger/")
    from genapps.io.placing import check_files
    from genapps.report.files import check_page
    from genapps.threads import threads
    from genapps_audio.augmentation.report import lines, page, to_json
    from genapps_audio.augmentation.tasks import Order
    from genapps_audio.augmentation.tasks import augment as enlarge
    from genapps_audio.augmentation.tasks import replay as again

    report = options["report"]
    check_page(report)
    check_files([report], [clips, options["background"], options["replay"]])
    if options["replay"] is not None and (report, options["copies"], options["per_class"]) != (None, None, None):
        raise UsageError("--replay makes what the manifest lists; leave out --copies, --per-class and --report")
    order = Order(
        clips, str(output), options["per_class"], options["copies"], options["transforms"], options["strength"],
        options["background"], options["group"], options["measure"], f".{options['suffix']}", options["seed"] or 0,
    )  # fmt: skip
    with threads(options["threads"]), Progress("clips", unit="clips") as bar:

        def tell(what: str, done: int, total: int) -> None:
            bar.label = what
            bar.update(done, total or None)

        if options["replay"] is not None:
            count = again(order, options["replay"], tell)
            note(f"variants    {count:,} made again in {output}")
            if as_json:
                print_json({"variants": count, "output": output})
            return
        outcome = enlarge(order, tell)
    if report is not None:
        from genapps.io.atomic import replacing

        with replacing(report) as file:
            file.write(page(outcome).encode())
    if as_json:
        print_json(to_json(outcome))
    elif verbosity() >= 0:
        for line in lines(outcome):
            click.echo(one_line(line))
    for sentence in outcome.notes:
        note(f"note: {one_line(sentence)}")
    tell_skipped(outcome.skipped)
    note(f"folder      {output}")
    if report is not None:
        note(f"report      {Path(report)}")
