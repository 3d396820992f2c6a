"""How surprised a model is by a piece, bar by bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from genapps_music.judging.voices import Ints, bar_starts
from genapps_music.score import Score


@dataclass(frozen=True)
class Surprise:
    """Negative log-likelihood of one piece. bars: nats of each bar; quarters: how long it is; kind: "exact" or "bound".

    A piece that the model cannot express (a voice too many, a pitch it never saw) has none: `why` says so.
    """

    bars: tuple[float, ...] = ()
    quarters: float = 0.0
    kind: str = "exact"
    why: str = ""

    @property
    def nats(self) -> float:
        """Of the whole piece."""
        return float(sum(self.bars))

    @property
    def per_quarter(self) -> float:
        """Nats a quarter note; NaN for a piece that cannot be expressed."""
        return self.nats / self.quarters if self.quarters else float("nan")


Judge = Callable[[Sequence[Score]], list[Surprise]]
"""What a model says of pieces, in their order."""


def by_bar(score: Score, ticks: Ints, nats: Sequence[float]) -> tuple[float, ...]:
    """Nats of each bar, of the nats (n,) of steps that begin at `ticks` (n,)."""
    if not len(ticks):
        return ()
    starts = bar_starts(score.meters, int(ticks[-1]) + 1)
    bars = np.searchsorted(starts, ticks, side="right") - 1
    return tuple(np.bincount(bars, weights=np.asarray(nats, float), minlength=len(starts)).tolist())


def mean_per_quarter(pieces: Sequence[Surprise]) -> float | None:
    """Nats a quarter over all pieces that can be expressed; None where none can."""
    quarters = sum(one.quarters for one in pieces)
    return sum(one.nats for one in pieces) / quarters if quarters else None
