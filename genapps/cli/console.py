"""What a command says beside its result: notes, failures and progress, all on stderr."""

from __future__ import annotations

import os
import re
import sys
import time
from types import TracebackType
from typing import Any, Protocol

import click

VERBOSITY = "genapps.verbosity"  # key in click's context; -1 quiet, 0 normal, 1 verbose
REDRAW_SECONDS = 0.1
LINE_SECONDS = 10.0  # between lines of progress, where there is no terminal to draw on
BAR_WIDTH = 24
# What a terminal obeys rather than shows, and what turns the direction of a text; a tab and a line's end do no harm.
_STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def verbosity() -> int:
    """How much the running command may say: -1 with --quiet, 0, or 1 with --verbose."""
    context = click.get_current_context(silent=True)
    return int(context.meta.get(VERBOSITY, 0)) if context else 0


def visible(text: str) -> str:
    """The text with what would steer a terminal written out (\\x1b), as cells and names of files may hold anything."""
    return _STEERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same where a text stays on its line: ends of lines and tabs, too, are written out."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def note(message: str) -> None:
    """Say something that helps a person and is no result; silent with --quiet."""
    if verbosity() >= 0:
        click.echo(visible(message), err=True)


def detail(message: str) -> None:
    """Say something only --verbose asks for."""
    if verbosity() > 0:
        click.echo(visible(message), err=True)


def fail(message: str) -> None:
    """Say on one line of stderr why the command did not do what was asked."""
    try:
        click.echo(f"genapps: {visible(' '.join(message.split()))}", err=True)
    except OSError:  # stderr itself is gone; the exit code still tells
        return


def print_json(value: Any) -> None:
    """Write one JSON object to stdout; non-finite figures become null, as JSON has no word for them."""
    import json

    click.echo(json.dumps(_finite(value), ensure_ascii=False, indent=2, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def can_draw() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def has_color() -> bool:
    """Whether colors are wanted: a terminal, and NO_COLOR (https://no-color.org) not set."""
    return can_draw() and not os.environ.get("NO_COLOR")


class Report(Protocol):
    """What a training event tells a progress bar (genapps.training.Event)."""

    @property
    def step(self) -> int: ...
    @property
    def total(self) -> int | None: ...
    @property
    def message(self) -> str | None: ...


class Progress:
    """A bar on stderr while something runs: drawn on a terminal only, gone when done.

    Without a terminal --verbose has a line of it from time to time.

    Use as a context manager; call `update`, or hand the bar itself to a `progress=` that takes training events.
    """

    def __init__(self, label: str, total: int | None = None, unit: str = "") -> None:
        self.label, self.total, self.unit = label, total, unit
        self._active = can_draw() and verbosity() >= 0
        self._started = time.monotonic()
        self._drawn = 0.0
        self._told = self._started

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._active and self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def __call__(self, event: Report) -> None:
        """Show a training event."""
        self.update(event.step, event.total, event.message or "")

    def update(self, done: int, total: int | None = None, text: str = "") -> None:
        """Show that `done` of `total` units are finished, with a few words after it."""
        self.total = total if total is not None else self.total
        now = time.monotonic()
        finished = self.total is not None and done >= self.total
        if not self._active and verbosity() > 0 and now - self._told >= LINE_SECONDS:
            self._told = now
            detail(self._line(done, now - self._started, text))
        if not self._active or (now - self._drawn < REDRAW_SECONDS and not finished):
            return
        self._drawn = now
        line = self._line(done, now - self._started, text)
        sys.stderr.write(f"\r{line}\x1b[K")
        sys.stderr.flush()

    def note(self, message: str) -> None:
        """`note`, in a line of its own while the bar is drawn."""
        self._clear()
        note(message)

    def detail(self, message: str) -> None:
        """`detail`, in the same way."""
        if verbosity() > 0:
            self._clear()
        detail(message)

    def _clear(self) -> None:
        if self._active and self._drawn:
            sys.stderr.write("\r\x1b[K")

    def _line(self, done: int, seconds: float, text: str) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.total:
            share = min(done / self.total, 1.0)
            filled = "█" * round(share * BAR_WIDTH)
            bar = filled.ljust(BAR_WIDTH, "·")
            bar = f"\x1b[36m{bar}\x1b[0m " if has_color() else f"{bar} " if self._active else ""
            left = f", {clock(seconds / share - seconds)} left" if share > 0.02 else ""
            figures = f"{bar}{share:4.0%}  {done:,} of {self.total:,}{unit}{left}"
        else:
            figures = f"{done:,}{unit}, {clock(seconds)}"
        return f"{self.label}  {figures}  {text}".rstrip()


def clock(seconds: float) -> str:
    """A length of time as a person writes it: 8 s, 1:05, 2:03:04."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
