"""What a channel is, told from its normal part alone, since each kind has to be judged in its own way."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np

from genapps_timeseries.series import Codes, Floats

Role = Literal["continuous", "binary", "levels", "constant", "counter", "unknown"]

FEW = 8  # different values, at most, of a channel of levels
DWELL = 10  # rows, on average, that such a channel stays where it is
RESETS = 0.01  # of its steps may be the resets of a counter


def role_of(normal: Floats) -> Role:
    """The role of one channel from points (R,) of its normal part, NaN where unknown.

    unknown: no point is known. constant: one value. binary: two values. levels: three, or up to eight whole numbers at
    each of which the channel stays ten rows and more on average (modes, settings). counter: it only grows, or only
    falls, but for resets in at most one step of a hundred. continuous: everything else.
    """
    known = normal[np.isfinite(normal)]
    if not len(known):
        return "unknown"
    values = np.unique(known)
    if len(values) <= 2:
        return "constant" if len(values) == 1 else "binary"
    steps = np.diff(known)
    changes = int(np.count_nonzero(steps))
    if len(values) == 3 or (len(values) <= FEW and _whole(values) and changes * DWELL <= len(known)):
        return "levels"
    back = min(int((steps < 0).sum()), int((steps > 0).sum()))
    return "counter" if back <= RESETS * len(steps) and changes - back >= 4 else "continuous"


def roles_of(normal: Floats) -> tuple[Role, ...]:
    """The roles of all channels of a normal part (R, C)."""
    return tuple(role_of(column) for column in normal.T)


def switch_values(normal: Floats, roles: tuple[Role, ...]) -> Floats:
    """The values that at least two binary channels have in common: a constant channel at one of them may be a switch.

    Commands and one-hot codes come in such groups. One that was never used in the normal part is no broken sensor when
    it is used for the first time.
    """
    seen = Counter(_levels(column) for column, role in zip(normal.T, roles, strict=True) if role == "binary")
    shared = {value for pair, count in seen.items() if count >= 2 for value in pair}
    return np.array(sorted(shared), np.float64)


def crowds(normal: Floats, roles: tuple[Role, ...], switches: Floats) -> Codes:
    """How many channels (C,) of switches each channel is one of, 1 where it is none.

    With many of them, one or another is always used in an unusual way.
    """
    switch = np.array(
        [
            role in ("binary", "constant") and set(_levels(column)) <= set(switches.tolist())
            for column, role in zip(normal.T, roles, strict=True)
        ],
        bool,
    )
    return np.where(switch, switch.sum(), 1).astype(np.int64)


def _levels(column: Floats) -> tuple[float, ...]:
    return tuple(np.unique(column[np.isfinite(column)]).tolist())


def _whole(values: Floats) -> bool:
    return bool((values == np.rint(values)).all())
