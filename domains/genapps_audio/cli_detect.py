"""`genapps audio detect`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, Whole, output_options, seed_option
from genapps.errors import UsageError
from genapps_audio.cli_skipped import tell_skipped

FOUND = 10  # the exit code that --fail-on-anomaly asks for
STDOUT = "-"
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("clips", metavar="GOOD NEW", nargs=-1, required=True)
@click.option(
    "--false-alarm-rate",
    "rate",
    type=float,
    metavar="SHARE",
    help="Share of normal clips that may raise an alarm; 0.01, or the least that so few normal ones can promise.",
)
@click.option(
    "--window",
    type=Duration(),
    help="Length of the windows that long recordings are judged in; the usual length of clips up to 10 s, else 5 s.",
)
@click.option(
    "--rate",
    "hertz",
    type=Whole(),
    metavar="HZ",
    help="Samples a second that all are brought to; what most normal clips have, at most 16000. Half of it is heard.",
)
@click.option(
    "--family", metavar="NAME", help="What judges: ensemble (the default), gmm, hmm, vae, gan, rbm or autoregressive."
)
@click.option("--ignore-level", is_flag=True, help="How loud a clip is does not count; nothing else depends on it.")
@click.option("--events", type=FILE, metavar="FILE", help="Write the events: windows in alarm that follow one another.")
@click.option("--maps", type=FILE, metavar="FOLDER", help="New folder for spectrograms with the event framed, as PNG.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a report: one page, opens offline.")
@click.option("--model", type=FILE, metavar="FILE", help="Judge by what --save kept; give NEW alone.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Save what is normal, to judge other clips by.")
@click.option("--fail-on-anomaly", is_flag=True, help="End with exit code 10 where a clip has an alarm.")
@click.option(
    "--threads", type=Whole(0, 4096), default=1, metavar="N", show_default=True, help="CPU threads to use; 0: all."
)
@seed_option
@output_options
def detect(clips: tuple[str, ...], output: str | None, as_json: bool, fail_on_anomaly: bool, **options: Any) -> None:
    """Find odd clips, when and in which band they are odd, from normal ones alone.

    GOOD and NEW are folders of clips, or single files. One folder with train and test in it is both; where NEW's
    subfolders say what is good, how well the others are found is told too. Recordings of any length are judged window
    by window. -o writes a score, a p-value, a time and a band for each.

    \b
    Examples:
      genapps audio detect good/ new/ -o scores.csv --events events.csv --report odd.html --maps pictures/
      genapps audio detect good/ --save machine.genapps
      genapps audio detect new/ --model machine.genapps --fail-on-anomaly
    """
    _check(clips, output, as_json, options)
    from genapps.threads import threads
    from genapps_audio.detection.model import OddModel, learn
    from genapps_audio.detection.promising import Promise
    from genapps_audio.detection.sources import asked
    from genapps_audio.detection.summary import learnt_json, learnt_lines, lines, to_json
    from genapps_audio.detection.tasks import detect as run
    from genapps_audio.detection.tasks import prepare

    wanted = asked(clips, model=options["model"] is not None)
    prepare(options["maps"])
    if wanted.new is None and options["save"] is None:
        raise UsageError("nothing to judge: give NEW after GOOD, or --save what is learnt")
    skipped: list[Any] = []
    with threads(options["threads"]), Progress("clips", unit="clips") as bar:
        watch = lambda what, done, total: bar.update(done, total, what)  # noqa: E731
        if options["model"] is not None:
            model = OddModel.load(options["model"])
        else:
            assert wanted.good is not None
            seen = {"window": options["window"], "rate": options["hertz"], "level": not options["ignore_level"]}
            seen |= {"family": options["family"]} if options["family"] is not None else {}
            model, skipped = learn(wanted.good, **seen, seed=options["seed"] or 0, watch=watch)
        made = None
        if wanted.new is not None:
            given = {"rate": options["rate"], "known": wanted.known, "maps": options["maps"]}
            made = run(wanted.new, model, **given, watch=watch)
            skipped = [*skipped, *made.skipped]
    promise = Promise.of(model.scores, model.judge.part.numpy(), options["rate"]) if made is None else made.promise
    names = ("events", "report", "maps")
    places = {"scores": output, **{name: options[name] for name in names}, "model": options["save"]}
    _write(made, model, places, clips)
    figures = learnt_json(model, promise) if made is None else to_json(made)
    told = learnt_lines(model) if made is None else lines(made)
    _tell(as_json, figures, told if verbosity() >= 0 and output != STDOUT else (), skipped, places)
    if fail_on_anomaly and made is not None and made.alarms:
        raise click.exceptions.Exit(FOUND)


def _write(made: Any, model: Any, places: dict[str, Any], clips: tuple[str, ...]) -> None:
    if places["model"] is not None:
        model.save(places["model"])
    if made is None:
        return
    from genapps.io.writers import TableWriter
    from genapps_audio.detection.summary import events_table, table

    if places["scores"] is not None:
        with TableWriter(places["scores"]) as writer:
            writer.write(table(made.rows))
    if places["events"] is not None:
        with TableWriter(places["events"]) as writer:
            writer.write(events_table(made.events))
    if places["report"] is not None:
        from genapps_audio.detection.report import write_report

        write_report(made, places["report"], title=Path(clips[-1]).name or clips[-1])


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


def _check(clips: tuple[str, ...], output: str | None, as_json: bool, options: dict[str, Any]) -> None:
    """Refuse what does not go together, and what could not be written, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.placing import check_files, check_folder
    from genapps.io.writers import check_output
    from genapps.report.files import check_page, figures_beside

    brought = [options[name] for name in ("save", "window", "hertz", "ignore_level", "family")]
    if options["model"] is not None and any(brought):
        raise UsageError(
            "--model brings what was learnt; leave out --save, --window, --rate, --family and --ignore-level"
        )
    if output == STDOUT and as_json:
        raise UsageError("--json and the scores cannot both go to stdout; name a file for the scores with -o")
    if output is not None:
        check_output(output)
    if options["events"] is not None:
        if str(options["events"]) == STDOUT:
            raise UsageError("--events: name a file; stdout is for the scores")
        check_output(str(options["events"]))
    if options["save"] is not None:
        check_suffix(options["save"])
        check_target(options["save"])
    report, maps = options["report"], options["maps"]
    beside = None if report is None else figures_beside(report)
    written = [output, options["events"], options["save"], report, beside, maps]
    check_files(written, [*clips, options["model"]])
    check_page(report)
    if maps is not None:
        check_folder(maps, clips, option="--maps")
