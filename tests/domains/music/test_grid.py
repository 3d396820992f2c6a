"""Cells: what the grid can hold comes back as it was, what it cannot is said, and every array of cells is a piece."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from genapps_music.grid import (
    HOLD,
    REST,
    Layout,
    Voice,
    cells_of,
    lawful,
    line_of,
    matched,
    polyphony,
    split,
    to_grid,
    to_score,
    voice_names,
    within,
)
from genapps_music.score import Note, Part, Score

LAYOUT = Layout(4, (Voice("Upper", 60, 80, 0, 0), Voice("Lower", 40, 64, 5, 1)))


def some_line(low: int, high: int) -> some.SearchStrategy[list[tuple[int, int, int]]]:
    """Notes one after the other, gaps between some: (onset, end, pitch) in steps."""
    note = some.tuples(some.integers(0, 5), some.integers(1, 6), some.integers(low, high))

    def placed(notes: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        found, now = [], 0
        for gap, length, pitch in notes:
            found.append((now + gap, now + gap + length, pitch))
            now += gap + length
        return found

    return some.lists(note, min_size=1, max_size=12).map(placed)


def part_of(line: list[tuple[int, int, int]], name: str, program: int = 0, ticks: int = 120) -> Part:
    return Part(tuple(Note(a * ticks, (b - a) * ticks, pitch) for a, b, pitch in line), name, program)


@given(some_line(60, 80), some_line(40, 64))
@settings(max_examples=60, deadline=None)
def test_what_lies_on_the_grid_comes_back_as_it_was(
    upper: list[tuple[int, int, int]], lower: list[tuple[int, int, int]]
) -> None:
    score = Score((part_of(upper, "Upper"), part_of(lower, "Lower", 5)), "piece")
    found = to_grid(score, LAYOUT)
    assert found.exact
    assert not found.remarks(4)
    assert to_score(found.cells, LAYOUT, name="piece") == score


@given(some.lists(some.lists(some.integers(0, 22), min_size=2, max_size=2), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_every_array_of_cells_is_a_piece_and_comes_back_but_for_holds_after_rests(rows: list[list[int]]) -> None:
    cells = np.array(rows)
    score = to_score(cells, LAYOUT)
    for part, voice in zip(score.parts, LAYOUT.voices, strict=True):
        assert all(voice.low <= note.pitch <= voice.high for note in part.notes)
    kept = lawful(cells)
    assert to_score(kept, LAYOUT) == score
    if score.end:
        again = to_grid(score, LAYOUT)
        length = len(again.cells)
        np.testing.assert_array_equal(again.cells, kept[:length])
        assert not kept[length:].any()
    before = np.zeros(2, int)
    for row in kept:
        assert not ((row == HOLD) & (before == REST)).any()
        before = row


def test_notes_between_steps_are_moved_and_said() -> None:
    score = Score((Part((Note(10, 110, 62), Note(250, 100, 64)), "Upper"),))
    found = to_grid(score, LAYOUT)
    assert found.moved == 2
    assert found.remarks(4) == ["2 of 2 notes moved to the grid of 4 steps a quarter"]
    assert line_of(found.cells[:, 0], LAYOUT.voices[0]) == [(0, 1, 62), (2, 3, 64)]


def test_a_polyphonic_part_is_split_from_the_top_down() -> None:
    chords = [(0, 4, 72), (0, 4, 67), (0, 2, 60), (2, 4, 59), (4, 8, 71), (4, 8, 67), (4, 8, 55)]
    assert polyphony(chords) == 3
    lines, lost, cut = split(sorted(chords, key=lambda one: (one[0], -one[2])), 3)
    assert (lost, cut) == (0, 0)
    assert [[pitch for _, _, pitch in line] for line in lines] == [[72, 71], [67, 67], [60, 59, 55]]
    piano = Layout(4, tuple(Voice("Piano", 50, 80, 0, 0) for _ in range(3)))
    assert voice_names(piano) == ["Piano 1", "Piano 2", "Piano 3"]
    score = Score((part_of(sorted(chords), "Piano"),))
    assert to_score(to_grid(score, piano).cells, piano) == score
    four = Layout(4, tuple(Voice(name, 40, 80, 0, k) for k, name in enumerate("ABC")))
    made = to_score(to_grid(score, four).cells, four)
    assert [len(part.notes) for part in made.parts] == [2, 2, 3]


def test_too_many_notes_keep_the_outer_ones_and_are_counted() -> None:
    chord = [(0, 4, 72), (0, 4, 69), (0, 4, 65), (0, 4, 60)]
    lines, lost, cut = split(chord, 2)
    assert ([line[0][2] for line in lines], lost, cut) == ([72, 60], 2, 0)
    lines, lost, cut = split([(0, 8, 60), (4, 8, 62)], 1)
    assert (lines, lost, cut) == ([[(0, 4, 60), (4, 8, 62)]], 0, 1)


def test_fewer_parts_rest_and_parts_of_known_names_go_to_them() -> None:
    alone = to_grid(Score((part_of([(0, 4, 45)], "bass"),)), LAYOUT)
    assert alone.cells[:, 0].tolist() == [0, 0, 0, 0]
    assert alone.cells[0, 1] == 2 + 45 - 40
    swapped = Score((part_of([(0, 4, 62)], "lower"), part_of([(0, 4, 61)], "upper")))
    assert to_grid(swapped, LAYOUT).cells[0].tolist() == [2 + 1, 2 + 22]


def test_lines_are_matched_in_order_and_by_pitch() -> None:
    assert matched([50.0], [70, 60, 50, 40]) == [(0, 2)]
    assert matched([72.0, 41.0], [70, 60, 50, 40]) == [(0, 0), (1, 3)]
    assert matched([80, 70, 60], [70, 60]) == [(1, 0), (2, 1)]


def test_what_is_out_of_range_is_counted_or_moved_by_octaves() -> None:
    voice = LAYOUT.voices[0]
    cells, outside = cells_of([[(0, 2, 90), (2, 4, 60)]], [voice])
    assert outside == 1
    assert cells[:, 0].tolist() == [0, 0, 2, 1]
    held = np.array([[2], [1], [22], [1]])
    assert within(held, [voice], [(65, 79)])[:, 0].tolist() == [14, 1, 10, 1]
    assert within(held, [voice], [(61, 64)])[:, 0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("steps", [2, 3, 4, 6, 8, 12])
def test_every_step_is_a_whole_number_of_ticks(steps: int) -> None:
    assert Layout(steps, LAYOUT.voices).ticks * steps == 480
