"""Wide pictures of groups of rows: where they lie on a plane, and what they have more and less of.

No single row is drawn on the plane, but areas of equal density.
An area holds a given share of its group's rows, the densest first; it is drawn from a histogram smoothed by a Gaussian
as wide as Scott's rule asks for (Multivariate Density Estimation, 1992), so that no row shows through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from genapps.report.charts import tag
from genapps.report.text import clip, fit, known

Floats = NDArray[np.float64]
WIDE, HIGH = 640.0, 420.0  # units of the chart
COLUMNS, ROWS = 80, 52  # points of the grid that densities are computed on
HOLDS = (0.9, 0.6, 0.3)  # shares of a group's rows inside its areas, the outermost first
STRENGTHS = (0.16, 0.22, 0.3)  # opacities of these areas, which lie on one another
FEWEST = 5  # rows of a group below which it is not drawn
TAIL = 0.005  # share of the rows at each end of an axis that may lie beyond the picture
HUES = 10  # colors that the page has; further groups begin anew, told apart by their names


def density_map(
    points: Floats, groups: NDArray[np.int64], names: Sequence[str], *, label: str, named: bool = False
) -> Markup:
    """Points (N, 2) of groups (N,) 0..len(names)-1 as areas; `named`: each group's name stands in its middle.

    Groups of fewer than 5 rows are left out.
    """
    low, high = _extent(points)
    placed = (points - low) / (high - low) * np.array([COLUMNS - 1, ROWS - 1])
    drawn = [g for g in range(len(names)) if np.count_nonzero(groups == g) >= FEWEST]
    parts = [tag("rect", class_="plate", x=0, y=0, width=WIDE, height=HIGH)]
    for g in drawn:
        density = _density(placed[groups == g])
        for level, strength in zip(_levels(density), STRENGTHS, strict=True):
            parts.append(tag("path", class_=hue(g), fill_opacity=strength, d="".join(_area(density, level))))
    for g in drawn if named else ():
        x, y = np.median(placed[groups == g], axis=0)
        parts.append(
            tag("text", fit(names[g], 24), x=float(_x(x)), y=float(_y(y)) + 7, text_anchor="middle", class_="name")
        )
    return tag(
        "svg", *parts, class_="map", viewBox=f"0 0 {WIDE:.0f} {HIGH:.0f}", role="img", aria_label=clip(label, 300)
    )


def heat_table(
    names: Sequence[str], heads: Sequence[str], values: Sequence[Sequence[float]], *, label: str, limit: float = 1.0
) -> Markup:
    """A matrix in -limit..limit as cells of ten strengths, a row for each name: grey below zero, the accent above."""
    left, top, height = 210.0, 20.0, 18.0
    cell = (WIDE - left) / max(len(heads), 1)
    parts = [
        tag("text", fit(head, max(cell / 6, 2)), x=left + cell * (j + 0.5), y=top - 6, text_anchor="middle")
        for j, head in enumerate(heads)
    ]
    parts.append(tag("rect", class_="plate", x=left, y=top, width=WIDE - left, height=height * len(names)))
    paths: dict[tuple[str, int], list[str]] = {}  # by color and strength
    for i, (name, row) in enumerate(zip(names, values, strict=True)):
        y = top + height * i
        title = tag("title", clip(name, 80))
        parts.append(tag("text", fit(name, 32), title, x=left - 6, y=y + 13, text_anchor="end"))
        for j, given in enumerate(row):
            strength = min(10, round(10 * abs(given) / limit)) if known(given) else 0
            if strength:
                box = f"M{left + cell * j:.1f} {y:.1f}h{cell - 1:.1f}v17h-{cell - 1:.1f}z"
                paths.setdefault(("synthetic" if given > 0 else "real", strength), []).append(box)
    for (side, strength), boxes in sorted(paths.items()):
        parts.append(tag("path", class_=side, fill_opacity=strength / 10, d="".join(boxes)))
    box = f"0 0 {WIDE:.0f} {top + height * len(names):.0f}"
    return tag("svg", *parts, class_="heat wide", viewBox=box, role="img", aria_label=clip(label, 300))


def hue(group: int) -> str:
    """The class of a group's color."""
    return f"g{group % HUES}"


