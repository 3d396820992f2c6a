"""Findings that go on while lines come: signs in, a line out for each state of a finding (open, update, close)."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any

from genapps_logs.findings import TEXT, Gathered, Sign, is_accepted

QUIET = 3600.0  # seconds without a sign after which a finding is closed
MOST_OPEN = 1000  # findings that are open at once
_MORE = 10  # a finding is told again when it has so many times as many signs


class Open:
    """Findings that go on: signs in, lines on their states out. At most `most` open within an hour."""

    def __init__(self, accepted: frozenset[str], most: int) -> None:
        self.accepted, self.most = accepted, most
        self.met: set[str] = set()  # what was accepted and came
        self.held: OrderedDict[tuple[str, int], tuple[int, float, Gathered]] = OrderedDict()
        self.opened = self.kept_back = 0
        self.recent: deque[float] = deque(maxlen=most)

    def take(self, sign: Sign, now: float) -> Iterator[dict[str, Any]]:
        """Add a sign at a time; yields what is to be told of it."""
        if is_accepted(sign.id, self.accepted):
            self.met.add(sign.id)
            return
        key = sign.id, sign.event
        known = self.held.pop(key, None)
        if known is None:
            if (len(self.recent) == self.most and now - self.recent[0] < QUIET) or len(self.held) >= MOST_OPEN:
                self.kept_back += 1
                return
            self.recent.append(now)
            self.opened += 1
            known = self.opened, now, Gathered(sign)
        event, _, gathered = known
        gathered.add(sign)
        self.held[key] = event, now, gathered
        state = "open" if gathered.told == 0 else "update"
        if state == "open" or gathered.count >= _MORE * gathered.told:
            gathered.told = max(gathered.count, 1)
            yield _told(state, event, gathered, sign)

    def sweep(self, now: float, quiet: float) -> Iterator[dict[str, Any]]:
        """Close what was quiet for long."""
        while self.held:
            key, (event, last, gathered) = next(iter(self.held.items()))
            if now - last <= quiet:
                return
            del self.held[key]
            yield _told("close", event, gathered, gathered.first)

    def state(self) -> dict[str, Any]:
        """All of it as plain JSON."""
        held = [[event, last, gathered.state()] for event, last, gathered in self.held.values()]
        return {
            "held": held,
            "opened": self.opened,
            "kept_back": self.kept_back,
            "recent": list(self.recent),
            "met": sorted(self.met),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        for event, last, saved in state["held"]:
            gathered = Gathered.restore(saved)
            self.held[gathered.first.id, gathered.first.event] = int(event), float(last), gathered
        self.opened, self.kept_back = int(state["opened"]), int(state["kept_back"])
        self.recent.extend(state["recent"])
        self.met.update(state["met"])


def _told(state: str, event: int, gathered: Gathered, sign: Sign) -> dict[str, Any]:
    """One line of output: of an open finding the sign that opened it, then what it has come to."""
    found = gathered.finding()
    return {
        "state": state,
        "event": event,
        "id": found.id,
        "kind": found.kind,
        "count": found.count,
        "p_value": found.p_value,
        "reason": sign.reason if state != "close" else found.reason,
        "time": sign.time,
        "lines": list(found.lines),
        "sessions": list(found.sessions),
        "text": sign.text[:TEXT],
        "template": found.template,
    }
