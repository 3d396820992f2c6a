"""Pictures of series as inline SVG: however many rows, a lowest and a highest value for each column of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from genapps.metrics.ranges import segments
from genapps.report.charts import tag
from genapps.report.text import clip, tick
from genapps_timeseries.series import Floats

WIDE, HIGH = 960.0, 150.0  # units of the overview
NARROW, LOW = 460.0, 190.0  # of a panel
LEFT, TOP, FOOT = 46.0, 6.0, 20.0
EVENT = "fill:var(--poor);fill-opacity:0.16"
LINE = "fill:var(--real-ink);stroke:var(--real-ink);stroke-width:1;stroke-linejoin:round"
BAND = "fill:var(--synthetic);fill-opacity:0.16"
EXPECTED = "fill:none;stroke:var(--synthetic);stroke-width:1.2;stroke-dasharray:4 3"


@dataclass(frozen=True)
class Frame:
    """Where values lie on a picture: rows first..stop - 1 from left to right, low..high from bottom to top."""

    first: int
    stop: int
    low: float
    high: float
    width: float = WIDE
    height: float = HIGH

    def x(self, row: float) -> float:
        """Across."""
        return LEFT + (self.width - LEFT) * (row - self.first) / max(self.stop - 1 - self.first, 1)

    def y(self, value: float) -> float:
        """Down."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return TOP + (self.height - TOP - FOOT) * (1 - share)


def frame_of(values: Sequence[Floats], first: int, stop: int, width: float = WIDE, height: float = HIGH) -> Frame:
    """A frame that holds all known values of some courses, with a little room."""
    known = [course[np.isfinite(course)] for course in values]
    known = [course for course in known if len(course)]
    low = min((float(course.min()) for course in known), default=0.0)
    high = max((float(course.max()) for course in known), default=1.0)
    room = 0.05 * (high - low) or 0.5 * max(abs(high), 1e-9)
    return Frame(first, stop, low - room, high + room, width, height)


def course(
    frame: Frame,
    values: Floats,
    *,
    ends: tuple[str, str],
    label: str,
    events: Sequence[tuple[int, int]] = (),
    band: tuple[Floats, Floats] | None = None,
    expected: Floats | None = None,
) -> Markup:
    """Values (frame.stop - frame.first,) of a channel, its events (first and last row) shaded.

    band: the lowest and highest value of a normal course, expected: the course itself; of the same rows. ends: words
    below the left and the right end. label: what is said instead of the picture.
    """
    parts = []
    for first, last in events:
        left = max(frame.x(first - 0.5), LEFT)
        right = min(frame.x(last + 0.5), frame.width)
        middle, width = (left + right) / 2, max(right - left, 2.5)
        parts.append(
            tag("rect", x=middle - width / 2, y=TOP, width=width, height=frame.height - TOP - FOOT, style=EVENT)
        )
    if band is not None:
        parts += [tag("path", d=path, style=BAND) for path in _area(frame, *band)]
    parts += [tag("path", d=path, style=LINE) for path in _area(frame, values, values)]
    if expected is not None:
        parts += [tag("path", d=path, style=EXPECTED) for path in _line(frame, expected)]
    base = frame.height - FOOT
    parts.append(tag("path", class_="axis", d=f"M{LEFT:.0f} {base:.1f}H{frame.width:.0f}", style="stroke:var(--line)"))
    for value in (frame.low, frame.high):
        y = min(max(frame.y(value), TOP + 9), base)
        parts.append(tag("text", tick(value), x=LEFT - 6, y=y, text_anchor="end"))
    parts.append(tag("text", ends[0], x=LEFT, y=frame.height - 5, text_anchor="start"))
    parts.append(tag("text", ends[1], x=frame.width, y=frame.height - 5, text_anchor="end"))
    box = f"0 0 {frame.width:.0f} {frame.height:.0f}"
    return tag("svg", *parts, class_="chart series", viewBox=box, role="img", aria_label=clip(label, 300))


def envelope(values: Floats, columns: int) -> tuple[Floats, Floats, Floats]:
    """The lowest and the highest of values (N,) in each of at most so many columns, and its middle row; NaN where all
    are unknown."""
    count = len(values)
    if count <= columns:
        rows: Floats = np.arange(count, dtype=np.float64)
        return values, values, rows
    edges = np.linspace(0, count, columns + 1).astype(np.int64)
    low, high = (np.empty(columns) for _ in range(2))
    for k, (start, stop) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        part = values[start:stop]
        part = part[np.isfinite(part)]
        low[k], high[k] = (part.min(), part.max()) if len(part) else (np.nan, np.nan)
    middle: Floats = (edges[:-1] + edges[1:] - 1) / 2
    return low, high, middle


def _area(frame: Frame, below: Floats, above: Floats) -> list[str]:
    """The area between two courses, a path for each known stretch."""
    columns = int(frame.width - LEFT)
    low, _, rows = envelope(below, columns)
    _, high, _ = envelope(above, columns)
    paths = []
    for run in _known(np.isfinite(low) & np.isfinite(high)):
        xs = [frame.x(frame.first + row) for row in rows[run].tolist()]
        up = [_point(x, frame.y(y)) for x, y in zip(xs, high[run].tolist(), strict=True)]
        down = [_point(x, frame.y(y)) for x, y in zip(xs, low[run].tolist(), strict=True)]
        paths.append(f"M{'L'.join([*up, *reversed(down)])}Z")
    return paths


def _line(frame: Frame, values: Floats) -> list[str]:
    low, high, rows = envelope(values, int(frame.width - LEFT))
    middle = (low + high) / 2
    paths = []
    for run in _known(np.isfinite(middle)):
        pairs = zip(rows[run].tolist(), middle[run].tolist(), strict=True)
        paths.append(f"M{'L'.join(_point(frame.x(frame.first + row), frame.y(value)) for row, value in pairs)}")
    return paths


def _point(x: float, y: float) -> str:
    return f"{x:.1f} {y:.1f}"


def _known(flags: NDArray[np.bool_]) -> list[slice]:
    first, last = segments(flags)
    return [slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)]
