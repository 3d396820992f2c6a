"""The piano roll: a picture by itself in which every note is where it belongs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.writing.picture import LEFT, WIDE, Shade, draw

NS = "{http://www.w3.org/2000/svg}"


def rects(picture: str, kind: str) -> list[dict[str, str]]:
    root = ET.fromstring(picture)
    return [one.attrib for one in root.iter(f"{NS}rect") if one.get("class", "") == kind and one.get("rx") == "1"]


def piece(notes: int = 16) -> Score:
    return Score(
        (
            Part(tuple(Note(480 * at, 480, 60 + at % 12) for at in range(notes)), "Flute & <b>"),
            Part((Note(0, 960, 48),), ""),
        ),
        name='a "name" <x>.mid',
    )


def test_every_note_is_drawn_where_it_belongs() -> None:
    picture = draw(piece())
    flute = rects(picture, "g0")[1:]  # the first is the legend's
    assert len(flute) == 16
    x = [float(one["x"]) for one in flute]
    assert x[0] == LEFT
    assert [b - a for a, b in pairwise(x)] == pytest.approx([(WIDE - LEFT - 1) / 16] * 15, abs=0.11)
    y = [float(one["y"]) for one in flute[:12]]
    assert y == sorted(y, reverse=True)
    assert "http://" not in picture.replace("http://www.w3.org/2000/svg", "")
    texts = {one.text for one in ET.fromstring(picture).iter(f"{NS}text")}
    assert {"Flute & <b>", "Part 2", "C4", "C3", "1", "4"} <= texts
    assert "prefers-color-scheme:dark" in picture


def test_what_was_given_is_hollow() -> None:
    picture = draw(piece(), [Shade(0, 1920, label="seed"), Shade(0, 10**6, 1, "bass")])
    assert len(rects(picture, "g0 given")) == 4
    assert len(rects(picture, "g1 given")) == 1
    assert {"seed", "bass"} <= {one.text for one in ET.fromstring(picture).iter(f"{NS}text")}


def test_long_pieces_take_rows() -> None:
    picture = draw(piece(200))
    plates = [one for one in ET.fromstring(picture).iter(f"{NS}rect") if one.get("class") == "plate"]
    assert len(plates) == 4
    assert len({one.get("y") for one in plates}) == 4
    numbers = {one.text for one in ET.fromstring(picture).iter(f"{NS}text")}
    assert {"1", "15", "29", "43", "50"} <= numbers
    endless = draw(Score((Part((Note(10**6, 480, 60), Note(8 * 10**6, 480, 60))),)))
    assert "and so on" in endless
    assert len(endless) < 300_000


def test_nothing_and_extremes() -> None:
    for score in (
        Score(()),
        Score((Part((Note(0, 1, 0), Note(0, 1, 127))),)),
        Score(tuple(Part((Note(0, QUARTER, 60),), f"Part {at}") for at in range(40)), meters=(Meter(0, 7, 16),)),
    ):
        ET.fromstring(draw(score))
