"""What every command that trains has in common: its settings, its checkpoint, its bars, its dry run.

Part of the command line: nothing heavy is imported until it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from genapps.cli.console import Progress, detail, note, print_json
from genapps.errors import InputError, UsageError

if TYPE_CHECKING:
    from genapps_tabular.config import TabularConfig

STDOUT = "-"


@dataclass(frozen=True)
class Training:
    """The options of `genapps.cli.options.training_options`, as given."""

    family: str | None
    budget: float | None
    seed: int
    device: str
    threads: int | None
    config_file: Path | None
    settings: tuple[str, ...]
    resume: bool

    @classmethod
    def take(cls, options: dict[str, Any]) -> Training:
        """The training options out of a command's options, which keep the rest."""
        return cls(**{name: options.pop(name) for name in cls.__dataclass_fields__})

    def config(self) -> TabularConfig:
        """The settings: defaults, then the file, then --set, then the options that were given by name."""
        from dataclasses import replace

        from genapps.config import resolve
        from genapps_tabular.config import TabularConfig

        config = resolve(TabularConfig, self.config_file, self.settings)
        training: dict[str, Any] = {}
        if self.budget is not None:
            training["budget"] = self.budget
        if _given("device"):
            training["device"] = self.device
        top: dict[str, Any] = {"training": replace(config.training, **training)}
        if self.family is not None:
            top["family"] = self.family
        if self.threads is not None:
            top["threads"] = self.threads
        if _given("seed"):
            top["seed"] = self.seed
        return replace(config, **top)

    def names(self, key: str) -> bool:
        """Whether the file or --set has a word on this setting, be it its default."""
        from genapps.config import named

        return key in named(self.config_file, self.settings)

    def write_config(self, config: TabularConfig, output: str) -> Path | None:
        """Write the resolved settings beside the result, where settings were given; returns where."""
        if output == STDOUT or not (self.config_file or self.settings):
            return None
        from genapps.config import to_toml

        path = Path(f"{output}.toml")
        write_text(path, to_toml(config))
        return path

    @contextmanager
    def checkpoint(self, output: str) -> Iterator[Path | None]:
        """Where this run keeps its checkpoint: `OUTPUT.checkpoint`, gone once it is done; None where rows go to stdout.

        A task that fits several times keeps one for each split, too: `OUTPUT.splitK.checkpoint`. A run that is stopped
        leaves them, and --resume goes on from there; without --resume old ones are dropped.
        """
        if output == STDOUT:
            yield None
            return
        path = Path(f"{output}.checkpoint")
        old = _checkpoints(path)
        if self.resume and not old:
            note(f"{path}: no checkpoint to go on from; starting anew")
        elif old and not self.resume:
            note(f"{old[0]}: an earlier run left a checkpoint; starting anew, as --resume was not given")
            _remove(old)
        try:
            yield path
        except BaseException as error:
            left = _checkpoints(path)
            if left and not isinstance(error, InputError | UsageError):
                note(f"training so far is kept in {left[0]}; run the same command with --resume to go on")
            raise
        _remove(_checkpoints(path))


def _checkpoints(path: Path) -> list[Path]:
    """The checkpoints that lie beside an output."""
    files = [path, *sorted(path.parent.glob(f"{escape(path.stem)}.split*.checkpoint"))]
    return [file for file in files if file.exists()]


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _given(option: str) -> bool:
    """Whether an option was named on the command line, and is not its default."""
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE


class Bars:
    """A progress bar for each thing a task does, one after the other, fed by its events."""

    def __init__(self) -> None:
        self._bars: dict[str, Progress] = {}

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in self._bars.values():
            bar.__exit__(kind, error, trace)

    def __call__(self, event: Any) -> None:
        """Show an event of training, or a step of anything else."""
        label, unit = getattr(event, "label", "learning"), getattr(event, "unit", "steps")
        if label not in self._bars:
            self.__exit__(None, None, None)
            self._bars = {label: Progress(label, unit=unit)}
        self._bars[label](event)
        if event.message:
            detail(event.message)


def rows_to(output: str | None, as_json: bool, source: str | Path, spreadsheet_safe: bool = False) -> str:
    """Where rows go, stdout where nothing is named; a place that cannot be written is refused before any work is done.

    Raises UsageError where rows and figures would both go to stdout, or rows over the file that they are made from.
    """
    from genapps.io.writers import check_output

    output = output or STDOUT
    if output == STDOUT and as_json:
        raise UsageError("--json and the rows cannot both go to stdout; name a file for the rows with -o")
    check_output(output, spreadsheet_safe=spreadsheet_safe)
    keep_apart(source, output)
    return output


def keep_apart(source: str | Path, *outputs: str | Path | None) -> None:
    """Raises UsageError where a result would overwrite the input, or another result."""
    from genapps.io.atomic import check_apart

    check_apart(outputs, (source,))


def check_outputs(*paths: str | Path | None) -> None:
    """Refuse a place that cannot be written before any work is done."""
    from genapps.io.atomic import check_target

    for path in paths:
        if path is not None and str(path) != STDOUT:
            check_target(path)


def check_report(report: Path | None, *inputs: str | Path | None) -> None:
    """Refuse a report that cannot be written, or one over what it is made from, before any work is done."""
    if report is not None:
        from genapps.report.files import check_report as check
        from genapps.report.files import figures_beside

        check(report)
        for source in inputs:
            if source is not None:
                keep_apart(source, report, figures_beside(report))


def model_to(output: str | None, data: str) -> str:
    """Where a model goes: beside nothing else, under the input's name, where no name is given."""
    output = output or f"{Path(data).name.partition('.')[0].strip('-') or 'model'}.genapps"
    check_model(output)
    keep_apart(data, output)
    return output


def check_model(path: str | Path | None) -> None:
    """Refuse a place where no model file can be written before any work is done."""
    if path is not None:
        from genapps.io.artifact import check_suffix

        check_suffix(path)
        check_outputs(path)


def write_text(target: str | Path, text: str) -> None:
    """Write text to a file, whole or not at all, or to stdout."""
    if str(target) == STDOUT:
        click.echo(text, nl=False)
        return
    from genapps.io.atomic import replacing

    with replacing(target) as handle:
        handle.write(text.encode())


def print_plan(
    data: str,
    config: TabularConfig,
    schema: Path | None,
    encoding: str | None,
    as_json: bool,
    places: dict[str, Any],
    rows: int | None = None,
) -> None:
    """Print what a command would do."""
    from genapps_tabular.planning import plan, plan_lines

    planned = plan(data, config, schema, encoding, rows)
    if as_json:
        print_json({**planned.to_json(), **places_json(places)})
        return
    for line in plan_lines(planned, places):
        click.echo(line)


def tell(
    as_json: bool, places: dict[str, Any], figures: dict[str, Any], lines: Iterable[str], written: int | None = None
) -> None:
    """Say what a command made: figures and places as JSON on stdout, or lines for people on stderr."""
    if as_json:
        print_json({**places_json(places), **figures})
        return
    for line in lines:
        note(line)
    note_places(places, written)


def places_json(places: dict[str, Any]) -> dict[str, str]:
    """Where results are, for --json."""
    return {name: str(place) for name, place in places.items() if place is not None}


def note_places(places: dict[str, Any], written: int | None = None) -> None:
    """Say where results are."""
    for name, place in places.items():
        if place is not None and str(place) != STDOUT:
            count = f"  ({written:,} rows)" if name == "rows" and written is not None else ""
            note(f"{name:<11} {place}{count}")
