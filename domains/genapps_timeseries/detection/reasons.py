"""Why an event is one, in a plain sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genapps.report.text import clip, tick
from genapps_timeseries.series import Floats
from genapps_timeseries.wording import counted

SHOWN = 32  # characters of a name
MANY = 100  # times that are not told apart any more


@dataclass(frozen=True)
class Course:
    """What a channel did in an event: values (L,), what was usual there (L,), the usual residual, and how long it took.

    role: of the channel. constant: the one value it had while all was normal. swings: of the values, and usual ones.
    rougher: how many times as rough as usual the values are.
    """

    name: str
    values: Floats
    usual: Floats
    unit: float
    lasted: str
    role: str = "continuous"
    constant: float | None = None
    swings: tuple[int, int] = (0, 0)
    rougher: float = 1.0


def sentence(kind: str, course: Course, others: int = 0) -> str:
    """One sentence on an event, without the full stop; others: how many more channels take part."""
    told = _SENTENCES.get(kind, _shape)(clip(course.name, SHOWN), course)
    return f"{told}, with {others} more channel{'s' * (others != 1)}" if others else told


def number(value: float, unit: float) -> str:
    """A value with as many decimals as differences of `unit` need."""
    if not math.isfinite(value) or abs(value) >= 1e6 or not unit > 0:
        return tick(value)
    decimals = min(max(0, 1 - math.floor(math.log10(unit))), 6)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(values: Floats, unit: float) -> str:
    """From the lowest to the highest value: 62–68."""
    low, high = number(float(np.nanmin(values)), unit), number(float(np.nanmax(values)), unit)
    if low == high:
        return low
    return f"{low} to {high}" if "-" in low + high else f"{low}–{high}"


def band(course: Course) -> str:
    """What would have been normal: the usual course with twice the usual residual around it."""
    known = course.usual[np.isfinite(course.usual)]
    if not len(known):
        return "nothing"
    around = np.array([known.min() - 2 * course.unit, known.max() + 2 * course.unit])
    return span(around, course.unit)


def _spike(name: str, course: Course) -> str:
    peak = _worst(course)
    value = number(float(course.values[peak]), course.unit)
    word = "jumped to" if course.values[peak] >= np.nan_to_num(course.usual[peak]) else "dropped to"
    return f"{name} {word} {value} where {band(course)} is normal"


def _level(name: str, course: Course) -> str:
    here = span(course.values, course.unit)
    if course.constant is not None:
        return f"{name} was {here} where it had always been {number(course.constant, course.unit)}"
    off = float(np.nanmean(course.values - course.usual))
    far, word = number(abs(off), course.unit), "higher" if off > 0 else "lower"
    ends = float(np.nanmin(course.values)), float(np.nanmax(course.values))
    apart = not any(_in_band(end, course.usual, course.unit) for end in ends)
    told = f": {here} where {band(course)} is normal" if apart else _at_worst(course)
    return f"{name} was about {far} {word} than normal for {course.lasted}{told}"


def _trend(name: str, course: Course) -> str:
    peak = _worst(course)
    off = float(course.values[peak] - course.usual[peak])
    word = "up" if off > 0 else "down"
    value = number(float(course.values[peak]), course.unit)
    return f"{name} drifted {word} to {value} within {course.lasted} where {band(course)} is normal"


def _noise(name: str, course: Course) -> str:
    times = f"{course.rougher:.2g}" if course.rougher < MANY else f"more than {MANY}"
    return f"{name} was {times} times as noisy as usual for {course.lasted}"


def _frequency(name: str, course: Course) -> str:
    here, there = course.swings
    word = "faster" if here > there else "slower"
    normal = f"{there} {'is' if there == 1 else 'are'} normal"
    return f"{name} swung {word} than usual for {course.lasted}: {counted(here, 'turn')} where {normal}"


def _shape(name: str, course: Course) -> str:
    if course.role in ("binary", "levels"):
        return f"{name} switched in an unusual way for {course.lasted}"
    return f"{name} ran an unusual course for {course.lasted}{_at_worst(course) or ', within its usual values'}"


def _flatline(name: str, course: Course) -> str:
    return f"{name} stood still at {number(float(np.nanmedian(course.values)), course.unit)} for {course.lasted}"


def _missing(name: str, course: Course) -> str:
    return f"{name} had no value for {course.lasted}"


def _gap(name: str, course: Course) -> str:
    return f"no rows came for {course.lasted}"


def _reset(name: str, course: Course) -> str:
    return f"{name} was set back to {number(float(course.values[-1]), course.unit)}, which it never was before"


def _relation(name: str, course: Course) -> str:
    return f"{name} and other channels did not go together as usual for {course.lasted}"


_SENTENCES = {
    "spike": _spike,
    "level shift": _level,
    "trend": _trend,
    "noise": _noise,
    "frequency": _frequency,
    "shape": _shape,
    "flatline": _flatline,
    "missing": _missing,
    "gap": _gap,
    "reset": _reset,
    "relation": _relation,
}


def _at_worst(course: Course) -> str:
    """The value that is most off beside what was usual, where it is off by more than is usual."""
    peak = _worst(course)
    value, usual = float(course.values[peak]), float(course.usual[peak])
    if not abs(value - usual) > 2 * course.unit:
        return ""
    return f", at worst {number(value, course.unit)} where {number(usual, course.unit)} is normal"


def is_usual(values: Floats, usual: Floats, unit: float) -> bool:
    """Whether the value that is most off, of values (L,) beside a usual course (L,), is one of the band around that."""
    return _in_band(float(values[_farthest(values, usual)]), usual, unit)


def _in_band(value: float, usual: Floats, unit: float) -> bool:
    known = usual[np.isfinite(usual)]
    return bool(len(known)) and bool(known.min() - 2 * unit <= value <= known.max() + 2 * unit)


def _worst(course: Course) -> int:
    return _farthest(course.values, course.usual)


def _farthest(values: Floats, usual: Floats) -> int:
    return int(np.abs(np.nan_to_num(values - usual)).argmax())
