"""Small charts as inline SVG: pure functions from numbers to markup, colored by the page's style alone.

Every chart is `WIDTH` units wide and scales with its box. Real data is grey, synthetic data the accent color; the
classes `real`, `synthetic`, `ceiling`, `floor` and `copied` say which is which. Foreign text is clipped and escaped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markupsafe import Markup, escape

from genapps.report.text import clip, figure, fit, known, percent, tick

WIDTH = 320
Role = Literal["synthetic", "ceiling", "floor", "copied"]


@dataclass(frozen=True)
class Mark:
    """A point on a scale: what it is, what it is called and where it lies (None: not known, not drawn)."""

    role: Role
    name: str
    value: float | None


def tag(name: str, *children: str, **attributes: object) -> Markup:
    """An element: floats get one decimal, `class_` and `text_anchor` are class and text-anchor, None is left out."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_number(given) if isinstance(given, float) else escape(given)}"'
        for key, given in attributes.items()
        if given is not None
    )
    return Markup(f"<{name}{words}>{''.join(escape(child) for child in children)}</{name}>")


def _number(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def chart(label: str, height: float, *children: str, kind: str) -> Markup:
    """The frame of a chart: `label` is what a screen reader says instead of the picture."""
    return tag(
        "svg",
        *children,
        class_=f"chart {kind}",
        viewBox=f"0 0 {WIDTH} {_number(height)}",
        role="img",
        aria_label=clip(label, 300),
    )


# Scale ---------------------------------------------------------------------------------------------------------------


def scale(marks: Sequence[Mark], *, better: Literal["higher", "lower", "half", "real"], label: str) -> Markup:
    """A figure and its controls on one line, the better end to the right; low values where what is real is best.

    The pin is the synthetic data; the band from it to the tall tick (real data) is what it lacks.
    """
    shown = [mark for mark in marks if known(mark.value)]
    low, high = extent([float(mark.value or 0) for mark in shown], better)
    left, right, y = 10.0, WIDTH - 10.0, 24.0
    turned = better in ("lower", "real") or (better == "half" and high - 0.5 >= 0.5 - low)

    def at(x: float) -> float:
        share = (x - low) / (high - low)
        return left + (right - left) * (1 - share if turned else share)

    where = {mark.role: at(float(mark.value or 0)) for mark in shown}
    parts = [_line(left, right, y, "track")]
    if "synthetic" in where and "ceiling" in where:
        parts.append(_line(where["synthetic"], where["ceiling"], y, "gap"))
    parts += [glyph(role, where[role], y) for role in ("floor", "copied", "ceiling", "synthetic") if role in where]
    texts = {at(low): low, at(high): high} | ({at(0.5): 0.5} if better == "half" else {})
    for x, number in texts.items():
        if better != "half" or number == 0.5 or abs(x - at(0.5)) > 40:
            parts.append(_text(min(max(x, left), right), y + 24, tick(number), _anchor(x)))
    return chart(label, y + 28, *parts, kind="scale")


def extent(values: Sequence[float], better: Literal["higher", "lower", "half", "real"]) -> tuple[float, float]:
    """The round ends of a scale that holds all values and the ideal.

    Shares and areas (0..1) get at least a fifth of their range, so that a small difference looks small.
    """
    share = all(0 <= x <= 1 for x in values)
    ideal = {"half": [0.5], "lower": [0.0], "real": [], "higher": [1.0] if share else []}[better]
    low, high = min([*values, *ideal], default=0.0), max([*values, *ideal], default=1.0)
    if share and high - low < 0.2:
        low, high = (max(0.0, high - 0.2), high) if better == "higher" else (low, min(1.0, low + 0.2))
    span = high - low or max(abs(high), 1.0)
    step = 10.0 ** math.floor(math.log10(span)) / 2
    step = step / 5 if span / step < 4 else step
    low, high = step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9)
    return (low, high) if high > low else (low, low + step)


def glyph(role: Role, x: float, y: float) -> Markup:
    """The sign of a role: a pin above the line, a tall tick, a ring or a cross."""
    if role == "synthetic":
        return tag("path", class_=role, d=f"M{_number(x)} {_number(y + 3)}l-6.5-11a7.5 7.5 0 1 1 13 0z")
    if role == "ceiling":
        return tag("rect", class_=role, x=x - 1.5, y=y - 8, width=3, height=20, rx=1.5)
    if role == "floor":
        return tag("circle", class_=role, cx=x, cy=y, r=4.5)
    return tag("path", class_=role, d=f"M{_number(x - 4)} {_number(y - 4)}l8 8m0-8l-8 8")


