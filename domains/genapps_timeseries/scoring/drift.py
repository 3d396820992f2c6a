"""How far a channel wanders within its normal part, as a measure of how far it will wander after it."""

from __future__ import annotations

import numpy as np

from genapps_timeseries.series import Floats

WIDTH = 16  # rows: levels are means of as many
SHARE = 0.6  # of the rows are looked back from
EDGE = 0.02  # of the levels lie beyond the range that counts, on each side
HIGH = 0.9  # of the levels that came later lie no farther out


def drift(normal: Floats) -> float:
    """How far the level of points (R,), NaN left out, later left the range that it had kept, in its deviations; 0 up.

    Looked at forwards and backwards, the worse counts. About 0 for what keeps coming back, as noise and seasons within
    the part do; 1 and more for what wanders, which no number of rows shows to be within its range.
    """
    known = normal[np.isfinite(normal)]
    if len(known) < 4 * WIDTH:
        return 0.0
    total = np.concatenate([[0.0], np.cumsum(known - known.mean())])
    levels = (total[WIDTH:] - total[:-WIDTH]) / WIDTH
    return max(_left(levels, known), _left(levels[::-1], known[::-1]))


def _left(levels: Floats, known: Floats) -> float:
    split = int(SHARE * len(levels))
    low, high = np.quantile(levels[:split], [EDGE, 1 - EDGE])
    unit = max(float(known[: int(SHARE * len(known))].std()), 1e-9 * float(known.std()), 1e-300)
    out = np.maximum(low - levels[split:], levels[split:] - high)
    return float(max(np.quantile(out, HIGH), 0.0)) / unit
