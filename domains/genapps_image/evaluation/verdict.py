"""What the figures say, in words: do made images look real, do they reach all kinds, do they repeat training images?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genapps.report.measured import Finding, Measured
from genapps.report.page import Level
from genapps.report.text import percent
from genapps_image.evaluation.classes import ClassShare
from genapps_image.evaluation.copies import Copies
from genapps_image.evaluation.distances import Interval

GOOD, POOR = 0.8, 0.5  # of what held-out real images reach
NEAR, FAR = 0.05, 0.3  # of the way from held-out real images to the trivial baseline
_REACHED = 0.1  # a measure that held-out real images reach less of, or Gaussian pixels as much of, says nothing
_COPIED = 0.05  # share of certain copies from which they are poor
_LEVELS: tuple[Level, ...] = ("good", "usable", "poor")


@dataclass(frozen=True)
class Kernel:
    """The kernel distance of made and of held-out images, which says whether they can be told apart.

    told_by: the key of the distance that says how far: Fréchet's, but the kernel's where there are fewer images than
    features, as Fréchet's is then mostly error.
    """

    made: Interval
    real: Interval
    told_by: str


def verdict(measures: Sequence[Measured], kernel: Kernel, classes: Sequence[ClassShare], copied: Copies) -> Finding:
    """Level and sentences. The worst of likeness, diversity, distance and copying decides the level."""
    by_key = {measure.key: measure for measure in measures}
    parts = [
        _part((by_key["precision"],), "look like real ones", "look real in part", "do not look like real ones"),
        _part((by_key["coverage"], by_key["recall"]), "reach all kinds", "miss some kinds", "miss most kinds"),
        _apart(by_key[kernel.told_by], kernel),
        _copying(copied),
    ]
    missed = [one.name for one in classes if one.is_missing]
    if missed:
        named = ", ".join(missed[:5]) + (f" and {len(missed) - 5} more" if len(missed) > 5 else "")
        parts.append(("usable", f"of {'class' if len(missed) == 1 else 'classes'} {named} there is hardly any"))
    level = max((level for level, _ in parts), key=_LEVELS.index)
    word = {"good": "Good", "usable": "Usable with care", "poor": "Poor"}[level]
    return Finding(level, word, f"The made images {'; '.join(text for _, text in parts)}.")


def _part(measures: Sequence[Measured], good: str, usable: str, poor: str) -> tuple[Level, str]:
    """By how much of what held-out real images reach is reached, in the measure that is worst."""
    telling = [measure for measure in measures if _tells(measure)]
    if not telling:
        names = " and ".join(measure.key for measure in measures)
        return "usable", f"cannot be judged by {names} of these features: real images and Gaussian pixels are too alike"
    measure = min(telling, key=_share)
    level: Level = "good" if _share(measure) >= GOOD else "usable" if _share(measure) >= POOR else "poor"
    said = {"good": good, "usable": usable, "poor": poor}[level]
    return (
        level,
        f"{said} ({measure.key} {measure.value or 0.0:.2f}, held-out real {measure.controls[0].value or 0.0:.2f})",
    )


def _tells(measure: Measured) -> bool:
    """Whether held-out real images reach some of it, and more than the trivial baseline does."""
    best, worst = (control.value or 0.0 for control in measure.controls)
    return best >= _REACHED and worst < GOOD * best


def _share(measure: Measured) -> float:
    return (measure.value or 0.0) / (measure.controls[0].value or 1.0)


def _apart(measure: Measured, kernel: Kernel) -> tuple[Level, str]:
    """By how far they are on the way from held-out real images to the trivial baseline, where that is beyond chance."""
    if kernel.made.low <= max(kernel.real.high, 0.0):
        return "good", "as a whole cannot be told from held-out ones by these features"
    best, worst = (control.value or 0.0 for control in measure.controls)
    way = min(1.0, max(0.0, ((measure.value or 0.0) - best) / (worst - best))) if worst > best else 1.0
    level: Level = "good" if way <= NEAR else "usable" if way <= FAR else "poor"
    if way >= 1:
        return level, f"as a whole are no nearer to held-out ones than Gaussian pixels are ({measure.name})"
    return level, f"as a whole are {percent(way)} of the way from held-out ones to Gaussian pixels ({measure.name})"


def _copying(copied: Copies) -> tuple[Level, str]:
    """By how many copies are certain, beyond what unseen real images would be called too."""
    if not copied.certain and copied.exact:
        many = "an exact copy" if copied.exact == 1 else f"{copied.exact:,} exact copies"
        return "usable", f"hold {many} of training images"
    if not copied.certain:
        return "good", f"repeat training images no more than unseen ones do ({percent(copied.share)})"
    level: Level = "poor" if copied.certain > _COPIED else "usable"
    return level, f"repeat training images: {percent(copied.share)} are near copies"
