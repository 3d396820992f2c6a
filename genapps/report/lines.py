"""Curves over time or lag as inline SVG, drawn as the lowest and highest value of each narrow stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from genapps.report.charts import tag
from genapps.report.text import clip, tick

Floats = NDArray[np.float64]
WIDE = 640.0  # units of a wide chart
LEFT, TOP, BOTTOM = 44.0, 8.0, 20.0
STRETCHES = 300  # that a curve is drawn as


@dataclass(frozen=True)
class Curve:
    """Values (N,) at even steps, NaN where unknown; real ones are grey, synthetic ones in the accent color."""

    role: Literal["real", "synthetic"]
    values: Floats


def lines(
    curves: Sequence[Curve], *, label: str, ends: tuple[str, str] = ("", ""), high: float = 120.0, wide: float = WIDE
) -> Markup:
    """Curves over the same steps on one scale; `ends` are written below the first and the last step."""
    known = np.concatenate([curve.values[np.isfinite(curve.values)] for curve in curves] or [np.zeros(1)])
    low, top = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    low, top = (low, top) if top > low else (low - 0.5, top + 0.5)
    longest = max((len(curve.values) for curve in curves), default=1)
    base = high - BOTTOM
    parts = [_path(curve, longest, low, top, base, wide) for curve in curves]
    marks = [(top, TOP + 8), (low, base)]
    texts = [tag("text", tick(value), x=LEFT - 6, y=float(y), text_anchor="end") for value, y in marks]
    texts += [
        tag("text", clip(text, 40), x=float(x), y=high - 4, text_anchor=anchor)
        for text, x, anchor in ((ends[0], LEFT, "start"), (ends[1], wide, "end"))
        if text
    ]
    axis = tag("path", class_="axis", d=f"M{LEFT:g} {base:g}H{wide:g}")
    return tag(
        "svg", axis, *parts, *texts, class_="chart lines", viewBox=f"0 0 {wide:g} {high:g}", role="img",
        aria_label=clip(label, 300),
    )  # fmt: skip


def _path(curve: Curve, longest: int, low: float, top: float, base: float, wide: float) -> Markup:
    """One path: a line where there are few points, else down and up through each stretch."""
    values = curve.values
    size = max(1, -(-longest // STRETCHES))
    pieces, drawing = [], False
    for start in range(0, len(values), size):
        part = values[start : start + size]
        part = part[np.isfinite(part)]
        if not len(part):
            drawing = False
            continue
        x = LEFT + (wide - LEFT) * (start + (min(size, longest) - 1) / 2) / max(longest - 1, 1)
        for value in sorted({float(part.min()), float(part.max())}, reverse=bool(part[0] > part[-1])):
            y = base - (base - TOP) * (value - low) / (top - low)
            pieces.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
            drawing = True
    return tag("path", class_=curve.role, d="".join(pieces))
