"""What is found in a log: signs as they come, and findings, which gather the signs of one cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

NOTED = 5  # line numbers that a finding keeps
MOST_OPEN = 10_000  # findings that are gathered at once
TEXT = 500  # characters of a line that are kept
KINDS = ("new", "rare", "step", "missing", "count", "burst", "silence", "value")


@dataclass(frozen=True)
class Sign:
    """One line, session or stretch of time that is unlike normal ones.

    id: of its cause, the same for all signs of it: what is accepted when it is normal. line, text: the line that shows
    it. time: when, empty where lines have no stamps. p: how rare it is among normal ones, where that is known. lines:
    how many it stands for. event: signs of another event are another finding though the cause is the same.
    """

    id: str
    kind: str
    line: int
    text: str
    reason: str
    template: str = ""
    p: float | None = None
    time: str = ""
    session: str = ""
    lines: int = 1
    event: int = 0


@dataclass(frozen=True)
class Finding:
    """What is unlike the normal log, for one cause.

    id: what `--accept` takes. kind: new, rare, step, missing, count, burst, silence or value. count: how many lines or
    sessions show it, `lines` the numbers of the first few, `text` the first one. sessions: the first few. p_value: the
    smallest. time: of the first.
    """

    id: str
    kind: str
    count: int
    lines: tuple[int, ...]
    text: str
    template: str
    reason: str
    p_value: float | None = None
    sessions: tuple[str, ...] = ()
    time: str = ""


@dataclass
class Gathered:
    """A finding in the making."""

    first: Sign
    count: int = 0
    lines: list[int] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    p: float | None = None
    reason: str = ""
    last: int = 0
    last_time: str = ""
    told: int = 0

    def add(self, sign: Sign) -> None:
        """Take one more sign."""
        self.count += sign.lines
        if len(self.lines) < NOTED and sign.line not in self.lines:
            self.lines.append(sign.line)
        if sign.session and len(self.sessions) < NOTED and sign.session not in self.sessions:
            self.sessions.append(sign.session)
        if sign.p is not None:
            self.p = sign.p if self.p is None else min(self.p, sign.p)
        if not self.reason or sign.event:
            self.reason = sign.reason
        self.last, self.last_time = sign.line, sign.time

    def finding(self) -> Finding:
        """As it stands now."""
        first = self.first
        name = first.id if first.event < 2 else f"{first.id}#{first.event}"
        return Finding(
            name,
            first.kind,
            self.count,
            tuple(self.lines),
            first.text[:TEXT],
            first.template,
            self.reason,
            self.p,
            tuple(self.sessions),
            first.time,
        )

    def state(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Gathered:
        """What `state` gave."""
        return cls(**{**state, "first": Sign(**state["first"])})


class Book:
    """Signs in, findings out: one for each cause, or for each event of it."""

    def __init__(self, accepted: frozenset[str] = frozenset(), most: int = MOST_OPEN) -> None:
        self.accepted, self.most = accepted, most
        self.open: dict[tuple[str, int], Gathered] = {}
        self.left_out = 0  # signs of causes beyond the most that are gathered

    def take(self, sign: Sign) -> Gathered | None:
        """Add a sign to its finding; None where its cause is accepted, or there are too many."""
        if is_accepted(sign.id, self.accepted):
            return None
        key = sign.id, sign.event
        found = self.open.get(key)
        if found is None:
            if len(self.open) >= self.most:
                self.left_out += 1
                return None
            found = self.open[key] = Gathered(sign)
        found.add(sign)
        return found

    def findings(self) -> Iterator[Finding]:
        """All of them."""
        return (gathered.finding() for gathered in self.open.values())


def is_accepted(name: str, accepted: frozenset[str]) -> bool:
    """Whether a finding was accepted, or that of which it is one event."""
    return name in accepted or name.partition("#")[0] in accepted
