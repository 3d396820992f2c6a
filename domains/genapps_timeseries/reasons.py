"""Why an event is one, in a plain sentence."""

from __future__ import annotations

from genapps.report.text import clip, tick


def number(value: float, like: float) -> str:
    """A value to as many digits as a difference `like` needs."""
    return tick(value)


def sentence(
    kind: str, channel: str, low: float, high: float, usual: tuple[float, float], rows: int, others: int
) -> str:
    """One sentence on an event of a channel whose values were low..high where usual[0]..usual[1] is normal."""
    name = clip(channel, 40)
    normal = f"{tick(usual[0])}–{tick(usual[1])} is normal"
    more = f", and {others} more" if others else ""
    if kind == "gap":
        return f"no rows for {rows:,} steps"
    if kind == "missing":
        return f"{name} has no value for {rows:,} rows{more}"
    if kind == "flatline":
        return f"{name} stood at {tick(low)} for {rows:,} rows{more}"
    if high > usual[1]:
        return f"{name} rose to {tick(high)} where {normal}{more}"
    if low < usual[0]:
        return f"{name} fell to {tick(low)} where {normal}{more}"
    return f"{name} took an unusual course within {tick(low)}–{tick(high)}{more}"
