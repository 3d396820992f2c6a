"""Pieces to see and hear inside a page: a piano roll, a sound of a few seconds, nats by bar."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
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
_NOTES = 4_500  # that are drawn on a page, of about 100 bytes each
_HEARD = 20_000  # notes of a preview
_WIDE, _HIGH = 820.0, 90.0


def roll(score: Score, given: Sequence[Shade] = (), pieces: int = 1) -> str:
    """The beginning of a piece as a picture, a data URI; what was given is shaded. pieces: how many a page has."""
    from genapps_music.writing.picture import draw

    shown = beginning(score, _ROLL, _NOTES // max(pieces, 2))
    return f"data:image/svg+xml;base64,{base64.b64encode(draw(shown, given).encode()).decode()}"


def beginning(score: Score, end: int, most: int) -> Score:
    """What lies before the tick `end`, and only the first moments of it where these have so many notes already.

    Notes of a part that are one and the same are there once. The first moment is there whole, up to `most` of each
    part.
    """
    parts = [replace(part, notes=tuple(dict.fromkeys(part.notes))) for part in score.parts]
    onsets = sorted(note.onset for part in parts for note in part.notes)
    if len(onsets) > most:
        end = min(end, max(onsets[most], onsets[0] + 1))
    shorter = cut(replace(score, parts=tuple(parts)), end)
    return replace(shorter, parts=tuple(replace(part, notes=part.notes[:most]) for part in shorter.parts))


def sound(score: Score, seconds: float) -> str:
    """The first seconds of a piece as a WAV of 16 bits, a data URI; nothing where nothing sounds in them."""
    from genapps_music.writing.sound import render, wave_bytes

    heard = beginning(score, int(seconds * score.tempo / 60 * QUARTER), _HEARD)
    if not heard.end:
        return ""
    file = wave_bytes(render(heard, RATE)[: int(seconds * RATE)], RATE)
    return f"data:audio/wav;base64,{base64.b64encode(file).decode()}"


def seconds_each(pieces: int, room: int) -> float:
    """Seconds of each of some previews so that all together are at most `room` bytes on the page."""
    return min(LONGEST, room * 3 / 4 / (2 * RATE * max(pieces, 1)))


def bars(nats: Sequence[float], usual: float, first: int = 1) -> Markup:
    """Nats of each bar as a row of columns; those of more than twice the usual have the accent color.

    first: the number of the first bar, 0 for an upbeat.
    """
    nats = list(nats)[: _ROLL // QUARTER]
    top = max([*nats, 2 * usual, 1e-9])
    width = _WIDE / max(len(nats), 1)
    columns = []
    for k, one in enumerate(nats):
        high = (_HIGH - 20) * one / top
        title = tag("title", f"bar {k + first}: {one:.1f} nats")
        columns.append(
            tag("rect", title, x=width * k + 0.5, y=_HIGH - 14 - high, width=max(width - 1, 0.5), height=high,
                class_="odd" if one > 2 * usual else None)
        )  # fmt: skip
    level = _HIGH - 14 - (_HIGH - 20) * usual / top
    columns.append(tag("path", class_="usual", d=f"M0 {level:.1f}H{_WIDE:.0f}"))
    columns.append(tag("text", "nats of each bar under the model; the line: real pieces", x=0.0, y=_HIGH - 2))
    box = f"0 0 {_WIDE:.0f} {_HIGH:.0f}"
    return tag("svg", *columns, class_="bars", viewBox=box, role="img", aria_label="Nats of each bar under the model")
