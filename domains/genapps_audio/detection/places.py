"""When a clip is odd and in which band, out of the heat of its cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps_audio.detection.judging import Judged
from genapps_audio.detection.views import BANDS, STEP, band_edges

_SHARE = 0.3  # of the hottest cell's heat, down to which cells belong to its event
_HOLE = 6  # frames or bands of less heat that do not end an event
_ALL = 0.9  # of a clip's length, or of its bands, from which that is all of it


@dataclass(frozen=True)
class Place:
    """From when to when in seconds, and from where to where in Hz. louder: whether that is louder there than normal.

    length, top: of the whole clip in seconds, and half its rate in Hz.
    """

    begin: float
    end: float
    low: float
    high: float
    louder: bool
    length: float
    top: float

    def later(self, seconds: float) -> Place:
        """The same of a recording that began so much earlier."""
        return replace(self, begin=self.begin + seconds, end=self.end + seconds)

    @property
    def words(self) -> str:
        """As people read it."""
        always = self.end - self.begin > _ALL * self.length
        when = "all the time" if always else f"from {clock(self.begin)} to {clock(self.end)}"
        everywhere = self.high - self.low > _ALL * self.top
        band = "in all bands" if everywhere else f"at {hertz(self.low)} to {hertz(self.high)}"
        return f"{'louder' if self.louder else 'softer'} than normal {when} {band}"


def place_of(judged: Judged, rate: int, seconds: float) -> Place:
    """The box around the cells that are nearly as hot as the hottest and joined to it.

    rate: of the clip's wave. seconds: its length.
    """
    heat = judged.heat
    level = max(_SHARE * float(heat.max()), min(1.0, float(heat.max())))
    inside = grown(heat, level)
    rows, columns = torch.nonzero(inside, as_tuple=True)
    edges = band_edges(rate)
    # A frame is two steps long and stands in their middle; a band reaches to the middles of its neighbours.
    begin = 0.0 if not int(rows.min()) else (int(rows.min()) + 0.5) * STEP
    end = seconds if int(rows.max()) == len(heat) - 1 else min(seconds, (int(rows.max()) + 1.5) * STEP)
    low, high = float(edges[int(columns.min())]), float(edges[int(columns.max()) + 2])
    louder = float((judged.louder[inside] * heat[inside]).sum()) >= 0.5 * float(heat[inside].sum())
    return Place(min(begin, end), end, low, high, louder, seconds, rate / 2)


def grown(heat: Tensor, level: float) -> Tensor:
    """(T, 64) truth values: what is at least as hot as `level` and joined to the hottest cell, over small holes."""
    above = (heat >= level)[None, None]
    start = torch.zeros_like(above)
    hottest = int(heat.argmax())
    start[0, 0, hottest // BANDS, hottest % BANDS] = True
    size = 2 * _HOLE + 1
    while True:
        wider = (F.max_pool2d(start.float(), size, 1, _HOLE) > 0) & above
        if bool((wider == start).all()):
            return start[0, 0]
        start = wider


def clock(seconds: float) -> str:
    """0.52 s, 3:07.5, 2:14:05."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def hertz(value: float) -> str:
    """180 Hz, 2.4 kHz."""
    return f"{value:.0f} Hz" if value < 1_000 else f"{value / 1_000:.1f} kHz"
