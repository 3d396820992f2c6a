"""Where the lines of events go, so that after kill -9 none is lost and none comes twice.

A state says how many bytes of output it stands for. What the output holds beyond that was written after the state was
saved; the run that goes on comes to the same lines again and leaves them out. That takes an output that can be read:
a file, or standard output sent to one. Into a pipe a line may come twice, with the same number, if the run was killed
within the moment between writing it and saving that it was written.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genapps.errors import UsageError
from genapps.io.atomic import check_target, write_errors
from genapps.wording import counted

STDOUT = "-"
_MOST = 1 << 26  # bytes of output that are compared after a kill


class Output:
    """Lines to a file, which is added to, or to standard output (`-`); each is flushed at once.

    As a context manager it leaves no empty file behind that was made for a run that failed. Raises UsageError or
    GenappsError where the file cannot be written.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.count = 0  # lines, over all runs that go on from one another
        self.repeated = 0  # lines left out since they were there
        self.differing = 0  # lines that came out otherwise than before
        self._there: deque[bytes] = deque()
        self._made = target != STDOUT and not Path(target).exists()
        if target == STDOUT:
            self._file = _standard_output()
        else:
            check_target(target)
            with write_errors(target):
                self._file = os.open(target, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.lasting = self._file >= 0 and stat.S_ISREG(os.fstat(self._file).st_mode)
        self.size = os.fstat(self._file).st_size if self.lasting else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._made and self.lasting and not os.fstat(self._file).st_size:
            Path(self.target).unlink(missing_ok=True)
        if self.target != STDOUT:
            os.close(self._file)

    def resume(self, count: int, size: int, target: str) -> str:
        """Go on after a state that stands for so many lines and bytes of `target`.

        To another output lines are added whose numbers go on; that, if anything, is what is said to a person.
        """
        self.count = count
        if target != self.target:
            here, there = ("standard output" if name == STDOUT else name for name in (self.target, target))
            return f"{counted(count, 'line')} told before went to {there}; {here} gets what comes now" if count else ""
        if not self.lasting or self.size <= size:
            return ""
        if self.size - size > _MOST:
            raise UsageError(
                f"{self.target}: {self.size - size:,} bytes more than the state knows of; is it its output?"
            )
        held = self._tail(size)
        whole, _, torn = held.rpartition(b"\n")
        if torn:
            os.ftruncate(self._file, self.size - len(torn))
        self._there.extend(line + b"\n" for line in whole.split(b"\n") if line)
        self.size = size  # of what this run has come to again
        return ""

    def keep(self) -> None:
        """What the output holds beyond the state stays, and will not come again."""
        self.count += len(self._there)
        self.size += sum(map(len, self._there))
        self._there.clear()

    def _tail(self, size: int) -> bytes:
        """What the output holds beyond `size`."""
        if self.target != STDOUT:
            return os.pread(self._file, self.size - size, size)
        try:
            with Path(f"/proc/self/fd/{self._file}").open("rb") as file:
                return os.pread(file.fileno(), self.size - size, size)
        except OSError:
            return b""

    def write(self, line: dict[str, Any]) -> bool:
        """Write one line; false where it was there already."""
        self.count += 1
        text = json.dumps({**line, "line": self.count}, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        if self._there:
            known = self._there.popleft()
            self.repeated += 1
            self.differing += known != text
            self.size += len(known)
            return False
        self.size += len(text)
        with write_errors("stdout" if self.target == STDOUT else self.target):
            if self._file < 0:
                sys.stdout.write(text.decode())
                sys.stdout.flush()
                return True
            while text:
                text = text[os.write(self._file, text) :]
        return True

    def settle(self) -> None:
        """Wait until a file's lines are on the disk: a state must not know of lines that are not there."""
        if self.lasting:
            os.fsync(self._file)


def _standard_output() -> int:
    """Its descriptor, -1 where it is none of the system's own, as within a notebook."""
    try:
        return sys.stdout.fileno()
    except (OSError, ValueError):
        return -1
