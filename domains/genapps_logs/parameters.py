"""What stands in the variable places of messages: which numbers and which words are usual there, in bounded memory.

A place is one of three: a choice of few values; a number in some range; a text of some length and some characters. A
number that only grows, as counters do, says nothing and is left alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

KEPT = 256  # numbers of a place that are kept, thinned out evenly
CHOICES = 32  # different values beyond which a place is no choice
FEWEST = 50  # values of a place before anything in it is unusual
ENOUGH = 200  # before a value may be called new
NEW = 0.005  # estimated chance of a new value from which on one says nothing
_FAR = 3.0  # times the distance from the middle to the outermost value
_FAR_LOG = 0.5  # likewise of their logarithms
_COUNTER = 0.9  # share of changes upward from which on a number only grows
_LONG = 200  # characters of a value that are kept

NUMBERS = ("NUM", "SIZE", "DURATION")
IGNORED = ("DATE", "TIME", "UUID", "HEX", "ID", "MAC", "NULL", "DATA")
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "b": 1.0,
    "bytes": 1.0,
    "kb": 2.0**10,
    "kib": 2.0**10,
    "mb": 2.0**20,
    "mib": 2.0**20,
    "gb": 2.0**30,
    "gib": 2.0**30,
    "tb": 2.0**40,
    "tib": 2.0**40,
    "pb": 2.0**50,
    "pib": 2.0**50,
}
_QUANTITY = re.compile(r"([-+]?\d+(?:[.,]\d+)*)([A-Za-zµ]*)")
_CLASSES = (
    ("letters", "A-Za-z"),
    ("digits", r"0-9"),
    ("spaces", r"\s"),
    ("quotes or backslashes", r"\"'`\\"),
    ("brackets", r"()<>{}\[\]"),
    ("signs like ; | & $", r";|&$!*^"),
    ("percent signs", r"%"),
    ("steps up (..)", ""),
    ("characters that are no ASCII", r"\x80-\U0010ffff"),
)
_STEPS_UP = 1 << 7
_PLAIN = r"\-_./:@=,+~#?"  # marks that any value may have
_CLASS = tuple(re.compile(f"[{letters}]") if letters else re.compile(r"\.\.") for _, letters in _CLASSES)


def number_of(text: str) -> float | None:
    """A number, in seconds or bytes where it has such a unit; None where it is none.

    >>> number_of("98,000"), number_of("1.5ms"), number_of("2KB"), number_of("1.2.3")
    (98000.0, 0.0015, 2048.0, None)
    """
    try:
        return float(text)
    except ValueError:
        pass
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    digits = found[1].replace(",", "") if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", found[1]) else found[1]
    try:
        return float(digits.replace(",", ".")) * _UNITS.get(found[2].lower(), 1.0)
    except ValueError:
        return None


@dataclass(frozen=True)
class Usual:
    """What is usual in one place, to be asked of each value.

    choices: the only values there are, None where it is no choice. low, high: the range that numbers lie in, with
    room; shown: the range that was seen. length, classes: of texts; pattern: what a text of these
    classes matches.
    """

    choices: frozenset[str] | None = None
    low: float = -math.inf
    high: float = math.inf
    shown: str = ""
    length: float = math.inf
    classes: int = 0
    pattern: re.Pattern[str] | None = None
    p: float = 1.0

    def unusual(self, value: str) -> str | None:
        """Why a value is unusual, None if it is not."""
        if self.choices is not None:
            if value in self.choices:
                return None
            return f"{quoted(value)} is new here; so far {self.shown}"
        if self.low > -math.inf or self.high < math.inf:
            number = number_of(value)
            if number is None or self.low <= number <= self.high:
                return None
            return f"{quoted(value)}; normal {self.shown}"
        if len(value) > self.length:
            return f"{len(value):,} characters; normal {self.shown}"
        if self.pattern is not None and not is_plain(value, self.pattern, self.classes):
            new = classes_of(value) & ~self.classes
            names = [name for place, (name, _) in enumerate(_CLASSES) if new >> place & 1]
            if names:
                return f"{quoted(value)} has {' and '.join(names)}, as no normal value does"
        return None


class Place:
    """What was seen in one variable place of a template."""

    __slots__ = (
        *("choices", "classes", "every", "high", "kind", "last", "longest", "low", "newest", "numbers", "pattern"),
        *("rises", "seen"),
    )

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.seen = 0
        self.choices: dict[str, int] | None = {}
        self.numbers: list[float] = []
        self.every = 1
        self.low, self.high = math.inf, -math.inf
        self.last = math.nan
        self.rises = 0  # changes upward less changes downward
        self.longest = 0
        self.classes = self.newest = 0  # classes of characters, and the value that brought the last one
        self.pattern = _pattern(0)

    def take(self, value: str) -> None:
        """Learn one normal value."""
        self.seen += 1
        choices = self.choices
        if choices is not None:
            if value in choices:
                choices[value] += 1
            elif len(choices) < CHOICES and len(value) <= _LONG:
                choices[value] = 1
            else:
                self.choices = None
        if self.kind in NUMBERS:
            number = number_of(value)
            if number is not None:
                self._number(number)
        elif choices is None or choices.get(value) == 1:
            if len(value) > self.longest:
                self.longest = len(value)
            if not is_plain(value, self.pattern, self.classes) and (new := classes_of(value) & ~self.classes):
                self.classes |= new
                self.newest, self.pattern = self.seen, _pattern(self.classes)

    def _number(self, number: float) -> None:
        if number > self.high:
            self.high = number
        if number < self.low:
            self.low = number
        if number > self.last:
            self.rises += 1
        elif number < self.last:
            self.rises -= 1
        self.last = number
        if self.seen % self.every == 0:
            self.numbers.append(number)
            if len(self.numbers) > KEPT:
                self.numbers = self.numbers[1::2]
                self.every *= 2

    def usual(self, alone: bool = False) -> Usual | None:
        """What is usual here; None where too little was seen. alone: what was seen may hold the unusual itself."""
        if self.seen < FEWEST:
            return None
        chance = self._chance_of_new()
        if self.choices is not None and self.seen >= ENOUGH and chance <= NEW and not alone:
            ranked = sorted(self.choices, key=lambda value: (-self.choices[value], value))  # type: ignore[index]
            shown = ", ".join(map(quoted, ranked[:4])) + (f" and {len(ranked) - 4} more" if len(ranked) > 4 else "")
            return Usual(choices=frozenset(self.choices), shown=shown, p=chance)
        if self.kind in NUMBERS:
            return self._range(alone)
        if self.seen < ENOUGH or not self.longest:
            return None
        length = self.longest + _FAR * max(self.longest, 10)
        settled = self.seen - self.newest >= max(ENOUGH, self.seen // 2)
        pattern = self.pattern if settled and not alone else None
        shown = f"at most {self.longest:,}"
        return Usual(length=length, classes=self.classes, pattern=pattern, shown=shown, p=1 / (self.seen + 1))

    def _chance_of_new(self) -> float:
        """The chance that the next value is one that never came (Good 1953: of n + 1 values the last is alone)."""
        if self.choices is None:
            return 1.0
        return (sum(count == 1 for count in self.choices.values()) + 1) / (self.seen + 1)

    def _range(self, alone: bool) -> Usual | None:
        if len(self.numbers) < FEWEST // 2 or self.rises > _COUNTER * self.seen:
            return None
        ordered = sorted(self.numbers)
        middle = float(np.median(ordered))
        low, high = self.low, self.high
        if alone:  # the outermost may be what is to be found
            low, high = ordered[len(ordered) // 50], ordered[-1 - len(ordered) // 50]
        above = high + _FAR * max(high - middle, 0.5 * abs(middle))
        below = low - _FAR * max(middle - low, 0.5 * abs(middle))
        if low > 0:
            above = max(above, high * (high / middle) ** _FAR_LOG)
            below = low * (low / middle) ** _FAR if self.seen >= ENOUGH else -math.inf
        return Usual(low=below, high=above, shown=f"{_figure(low)} to {_figure(high)}", p=1 / (self.seen + 1))

    def state(self) -> list[Any]:
        """All of it as plain JSON."""
        return [
            self.kind,
            self.seen,
            self.choices,
            self.numbers,
            self.every,
            [value if math.isfinite(value) else None for value in (self.low, self.high, self.last)],
            self.rises,
            self.longest,
            self.classes,
            self.newest,
        ]

    @classmethod
    def restore(cls, state: Sequence[Any]) -> Place:
        """What `state` gave."""
        kind, seen, choices, numbers, every, (low, high, last), rises, longest, classes, newest = state
        made = cls(str(kind))
        made.seen, made.every, made.rises, made.longest = int(seen), int(every), int(rises), int(longest)
        made.choices = None if choices is None else {str(value): int(count) for value, count in choices.items()}
        made.numbers = [float(number) for number in numbers]
        made.low, made.high = (math.inf if low is None else low), (-math.inf if high is None else high)
        made.last = math.nan if last is None else last
        made.classes, made.newest = int(classes), int(newest)
        made.pattern = _pattern(made.classes)
        return made


def classes_of(value: str) -> int:
    """Which classes of characters a text has, a bit each."""
    return sum(1 << place for place, pattern in enumerate(_CLASS) if pattern.search(value))


def is_plain(value: str, pattern: re.Pattern[str], classes: int) -> bool:
    """Whether a text surely has no other classes than these, of which the pattern is."""
    return pattern.fullmatch(value) is not None and (".." not in value or bool(classes & _STEPS_UP))


@lru_cache(None)
def _pattern(classes: int) -> re.Pattern[str]:
    letters = "".join(letters for place, (_, letters) in enumerate(_CLASSES) if classes >> place & 1)
    return re.compile(f"[{_PLAIN}{letters}]*+")


def quoted(value: str) -> str:
    """A value as it is shown."""
    return value if len(value) <= 60 else f"{value[:59]}…"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
