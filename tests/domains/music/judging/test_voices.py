"""A piece as voices: chords fall into lines, nothing is lost, bars are counted by their meters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from genapps.errors import UsageError
from genapps_music.cli_infill import _counted
from genapps_music.judging.voices import BREATH, bar_starts, cut, lines_of, pitch_name, place, voices_of
from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.writing.notation import bars


def test_chords_of_one_part_become_lines_from_the_top() -> None:
    chords = [Note(t * QUARTER, QUARTER, p) for t in range(3) for p in (60 + t, 64 + t, 67 + t)]
    lines = lines_of(Part(tuple(chords)))
    assert [[note.pitch for note in line] for line in lines] == [[67, 68, 69], [64, 65, 66], [60, 61, 62]]


@pytest.mark.parametrize("seed", range(20))
def test_up_to_eight_lines_hold_every_note_and_none_overlap(seed: int) -> None:
    generator = np.random.default_rng(seed)
    notes = {(int(o), int(p)): Note(int(o) * 60, 60 * int(generator.integers(1, 4)), int(p))
             for o, p in zip(generator.integers(0, 60, 40), generator.integers(40, 80, 40), strict=True)}  # fmt: skip
    lines = lines_of(Part(tuple(sorted(notes.values()))))
    held = sorted((note.onset, note.pitch) for line in lines for note in line)
    assert held == sorted((note.onset, note.pitch) for note in notes.values())
    for line in lines:
        assert all(a.end <= b.onset for a, b in pairwise(line))


def test_played_notes_that_overlap_or_part_a_little_are_one_line() -> None:
    notes = (Note(0, QUARTER + BREATH, 60), Note(QUARTER, QUARTER - BREATH, 62), Note(2 * QUARTER, QUARTER, 64))
    (line,) = lines_of(Part(notes))
    assert [note.duration for note in line] == [QUARTER] * 3


def test_voices_lie_from_the_highest_down_and_drums_are_none() -> None:
    low, high = Part((Note(0, 480, 40),), "same"), Part((Note(480, 480, 80),), "same")
    drums = Part((Note(0, 480, 36),), drums=True)
    found = voices_of(Score((low, drums, high)))
    assert found.names == ("same 1", "same 2")
    assert found.moments.tolist() == [0, 480, 960]
    assert found.pitches.tolist() == [[-1, 40], [80, -1], [-1, -1]]


def test_bars_follow_their_meters() -> None:
    meters = (Meter(0, 1, 4), Meter(QUARTER, 3, 4), Meter(7 * QUARTER, 6, 8))
    assert (bar_starts(meters, 10 * QUARTER) / QUARTER).tolist() == [0, 1, 4, 7]
    assert place(meters, 0) == (1, 1)
    assert place(meters, 5 * QUARTER + 240) == (3, 2.5)
    assert place(meters, 7 * QUARTER + 240) == (4, 2)


def test_bars_are_numbered_as_in_the_score() -> None:
    upbeat = Score((Part((Note(3 * QUARTER, QUARTER, 60), Note(4 * QUARTER, 8 * QUARTER, 62))),))
    found = voices_of(upbeat)
    assert [bar.number for bar in bars(upbeat)] == [0, 1, 2]
    assert [found.place(k * QUARTER) for k in (3, 4, 9)] == [(0, 4), (1, 1), (2, 2)]
    assert _counted(upbeat, (0, 1)) == (1, 2)
    with pytest.raises(UsageError, match="has the bars 0-2, so there is no 2-3"):
        _counted(upbeat, (2, 3))
    whole = Score((Part((Note(0, 12 * QUARTER, 60),)),))
    assert voices_of(whole).place(4 * QUARTER) == (2, 1)
    assert _counted(whole, (3, 3)) == (3, 3)
    with pytest.raises(UsageError, match="has the bars 1-3"):
        _counted(whole, (0, 0))


def test_a_cut_keeps_what_lies_before_it() -> None:
    score = Score((Part((Note(0, 480, 60), Note(480, 480, 62), Note(960, 480, 64))),))
    assert cut(score, 720).parts[0].notes == (Note(0, 480, 60), Note(480, 240, 62))


def test_middle_c_is_c4() -> None:
    assert [pitch_name(p) for p in (60, 69, 58)] == ["C4", "A4", "Bb3"]
