"""`genapps music fit`: parse, call, print. Nothing heavy is imported before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.console import Progress, note, one_line, print_json, verbosity
from genapps.cli.options import Duration, Real, output_options, seed_option, threads_option
from genapps.errors import InputError, UsageError
from genapps_music.cli_common import tell, tell_skipped

if TYPE_CHECKING:
    from genapps.training.settings import Event


@click.command()
@click.argument("scores", metavar="SCORES...", nargs=-1, required=True)
@click.option(
    "--family", metavar="NAME", default="autoregressive", show_default=True,
    help="autoregressive, hmm, rbm, vae, gan or gmm.",
)  # fmt: skip
@click.option("--budget", type=Duration(), help="Time to train: 90s, 5m, 1h; by steps if not given.")
@click.option(
    "--held", type=Real(0, 0.9), metavar="0..0.9", default=0.1, show_default=True,
    help="Share of the pieces that only tell when to stop and how good the model is.",
)  # fmt: skip
@click.option("--no-latents", is_flag=True, help="Learn no two-bar latents, which interpolate needs.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", show_default=True,
    help="Where to train.",
)  # fmt: skip
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE",
    help="Change one setting, such as hidden, layers, training.max_steps; may be repeated.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped.")
@seed_option
@threads_option()
@output_options
def fit(scores: tuple[str, ...], output: str | None, as_json: bool, **options: Any) -> None:
    """Learn pieces of music, for compose, continue, harmonize, infill and interpolate.

    SCORES are folders or files of MIDI, MusicXML, ABC or piano rolls. Their voices, ranges, bars and the finest step
    of time are found in them; what the grid of steps cannot hold is said. A tenth of the pieces is held out. The model
    file keeps the pieces, too, so that reports can look for copies. Without --budget the same command gives the same
    bytes. A stopped run leaves its training in OUTPUT.checkpoint.model and OUTPUT.checkpoint.latents, a part that is
    done in ….done.genapps; the same command with --resume goes on to the same model, and removes them.

    \b
    Examples:
      genapps music fit scores/ -o bach.genapps
      genapps music fit scores/ -o bach.genapps --budget 10m --set hidden=256
      genapps music fit scores/ -o chain.genapps --family hmm --set n_components=16
    """
    from genapps.io.artifact import check_suffix
    from genapps.io.atomic import check_target
    from genapps.io.placing import check_files
    from genapps_music.names import check_names

    if output is None or output == "-":
        raise UsageError("name the file of the model: -o bach.genapps")
    check_names(output, *scores)
    check_suffix(output)
    check_target(output)
    check_files([output], scores)
    from genapps_music.presets import preset_of

    preset_of(options["family"])
    from genapps.threads import threads
    from genapps_music.composing.fitting import Study
    from genapps_music.composing.fitting import fit as learn
    from genapps_music.reading.folder import open_scores

    found = open_scores(scores)
    with (
        _checkpoint(Path(output), options["resume"]) as checkpoint,
        threads(options["threads"]),
        Progress("learning", unit="steps") as bar,
    ):
        study = Study(
            family=options["family"],
            settings=options["settings"],
            budget=options["budget"],
            seed=options["seed"],
            device=options["device"],
            held=options["held"],
            latents=not options["no_latents"],
            checkpoint=checkpoint,
            resume=options["resume"],
            progress=lambda what, event: _show(bar, what, event),
        )
        made = learn(list(found), study, found.skipped)
        made.model.save(output)
    if as_json:
        print_json({"model_file": output, **made.to_json()})
        return
    for line in made.lines() if verbosity() >= 0 else ():
        click.echo(one_line(line))
    tell(made.notes)
    tell_skipped(made.skipped)
    note(one_line(f"model        {Path(output)}"))


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
            files = ", ".join(str(one) for one in kept())
            note(f"training so far is kept in {files}; run the same command with --resume to go on")
        raise
    for one in kept():
        one.unlink()


def _show(bar: Progress, what: str, event: Event) -> None:
    if event.message:
        bar.note(f"{what}: {event.message}")
    bar.update(event.step, event.total, "" if what == "learning" else what)
