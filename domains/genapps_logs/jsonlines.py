"""Logs that are one JSON object a line: which key holds the message, and what the other ones tell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

JSON = "json"
_LONGEST_KEY = 128  # characters of what names a session
Fields = dict[str, str | None]

# The names that loggers write, the most usual ones first.
MESSAGE = ("message", "msg", "log", "text", "event", "short_message", "@message", "body", "MESSAGE")
NAMES = {
    "time": ("time", "timestamp", "@timestamp", "ts", "date", "datetime", "asctime"),
    "level": ("level", "severity", "levelname", "lvl", "log.level", "loglevel", "priority"),
    "component": ("logger", "component", "name", "module", "service", "logger_name", "caller", "source"),
    "session": ("session", "session_id", "request_id", "trace_id", "traceId", "correlation_id", "thread", "pid"),
    "host": ("host", "hostname", "node", "pod"),
}


Parts = Callable[[str], tuple[str, str | None, str | None] | None]


def json_reader(
    sample: Sequence[str],
) -> tuple[Callable[[str], str | None], Callable[[str], Fields | None], Callable[[str | None], Parts]]:
    """Functions that give a line's message, all its fields, and a reader of its message, time and one key of any name.

    All give None for a line that is no JSON object. A key may lie deeper: `request.id`.

    The message is the value of the key that most lines of the sample have; a line without it, or a log that has none,
    is read as `key=value` of all it holds.
    """
    key = _message_key(sample)
    decode = json.JSONDecoder().decode

    def read(line: str) -> dict[str, Any] | None:
        if not line.startswith("{"):
            return None
        try:
            value = decode(line)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def said(found: dict[str, Any]) -> str:
        value = found.get(key) if key else None
        text = value if isinstance(value, str) else _flat(found)
        # An escape may stand for half a character, which no file and no terminal takes.
        return text if text.isascii() else text.encode(errors="replace").decode()

    def message(line: str) -> str | None:
        found = read(line)
        return None if found is None else said(found)

    def fields(line: str) -> Fields | None:
        found = read(line)
        if found is None:
            return None
        named: Fields = {
            field: next((str(found[name]) for name in names if isinstance(found.get(name), str | int | float)), None)
            for field, names in NAMES.items()
        }
        return {**named, "message": said(found)}

    def parts(name: str | None) -> Parts:
        def read_parts(line: str) -> tuple[str, str | None, str | None] | None:
            found = read(line)
            if found is None:
                return None
            time = next((found[name] for name in NAMES["time"] if name in found), None)
            return said(found), _text(time), _text(value_at(found, name)) if name else None

        return read_parts

    return message, fields, parts


def session_keys(line: str) -> dict[str, str]:
    """The values of a line's keys that may tell sessions apart: short texts and numbers, not time, level or message."""
    try:
        found = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    other = {*MESSAGE, *NAMES["time"], *NAMES["level"], *NAMES["host"]}
    texts = {key: _text(value) for key, value in found.items() if key not in other and "." not in key}
    return {key: text for key, text in texts.items() if text is not None and 0 < len(text) <= _LONGEST_KEY}


def value_at(found: dict[str, Any], name: str) -> Any:
    """The value of a key, or of a path of keys with dots between; None where there is none."""
    if name in found or "." not in name:
        return found.get(name)
    key, _, rest = name.partition(".")
    inner = found.get(key)
    return value_at(inner, rest) if isinstance(inner, dict) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    return text if text.isascii() else text.encode(errors="replace").decode()


def _message_key(sample: Sequence[str]) -> str | None:
    seen: Counter[str] = Counter()
    for line in sample:
        try:
            value = json.loads(line) if line.startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            seen.update(name for name in MESSAGE if isinstance(value.get(name), str))
    most = max(seen.values(), default=0)
    return next((name for name in MESSAGE if seen[name] == most), None) if most else None


def _flat(found: dict[str, Any]) -> str:
    known = {*NAMES["time"]}
    return " ".join(f"{key}={_word(value)}" for key, value in found.items() if key not in known)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
