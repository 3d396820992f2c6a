"""Recordings are cut without a gap, however long they are and are read; events join what belongs together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps_audio.detection import windows as cutting
from genapps_audio.detection.places import Place
from genapps_audio.detection.tasks import Row, events_of
from genapps_audio.detection.windows import Cut, Header, header_of, headers, windows
from genapps_audio.reading.clips import open_clips
from genapps_audio.records import Unreadable


@pytest.mark.parametrize("total", [1, 9, 10, 15, 16, 20, 21, 25, 30, 31, 99])
@pytest.mark.parametrize("blocks", [1, 3, 10, 17, 200])
def test_windows_cover_every_sample_and_blocks_do_not_show(total: int, blocks: int) -> None:
    wave = np.arange(total, dtype=np.float32)
    pieces = [wave[k : k + blocks] for k in range(0, total, blocks)]
    found = list(cutting._cut(iter(pieces), 10))
    whole = list(cutting._cut(iter([wave]), 10))
    assert [(start, one.tolist()) for start, one in found] == [(start, one.tolist()) for start, one in whole]
    assert all(one.tolist() == list(range(start, start + len(one))) for start, one in found)
    assert {int(sample) for _, one in found for sample in one} == set(range(total))
    assert len(found) == Cut(10, 1).count(total)
    if total > 15:
        assert all(len(one) == 10 for _, one in found)


def test_the_length_and_rate_of_windows_are_those_of_clips() -> None:
    short = [Header(44_100, 4.9), Header(44_100, 5.0), Header(8_000, 6.0)]
    assert Cut.of(short) == Cut(5.0, 16_000)
    assert Cut.of([Header(8_000, 3600.0)]) == Cut(5.0, 8_000)
    assert Cut.of(short, 2.0, 22_050) == Cut(2.0, 22_050)


def test_a_long_file_is_read_in_pieces_that_make_the_same_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, 5 * 4_000).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", wave, 4_000, subtype="FLOAT")
    clips = open_clips(tmp_path / "long.wav")
    header = header_of(clips.paths[0], clips)
    whole = list(windows(clips, 0, header, Cut(1.0, 4_000)))
    monkeypatch.setattr(cutting, "_WHOLE", 1.0)
    monkeypatch.setattr(cutting, "_BLOCK", 2)
    streamed = list(windows(clips, 0, header, Cut(1.0, 4_000)))
    assert [one.start for one in streamed] == [0, 1, 2, 3, 4]
    for one, other in zip(whole, streamed, strict=True):
        assert one.start == other.start and np.array_equal(one.wave, other.wave)


def test_what_is_no_clip_is_listed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4_000), 4_000)
    soundfile.write(tmp_path / "tiny.wav", np.zeros(40), 4_000)
    (tmp_path / "text.wav").write_text("no sound")
    found, skipped = headers(open_clips(tmp_path))
    assert [round(one.seconds, 6) for one in found.values()] == [1.0]
    assert {one.name: one.reason for one in skipped}["tiny.wav"] == "0.01 s long; at least 0.1 s are needed"
    assert len(skipped) == 2
    with pytest.raises(Unreadable):
        header_of(tmp_path / "none.wav", open_clips(tmp_path))


def row(name: str, start: float, alarm: bool, p: float = 0.01) -> Row:
    place = Place(start + 0.2, start + 0.8, 100.0, 200.0 + start, True, 1.0, 4_000.0)
    return Row(name, start, start + 1, 1.0 - p, p if alarm else 0.5, alarm, place, "its timbre", "good.wav", False)


def test_windows_in_alarm_that_follow_one_another_are_one_event() -> None:
    rows = [
        row("a", 0, False),
        row("a", 1, True, 0.01),
        row("a", 2, True, 0.005),
        row("a", 3, False),
        row("a", 4, True),
        replace(row("a", 5, True), place=Place(5.1, 5.9, 900.0, 950.0, True, 1.0, 4_000.0)),  # in another band
        row("b", 0, True),
        row("b", 1, False),
        replace(row("b", 0, True), name="b"),  # another recording of the same name
    ]
    found = [
        (one.name, round(one.place.begin, 2), round(one.place.end, 2), one.windows, one.p_value)
        for one in events_of(rows, 0.01)
    ]
    assert found == [
        ("a", 1.2, 2.8, 2, 0.005),
        ("a", 4.2, 4.8, 1, 0.01),
        ("a", 5.1, 5.9, 1, 0.01),
        ("b", 0.2, 0.8, 1, 0.01),
        ("b", 0.2, 0.8, 1, 0.01),
    ]
    first = next(events_of(rows, 0.01))
    assert first.place.high == 202.0 and first.peak == pytest.approx(2.5) and "its timbre" in first.reason
