"""How a report writes numbers and the names it was given."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NOTHING = "–"
THIN = "\u202f"  # a narrow space that does not break, between a number and its unit
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def known(value: float | None) -> bool:
    """Whether there is a finite number to show."""
    return value is not None and math.isfinite(value)


def figure(value: float | None) -> str:
    """A measure: three decimals below 10 (four below 0.01), thousands apart above, "–" where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 10):
        return f"{int(value):,}"
    if value == 0:
        return "0"
    if abs(value) < 0.01:
        return f"{value:.4f}" if abs(value) >= 0.00005 else "<0.0001" if value > 0 else "-0.0000"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def rounded(value: float | None) -> str:
    """Three decimals, or a dash for what could not be had."""
    return "–" if value is None or value != value else f"{value:.3f}"


def grid(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of words as aligned columns, the first to the left, the others to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def percent(share: float | None) -> str:
    """A share in 0..1 as percent: "5.7 %", and "<0.1 %" rather than a zero that is not one."""
    if share is None or not math.isfinite(share):
        return NOTHING
    if 0 < share < 0.0005:
        return f"<0.1{THIN}%"
    return f"{100 * share:.1f}{THIN}%"


def tick(value: float) -> str:
    """A number on an axis in at most about six characters: "37", "0.25", "12.3k", "1.48M"."""
    if not math.isfinite(value):
        return NOTHING
    if abs(value) >= 10_000:
        for size, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
            if size <= abs(value) < 1000 * size:
                return f"{value / size:.3g}{suffix}"
        return f"{value:.2g}"
    return f"{value:.4g}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"


def clip(text: object, length: int = 80) -> str:
    """Foreign text made fit for a page: at most `length` characters, none unprintable or turning the direction."""
    whole = str(text)
    shown = whole if len(whole) <= length else whole[: length - 1] + "…"
    return "".join(_safe(c) for c in shown)


def fit(text: object, room: float) -> str:
    """Foreign text cut to the width of about `room` small letters: capitals are wider, East Asian signs wider still."""
    shown = clip(text, math.ceil(room) + 1)
    if shown == clip(text, len(str(text))) and sum(map(_width, shown)) <= room:
        return shown
    while shown and sum(map(_width, shown)) > room - 1.5:
        shown = shown[:-1]
    return shown + "…"


def _width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 2.0
    if character in "MWmw@%—\ufffd":
        return 1.75
    return 1.3 if character.isupper() else 1.0 if ord(character) < 0x500 else 1.6


def _safe(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
        return " " if character in "\n\r\t\u2028\u2029" else "\ufffd"
    return "\ufffd" if character in _DIRECTIONS or unicodedata.category(character) == "Cs" else character


def plain(key: str) -> str:
    """A machine name as words: "peak_memory" becomes "Peak memory"."""
    words = clip(key).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def value(key: str, given: Any) -> str:
    """A fact with the unit that its key names (`_seconds`, `_bytes`, `_mib`); mappings and lists on one line."""
    if given is None:
        return NOTHING
    if isinstance(given, Mapping):
        return clip(", ".join(f"{k} {value(str(k), v)}" for k, v in given.items()), 400)
    if isinstance(given, (list, tuple)):
        return clip(", ".join(value(key, v) for v in given), 400)
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, (int, float)):
        return _quantity(key, given)
    return clip(given, 200)


def _quantity(key: str, given: float) -> str:
    if key.endswith("bytes"):
        return f"{given / 2**20:,.0f}{THIN}MiB"
    if key.endswith("mib"):
        return f"{given:,.0f}{THIN}MiB"
    if key.endswith("seconds"):
        return f"{given:,.1f}{THIN}s"
    return str(given) if key == "seed" else figure(given)
