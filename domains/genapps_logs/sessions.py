"""Groups of lines as they come and go: which are open, and which are over."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from genapps_logs.scoring import START, Steps

LONGEST = 1000  # steps of a session; what goes on is another one
MOST_OPEN = 50_000  # sessions; those that were quiet for longest end first
TEXT = 500  # characters of a line that are kept


class Session:
    """One group of lines: the codes of their templates, and its first, last and most surprising line.

    bits, step, line, text: of the most surprising step so far, if anybody measures that. told: whether it was reported.
    """

    __slots__ = (
        "began",
        "bits",
        "codes",
        "first",
        "key",
        "last",
        "last_text",
        "last_time",
        "line",
        "longest_gap",
        "past",
        "step",
        "text",
        "told",
    )

    def __init__(self, key: str, line: int, time: float | None, order: int) -> None:
        self.key, self.first, self.last = key, line, line
        self.began = self.last_time = time
        self.codes: list[int] = []
        self.past: Steps = (START,) * order
        self.bits, self.step, self.line = -1.0, 0, line
        self.text = self.last_text = ""
        self.longest_gap = 0.0
        self.told = False

    def state(self) -> list[Any]:
        """All of it as plain JSON."""
        return [list(value) if isinstance(value, tuple) else value for value in self._all()]

    def _all(self) -> Iterator[Any]:
        return (getattr(self, name) for name in self.__slots__)

    @classmethod
    def restore(cls, state: list[Any]) -> Session:
        """What `state` gave."""
        made = cls("", 0, None, 0)
        for name, value in zip(cls.__slots__, state, strict=True):
            setattr(made, name, tuple(value) if name == "past" else value)
        return made


@dataclass(frozen=True)
class Ends:
    """When a session is over.

    quiet: seconds without a line, or lines of the log where there are no stamps. seconds, rows: how long it lasts at
    most; infinite where it may last.
    """

    quiet: float = math.inf
    seconds: float = math.inf
    rows: float = LONGEST


class Sessions:
    """The open sessions of a log, the one that was quiet for longest first; memory is bounded."""

    def __init__(self, ends: Ends, order: int, most: int = MOST_OPEN) -> None:
        self.ends, self.order, self.most = ends, order, most
        self.open: OrderedDict[str, Session] = OrderedDict()
        self.now = self._place = -math.inf  # the lesser of the last two stamps: one that is wrong ends nothing

    def take(self, key: str, code: int, line: int, time: float | None, text: str) -> tuple[Session, list[Session]]:
        """Add a line to its session; returns that one and the sessions that are over before it."""
        place = time if time is not None else float(line)
        self.now, self._place = min(place, self._place), place
        over = self._over()
        session = self.open.get(key)
        if session is not None and self._ended(session, place):
            over.append(self.open.pop(key))
            session = None
        if session is None:
            session = self.open[key] = Session(key, line, place, self.order)
            if len(self.open) > self.most:
                over.append(self.open.popitem(last=False)[1])
        else:
            self.open.move_to_end(key)
            gap = place - (session.last_time or 0.0)
            if gap > session.longest_gap:
                session.longest_gap = gap
        session.codes.append(code)
        session.last, session.last_time, session.last_text = line, place, text
        return session, over

    def _over(self) -> list[Session]:
        over: list[Session] = []
        while self.open:
            oldest = next(iter(self.open.values()))
            if self.now - (oldest.last_time or 0.0) <= self.ends.quiet:
                break
            over.append(self.open.popitem(last=False)[1])
        return over

    def _ended(self, session: Session, place: float) -> bool:
        if len(session.codes) >= self.ends.rows or len(session.codes) >= LONGEST:
            return True
        return place - (session.began or 0.0) >= self.ends.seconds

    def finish(self) -> list[Session]:
        """All that are open, the end of the log being reached."""
        rest = list(self.open.values())
        self.open.clear()
        return rest

    def state(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        now = [value if math.isfinite(value) else None for value in (self.now, self._place)]
        return {"now": now, "open": [session.state() for session in self.open.values()]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.now, self._place = (-math.inf if value is None else float(value) for value in state["now"])
        found = [Session.restore(one) for one in state["open"]]
        self.open = OrderedDict((session.key, session) for session in found)