def names_of(names: Sequence[str]) -> Markup:
    """The legend of a map: each group's color and name."""
    return Markup(" ").join(
        Markup('<span class="group {0}">{1}</span>').format(hue(g), clip(name, 40)) for g, name in enumerate(names)
    )


def _extent(points: Floats) -> tuple[Floats, Floats]:
    """The corners of the picture: what holds nearly all points, and some room."""
    if not len(points):
        return np.zeros(2), np.ones(2)
    low, high = np.quantile(points, [TAIL, 1 - TAIL], axis=0)
    span = np.where(high > low, high - low, 1.0)
    return low - 0.12 * span, high + 0.12 * span


def _density(placed: Floats) -> Floats:
    """Shares of a group on the grid, (COLUMNS, ROWS), smoothed."""
    count, _, _ = np.histogram2d(
        placed[:, 0], placed[:, 1], bins=(COLUMNS, ROWS), range=((-0.5, COLUMNS - 0.5), (-0.5, ROWS - 0.5))
    )
    width = np.maximum(placed.std(axis=0) * len(placed) ** (-1 / 6), 1.0)
    smooth = _kernel(COLUMNS, float(width[0])) @ count @ _kernel(ROWS, float(width[1]))
    return np.asarray(smooth / max(smooth.sum(), 1e-300))


def _kernel(size: int, width: float) -> Floats:
    """A Gaussian of that width around each of `size` points, (size, size)."""
    gap = np.subtract.outer(np.arange(size), np.arange(size)) / width
    return np.exp(-0.5 * gap**2)


def _levels(density: Floats) -> list[float]:
    """The densities whose areas hold the shares of `HOLDS`."""
    ranked = np.sort(density.ravel())[::-1]
    held = np.cumsum(ranked)
    return [float(ranked[min(int(np.searchsorted(held, share)), len(ranked) - 1)]) for share in HOLDS]


def _area(density: Floats, level: float) -> Iterator[str]:
    """The area where a density is at least `level`, as path data: marching squares, each cut to its inside."""
    padded = np.zeros((COLUMNS + 2, ROWS + 2))
    padded[1:-1, 1:-1] = density
    inside = padded >= max(level, 1e-12)
    corners = inside[:-1, :-1].astype(int) + inside[1:, :-1] + inside[1:, 1:] + inside[:-1, 1:]
    for j in range(corners.shape[1]):
        i = 0
        while i < corners.shape[0]:
            if corners[i, j] == 4:  # as many whole squares as lie side by side
                first = i
                while i < corners.shape[0] and corners[i, j] == 4:
                    i += 1
                yield _polygon([(first, j), (i, j), (i, j + 1), (first, j + 1)])
                continue
            if corners[i, j]:
                yield _polygon(_cut(padded, level, i, j))
            i += 1


def _cut(density: Floats, level: float, i: int, j: int) -> list[tuple[float, float]]:
    """The part of the square at (i, j) above the level, its edges cut where a line between its corners crosses it."""
    around = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
    found: list[tuple[float, float]] = []
    for (a, b), (c, d) in zip(around, around[1:] + around[:1], strict=True):
        here, there = density[a, b], density[c, d]
        if here >= level:
            found.append((a, b))
        if (here >= level) != (there >= level):
            t = (level - here) / (there - here)
            found.append((a + t * (c - a), b + t * (d - b)))
    return found


def _polygon(corners: Sequence[tuple[float, float]]) -> str:
    spots = [f"{min(max(_x(x - 1), 0), WIDE):.1f} {min(max(_y(y - 1), 0), HIGH):.1f}" for x, y in corners]
    return f"M{'L'.join(spots)}z"


def _x(column: float) -> float:
    return column * WIDE / (COLUMNS - 1)


def _y(row: float) -> float:
    return HIGH - row * HIGH / (ROWS - 1)