def key(role: Role) -> Markup:
    """The sign of a role alone, beside its name in a list."""
    y = 15.0 if role == "synthetic" else 10.0
    return tag("svg", glyph(role, 10.0, y), class_="key", viewBox="0 0 20 20", aria_hidden="true")


# Histograms and bars -------------------------------------------------------------------------------------------------


def histogram_overlay(
    edges: Sequence[float],
    real: Sequence[float],
    synthetic: Sequence[float],
    *,
    ticks: Sequence[tuple[float, str]],
    label: str,
) -> Markup:
    """Two histograms over the same bins: shares (n,) over strictly rising edges (n+1,), drawn as densities.

    One bin that towers over all others (a zero most rows have) is cut and labelled, so that the others stay readable.
    """
    top, base, height = 16.0, 124.0, 144.0
    widths = [b - a for a, b in pairwise(edges)]
    reals, synthetics = ([s / w for s, w in zip(x, widths, strict=True)] for x in (real, synthetic))
    peaks = [max(pair) for pair in zip(reals, synthetics, strict=True)]
    ceiling, spike = _room(peaks)
    span = edges[-1] - edges[0]
    xs = [WIDTH * (edge - edges[0]) / span for edge in edges]
    parts = [
        tag("path", class_="real", d=_steps(xs, [_rise(d, ceiling, top, base) for d in reals], base)),
        tag("path", class_="synthetic", d=_steps(xs, [_rise(d, ceiling, top, base) for d in synthetics], base)),
        _line(0, WIDTH, base, "axis"),
    ]
    if spike is not None:
        parts += _cut(xs[spike], xs[spike + 1], top, f"{percent(real[spike])} · {percent(synthetic[spike])}")
    for x, text in ticks:
        place = WIDTH * (x - edges[0]) / span
        parts.append(_text(place, base + 15, fit(text, 17), _anchor(place)))
    return chart(label, height, *parts, kind="histogram")


def _room(peaks: Sequence[float]) -> tuple[float, int | None]:
    """The density at the top of the plot, and the bin that is cut there if one is four times any other."""
    largest = max(range(len(peaks)), key=lambda i: peaks[i])
    second = max((p for i, p in enumerate(peaks) if i != largest), default=0.0)
    if second > 0 and peaks[largest] > 4 * second:
        return 1.6 * second, largest
    return peaks[largest] or 1.0, None


def _rise(density: float, ceiling: float, top: float, base: float) -> float:
    return base - (base - top) * min(1.0, density / ceiling)


def _steps(xs: Sequence[float], ys: Sequence[float], base: float) -> str:
    path = "".join(f"V{_number(y)}H{_number(x)}" for y, x in zip(ys, xs[1:], strict=True))
    return f"M{_number(xs[0])} {_number(base)}{path}V{_number(base)}"


def _cut(start: float, end: float, top: float, text: str) -> list[Markup]:
    """The break through a cut bin, and what it holds in truth."""
    left, right = max(0.0, start - 3), min(float(WIDTH), end + 3)
    beside = right + 5 if right < WIDTH * 0.6 else left - 5
    return [
        tag("path", class_="break", d=f"M{_number(left)} {_number(top + 14)}L{_number(right)} {_number(top + 8)}"),
        _text(beside, top + 10, text, "start" if right < WIDTH * 0.6 else "end"),
    ]


def category_bars(
    labels: Sequence[str], real: Sequence[float], synthetic: Sequence[float], *, label: str, most: int = 7
) -> Markup:
    """Shares of categories side by side, a pair of bars each; those beyond `most` are added up in a last pair."""
    rows = list(zip(labels, real, synthetic, strict=True))
    if not rows:
        return chart(label, 20, _text(0, 14, "no values", "start"), kind="bars")
    if len(rows) > most + 1:
        rest = rows[most:]
        rows = [*rows[:most], (f"{len(rest)} more", sum(r for _, r, _ in rest), sum(s for _, _, s in rest))]
    longest = max(max(r, s) for _, r, s in rows) or 1.0
    left, right, step = 112.0, 238.0, 19.0
    parts: list[Markup] = []
    for i, (name, r, s) in enumerate(rows):
        y = step * i + 3
        parts += [
            tag("text", fit(name, 17), tag("title", clip(name, 60)), x=0.0, y=y + 10, class_="name"),
            _bar(left, y, (right - left) * r / longest, "real"),
            _bar(left, y + 7, (right - left) * s / longest, "synthetic"),
            _text(WIDTH - 44, y + 10, percent(r), "end"),
            tag("text", percent(s), x=float(WIDTH), y=y + 10, text_anchor="end", class_="synthetic"),
        ]
    return chart(label, step * len(rows) + 4, *parts, kind="bars")


