"""The page: whole in itself, no foreign markup, sounds that fit, and the same figures beside it."""

from __future__ import annotations

import base64
import io
import json
import re
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from genapps_music.judging import showing
from genapps_music.judging.likelihood import Surprise
from genapps_music.judging.report import lines, write_page
from genapps_music.score import QUARTER, Note, Part, Score
from genapps_music.writing.picture import Shade

HOSTILE = '<script>alert("x")</script>\u202e\n.mid'


@pytest.fixture(scope="module")
def page(corpus: list[Score], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    place = tmp_path_factory.mktemp("page") / "report.html"
    made = [
        replace(corpus[30], name=HOSTILE, parts=(replace(corpus[30].parts[0], name=HOSTILE), *corpus[30].parts[1:]))
    ]

    def model(pieces: object) -> list[Surprise]:
        return [Surprise((3.0, 9.0, 1.0), 12.0) for _ in pieces]  # type: ignore[attr-defined]

    judged = write_page(
        place, [*made, *corpus[24:33]], reference=corpus[:12], held_out=corpus[12:24], surprise=model, title=HOSTILE,
        subject="music composed", facts=[("model", HOSTILE)], notes=["a remark"],
    )  # fmt: skip
    assert any("copy" in one or "copied" in one for one in lines(judged))
    return place, place.read_text("utf-8")


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(page: tuple[Path, str]) -> None:
    text = page[1]
    assert len(text) < 2_000_000
    assert not re.search(r"<script|javascript:|\son\w+=|@import|<iframe|<object", text)
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert "default-src 'none'" in text
    assert "media-src data:" in text
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text


def test_what_was_found_stands_on_it(page: tuple[Path, str]) -> None:
    place, text = page
    told = json.loads(place.with_suffix(".json").read_text("utf-8"))
    assert told["verdict"]["text"][:20] in text
    for words in ("parallel fifths", "Held-out real", "Independent notes", "nats of each bar", "a remark", "Copied"):
        assert words in text
    assert len(told["made"]) == 10
    assert told["facts"] == {"model": HOSTILE}


def test_sounds_are_short_waves_and_pictures_are_drawn(page: tuple[Path, str]) -> None:
    sounds = re.findall(r'<audio[^>]* src="data:audio/wav;base64,([^"]+)"', page[1])
    assert len(sounds) == 7
    assert sum(map(len, sounds)) < 1_500_000
    for sound in sounds:
        with wave.open(io.BytesIO(base64.b64decode(sound))) as read:
            assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, showing.RATE)
            frames = read.readframes(read.getnframes())
            assert 1 < read.getnframes() / showing.RATE <= showing.LONGEST
            assert any(frames)
    rolls = re.findall(r'class="roll" src="data:image/svg\+xml;base64,([^"]+)"', page[1])
    assert len(rolls) == 7
    assert all(b"<svg" in base64.b64decode(roll) for roll in rolls)


def test_what_was_given_is_shaded(corpus: list[Score], tmp_path: Path) -> None:
    plain, shaded = (showing.roll(corpus[0], given) for given in ((), (Shade(0, 4 * QUARTER),)))
    assert b"shade" in base64.b64decode(shaded.split(",")[1])
    write_page(tmp_path / "page.html", corpus[:1], title="one", given=[(Shade(0, 4 * QUARTER),)])
    text = (tmp_path / "page.html").read_text("utf-8")
    assert shaded in text
    assert plain not in text


def test_a_silent_beginning_has_no_sound() -> None:
    late = Score((Part((Note(1000 * QUARTER, 480, 60),)),))
    assert showing.sound(late, 10) == ""


def test_bars_above_twice_the_usual_stand_out() -> None:
    drawn = showing.bars([1.0, 5.0, 1.9], 1.0)
    assert drawn.count("<rect") == 3
    assert drawn.count('class="odd"') == 1
    assert "bar 2: 5.0 nats" in drawn


def test_a_beginning_has_so_many_notes_at_most_and_each_once() -> None:
    notes = tuple(Note(k // 3 * 10, 10, 60 + k % 3) for k in range(300))
    score = Score((Part(notes + notes), Part(notes[:1])))
    kept = showing.beginning(score, 10**6, 30)
    assert kept.parts[0].notes == notes[:30][: len(kept.parts[0].notes)]
    assert 24 < len(kept.parts[0].notes) <= 30
    assert showing.beginning(score, 10**6, 1000).parts[0].notes == notes
    assert showing.beginning(score, 50, 1000).end == 50
    chord = Score((Part(tuple(Note(0, 10 + k, 60) for k in range(500))),))
    assert len(showing.beginning(chord, 10**6, 30).parts[0].notes) == 30


def test_only_passages_longer_than_usual_are_told_and_given_pieces_are_marked(
    corpus: list[Score], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    write_page(page, [corpus[30]], reference=corpus[:12], held_out=corpus[12:24], title="own")
    assert "Copied, all voices: " not in page.read_text("utf-8")
    notes = {(note.onset, note.pitch) for part in corpus[31].parts for note in part.notes}
    made = [corpus[31], corpus[0]]
    write_page(page, made, reference=corpus[:12], held_out=corpus[12:24], title="a copy", kept=[notes, ()])
    text = page.read_text("utf-8")
    assert "Copied, all voices: " in text
    assert "in a row at most" in text
    assert text.count("given, not made: in no figure") == 1
