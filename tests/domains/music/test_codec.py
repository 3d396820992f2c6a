"""A corpus on its grid: steps, voices, ranges, bars and keys are found in it; pieces come back in their own keys."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from genapps.errors import InputError
from genapps_music.codec import CONTEXT, Codec, bar_starts, gather, parted, steps_of, structure_of, transposed
from genapps_music.grid import HOLD, REST, Layout, Voice
from genapps_music.score import QUARTER, Meter, Note, Part, Score
from genapps_music.tonality import home_of, key_name, key_of, keys_of, to_home


def chorale(seed: int, bars: int = 4, shift: int = 0, name: str = "") -> Score:
    """Four voices in chords of C major, moved by so many semitones."""
    draws = np.random.default_rng(seed)
    parts = []
    for voice, base in zip(("Soprano", "Alto", "Tenor", "Bass"), (72, 64, 55, 48), strict=True):
        degrees = (0, 4, 7, 5, 0)
        notes = [
            Note(beat * QUARTER, QUARTER, base + shift + degrees[int(draws.integers(5))]) for beat in range(4 * bars)
        ]
        notes[-1] = Note((4 * bars - 1) * QUARTER, QUARTER, base + shift)
        parts.append(Part(tuple(notes), voice))
    return Score(tuple(parts), name or f"piece {seed}")


def test_the_grid_is_the_coarsest_that_holds_nearly_all_onsets() -> None:
    def of(*lengths: int) -> Score:
        onsets = np.cumsum([0, *lengths * 8])
        return Score((Part(tuple(Note(int(a), int(b - a), 60) for a, b in pairwise(onsets))),))

    assert steps_of([of(480, 240)]) == 2
    assert steps_of([of(480, 120, 360)]) == 4
    assert steps_of([of(160, 160, 160)]) == 3
    assert steps_of([of(160, 160, 160), of(120, 360)]) == 12


def test_voices_and_ranges_are_those_of_the_corpus_and_pieces_come_back_in_their_keys() -> None:
    scores = [chorale(k, shift=k % 5 - 2) for k in range(10)]
    corpus = gather(scores)
    codec = corpus.codec
    assert [voice.name for voice in codec.layout.voices] == ["Soprano", "Alto", "Tenor", "Bass"]
    for column, (low, high) in enumerate(codec.limits):
        seen = [note.pitch for score in scores for note in score.parts[column].notes]
        assert (low, high) == (min(seen), max(seen))
    for piece, score in zip(corpus.pieces, scores, strict=True):
        assert codec.score(piece).parts == score.parts
        assert (piece.cells < np.array([voice.size for voice in codec.layout.voices])).all()
    assert Codec.from_json(codec.to_json()) == codec
    assert set(codec.homes) <= set(range(-6, 6))


def test_pieces_unlike_the_others_are_skipped_and_said() -> None:
    five = Score((*chorale(1).parts, Part((Note(0, 480, 60),), "Horn")), "five")
    named = Score(tuple(reversed(chorale(2).parts)), "reversed")
    silent = Score((Part((Note(0, 100, 36),), drums=True),), "drums")
    corpus = gather([chorale(k) for k in range(4)] + [five, named, silent])
    assert [one.name for one in corpus.skipped] == ["drums"]
    assert len(corpus.pieces) == 6  # the horn has no name of the four, which are there
    alike = corpus.codec.score(corpus.pieces[5])
    assert alike.parts == chorale(2).parts
    with pytest.raises(InputError, match="no piece with notes"):
        gather([silent])


def test_bars_begin_where_meters_say() -> None:
    layout = Layout(4, (Voice("", 60, 61),))
    assert bar_starts((Meter(),), layout, 20) == [0, 16, 32]
    assert bar_starts((Meter(0, 3, 4), Meter(24 * 120, 4, 4)), layout, 41) == [0, 12, 24, 40, 56]
    assert bar_starts((Meter(0, 1, 4), Meter(480, 4, 4)), layout, 5) == [0, 4, 20]


def test_the_context_tells_places_and_bars_before_and_left() -> None:
    codec = gather([chorale(k, bars=12) for k in range(3)]).codec
    frames = codec.frames(gather([chorale(0, bars=12)]).pieces[0])
    step = 4 * codec.layout.steps
    assert frames.shape[1] == CONTEXT + 4
    assert frames[: step + 1, 0].tolist() == [*range(step), 0]
    assert frames[::step, 2].tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4]
    assert frames[::step, 3].tolist() == [8, 8, 8, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_parts_of_a_long_piece_begin_at_bars_and_hold_all_of_it() -> None:
    corpus = gather([chorale(k, bars=9) for k in range(2)])
    piece, bar = corpus.pieces[0], corpus.codec.bar
    parts = parted(piece, 4 * bar)
    assert [len(part.cells) for part in parts] == [4 * bar, 4 * bar, bar]
    assert [part.before for part in parts] == [0, 4, 8]
    np.testing.assert_array_equal(np.concatenate([part.cells for part in parts]), piece.cells)
    whole = corpus.codec.frames(piece)
    np.testing.assert_array_equal(np.concatenate([corpus.codec.frames(part) for part in parts]), whole)
    held = gather([Score((Part((Note(0, 8 * QUARTER, 60), Note(8 * QUARTER, QUARTER, 62))),)) for _ in range(2)])
    second = parted(held.pieces[0], held.codec.bar)[1]
    assert second.cells[0, 0] not in (HOLD, REST)
    assert [len(part.cells) for part in parted(piece, 4 * bar, 2)] == [4 * bar, 4 * bar, 4 * bar, 3 * bar]


def test_structure_is_what_most_pieces_have() -> None:
    piano = Score((Part((Note(0, 480, 60), Note(0, 480, 64), Note(480, 480, 60), Note(480, 480, 67))),))
    assert structure_of([piano, piano, chorale(0)], 4) == (2,)
    assert structure_of([piano, chorale(0), chorale(1)], 4) == (1, 1, 1, 1)


def test_scales_have_their_keys_and_come_home() -> None:
    major, minor = (0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0), (0, 2, 3, 5, 7, 8, 11, 12, 7, 3, 0)
    for tonic in range(12):
        assert key_of([(60 + tonic + step, 1) for step in major]) == (tonic, False)
        assert key_of([(60 + tonic + step, 1) for step in minor]) == (tonic, True)
        assert -6 <= to_home(tonic, False) <= 5
        assert (tonic + to_home(tonic, True)) % 12 == 9
    assert len(keys_of([])) == 24
    assert key_name(10, False) == "Bb major"
    score = chorale(3, shift=-3)
    assert home_of(score) == home_of(chorale(3)) + 3
    assert transposed(score, 3).parts == chorale(3).parts