def _bar(x: float, y: float, length: float, role: str) -> Markup:
    return tag("rect", class_=role, x=x, y=y, width=max(length, 0.8), height=6)


# Heat maps -----------------------------------------------------------------------------------------------------------


def heat_map(
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    tone: Literal["real", "synthetic", "change"],
    label: str,
    limit: float = 1.0,
) -> Markup:
    """A square matrix in -limit..limit as cells of ten strengths; the diagonal, always the same, is left out.

    `tone` is the color: `change` draws what is below zero in grey (lost) and what is above in the accent (added).
    One path a strength keeps hundreds of cells small.
    """
    left, n = 92.0, len(names)
    cell = (WIDTH - left) / max(n, 1)
    paths: dict[tuple[str, int], list[str]] = {}  # by color and strength
    for i, row in enumerate(values):
        for j, given in enumerate(row):
            strength = min(10, round(10 * abs(given) / limit)) if i != j and known(given) else 0
            if strength:
                gained = "synthetic" if given > 0 else "real"
                side = gained if tone == "change" else tone
                paths.setdefault((side, strength), []).append(_square(left + cell * j, cell * i, cell))
    size = min(11.0, cell * 0.95)
    parts = [
        tag("text", fit(name, 15), tag("title", clip(name, 60)), x=left - 6, y=cell * (i + 0.5) + size * 0.35,
            text_anchor="end", font_size=size)
        for i, name in enumerate(names)
    ]  # fmt: skip
    parts.append(tag("rect", class_="plate", x=left, y=0, width=WIDTH - left, height=cell * n))
    for (side, strength), squares in sorted(paths.items()):
        parts.append(tag("path", class_=side, fill_opacity=strength / 10, d="".join(squares)))
    return chart(label, cell * n, *parts, kind="heat")


def _square(x: float, y: float, cell: float) -> str:
    side = _number(max(cell - 1, 0.5))
    return f"M{_number(x)} {_number(y)}h{side}v{side}h-{side}z"


def curve(points: Sequence[tuple[int, float]], chosen: int, *, label: str) -> Markup:
    """A figure for each of some whole numbers, the chosen one marked."""
    base, left, right = 130.0, 8.0, WIDTH - 8.0
    xs, ys = [x for x, _ in points], [y for _, y in points if known(y)]
    low, span = min(ys, default=0.0), (max(ys, default=0.0) - min(ys, default=0.0)) or 1.0
    places = [
        (left + (right - left) * (x - xs[0]) / max(xs[-1] - xs[0], 1), base - 12 - (base - 26) * (y - low) / span, x)
        for x, y in points
        if known(y)
    ]
    line = "L".join(f"{_number(x)} {_number(y)}" for x, y, _ in places)
    parts = [_line(0, WIDTH, base, "axis"), tag("path", class_="real", d=f"M{line}")]
    every = max(1, math.ceil(len(places) / 10))
    for i, (x, y, number) in enumerate(places):
        parts.append(tag("circle", class_="synthetic" if number == chosen else "real", cx=x, cy=y,
                         r=5.0 if number == chosen else 2.5))  # fmt: skip
        if number == chosen or (i % every == 0 and abs(number - chosen) >= every):
            parts.append(_text(x, base + 15, str(number), _anchor(x)))
    return chart(label, base + 20, *parts, kind="curve")


def ramp(tones: Mapping[str, str]) -> Markup:
    """The legend of a heat map: a row of strengths for each tone, weakest inside, with its end's name."""
    names = list(tones)
    steps = [(names[0], s) for s in range(10, 0, -2)] if len(names) > 1 else []
    steps += [(names[-1], s) for s in range(2, 11, 2)]
    squares = [
        tag("rect", class_=tone, fill_opacity=s / 10, x=12 * i, y=0, width=11, height=8)
        for i, (tone, s) in enumerate(steps)
    ]
    words = " to ".join(tones.values())
    return tag("svg", *squares, class_="ramp heat", viewBox=f"0 0 {12 * len(steps)} 8", role="img", aria_label=words)


# Shared ink ----------------------------------------------------------------------------------------------------------


def _line(start: float, end: float, y: float, role: str) -> Markup:
    return tag("path", class_=role, d=f"M{_number(start)} {_number(y)}H{_number(end)}")


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return tag("text", text, x=float(x), y=float(y), text_anchor=anchor)


def _anchor(x: float) -> str:
    return "start" if x < WIDTH * 0.15 else "end" if x > WIDTH * 0.85 else "middle"


def describe(marks: Sequence[Mark]) -> str:
    """A scale in words: "synthetic 0.583, other real rows 0.500"."""
    return ", ".join(f"{mark.name} {figure(mark.value)}" for mark in marks if known(mark.value))
