"""When a line was written: its time stamp as seconds, whatever way of writing it the log has.

Stamps without a zone are taken as they stand. Of those without a year only differences and the time of the day mean
something: they begin in 2000 and go on to the next year where the months begin anew.
"""

from __future__ import annotations

import re
from datetime import date

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: month for month, name in enumerate(_NAMES, 1)}
_NO_YEAR = 2000
_HALF_YEAR = 183 * 86_400.0
_REMEMBERED = 4096  # hours
_EPOCH = date(1970, 1, 1).toordinal()

_CLOCK = r"(?P<h>\d{1,2})[:.](?P<mi>\d\d)[:.](?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?"
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        rf"(?P<y>\d{{4}})[-/.](?P<mo>\d\d)[-/.](?P<d>\d\d)[T _-]{_CLOCK}{_ZONE}",
        rf"(?:[A-Z][a-z]{{2}},? +)?(?P<name>[A-Z][a-z]{{2}}) +(?P<d>\d{{1,2}}) (?:(?P<y>\d{{4}}) )?{_CLOCK}"
        r"(?: (?P<y2>\d{4}))?",
        rf"(?P<d>\d\d)/(?P<name>[A-Z][a-z]{{2}})/(?P<y>\d{{4}}):{_CLOCK}{_ZONE}",
        r"(?P<y>\d\d)(?P<mo>\d\d)(?P<d>\d\d) (?P<h>\d\d)(?P<mi>\d\d)(?P<s>\d\d)",
        rf"(?P<y>\d\d)/(?P<mo>\d\d)/(?P<d>\d\d) {_CLOCK}",
        rf"(?P<mo>\d\d)[-.]?(?P<d>\d\d) {_CLOCK}",
        r"(?P<y>\d{4})(?P<mo>\d\d)(?P<d>\d\d)-(?P<h>\d{1,2}):(?P<mi>\d{1,2}):(?P<s>\d{1,2}):(?P<f>\d{1,3})",
    )
)
_NUMBER = re.compile(r"\d{9,19}(?:\.\d+)?")


class Clock:
    """Stamps in, seconds since 1970 out, one after another; None for what is no time.

    The hour that a stamp lies in is remembered, since the next lines are mostly of the same one.
    """

    def __init__(self) -> None:
        self.year = _NO_YEAR  # of stamps that say none
        self.last = 0.0
        self.yearless = False
        self._shape = _SHAPES[0]
        self._hours: dict[str, float] = {}
        self._same: tuple[str, float | None] = ("", None)

    def __call__(self, text: str | None) -> float | None:
        """The seconds of a stamp."""
        if not text:
            return None
        if text == self._same[0]:
            return self._same[1]
        seconds = self._read(text)
        self._same = text, seconds
        return seconds

    def _read(self, text: str) -> float | None:
        head, _, rest = text.rpartition(":")
        hour, _, minute = head.rpartition(":")
        start = self._hours.get(hour)
        if start is not None and len(minute) == 2:
            try:
                return start + 60 * int(minute) + float(rest.replace(",", "."))
            except ValueError:
                pass
        found = self._shape.fullmatch(text)
        if found is None:
            found = next((match for match in (shape.fullmatch(text) for shape in _SHAPES) if match), None)
        try:
            seconds = _number(text) if found is None else self._seconds(found.groupdict())
        except ValueError:  # there is no 31st of June
            return None
        if found is not None:
            self._shape = found.re
            if seconds is not None and _ends_in_seconds(found, rest):
                if len(self._hours) >= _REMEMBERED:
                    self._hours.clear()
                self._hours[hour] = seconds - 60 * int(minute) - float(rest.replace(",", "."))
        return seconds

    def _seconds(self, part: dict[str, str | None]) -> float:
        month = _MONTHS[part["name"] or ""] if part.get("name") in _MONTHS else int(part.get("mo") or 0)
        day, said = int(part["d"] or 0), part.get("y") or part.get("y2")
        clock = int(part["h"] or 0) * 3600 + int(part["mi"] or 0) * 60 + int(part["s"] or 0)
        clock_part = part.get("f")
        fraction = float(f"0.{clock_part}") if clock_part else 0.0
        within = clock + fraction - _offset(part.get("zone"))
        if said:
            year = int(said) + (2000 if len(said) == 2 else 0)
            return (date(year, month, day).toordinal() - _EPOCH) * 86_400.0 + within
        return self._yearless(month, day, within)

    def _yearless(self, month: int, day: int, within: float) -> float:
        self.yearless = True

        def at(year: int) -> float:
            leap = 29 if month == 2 and day == 29 else 0  # a leap day in a year that was only supposed
            place = date(year, 2, 28).toordinal() + 1 if leap else date(year, month, day).toordinal()
            return (place - _EPOCH) * 86_400.0 + within

        found = at(self.year)
        if self.last and found < self.last - _HALF_YEAR:
            self.year += 1
            self._hours.clear()
            found = at(self.year)
        elif self.last and found > self.last + _HALF_YEAR:
            return at(self.year - 1)  # a late line of the old year
        self.last = found
        return found


def _number(text: str) -> float | None:
    """Seconds, or thousandths, millionths, billionths of them, since 1970."""
    if not _NUMBER.fullmatch(text):
        return None
    whole = len(text.partition(".")[0])
    return float(text) / (1.0 if whole <= 11 else 1e3 if whole <= 14 else 1e6 if whole <= 17 else 1e9)


def _offset(zone: str | None) -> float:
    if not zone or zone in ("Z", "UTC", "GMT"):
        return 0.0
    digits = zone[1:].replace(":", "")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0)


def _ends_in_seconds(found: re.Match[str], rest: str) -> bool:
    """Whether a stamp ends in an hour, minutes and seconds with a fraction and nothing else, with colons between."""
    text, start = found.string, found.start("s")
    ends = (found.end("s"), found.end("f") if "f" in found.re.groupindex else -1)
    return start + len(rest) == len(text) and len(text) in ends and text[start - 4 : start - 3] == ":"
