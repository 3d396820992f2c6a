"""`genapps audio recognize`: parse, call the task, print. Nothing heavy is imported before the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Whole, output_options, seed_option, threads_option
from genapps.errors import UsageError
from genapps_audio.cli_skipped import tell_skipped

STDOUT = "-"
FILE = click.Path(path_type=Path)


class Share(click.ParamType[float]):
    """A share: 5%, or 0.05."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share as a number above 0, at most 0.5."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"{value!r} is no share: give 5% or 0.05", param, ctx)
        if not 0 < found <= 0.5:
            self.fail(f"{value!r}: give a share above 0, at most 50%", param, ctx)
        return found


@click.command()
@click.argument("clips", metavar="WORDS NEW", nargs=-1, required=True)
@click.option(
    "--group", metavar="PATTERN",
    help="What names say, such as {word}_{speaker}_{take}: voices are then held out as a whole to see how right words "
    "are, and words need no folders.",
)  # fmt: skip
@click.option(
    "--false-reject", "share", type=Share(), metavar="SHARE",
    help="Share of clips of known words that may be rejected; 5%, or the least that few clips can promise.",
)  # fmt: skip
@click.option("--segments", "cut", is_flag=True, help="NEW has several words a clip: find where each begins and ends.")
@click.option(
    "--rate", "hertz", type=Whole(), metavar="HZ",
    help="Samples a second that all are brought to; what most clips of words have, at most 16000.",
)  # fmt: skip
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a report: one page, opens offline.")
@click.option("--model", type=FILE, metavar="FILE", help="Recognize by what --save kept; give NEW alone.")
@click.option("--save", type=FILE, metavar="FILE.genapps", help="Keep what is learnt; NEW may be left out then.")
@threads_option()
@seed_option
@output_options
def recognize(clips: tuple[str, ...], output: str | None, as_json: bool, **options: Any) -> None:
    """Learn words from clips of them, and say which word each new clip is, or that it is none of them.

    WORDS is a folder with a folder a word, NEW a folder of clips or a single one. -o writes a row a clip: its word,
    empty where it is rejected as none of them, how likely that word is, and the runner-up, which is the likeliest word
    where it is rejected. How right words are is told by clips, or better by voices (--group), that were held out.

    \b
    Examples:
      genapps audio recognize clips/ new/ -o heard.csv --report heard.html
      genapps audio recognize clips/ --save words.genapps
      genapps audio recognize new/ --model words.genapps -o heard.csv
    """
    _check(clips, output, as_json, options)
    from genapps.threads import threads
    from genapps_audio.reading.clips import open_clips
    from genapps_audio.recognition.learning import Settings
    from genapps_audio.recognition.model import Recognizer
    from genapps_audio.recognition.summary import lines, to_json
    from genapps_audio.recognition.tasks import Recognized, teach
    from genapps_audio.recognition.tasks import recognize as run

    learning = options["model"] is None
    words = open_clips(clips[0]) if learning else None
    new = open_clips(clips[-1]) if not learning or len(clips) == 2 else None
    skipped: list[Any] = []
    notes: list[str] = []
    with threads(options["threads"]), Progress("clips", unit="clips") as bar:
        watch = lambda what, done, total: bar.update(done, total, what)  # noqa: E731
        if words is None:
            recognizer, estimate = Recognizer.load(options["model"]).asked(options["share"]), None
        else:
            settings = Settings(rate=options["share"], seed=options["seed"] or 0)
            given = {"group": options["group"], "rate": options["hertz"], "settings": settings}
            recognizer, estimate, skipped, notes = teach(words, **given, watch=watch)
        made = Recognized(recognizer, estimate, (), (), tuple(skipped), tuple(notes), options["cut"])
        if new is not None:
            rows, shown, failed, said = run(new, recognizer, cut=options["cut"], watch=watch)
            everything = (*skipped, *failed), (*notes, *said)
            made = Recognized(recognizer, estimate, tuple(rows), tuple(shown), *everything, options["cut"])
    places = {"words": output, "report": options["report"], "model": options["save"]}
    _write(made, places, clips)
    written = {name: str(place) for name, place in places.items() if place is not None and str(place) != STDOUT}
    if as_json:
        failed_ = [{"name": one.name, "reason": one.reason} for one in made.skipped]
        print_json({**{f"{name}_file": place for name, place in written.items()}, **to_json(made), "skipped": failed_})
    elif verbosity() >= 0 and output != STDOUT:
        for line in lines(made):
            click.echo(one_line(line))
    for sentence in made.notes:
        note(f"note: {one_line(sentence)}")
    tell_skipped(made.skipped)
    if not as_json:
        for name, place in written.items():
            note(f"{name:<10} {place}")


def _write(made: Any, places: dict[str, Any], clips: tuple[str, ...]) -> None:
    if places["model"] is not None:
        made.recognizer.save(places["model"])
    if places["words"] is not None:
        from genapps.io.writers import TableWriter
        from genapps_audio.recognition.summary import table

        with TableWriter(places["words"]) as writer:
            writer.write(table(made))
    if places["report"] is not None:
        from genapps_audio.recognition.report import write_report

        write_report(made, places["report"], title=Path(clips[-1]).name or clips[-1])


def _check(clips: tuple[str, ...], output: str | None, as_json: bool, options: dict[str, Any]) -> None:
    """Refuse what does not go together, and what could not be written, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.placing import check_files
    from genapps.io.writers import check_output
    from genapps.report.files import check_page, figures_beside

    if options["model"] is not None:
        given = [f"--{name}" for name in ("save", "group") if options[name] is not None]
        given += ["--rate"] if options["hertz"] is not None else []
        if given:
            raise UsageError(f"--model brings what was learnt; leave out {' and '.join(given)}")
        if len(clips) != 1:
            raise UsageError("with --model give NEW alone: one folder of clips, or one clip")
    elif len(clips) > 2:
        raise UsageError("give WORDS and NEW: two folders of clips")
    elif len(clips) == 1 and options["save"] is None:
        raise UsageError("nothing to recognize: give NEW after WORDS, or --save what is learnt")
    if len(clips) == 1 and options["model"] is None and (output is not None or options["cut"]):
        raise UsageError("-o and --segments are for NEW; give it after WORDS")
    if output == STDOUT and as_json:
        raise UsageError("--json and the words cannot both go to stdout; name a file for the words with -o")
    if output is not None:
        check_output(output)
    if options["save"] is not None:
        check_suffix(options["save"])
        check_target(options["save"])
    report = options["report"]
    beside = None if report is None else figures_beside(report)
    check_files([output, options["save"], report, beside], [*clips, options["model"]])
    check_page(report)
