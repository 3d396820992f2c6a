"""`genapps audio fit`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, Real, Whole, output_options, seed_option, threads_option
from genapps.errors import InputError, UsageError
from genapps_audio.cli_skipped import tell_skipped

if TYPE_CHECKING:
    from genapps.training.settings import Event

STDOUT = "-"


@click.command()
@click.argument("clips", metavar="CLIPS")
@click.option(
    "--family", metavar="NAME", default="auto", show_default=True,
    help="gmm, hmm, vae, gan, rbm, autoregressive or autoregressive-tokens; auto: as the figures suggest.",
)  # fmt: skip
@click.option("--rate", type=Whole(2000, 48_000), metavar="HZ", help="Samples a second; chosen if not given.")
@click.option(
    "--seconds", type=Real(0.05, 60), metavar="S", help="Longest sound that is learnt of a clip; chosen if not given."
)
@click.option("--no-classes", is_flag=True, help="Learn all clips alike, whatever subfolder they are in.")
@click.option("--budget", type=Duration(), help="Time to train at most: 90s, 5m, 1h30m.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to train.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="Change one setting, such as hidden, n_components, training.max_steps, codec.books; may be repeated.",
)  # fmt: skip
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with sounds (.html).")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@seed_option
@threads_option()
@output_options
def fit(clips: str, output: str | None, as_json: bool, **options: Any) -> None:
    """Learn a folder of clips, for sample.

    CLIPS is a folder of WAV, FLAC, OGG or MP3 files, whose subfolders are classes. Clips of any rate are resampled to
    one, and silence at their ends is left out; how long and how loud they are is learnt of each class. Families that
    learn no classes (gmm, hmm) become models of each. A tenth of the clips is held out, to say what the model reached.
    A stopped run leaves its training in OUTPUT.checkpoint; the same command with --resume goes on to the same model.

    \b
    Examples:
      genapps audio fit clips/ -o voice.genapps
      genapps audio fit clips/ -o voice.genapps --rate 8000 --seconds 1 --report voice.html
      genapps audio fit clips/ -o network.genapps --family vae --budget 5m
    """
    target = _checked(clips, output, options["report"])
    from genapps.threads import threads
    from genapps_audio.generation.fitting import Study
    from genapps_audio.generation.tasks import fit_clips

    with (
        _checkpoint(target, options["resume"]) as checkpoint,
        threads(options["threads"]),
        Progress("learning", unit="steps") as bar,
    ):

        def tell(event: Event) -> None:
            if event.message:
                bar.note(event.message)
            bar.update(event.step, event.total, "")

        study = Study(
            settings=options["settings"],
            budget=options["budget"],
            seed=options["seed"],
            device=options["device"],
            progress=tell,
            checkpoint=checkpoint,
            resume=options["resume"],
        )
        found = fit_clips(
            clips,
            study,
            family=options["family"],
            rate=options["rate"],
            seconds=options["seconds"],
            labelled=not options["no_classes"],
            reading=lambda done, total: bar.update(done, total, "reading"),
        )
        found.model.save(target)
        if options["report"] is not None:
            from genapps_audio.generation.page import write_fitted

            write_fitted(str(options["report"]), found, options["seed"])
    if as_json:
        print_json({"model_file": str(target), **found.to_json()})
        return
    for line in found.lines() if verbosity() >= 0 else ():
        click.echo(one_line(line))
    for sentence in found.notes:
        note(f"note: {one_line(sentence)}")
    tell_skipped(found.skipped)
    note(f"model        {target}")
    if options["report"] is not None:
        note(f"report       {options['report']}")


def _checked(clips: str, output: str | None, report: Path | None) -> Path:
    """Refuse what could not be written, or would go over the input, before any work is done."""
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.placing import check_files
    from genapps.report.files import check_page, figures_beside

    if output is None or output == STDOUT:
        raise UsageError("name the file of the model: -o voice.genapps")
    check_suffix(output)
    check_target(output)
    check_page(report)
    check_files([output, report, None if report is None else figures_beside(report)], [clips])
    return Path(output)


@contextmanager
def _checkpoint(target: Path, resume: bool) -> Iterator[Path]:
    """Where this run keeps its training: files that begin with `OUTPUT.checkpoint`, gone once it is done."""
    path = Path(f"{target}.checkpoint")

    def kept() -> list[Path]:
        return sorted(one for one in path.parent.iterdir() if one.name.startswith(path.name))

    if resume and not kept():
        note(f"{path}: no checkpoint to go on from; starting anew")
    elif kept() and not resume:
        note(f"{path}: an earlier run left a checkpoint; starting anew, as --resume was not given")
        for one in kept():
            one.unlink()
    try:
        yield path
    except BaseException as error:
        if kept() and not isinstance(error, InputError | UsageError):
            note(f"training so far is kept in {path}; run the same command with --resume to go on")
        raise
    for one in kept():
        one.unlink()
