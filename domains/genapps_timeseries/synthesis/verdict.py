"""From figures to words: whether to trust new series, and for what, by rules with stated cut-offs."""

from __future__ import annotations

from collections.abc import Sequence

from genapps.report.measured import Finding, Measured
from genapps.report.page import Level

APART = (0.15, 0.35)  # how far beyond other real rows a classifier may tell windows apart: good, usable
LOST = (0.2, 0.5)  # share of what forecasts learn from real rows that is lost
COPIED = 0.5  # share of the copies' longest stretch from which on rows are called copied
NEAR = 0.5  # share of the nearness that kept rows have, below which rows are called close to what was learnt
LEVELS: tuple[Level, ...] = ("good", "usable", "poor")


def judge(measures: Sequence[Measured]) -> Finding:
    """The verdict: the worse of likeness and usefulness decides, and copies make it poor."""
    figures = {m.key: m for m in measures}
    levels: list[Level] = []
    texts: list[str] = []
    apart = figures["two_sample_auc"]
    if apart.value is None:
        levels.append("usable")
        texts.append("Too few rows to tell new windows from real ones.")
    else:
        other = _control(apart, "ceiling") or 0.5
        level = _graded(max(apart.value, 0.5) - max(other, 0.5), APART)
        levels.append(level)
        skill = {"good": "hardly tells", "usable": "often tells", "poor": "easily tells"}[level]
        text = f"A classifier {skill} windows of these rows from real ones (AUC {apart.value:.2f}, other real rows"
        if level == "good" and other - 0.5 > APART[0]:
            text = (
                f"A classifier tells windows of these rows from kept ones (AUC {apart.value:.2f}), and other real rows"
            )
            text = f"{text} nearly as well: stretches of this series differ ("
        texts.append(f"{text} {other:.2f}).".replace("( ", "("))
    told, real = figures["forecast"].value, _control(figures["forecast"], "ceiling")
    if told is not None and real is not None and real > 0.05:
        level = _graded((real - told) / real, LOST)
        words = {"good": "nearly as well as", "usable": "less well than", "poor": "much worse than"}[level]
        levels.append(level)
        texts.append(
            f"Forecasts learnt from them do {words} those learnt from real rows (R² {told:.2f} and {real:.2f})."
        )
    copied, stretch = figures["copied_rows"].value or 0.0, _control(figures["copied_rows"], "copied") or 0.0
    nearness = figures["nearness"].value
    usual = min(1.0, _control(figures["nearness"], "ceiling") or 1.0)
    if (stretch and copied > COPIED * stretch) or (nearness is not None and nearness < NEAR * usual):
        levels.append("usable")
        texts.append("They lie close to the rows learnt from: do not take them for rows that give nothing away.")
    worst = max(levels, key=LEVELS.index)
    word = {"good": "Good", "usable": "Usable with care", "poor": "Poor"}[worst]
    return Finding(worst, word, " ".join(texts))


def _graded(value: float, bounds: tuple[float, float]) -> Level:
    return "good" if value <= bounds[0] else "usable" if value <= bounds[1] else "poor"


def _control(measure: Measured, role: str) -> float | None:
    return next((control.value for control in measure.controls if control.role == role), None)
