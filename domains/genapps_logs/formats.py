"""What the lines of a log look like: where the time, the level, the component and the message stand.

A format is one regular expression for what stands before the message; its named groups are the fields of `Record`. JSON
lines have a module of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from genapps.errors import UsageError
from genapps.suggest import did_you_mean
from genapps_logs.jsonlines import JSON, json_reader

ENOUGH = 0.5  # share of the first lines that have to be of a format
FIELDS = ("time", "level", "component", "session", "host")

# Parts of headers. A part's length is bounded wherever a pattern could otherwise try it again and again.
_LEVELS = (
    "TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|CRITICAL|CRIT|ALERT|EMERG|SEVERE|FATAL|"
    "FINE|FINER|FINEST|CONFIG"
)
_LEVEL = "(?P<level>[A-Z]+)"
_COMPONENT = r"(?P<component>[\w$.-]+)"
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
_DAY = rf"\d{{4}}-\d\d-\d\d {_CLOCK}"
_ISO = rf"(?P<time>\d{{4}}[-/.]\d{{2}}[-/.]\d{{2}}[T _]{_CLOCK}(?: ?(?:Z|UTC|[+-]\d{{2}}:?\d{{2}}))?)"
_MONTH = r"[A-Z][a-z]{2}"
_TAG = (  # of syslog: sshd(pam_unix)[19937]: or Microsoft Word[14463]:, or nothing
    r"(?:(?:-- )?(?P<component>[^\s\[\]:(](?:\([^()]{0,32}\)|[^\[\]:(]){0,63}?)"
    r"(?:\[(?P<session>[^\]]{0,64})\])?(?: \(\[\d+\]\))?: ?)?"
)

# What stands before the message. The more particular ones first: of two that fit as many lines the first one is taken.
HEADERS = {
    "bgl": r"(?P<label>\S+) \d+ \d{4}\.\d\d\.\d\d (?P<host>\S+) (?P<time>\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d+) \S+ "
    r"(?P<session>\S+) (?P<component>\S+) (?P<level>\S+) ?",
    "thunderbird": rf"(?P<label>\S+) \d+ \d{{4}}\.\d\d\.\d\d (?P<host>\S+) (?P<time>{_MONTH} +\d+ {_CLOCK}) \S+ {_TAG}",
    "syslog-5424": r"<\d{1,3}>\d (?P<time>\S+) (?P<host>\S+) (?P<component>\S+) (?P<session>\S+) \S+ "
    r"(?:-|(?:\[(?:[^\]\\\"]|\\.|\"(?:[^\"\\]|\\.)*\")*\])+) ?(?:\ufeff)?",
    "syslog": rf"(?:<\d{{1,3}}>)?(?P<time>{_MONTH} [ \d]\d (?:\d{{4}} )?{_CLOCK}) (?P<host>\S+) {_TAG}",
    "syslog-iso": rf"(?:<\d{{1,3}}>)?(?P<time>\d{{4}}-\d\d-\d\dT{_CLOCK}(?:Z|[+-]\d\d:?\d\d)) (?P<host>[\w.-]+) "
    r"(?P<component>[^\s\[\]:]{1,64})(?:\[(?P<session>\d{1,10})\])?: ?",
    "apache-error": rf"\[(?P<time>{_MONTH} {_MONTH} +\d+ {_CLOCK} \d{{4}})\] "
    r"\[(?:(?P<component>\w*):)?(?P<level>\w+)\] (?:\[pid (?P<session>\d+)[^\]]*\] )?",
    "nginx-error": rf"(?P<time>\d{{4}}/\d\d/\d\d {_CLOCK}) \[(?P<level>\w+)\] (?P<session>\d+)#\d+: ",
    "access": r"(?P<host>\S+) \S+ (?:\S+ )?\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d[^\]]{0,8})\] ",
    "openstack": rf"(?:\S+ )?(?P<time>{_DAY}) \d+ {_LEVEL} {_COMPONENT} \[(?P<session>[^\]]*)\] ",
    "zookeeper": rf"{_ISO} - {_LEVEL} +\[(?P<session>.{{0,200}}?)(?P<component>[\w$.]{{0,64}})@\d+\] - ",
    "hadoop": rf"{_ISO} {_LEVEL} +\[(?P<session>[^\]]*)\] {_COMPONENT}: ?",
    "hdfs": rf"(?P<time>\d{{6}} \d{{6}}) (?P<session>\d+) {_LEVEL} {_COMPONENT}: ?",
    "spark": rf"(?P<time>\d\d/\d\d/\d\d {_CLOCK}) {_LEVEL} {_COMPONENT}: ?",
    "logcat": rf"(?P<time>(?:\d{{4}}-)?\d\d-\d\d {_CLOCK}) +(?P<session>\d+) +\d+ (?P<level>[VDIWEFS]) "
    r"(?P<component>.{0,64}?) *: ?",
    "klog": rf"(?P<level>[IWEF])(?P<time>\d{{4}} {_CLOCK}) +(?P<session>\d+) (?P<component>[^\s:\]]+):\d+\] ",
    "cbs": rf"(?P<time>{_DAY}), (?P<level>\w+) +(?P<component>\w+) +",
    "proxifier": rf"\[(?P<time>\d\d\.\d\d {_CLOCK})\] (?P<component>\S+(?: \*\d+)?) - ",
    "pipes": r"(?P<time>\d{8}-\d+:\d+:\d+:\d+)\|(?P<component>[^|]*)\|(?P<session>[^|]*)\|",
    "hpc": r"\d+ (?P<host>\S+) (?P<component>\S+) (?P<level>\S+) (?P<time>\d{9,10}) -?\d ",
    "iso": rf"[\[(]?{_ISO}[\])]?[,:|]?(?: +[-|])?(?: +\[(?P<session>[^\]]{{0,64}})\])?"
    rf"(?: +[\[(]?(?P<level>(?i:{_LEVELS}))[\])]?\b:?)?(?: +\[(?P<component>[\w$./:-]{{1,64}})\])?(?: +[-|])? *",
    "level": rf"[\[(]?(?P<level>{_LEVELS})[\])]?:? +",
}
NAMES = ("json", *HEADERS, "plain")
Parts = Callable[[str], tuple[str, str | None, str | None] | None]


@dataclass(frozen=True)
class Record:
    """What a line says: the message, and what its header tells, where there is one."""

    message: str
    time: str | None = None
    level: str | None = None
    component: str | None = None
    session: str | None = None
    host: str | None = None


@dataclass(frozen=True)
class LineFormat:
    """How lines are read.

    `message` gives a line's message, None where the line is of another form; `parts` makes a function that gives the
    message, the time stamp and the field of that name, the latter two None where there is none.
    """

    name: str
    message: Callable[[str], str | None]
    fields: Callable[[str], dict[str, str | None] | None]
    parts: Callable[[str | None], Parts]

    def record(self, line: str) -> Record:
        """All that a line says; a line of another form is all message."""
        found = self.fields(line)
        if found is None:
            return Record(line)
        return Record(found.get("message") or "", **{name: found.get(name) for name in FIELDS})


def format_named(name: str, sample: Sequence[str] = ()) -> LineFormat:
    """The format of that name; that of JSON lines takes the message's key from the sample.

    Raises UsageError for a name there is not.
    """
    if name == JSON:
        return LineFormat(JSON, *json_reader(sample))
    if name == "plain":
        return LineFormat("plain", lambda line: line, lambda line: {"message": line}, lambda _: _whole)
    if name not in HEADERS:
        raise UsageError(f"no log format {name!r}.{did_you_mean(name, NAMES)} There are: {', '.join(NAMES)}")
    return _of_pattern(name)


def recognize_format(sample: Sequence[str]) -> LineFormat:
    """The format that most of the first lines have, `plain` where none has half of them."""
    if not sample:
        return format_named("plain")
    best, most = "plain", ENOUGH * len(sample)
    for name in NAMES[:-1]:
        message = format_named(name, sample).message
        count = sum(message(line) is not None for line in sample)
        if count > most or (count == most and best == "plain"):
            best, most = name, count
    return format_named(best, sample)


def _of_pattern(name: str) -> LineFormat:
    match = re.compile(HEADERS[name] + "(?P<message>.*)").match

    def message(line: str) -> str | None:
        found = match(line)
        return found["message"] if found else None

    def fields(line: str) -> dict[str, str | None] | None:
        found = match(line)
        return found.groupdict() if found else None

    def parts(name: str | None) -> Parts:
        timed = "(?P<time>" in HEADERS[form]
        known = name is not None and f"(?P<{name}>" in HEADERS[form]
        groups = ("message", "time" if timed else "message", name if name and known else "message")

        def read(line: str) -> tuple[str, str | None, str | None] | None:
            found = match(line)
            if found is None:
                return None
            said, time, field = found.group(*groups)
            return said, time if timed else None, field if known else None

        return read

    form = name
    return LineFormat(name, message, fields, parts)


def _whole(line: str) -> tuple[str, None, None]:
    return line, None, None
