"""What the figures say, in words: are made clips useful, alike, diverse, no copies, and sound as files?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genapps.report.measured import Finding, Measured
from genapps.report.page import Level
from genapps.report.text import percent
from genapps_audio.evaluation.copies import Copies
from genapps_audio.evaluation.levels import Levels

GOOD, POOR = 0.8, 0.5  # of what held-out real clips reach
NEAR, FAR = 0.1, 0.5  # of the way from held-out real clips to the better of the baselines
_COPIED = 0.05  # share of certain copies from which they are poor
_LOUDER = 6.0  # dB by which loudness may differ
_SPOILT = 0.01  # share of clips that may be clipped or silent beyond that of real ones
_LEVELS: tuple[Level, ...] = ("good", "usable", "poor")


def verdict(measures: Sequence[Measured], copied: Copies, levels: Mapping[str, Levels]) -> Finding:
    """Level and sentences. The worst of usefulness, distance, diversity, copying and levels decides the level."""
    by_key = {measure.key: measure for measure in measures}
    parts = []
    if "tstr" in by_key:
        parts.append(_useful(by_key["tstr"]))
    parts += [_apart(by_key["fd_mel"]), _reached(by_key["coverage"]), _copying(copied)]
    if {"made", "real"} <= levels.keys():
        parts.append(_heard(levels["made"], levels["real"]))
    level = max((level for level, _ in parts), key=_LEVELS.index)
    word = {"good": "Good", "usable": "Usable with care", "poor": "Poor"}[level]
    return Finding(level, word, f"The made clips {'; '.join(text for _, text in parts)}.")


def _useful(measure: Measured) -> tuple[Level, str]:
    own, best = measure.value or 0.0, measure.controls[0].value or 0.0
    chance = max(control.value or 0.0 for control in measure.controls[1:])
    if best <= chance:
        return "usable", f"cannot be judged by classes, which real clips do not teach either ({percent(best)})"
    level: Level = "good" if own >= GOOD * best else "usable" if own >= POOR * best and own > chance else "poor"
    return level, f"teach {percent(own)} where real ones teach {percent(best)} of held-out clips' classes"


def _apart(measure: Measured) -> tuple[Level, str]:
    best = measure.controls[0].value or 0.0
    worst = min(control.value or 0.0 for control in measure.controls[1:])
    if worst <= best:
        return "usable", f"cannot be judged by {measure.name}: held-out clips are no nearer than noise"
    way = min(1.0, max(0.0, ((measure.value or 0.0) - best) / (worst - best)))
    level: Level = "good" if way <= NEAR else "usable" if way <= FAR else "poor"
    if way >= 1:
        return level, f"are as a whole no nearer to real ones than the baselines ({measure.name})"
    return level, f"are as a whole {percent(way)} of the way from held-out ones to the baselines ({measure.name})"


def _reached(measure: Measured) -> tuple[Level, str]:
    own, best = measure.value or 0.0, measure.controls[0].value or 0.0
    share = own / best if best else 1.0
    level: Level = "good" if share >= GOOD else "usable" if share >= POOR else "poor"
    said = {"good": "reach all kinds", "usable": "miss some kinds", "poor": "miss most kinds"}[level]
    return level, f"{said} (coverage {own:.2f}, held-out {best:.2f})"


def _copying(copied: Copies) -> tuple[Level, str]:
    """By how many copies are certain, beyond what unseen real clips would be called too."""
    if not copied.certain:
        return "good", f"repeat learnt clips no more than unseen ones do ({percent(copied.share)})"
    level: Level = "poor" if copied.certain > _COPIED else "usable"
    return level, f"repeat learnt clips: {percent(copied.share)} are near copies"


def _heard(made: Levels, real: Levels) -> tuple[Level, str]:
    spoilt = {name: (getattr(made, name), getattr(real, name)) for name in ("clipped", "silent")}
    worse = [f"{percent(own)} are {name}" for name, (own, other) in spoilt.items() if own > other + _SPOILT]
    apart = made.loudness - real.loudness
    if worse:
        return "poor", ", ".join(worse)
    if abs(apart) > _LOUDER:
        return "usable", f"are {abs(apart):.0f} dB {'louder' if apart > 0 else 'quieter'} than real ones"
    return "good", "are as loud as real ones, and none is spoilt"
