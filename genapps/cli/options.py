"""Options that every command spells the same way, as decorators."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from genapps.cli.console import VERBOSITY

Function = TypeVar("Function", bound=Callable[..., Any])

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


class Duration(click.ParamType[float, str]):
    """A length of time such as 90s, 5m or 1h30m, given on in seconds; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; fails unless the value is a positive length of time."""
        text = str(value).strip().lower()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            seconds = float(text)
        elif re.fullmatch(f"(?:{DURATION.pattern})+", text):
            seconds = sum(float(number) * SECONDS[unit] for number, unit in DURATION.findall(text))
        else:
            self.fail(f"{value!r} is no length of time; write 90s, 5m or 1h30m", param, ctx)
        if seconds <= 0:
            self.fail("must be longer than nothing", param, ctx)
        return seconds


class Whole(click.ParamType[int, str]):
    """A whole number of at least `least`, underscores allowed (50_000_000); help shows no range, errors do."""

    name = "number"

    def __init__(self, least: int = 0, most: int = 2**63 - 1) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails unless it is one within the bounds."""
        try:
            number = int(str(value).strip())
        except ValueError:
            self.fail(f"{value!r} is no whole number", param, ctx)
        if number < self.least:
            self.fail(f"must be at least {self.least:,}, not {number:,}", param, ctx)
        if number > self.most:
            self.fail(f"must be at most {self.most:,}, not {number:,}", param, ctx)
        return number


class Real(click.FloatRange):
    """A number between two bounds; nan, which no bound stops, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails unless it is one."""
        number = float(super().convert(value, param, ctx))
        if number != number:
            self.fail(f"must be a number, not {value}", param, ctx)
        return number


def training_options(
    family: str = "Model family; auto tries them within the budget.",
) -> Callable[[Function], Function]:
    """Add what every command that trains understands; `family` is the help of the option of that name.

    Arguments handed to the function: family: str | None, budget: float | None (seconds), seed: int, device: str,
    threads: int | None, config_file: Path | None, settings: tuple[str, ...] (key=value), resume: bool.
    """
    options = [
        click.option("--family", metavar="NAME", help=family),
        click.option("--budget", type=Duration(), help="Time to train at most: 90s, 5m, 1h30m."),
        seed_option,
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda", "mps"]),
            default="auto",
            show_default=True,
            help="Where to train.",
        ),
        threads_option(),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Settings as TOML; `genapps config` prints one to start from.",
        ),
        click.option(
            "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated."
        ),
        click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped."),
    ]
    return partial(_apply, options)


def output_options(function: Function) -> Function:
    """Add what every command that produces something understands.

    Arguments handed to the function: output: str | None ("-" is stdout), as_json: bool. -q and -v act on the console.
    """
    return _output(json_option, function)


def stream_options(function: Function) -> Function:
    """The same for a command whose output is JSON lines: --json is understood, and changes nothing."""
    text = "Nothing changes: events are JSON lines, one object for each state."
    return _output(click.option("--json", "as_json", is_flag=True, help=text), function)


def output_options_of(formats: str) -> Callable[[Function], Function]:
    """`output_options` of a command that writes other formats than tables; `formats` are listed in the help of -o."""
    return partial(_output, json_option, formats=formats)


def _output(json: Callable[[Any], Any], function: Function, formats: str = "") -> Function:
    suffix = f"the suffix decides the format{f' ({formats})' if formats else ''}"
    options = [
        click.option("-o", "--output", metavar="FILE", callback=_named, help=f"Where to write; {suffix}, - is stdout."),
        json,
        click.option(
            "-q", "--quiet", is_flag=True, expose_value=False, callback=_speak(-1), help="Say only what fails."
        ),
        click.option("-v", "--verbose", is_flag=True, expose_value=False, callback=_speak(1), help="Say more."),
    ]
    return _apply(options, function)


def threads_option(default: int | None = None) -> Callable[[Function], Function]:
    """Add --threads, handed on as `threads: int | None`: 0 is all; None, where there is no default, is not given."""
    text = "CPU threads to use; 0: all."
    shown = default is not None
    return click.option("--threads", type=Whole(0, 4096), metavar="N", default=default, show_default=shown, help=text)


def seed_option(function: Function) -> Function:
    """Add --seed, handed on as `seed: int`."""
    text = "Same seed, same result."
    return click.option("--seed", type=Whole(), metavar="N", default=0, show_default=True, help=text)(function)


def json_option(function: Function) -> Function:
    """Add --json, handed on as `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every figure.")(function)


def _named(context: click.Context, option: click.Parameter, given: str | None) -> str | None:
    """Refuse an empty name, which a script comes to where a variable is not set."""
    if given is not None and not given.strip():
        raise click.BadParameter("an empty name; give a file, or - for stdout", context, option)
    return given


def _speak(level: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, _: click.Parameter, given: bool) -> None:
        if given:
            context.meta[VERBOSITY] = level

    return callback


def _apply(options: list[Callable[[Any], Any]], function: Function) -> Function:
    for option in reversed(options):
        function = option(function)
    return function
