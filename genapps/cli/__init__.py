"""The `genapps` command: `main` runs it and turns whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TextIO

import click

from genapps.cli.console import fail
from genapps.cli.domains import missing_extra
from genapps.errors import GenappsError

INTERRUPTED = 130
TERMINATED = 143
REMEDIES = {
    errno.ENOSPC: "no space is left on the disk; free some, or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; free some space, or write elsewhere",
    errno.EACCES: "no permission; check who owns it and its mode",
    errno.EPERM: "no permission; check who owns it and its mode",
    errno.EROFS: "the file system is read-only; write elsewhere",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
}


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what Ctrl-C cleans up is cleaned up."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command, as the process's own where no `args` are given; the exit code says how it went.

    0 done, 1 failed, 2 wrong usage, 3 bad input, 10 anomalies, 130 interrupted, 143 terminated.
    `--debug` may stand anywhere before `--`; it lets tracebacks and library warnings through.
    """
    if sys.stdout is None:
        sys.stdout = _unread()
    words, debug = _take_debug(sys.argv[1:] if args is None else args)
    try:
        with warnings.catch_warnings(), _terminable() if args is None else nullcontext():
            if not debug and not sys.warnoptions:
                warnings.simplefilter("ignore")
            code = _run(words)
            sys.stdout.flush()  # a full disk or a closed pipe must be met here, not at interpreter exit
            return code
    except BrokenPipeError:
        _abandon_stdout()
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            import traceback

            traceback.print_exc()
        message, code = explain(error)
        fail(message)
        if isinstance(error, OSError):
            _abandon_stdout()
        return code


def run() -> None:
    """`main` as a whole process, which ends at once where it failed.

    Readers' threads may then still wait for Python; as the interpreter goes down one of them would abort the process,
    and the exit code would be lost.
    """
    code = main()
    if code:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def explain(error: BaseException) -> tuple[str, int]:
    """The line a user reads about `error`, and the exit code."""
    error = missing_extra(error) or error
    if isinstance(error, GenappsError):
        return str(error), error.exit_code
    if isinstance(error, click.NoSuchOption):
        near = _near(error.option_name, error.possibilities)
        error = click.NoSuchOption(error.option_name, possibilities=near, ctx=error.ctx)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "genapps"
        return f"{error.format_message().rstrip('.')} (see {path} --help)", 2
    if isinstance(error, click.FileError):
        return f"cannot open {error.ui_filename}: {error.message}", 1
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, Terminated):
        return _ended("terminated", error), TERMINATED
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _ended("interrupted", error), INTERRUPTED
    if _is_out_of_memory(error):
        return "out of memory; give fewer rows, a smaller batch size, or run on a larger machine", 1
    if isinstance(error, OSError):
        reason = REMEDIES.get(error.errno or 0, error.strerror or str(error) or type(error).__name__)
        return (f"{error.filename}: {reason}" if error.filename else reason), 1
    return f"a defect of genapps: {type(error).__name__}: {error} (--debug shows where)", 1


def _ended(how: str, error: BaseException) -> str:
    """How the process was ended, and what else the error says, such as how to go on."""
    return f"{how}; {error}" if str(error) else how


def _near(name: str, others: Sequence[str] | None) -> list[str]:
    """The names of options that are near without their dashes, which Click counts, too."""
    from difflib import get_close_matches

    plain = {other.lstrip("-"): other for other in others or ()}
    return [plain[word] for word in get_close_matches(name.lstrip("-"), plain)]


def _run(words: list[str]) -> int:
    from genapps.cli.root import root

    instruction = os.environ.get("_GENAPPS_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, "genapps", "_GENAPPS_COMPLETE", instruction)
    try:
        with root.make_context("genapps", words) as context:
            root.invoke(context)
            return 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.exceptions.NoArgsIsHelpError as help_:  # a group without a command: its whole help, as it is laid out
        click.echo(help_.format_message(), err=True)
        return help_.exit_code


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise Terminated meanwhile, unless someone has decided otherwise about it."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(*_: object) -> None:
    raise Terminated


def _take_debug(args: Sequence[str]) -> tuple[list[str], bool]:
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    debug = "--debug" in words[:end]
    return [word for word in words[:end] if word != "--debug"] + words[end:], debug


def _is_out_of_memory(error: BaseException) -> bool:
    """torch raises a RuntimeError, told apart from others by its text alone."""
    text = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )


def _unread() -> TextIO:
    """A pipe whose reader has left, for a process begun without a stdout (`>&-`): what is said there is not done."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def _abandon_stdout() -> None:
    """Let the interpreter's last flush go nowhere, so that nothing is said about a reader who has left."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a stdout without a descriptor, as under a test runner
        return
