"""Lines in the order of time, though a stamp may be wrong, a line late, or the clock set back.

The log is ahead when two lines say so; one stamp ahead of all others counts where the log is. Lines of a time before
are late and do not count, until so many come one after another that it must be the clock that was set back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genapps.wording import counted, duration

SET_BACK = 20  # late lines one after another


class Order:
    """Lines in with their times in seconds; those that count out, each with the time that it counts at.

    time: where the log is. late: lines that were left out, and the first of them. jumps: how often the clock was set
    back; the line of the last time, and by how many seconds.
    """

    def __init__(self) -> None:
        self.time: float | None = None
        self.late = self.first_late = 0
        self.jumps = self.jump = 0
        self.back = 0.0
        self._low = 0.0  # where the clock was set to last
        self._covered: list[float] | None = None  # from where to where the log had come before that
        self._held: tuple[float, Any] | None = None
        self._row: list[Any] = []  # of late lines now: how many, the first one, by how many seconds

    def take(self, time: float, width: float, line: int, what: Any) -> Iterator[tuple[float, Any]]:
        """What counts now: this one, one before it, or both. Times in one stretch of `width` seconds are the same."""
        here = self.time
        if here is None:
            self.time = self._low = time
            yield time, what
        elif time // width > here // width:
            yield from self._ahead(time, width, what)
        elif time // width == here // width:
            self.time, self._row = max(here, time), []
            if self._held is not None:  # nothing confirms that stamp
                (_, before), self._held = self._held, None
                yield here, before
            yield time, what
        elif self._is_set_back(here, time, line):
            yield time, what

    def _ahead(self, time: float, width: float, what: Any) -> Iterator[tuple[float, Any]]:
        held, self._held = self._held, (time, what)
        self._row = []
        if held is None:
            return
        self.time = min(held[0], time)
        yield self.time, held[1]
        if time // width == self.time // width:
            self._held = None
            yield time, what

    def _is_set_back(self, here: float, time: float, line: int) -> bool:
        row = self._row = [self._row[0] + 1, *self._row[1:]] if self._row else [1, line, here - time]
        self.late += 1
        self.first_late = self.first_late or line
        if row[0] < SET_BACK:
            return False
        self.late -= row[0]
        self.first_late = self.first_late if self.late else 0
        self.jumps += 1
        _, self.jump, self.back = row
        low, high = self._covered or (self._low, here)
        self._covered = [min(low, self._low), max(high, here)]
        self.time = self._low = time
        self._held, self._row = None, []
        return True

    def was_there(self) -> bool:
        """Whether the log has gone through this time once before, and the clock was then set back."""
        assert self.time is not None
        return self._covered is not None and self._covered[0] <= self.time <= self._covered[1]

    def jump_note(self) -> str:
        """A sentence on the last time that the clock was set back, empty if it never was."""
        if not self.jumps:
            return ""
        times = "" if self.jumps == 1 else f" {self.jumps:,} times, last"
        by = f"{times} by {duration(max(self.back, 1.0))} at line {self.jump:,}"
        return f"the clock was set back{by}; rates are judged anew from there"

    def late_note(self) -> str:
        """A sentence on the lines that were late, empty if none was."""
        if not self.late:
            return ""
        first = f"; the first is line {self.first_late:,}" if self.late > 1 else f": line {self.first_late:,}"
        return f"time goes backwards in {counted(self.late, 'line')}, left out of the rates{first}"

    def notes(self) -> Iterator[str]:
        """What a person should know."""
        yield from filter(None, (self.jump_note(), self.late_note()))

    def state(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        return dict(vars(self))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken. Raises KeyError where it lacks a part."""
        for name in vars(self):
            setattr(self, name, state[name])
