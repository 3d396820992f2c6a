"""Which lines of a log belong together: those that name the same session, host or process, or lie in one time window.

The identifier of sessions is found where nobody says it: a value that comes back on several lines of different
templates, and is gone again before long.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from genapps.errors import UsageError
from genapps_logs.formats import HEADERS, LineFormat
from genapps_logs.jsonlines import JSON, session_keys
from genapps_logs.matching import Plan

Kind = Literal["value", "field", "pattern", "window", "none"]
FIELDS = {"host": "host", "process": "component"}
WINDOW_ROWS = 100  # lines of a window where there are no time stamps
EXAMINED = 50_000  # lines in which an identifier is looked for
_FEWEST = 10  # sessions that make an identifier
_COVERED = 0.1  # share of the lines that are of some session
_LOCAL = 0.3  # a session is over after such a share of the log, for half of the sessions
_BARE = re.compile(r"^(?:\S+ )?<(?:IP|DATE|TIME|DURATION|SIZE|NULL|DATA|URL|EMAIL|HOST)>$")

Key = Callable[[Plan, Sequence[str], "str | None", str], "str | None"]


@dataclass(frozen=True)
class Grouping:
    """How lines are grouped.

    kind: by a value in the message of that name (`blk_<NUM>`), by a field of the header or of JSON, by what a regular
    expression finds in the line, by windows alone, or not at all. seconds: a group ends after so long, where stamps
    are; rows: after so many lines where there are none. 0 is without such an end.
    """

    kind: Kind = "none"
    name: str = ""
    seconds: float = 0.0
    rows: int = 0

    @property
    def words(self) -> str:
        """As people read it."""
        said = {"value": self.name, "field": f"field {self.name}", "pattern": self.name, "none": "nothing"}
        window = f"windows of {self.seconds:g} s" if self.seconds else f"windows of {self.rows} lines"
        if self.kind == "window":
            return window
        return f"{said[self.kind]} in {window}" if self.seconds or self.rows else said[self.kind]

    @property
    def field(self) -> str | None:
        """The field of a line that has to be read for it."""
        return self.name if self.kind == "field" else None

    def key(self) -> Key:
        """A function that gives the group of a line, from its plan, values, field and text; None where it has none."""
        if self.kind == "value":
            return _by_value(self.name)
        if self.kind == "field":
            return lambda plan, values, field, text: field or None
        if self.kind == "pattern":
            search = re.compile(self.name).search
            return lambda plan, values, field, text: _first(search(text))
        if self.kind == "window":
            return lambda plan, values, field, text: "all"
        return lambda plan, values, field, text: None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, for a model file."""
        return vars(self)


def asked_grouping(
    session: str | None, group_by: str | None, window: float | None, form: LineFormat
) -> Grouping | None:
    """What was asked for; None where the identifier has to be found.

    session: a field, a regular expression or `none`. group_by: host, process or a field. window: seconds. Raises
    UsageError for what does not go together and for what is neither a field nor a regular expression.
    """
    if session is not None and group_by is not None:
        raise UsageError("lines are grouped by a session or by --group-by, not by both; leave out one of them")
    timed = form.name == JSON or "(?P<time>" in HEADERS.get(form.name, "")
    seconds, rows = ((window, 0) if timed else (0.0, WINDOW_ROWS)) if window else (0.0, 0)
    if group_by is not None:
        name = FIELDS.get(group_by, group_by)
        if form.name != JSON and f"(?P<{name}>" not in HEADERS.get(form.name, ""):
            raise UsageError(f"lines of the format {form.name} tell no {group_by}; group by --session or --window")
        return Grouping("field", name, *((seconds, rows) if window else (0.0, WINDOW_ROWS)))
    if session == "none":
        return Grouping("window", "", seconds, rows) if window else Grouping()
    if session is not None:
        return _named(session, form, seconds, rows)
    return Grouping("window", "", seconds, rows) if window else None


def _named(session: str, form: LineFormat, seconds: float, rows: int) -> Grouping:
    if re.fullmatch(r"[\w@.-]+", session) and (form.name == JSON or f"(?P<{session}>" in HEADERS.get(form.name, "")):
        return Grouping("field", session, seconds, rows)
    if re.search(r"<[A-Z]+>$", session):
        return Grouping("value", session, seconds, rows)
    try:
        re.compile(session)
    except re.error as error:
        raise UsageError(f"--session {session!r} is no field of {form.name} lines and no pattern ({error})") from None
    return Grouping("pattern", session, seconds, rows)


@dataclass(slots=True)
class _Seen:
    """What was seen of one value: how many lines, the first and the last one, and two of their templates."""

    count: int
    first: int
    last: int
    template: int
    several: bool = False

    def again(self, line: int, template: int) -> None:
        self.count += 1
        self.last = line
        self.several = self.several or template != self.template


def find_grouping(lines: Iterable[tuple[int, Plan, Sequence[str], str]], form: LineFormat) -> Grouping:
    """The identifier that sessions have, from lines as (number, plan, values, text); grouped by nothing without one.

    Of those that come back on lines of different templates, and are gone again before long, the one on most lines.
    """
    seen: dict[tuple[Kind, str], dict[str, _Seen]] = defaultdict(dict)
    fields = form.name == JSON or "(?P<session>" in HEADERS.get(form.name, "")
    total = 0
    for number, plan, values, text in lines:
        total += 1
        kind = id(plan.template)
        found: list[tuple[tuple[Kind, str], str]] = [
            (("value", name), value) for name, value in zip(plan.identifiers, values, strict=False)
        ]
        if fields:
            keys = form.fields(text) or {} if form.name != JSON else session_keys(text)
            named = ("session",) if form.name != JSON else tuple(keys)
            found += [(("field", name), value) for name in named if (value := keys.get(name))]
        for what, value in found:
            here = seen[what]
            if value in here:
                here[value].again(number, kind)
            else:
                here[value] = _Seen(1, number, number, kind)
    shares = {what: _share(what[1], values, total) for what, values in seen.items()}
    best = max(shares, key=lambda what: (shares[what], what), default=None)
    return Grouping(*best) if best and shares[best] >= _COVERED else Grouping()


def _share(name: str, values: dict[str, _Seen], total: int) -> float:
    """The share of the lines that are of some session, if that value is one's identifier; 0 if it is none."""
    sessions = [seen for seen in values.values() if seen.several]
    if len(sessions) < _FEWEST or _BARE.match(name):
        return 0.0
    spans = np.median([seen.last - seen.first for seen in sessions])
    lonely = sum(not seen.several for seen in values.values())
    if spans > _LOCAL * total or lonely > len(sessions):
        return 0.0
    return sum(seen.count for seen in sessions) / total


def _by_value(name: str) -> Key:
    def key(plan: Plan, values: Sequence[str], field: str | None, text: str) -> str | None:
        names = plan.identifiers
        if name not in names:
            return None
        return values[names.index(name)]

    return key


def _first(found: re.Match[str] | None) -> str | None:
    if found is None:
        return None
    return found[1] if found.re.groups else found[0]
