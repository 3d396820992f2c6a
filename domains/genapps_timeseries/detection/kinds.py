"""What kind of anomaly an event is, told from the values around it and what was normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genapps.metrics.ranges import segments
from genapps_timeseries.detection.extent import SHORT, extent, lone
from genapps_timeseries.scoring.examples import nearest
from genapps_timeseries.series import Floats

KINDS = (
    "spike", "level shift", "trend", "noise", "frequency", "shape", "flatline", "missing", "gap", "reset", "relation",
)  # fmt: skip

NEAR = 0.7  # of the rows of an alarm are strange, or its kind is told from near
STILL = 0.6  # of the rows of a flatline that stand still


@dataclass(frozen=True)
class Kind:
    """What an event is, and where: rows first..last of the values given.

    usual: (last - first + 1,) what the channel would have been there.
    """

    name: str
    first: int
    last: int
    usual: Floats


def kind_of(values: Floats, start: int, stop: int, normal: Floats, window: int, unit: float | None = None) -> Kind:
    """The kind of an event in rows start..stop - 1 of a channel's values (N,), after its normal values (R,).

    What the channel would have been is the normal stretch whose surroundings are most like those of the event. Rows
    that are off that by more than is usual are where the event is; their course tells the kind. Where they are few, it
    is told from near: the surroundings of a wide alarm are far from what is strange in it. unit: the usual residual,
    where it is known.
    """
    unit = usual_residual(normal, window) if unit is None else unit
    wide = _told(values, start, stop, normal, window, unit)
    if wide.name in ("spike", "flatline", "missing") or wide.last + 1 - wide.first >= NEAR * (stop - start):
        return wide
    around = window // 4
    return _told(values, max(start, wide.first - around), min(stop, wide.last + 1 + around), normal, window, unit)


def _told(values: Floats, start: int, stop: int, normal: Floats, window: int, unit: float) -> Kind:
    segment = values[start:stop]
    if np.isnan(segment).mean() > 0.5:
        return Kind("missing", start, stop - 1, np.full(stop - start, np.nan))
    usual = counterpart(values, start, stop, normal, window)
    residual = segment - usual
    spike = lone(values, start, stop, normal, (residual / unit) ** 2)
    if spike is not None:
        return Kind("spike", *spike, usual[spike[0] - start : spike[1] + 1 - start])
    first, last = extent(residual, unit)
    still = _still(values, start, stop)
    if still is not None and _is_stuck(values[still[0] : still[1]], normal, STILL * (last + 1 - first)):
        begin = max(still[0], start)
        return Kind("flatline", begin, still[1] - 1, usual[begin - start : still[1] - start])
    name = _of_course(residual[first : last + 1], segment[first : last + 1], usual[first : last + 1], normal, unit)
    return Kind(name, start + first, start + last, usual[first : last + 1])


def counterpart(values: Floats, start: int, stop: int, normal: Floats, window: int) -> Floats:
    """What rows start..stop - 1 would have been: the normal stretch whose surroundings are most like theirs.

    The stretch lies within the normal part (R,); its surroundings, a window on either side, may reach beyond it.
    """
    first, last = max(start - window, 0), min(stop + window, len(values))
    weight = np.ones(last - first)
    weight[start - first : stop - first] = 0
    known = normal[np.isfinite(normal)]
    place = -1
    if stop - start <= len(normal):
        padded = np.pad(normal, (start - first, last - stop), constant_values=np.nan)
        place, _ = nearest(padded, values[first:last], weight)
    found = normal[max(place, 0) : place + stop - start]
    there = np.flatnonzero(np.isfinite(found))
    if place < 0 or not len(there):
        return np.full(stop - start, float(np.median(known)) if len(known) else np.nan)
    bridged: Floats = np.interp(np.arange(stop - start, dtype=np.float64), there, found[there])
    return bridged


def usual_residual(normal: Floats, window: int, tries: int = 24) -> float:
    """How far normal values (R,) are off what their surroundings tell, robustly, at a few places."""
    length = max(window // 2, 4)
    if len(normal) < 6 * length:
        return _spread(normal)
    found = []
    for start in np.linspace(length, len(normal) - 2 * length, tries).astype(int).tolist():
        rest = normal.copy()
        rest[max(start - length, 0) : start + 2 * length] = np.nan
        found.append(normal[start : start + length] - counterpart(normal, start, start + length, rest, length))
    off = np.abs(np.concatenate(found))
    off = off[np.isfinite(off)]
    return float(np.median(off)) * 1.4826 or _spread(normal) if len(off) else _spread(normal)


def _of_course(residual: Floats, segment: Floats, usual: Floats, normal: Floats, unit: float) -> str:
    """The kind by how the residuals (L,) of an event run, beside its values and what was usual."""
    length = len(residual)
    if length <= SHORT:
        return "spike"
    off = np.nan_to_num(residual)
    middle, deviation = float(off.mean()), float(off.std())
    rough, calm = roughness(segment), roughness(normal)
    if rough > 2.5 * calm and abs(middle) < deviation:
        return "noise"
    ramp = np.arange(1, length + 1) / length
    slope = float(off @ ramp / (ramp @ ramp))
    as_ramp, as_level = float(((off - slope * ramp) ** 2).mean()), deviation**2
    if abs(middle) > 1.2 * min(deviation, as_ramp**0.5) and abs(middle) > unit:
        return "trend" if as_ramp < 0.7 * as_level else "level shift"
    return "frequency" if _is_frequency(segment, usual) else "shape"


def _is_frequency(segment: Floats, usual: Floats) -> bool:
    """Whether values (L,) swing more or less often than usual ones (L,), and about as far."""
    here, there = crossings(segment), crossings(usual)
    far, as_far = float(_smooth(segment).std()), float(_smooth(usual).std())
    alike = far < 1.5 * as_far and as_far < 1.5 * far
    return alike and max(here, there) >= 3 and not 0.65 < (here + 1) / (there + 1) < 1.55


def crossings(values: Floats) -> int:
    """How often values (L,), smoothed a little, go through their middle."""
    smooth = _smooth(values)
    around = smooth - (smooth.max() + smooth.min()) / 2
    sign = np.sign(around[np.abs(around) > 0.15 * (np.ptp(around) or 1.0)])
    return int((np.diff(sign) != 0).sum())


def _smooth(values: Floats) -> Floats:
    width = max(1, len(values) // 16)
    return np.convolve(np.nan_to_num(values), np.ones(width) / width, "valid")


def _still(values: Floats, start: int, stop: int) -> tuple[int, int] | None:
    """The longest stretch of one value that meets rows start..stop - 1."""
    begin = max(start - 1, 0)
    first, last = segments(np.diff(values[begin:stop]) == 0)
    if not len(first):
        return None
    k = int((last - first).argmax())
    return begin + int(first[k]), begin + int(last[k]) + 2


def _is_stuck(segment: Floats, normal: Floats, least: float) -> bool:
    first, last = segments(np.diff(normal) == 0)
    longest = int((last - first).max()) + 2 if len(first) else 1
    return len(segment) >= max(5, 2 * longest, least)


def roughness(values: Floats) -> float:
    """How rough values (L,) are: the median of their second differences."""
    steps = np.diff(values, n=2)
    steps = steps[np.isfinite(steps)]
    return float(np.median(np.abs(steps))) if len(steps) else 0.0


def _spread(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.subtract(*np.quantile(known, [0.75, 0.25]))) / 1.349 or float(known.std()) or 1.0
