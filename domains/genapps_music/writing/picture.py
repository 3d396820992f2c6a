"""A piece as a piano roll: an SVG picture by itself, for light and dark pages, its parts in the report's colors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from genapps.report.charts import tag
from genapps.report.text import fit
from genapps_music.score import QUARTER, Note, Score
from genapps_music.writing.notation import Bar, bars

WIDE, LEFT, TOP = 820.0, 34.0, 26.0
_FOOT = 14.0  # under each row, for the numbers of bars
_ROW = 56 * QUARTER  # ticks in a row at most, but always a whole bar
_ROWS = 60
_HUES = 10
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_LIGHT = "#0b6fb8 #c8501e #1f8a4c #8a4fbf #b58a00 #0f8f95 #c2357e #6b7280 #5b6ee1 #7a5230"
_DARK = "#54b0f2 #f0885a #5cc98a #bb8cf0 #dfb93c #4cc7cd #ef7fb5 #a2abb5 #96a4ff #c59a72"


@dataclass(frozen=True)
class Shade:
    """What was given: ticks from start to end, of all parts or of one; its notes are drawn hollow. label: its name."""

    start: int
    end: int
    part: int | None = None
    label: str = "given"

    def holds(self, note: Note, part: int) -> bool:
        """Whether a note begins in it."""
        return self.start <= note.onset < self.end and self.part in (None, part)


def draw(score: Score, marks: Sequence[Shade] = (), label: str = "") -> str:
    """The picture: rows of bars from left to right, pitches upwards, each part in its color.

    marks: stretches or voices that were given, shaded and hollow. label: what a screen reader says.
    """
    rows = _rows(bars(score))[:_ROWS]
    pitches = [note.pitch for part in score.parts for note in part.notes] or [60]
    low, high = min(pitches) - 1, max(pitches) + 1
    step = min(6.0, max(240.0 / (high - low + 1), 3.0))
    height = (high - low + 1) * step
    parts = [Markup("<style>{}</style>").format(Markup(_style())), *_legend(score, marks)]
    longest = max(row[-1].end - row[0].start for row in rows)
    for number, row in enumerate(rows):
        top, tick = TOP + number * (height + _FOOT), (WIDE - LEFT - 1) / longest
        place = _Place(row[0].start, row[-1].end, low, high, step, tick, top)
        parts += _ground(row, place, marks)
        parts += _notes(score, place, marks)
    total = TOP + len(rows) * (height + _FOOT) + 4
    if len(rows) < len(_rows(bars(score))):
        parts.append(tag("text", "… and so on", x=LEFT, y=total + 8))
        total += 14
    return str(
        tag(
            "svg", *parts, xmlns="http://www.w3.org/2000/svg", class_="roll", viewBox=f"0 0 {WIDE:.0f} {total:.0f}",
            role="img", aria_label=label or f"Piano roll of {score.name or 'a piece'}",
        )
    )  # fmt: skip


@dataclass(frozen=True)
class _Place:
    """A row of the picture: which ticks and pitches lie where."""

    start: int
    end: int
    low: int
    high: int
    step: float
    tick: float
    top: float

    @property
    def bottom(self) -> float:
        """Where its lowest pitch ends."""
        return self.top + (self.high - self.low + 1) * self.step

    def x(self, tick: int) -> float:
        """Where a tick is."""
        return LEFT + (min(max(tick, self.start), self.end) - self.start) * self.tick

    def y(self, pitch: int) -> float:
        """Where a pitch begins, from the top."""
        return self.top + (self.high - pitch) * self.step


def _rows(measures: list[Bar]) -> list[list[Bar]]:
    rows: list[list[Bar]] = [[]]
    for bar in measures:
        if rows[-1] and bar.end - rows[-1][0].start > _ROW:
            rows.append([])
        rows[-1].append(bar)
    return rows


def _ground(row: list[Bar], place: _Place, marks: Sequence[Shade]) -> list[Markup]:
    """The plate, lines of the Cs with their names, bars with their numbers, and the stretches that were given."""
    wide = place.x(place.end) - LEFT
    high = place.bottom - place.top
    found = [tag("rect", class_="plate", x=LEFT, y=place.top, width=wide, height=high)]
    for mark in marks:
        if mark.part is None and mark.start < place.end and mark.end > place.start:
            x = place.x(mark.start)
            found.append(tag("rect", class_="shade", x=x, y=place.top, width=place.x(mark.end) - x, height=high))
    named = {pitch for pitch in range(place.low, place.high + 1) if pitch % 12 == 0}
    for edge in (place.low + 1, place.high - 1):
        if all(abs(edge - pitch) * place.step > 11 for pitch in named):
            named.add(edge)
    for pitch in sorted(named):
        y = place.y(pitch) + place.step / 2
        found.append(tag("path", class_="line", d=f"M{LEFT:.0f} {y:.1f}h{wide:.1f}"))
        name = f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"
        found.append(tag("text", name, x=LEFT - 4, y=y + 3.5, text_anchor="end"))
    told = -100.0
    for bar in row:
        x = place.x(bar.start)
        found.append(tag("path", class_="bar", d=f"M{x:.1f} {place.top:.1f}V{place.bottom:.1f}"))
        if not bar.pickup and x - told > 22:
            found.append(tag("text", str(bar.number), x=x + 2, y=place.bottom + 10))
            told = x
    return found


def _notes(score: Score, place: _Place, marks: Sequence[Shade]) -> list[Markup]:
    found = []
    for number, part in enumerate(score.parts):
        for note in part.notes:
            if note.onset >= place.end or note.end <= place.start:
                continue
            x = place.x(note.onset)
            given = any(mark.holds(note, number) for mark in marks)
            kind = f"g{number % _HUES}" + (" given" if given else "")
            inset = 0.6 if given else 0.0
            wide = max(place.x(note.end) - x - 0.8 - inset, 0.8)
            box = {"x": x + inset / 2, "y": place.y(note.pitch) + 0.3, "width": wide, "height": place.step - 0.6}
            found.append(tag("rect", class_=kind, rx=1, **box))
    return found


def _legend(score: Score, marks: Sequence[Shade]) -> list[Markup]:
    """The parts' names beside their colors, as far as there is room."""
    found, x = [], LEFT
    for number, part in enumerate(score.parts):
        name = fit(part.name or f"Part {number + 1}", 130)
        if x > WIDE - 150:
            found.append(tag("text", f"and {len(score.parts) - number} more", x=x, y=14.0))
            return found
        found.append(tag("rect", class_=f"g{number % _HUES}", x=x, y=6.0, width=10.0, height=8.0, rx=1))
        found.append(tag("text", name, x=x + 14, y=14.0))
        x += 30.0 + 6.4 * len(name)
    for label in dict.fromkeys(mark.label for mark in marks):
        if x < WIDE - 120:
            found.append(tag("rect", class_="g7 given", x=x, y=6.0, width=10.0, height=8.0, rx=1))
            found.append(tag("text", fit(label, 130), x=x + 14, y=14.0))
            x += 30.0 + 6.4 * len(label)
    return found


def _style() -> str:
    """Rules that hold within the picture only, so that it can stand in a page as well."""
    light, dark = _colors(_LIGHT), _colors(_DARK)
    hues = "".join(f".roll .g{at}{{fill:var(--r{at});stroke:var(--r{at})}}" for at in range(_HUES))
    return (
        f".roll{{--ink:#5b636d;--rule:#dfe3e8;--plate:#f5f6f8;--shade:#e3eaf2;{light};"
        "font:10px system-ui,-apple-system,'Segoe UI',sans-serif}"
        "@media (prefers-color-scheme:dark)"
        f"{{.roll{{--ink:#a2abb5;--rule:#2e343b;--plate:#1c2025;--shade:#263140;{dark}}}}}"
        ".roll text{fill:var(--ink)}.roll .plate{fill:var(--plate)}.roll .shade{fill:var(--shade)}"
        ".roll .line{stroke:var(--rule);stroke-width:.7}.roll .bar{stroke:var(--rule);stroke-width:1}"
        f"{hues}.roll rect{{stroke-width:0}}.roll .given{{fill-opacity:.3;stroke-width:.9}}"
    )


def _colors(text: str) -> str:
    return ";".join(f"--r{at}:{color}" for at, color in enumerate(text.split()))
