"""Numbers and lengths of time as a person says them."""

from __future__ import annotations

from itertools import pairwise

UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))


def counted(number: int, what: str) -> str:
    """1 row, 2,000 rows."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """A length of time in its largest unit, with the next one where that is needed: 5 min, 1 h 30 min, 250 ms."""
    if not seconds:
        return "0 s"
    seconds = round(seconds, 1) if seconds > 60 else seconds  # 4 min 59.97 s is 5 min
    for (unit, length), (smaller, small) in pairwise(UNITS):
        if seconds >= length * (1 - 1e-6):
            whole = int(seconds / length + 1e-6)
            rest = max(round((seconds - whole * length) / small, 1), 0.0)
            if unit == "s" or small < 1:
                return f"{seconds / length:.4g} {unit}"
            return f"{whole} {unit}" + (f" {rest:g} {smaller}" if rest >= 0.1 else "")
    return f"{seconds / 1e-9:.4g} ns"
