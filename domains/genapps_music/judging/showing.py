"""Pieces to see and hear inside a page: a piano roll, a sound of a few seconds, nats by bar."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from genapps.report.charts import tag
from genapps_music.judging.voices import cut
from genapps_music.score import QUARTER, Score

if TYPE_CHECKING:
    from genapps_music.writing.picture import Shade

RATE = 11025  # Hz: what a preview needs
LONGEST = 20.0  # seconds of a preview
_ROLL = 128 * QUARTER  # ticks of a piece that are drawn
_WIDE, _HIGH = 820.0, 90.0


def roll(score: Score, given: Sequence[Shade] = ()) -> str:
    """The beginning of a piece as a picture, a data URI; what was given is shaded."""
    from genapps_music.writing.picture import draw

    return f"data:image/svg+xml;base64,{base64.b64encode(draw(cut(score, _ROLL), given).encode()).decode()}"


def sound(score: Score, seconds: float) -> str:
    """The first seconds of a piece as a WAV of 16 bits, a data URI; nothing where nothing sounds in them."""
    from genapps_music.writing.sound import render, wave_bytes

    beginning = cut(score, int(seconds * score.tempo / 60 * QUARTER))
    if not beginning.end:
        return ""
    file = wave_bytes(render(beginning, RATE)[: int(seconds * RATE)], RATE)
    return f"data:audio/wav;base64,{base64.b64encode(file).decode()}"


def seconds_each(pieces: int, room: int) -> float:
    """Seconds of each of some previews so that all together are at most `room` bytes on the page."""
    return min(LONGEST, room * 3 / 4 / (2 * RATE * max(pieces, 1)))


def bars(nats: Sequence[float], usual: float) -> Markup:
    """Nats of each bar as a row of columns; those of more than twice the usual have the accent color."""
    nats = list(nats)[: _ROLL // QUARTER]
    top = max([*nats, 2 * usual, 1e-9])
    width = _WIDE / max(len(nats), 1)
    columns = []
    for k, one in enumerate(nats):
        high = (_HIGH - 20) * one / top
        title = tag("title", f"bar {k + 1}: {one:.1f} nats")
        columns.append(
            tag("rect", title, x=width * k + 0.5, y=_HIGH - 14 - high, width=max(width - 1, 0.5), height=high,
                class_="odd" if one > 2 * usual else None)
        )  # fmt: skip
    level = _HIGH - 14 - (_HIGH - 20) * usual / top
    columns.append(tag("path", class_="usual", d=f"M0 {level:.1f}H{_WIDE:.0f}"))
    columns.append(tag("text", "nats of each bar under the model; the line: real pieces", x=0.0, y=_HIGH - 2))
    box = f"0 0 {_WIDE:.0f} {_HIGH:.0f}"
    return tag("svg", *columns, class_="bars", viewBox=box, role="img", aria_label="Nats of each bar under the model")
