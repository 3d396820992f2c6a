"""How long a search goes on that finds little."""

from __future__ import annotations

from dataclasses import dataclass, field

SPAN = 20  # generations that the pace is taken from
MORE = 60  # generations that the rest may take at that pace, or the first find
_NEARER = 0.95  # of the distance it had: what is less than that much nearer is none


@dataclass
class Patience:
    """What each generation of a search gave: new molecules, and the distance of the nearest one from what is wished."""

    finds: list[int] = field(default_factory=list)
    nearest: list[float] = field(default_factory=list)

    def add(self, found: int, nearest: float) -> None:
        """Tell of a generation."""
        self.finds.append(found)
        self.nearest.append(nearest)

    def spent(self, missing: int) -> str:
        """Why a search that lacks so many molecules is not worth to go on, "" while it is.

        Where the last 20 generations found some, it is once the missing ones would take more than 60 at that pace.
        Where they found none, it is once they came no nearer, or found none in 60, or had found some before.
        """
        if len(self.finds) < SPAN:
            return ""
        if recent := sum(self.finds[-SPAN:]):
            left = missing * SPAN / recent
            slow = f"at the pace of its last {SPAN} generations the search would take {left:,.0f} more for the others"
            return slow if left > MORE else ""
        nearer = self.nearest[-1] < _NEARER * self.nearest[-SPAN]
        if nearer and not any(self.finds) and len(self.finds) < MORE:
            return ""
        return f"the last {SPAN} generations of the search found nothing new"
