"""What the figures say, in words: do made images look real, do they reach all kinds, do they repeat training images?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genapps.report.measured import Finding, Measured
from genapps.report.page import Level
from genapps.report.text import percent
from genapps_image.evaluation.copies import ALLOWED, least_proven
from genapps_image.evaluation.distances import Interval

GOOD, POOR = 0.8, 0.5  # of what held-out real images reach
_MISSED = 0.5  # of held-out coverage below which a class is named
_LEAST_OF_CLASS = 10  # reference images of a class that is judged
_LEVELS: tuple[Level, ...] = ("good", "usable", "poor")


@dataclass(frozen=True)
class ClassReach:
    """The share of a class's n real images that have a made one, or a held-out real one, among their neighbors."""

    name: str
    n: int
    made: float
    real: float


def verdict(
    measures: Sequence[Measured], kernel: Interval, real: Interval, classes: Sequence[ClassReach], *, n_copies: int
) -> Finding:
    """Level and sentences: the worst of likeness (precision), diversity (coverage) and copying decides the level."""
    by_key = {measure.key: measure for measure in measures}
    parts = [
        _part(by_key["precision"], "look like real ones", "look real only in part", "do not look like real ones"),
        _part(by_key["coverage"], "reach all kinds", "miss some kinds", "miss most kinds"),
        _copying(by_key["copies"], n_copies),
    ]
    missed = [one.name for one in classes if one.n >= _LEAST_OF_CLASS and one.made < _MISSED * one.real]
    if missed:
        named = ", ".join(missed[:5]) + (f" and {len(missed) - 5} more" if len(missed) > 5 else "")
        parts.append(("usable", f"of {'class' if len(missed) == 1 else 'classes'} {named} there is hardly any"))
    parts.append(_apart(kernel, real))
    level = max((level for level, _ in parts), key=_LEVELS.index)
    word = {"good": "Good", "usable": "Usable with care", "poor": "Poor"}[level]
    return Finding(level, word, f"The made images {'; '.join(text for _, text in parts)}.")


def _part(measure: Measured, good: str, usable: str, poor: str) -> tuple[Level, str]:
    """By how much of what held-out real images reach above the trivial baseline is reached."""
    best, least = (control.value or 0.0 for control in measure.controls)
    value = measure.value or 0.0
    least = min(least, 0.9 * best)
    share = (value - least) / (best - least) if best > least else 1.0
    level: Level = "good" if share >= GOOD else "usable" if share >= POOR else "poor"
    said = {"good": good, "usable": usable, "poor": poor}[level]
    return level, f"{said} ({measure.key} {value:.2f}, held-out real {best:.2f})"


def _copying(measure: Measured, n: int) -> tuple[Level, str]:
    """Poor where far more than chance is proven; one in a hundred is what unseen images show."""
    share = measure.value or 0.0
    proven = least_proven(share, n)
    if proven <= 2 * ALLOWED:
        return "good", f"repeat training images no more than unseen ones do ({percent(share)})"
    level: Level = "poor" if proven > 0.1 else "usable"
    return level, f"repeat training images: {percent(share)} are near copies"


def _apart(kernel: Interval, real: Interval) -> tuple[Level, str]:
    """The kernel distance never decides the level: with enough images any model is told from real ones."""
    if kernel.low <= max(real.high, 0.0):
        return "good", "as a whole cannot be told from held-out ones by their features"
    return (
        "good",
        f"as a whole are told from held-out ones (kernel distance {kernel.value:.1f} beside {real.value:.1f})",
    )
