"""The errors a user meets: one line that says what is wrong and what to do, and the exit code that goes with it."""

from __future__ import annotations


class GenappsError(Exception):
    """Failed for a reason outside the input: disk full, no permission, out of memory, a defect."""

    exit_code = 1


class UsageError(GenappsError):
    """Asked for wrongly: an unknown option or column name, an impossible number, a path that does not exist."""

    exit_code = 2


class MissingExtra(UsageError):
    """A library that only some tasks need is not installed; the message names the command that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"this needs {library}: pip install 'genapps[{extra}]'")
        self.library, self.extra = library, extra

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        """Two words make it anew, so that it crosses from a worker process."""
        return type(self), (self.library, self.extra)


class InputError(GenappsError):
    """The input is empty, damaged, tampered with, of a newer version, or holds nothing this task can use."""

    exit_code = 3
