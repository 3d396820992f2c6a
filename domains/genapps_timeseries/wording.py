"""Numbers, lengths of time and lists of names as a person says them."""

from __future__ import annotations

from collections.abc import Sequence

from genapps.wording import counted, duration

__all__ = ["counted", "duration", "listed"]

SHOWN = 5  # names of a list


def listed(names: Sequence[str]) -> str:
    """'a', 'b' and 3 more."""
    shown = [f"'{name}'" for name in names[:SHOWN]]
    if len(names) > SHOWN:
        return f"{', '.join(shown)} and {len(names) - SHOWN} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1] if shown else ""]))
