"""Numbers as files write them: decimal commas, marks between thousands, units, and words for yes and no."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from genapps_timeseries.series import Floats

HALF = 0.5  # of the cells that must be numbers for a column to be one of numbers
NEARLY_ALL = 0.95  # of the cells that must be yes or no
MISSING = pa.array(
    ["", "na", "n/a", "nan", "nil", "none", "null", "nul", "-", "--", "?", ".", "#n/a", "<na>", "missing"]
)
YES = ("true", "on", "yes", "open", "up", "enabled", "active", "running", "t", "y")
NO = ("false", "off", "no", "closed", "down", "disabled", "inactive", "stopped", "f", "n")

_EXPONENT = r"(?:e[+-]?\d+)?"
_PLAIN = rf"^[+-]?(?:\d+\.?\d*|\.\d+){_EXPONENT}$|^[+-]?inf(?:inity)?$"


@dataclass(frozen=True)
class Numeral:
    """How numbers are written. pattern: what a cell is, in lower case and without its unit; point and thousands: the
    marks in it; unit: what stands behind all of them; says: what is worth saying about it."""

    pattern: str = _PLAIN
    point: str = "."
    thousands: str = ""
    unit: str = ""
    words: bool = False
    says: str = ""

    def read(self, column: pa.ChunkedArray | pa.Array) -> tuple[Floats, int, str]:
        """Numbers (n,), NaN where unknown; how many cells are neither number nor a word for nothing; one of them."""
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if self == PLAIN:
            try:
                return _array(column.cast(pa.float64())), 0, ""
            except pa.ArrowInvalid:
                pass
        text = pc.utf8_lower(pc.utf8_trim_whitespace(column))
        text = pc.replace_substring_regex(text, "[\\x{a0}\\x{202f}\\x{2009}]", " ")
        text = pc.if_else(pc.is_in(text, MISSING), pa.scalar(None, pa.string()), text)
        if self.words:
            yes, no = (pc.is_in(text, pa.array(words)) for words in (YES, NO))
            numbers = pc.if_else(yes, 1.0, pc.if_else(no, 0.0, pa.scalar(None, pa.float64())))
            return self._counted(numbers, text, column)
        if self.unit:
            text = pc.replace_substring_regex(text, rf"\s*{re.escape(self.unit)}$", "")
        good = pc.if_else(pc.match_substring_regex(text, self.pattern), text, pa.scalar(None, pa.string()))
        for mark, instead in ((self.thousands, ""), (self.point if self.point != "." else "", ".")):
            if mark:
                good = pc.replace_substring(good, mark, instead)
        return self._counted(good.cast(pa.float64()), text, column)

    def _counted(self, numbers: pa.Array, text: pa.Array, column: pa.Array) -> tuple[Floats, int, str]:
        lost = pc.and_(pc.is_valid(text), pc.is_null(numbers))
        count = pc.sum(lost).as_py() or 0
        return _array(numbers), count, column[pc.index(lost, True).as_py()].as_py() if count else ""


PLAIN = Numeral()
WORDS = Numeral(words=True, says="words for on and off")
FORMS = (
    PLAIN,
    Numeral(rf"^[+-]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d+)?$|{_PLAIN}", ".", ",", says="commas between thousands"),
    Numeral(
        rf"^[+-]?(?:[1-9]\d{{0,2}}(?:\.\d{{3}})+|\d+)(?:,\d*)?{_EXPONENT}$|^[+-]?,\d+$", ",", ".", says="decimal commas"
    ),
    Numeral(r"^[+-]?(?:\d{1,3}(?: \d{3})+|\d+)(?:,\d*)?$", ",", " ", says="decimal commas"),
    Numeral(rf"^[+-]?\d{{1,3}}(?:'\d{{3}})+(?:\.\d+)?$|{_PLAIN}", ".", "'", says="marks between thousands"),
)


def recognize_numeral(column: pa.ChunkedArray | pa.Array, *, decimal_comma: bool = False) -> Numeral | None:
    """How the text cells of a column write numbers, by the reading that most of them allow; None for other text.

    decimal_comma: whether it is known that no comma stands between thousands, as 20,125 alone does not tell.
    """
    cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    cells = cells.drop_null()
    if len(cells) == 0 or pc.all(pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(cells)), MISSING)).as_py():
        return PLAIN
    forms = tuple(form for form in FORMS if not (decimal_comma and form.thousands == ","))
    units = forms + tuple(_with(form, unit) for unit in _unit_of(cells) for form in forms)
    read = [_share(form, cells) for form in (*units, WORDS)]
    best = int(np.argmax(read))
    enough = NEARLY_ALL if best == len(units) else HALF
    return (*units, WORDS)[best] if read[best] >= enough else None


def _share(form: Numeral, cells: pa.Array) -> float:
    """Of the cells that are no words for nothing, the share that a form can read."""
    numbers, lost, _ = form.read(cells)
    told = int(np.isfinite(numbers).sum())
    return told / (told + lost) if told else 0.0


def _unit_of(cells: pa.Array) -> tuple[str, ...]:
    shown = re.fullmatch(r"[\d.,' +-]*\d[\d.,']*\s*([^\d\s.,'+-][^\d]{0,7})", str(cells[0].as_py()).strip()[:64])
    return (shown[1].strip(),) if shown else ()


def _with(form: Numeral, unit: str) -> Numeral:
    says = ", ".join(word for word in (form.says, f"the unit {unit!r}") if word)
    return Numeral(form.pattern, form.point, form.thousands, unit.lower(), says=says)


def _array(numbers: Any) -> Floats:
    floats: Floats = np.array(numbers.to_numpy(zero_copy_only=False), np.float64)
    return floats
