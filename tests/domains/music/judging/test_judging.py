"""The verdict over all figures: real pieces are good, random notes and copies are poor, few pieces are told of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from genapps.errors import InputError
from genapps.report.measured import measured_lines
from genapps_music.judging.baseline import independent_notes
from genapps_music.judging.judging import judge
from genapps_music.judging.likelihood import Surprise, by_bar, mean_per_quarter
from genapps_music.judging.rules import Ranges
from genapps_music.judging.voices import voices_of
from genapps_music.score import QUARTER, Note, Part, Score


@pytest.fixture(scope="module")
def sides(corpus: list[Score]) -> tuple[list[Score], list[Score]]:
    return corpus[:12], corpus[12:24]


def test_other_real_pieces_are_good(corpus: list[Score], sides: tuple[list[Score], list[Score]]) -> None:
    judged = judge(corpus[24:], *sides)
    assert judged.finding.level == "good", judged.finding.text
    assert judged.compared == 12
    by_key = {one.key: one for one in judged.measures}
    for kind in ("chords", "intervals"):
        near, far = (control.value or 0 for control in by_key[kind].controls)
        assert (by_key[kind].value or 0) < 2 * near < far
    json.dumps(judged.to_json(), allow_nan=False)


def test_the_same_seed_gives_the_same_figures(corpus: list[Score], sides: tuple[list[Score], list[Score]]) -> None:
    assert judge(corpus[24:], *sides, seed=3).to_json() == judge(corpus[24:], *sides, seed=3).to_json()


def test_independent_notes_are_poor(sides: tuple[list[Score], list[Score]]) -> None:
    reference, held_out = sides
    voices = [voices_of(one) for one in held_out]
    drawn = independent_notes(held_out, voices, [voices_of(one) for one in reference], np.random.default_rng(1))
    for made, real, piece in zip(drawn, held_out, voices, strict=True):
        assert [part.name for part in made.parts] == list(piece.names)
        assert {part.notes[-1].end for part in made.parts} == {real.end}
    judged = judge(drawn, reference, held_out)
    assert judged.finding.level == "poor"
    assert "unlike real ones" in judged.finding.text
    assert "crossed voices" in judged.finding.text


def test_copies_are_poor(sides: tuple[list[Score], list[Score]]) -> None:
    judged = judge(sides[0], *sides)
    assert judged.finding.level == "poor"
    assert "copy more than" in judged.finding.text
    assert judged.copies[0].halves == 12
    from_unseen = judge(sides[1], *sides, learnt=True)
    assert from_unseen.finding.level == "poor"
    assert from_unseen.sources[from_unseen.copies[0].made[0].source] == sides[1][0]


def test_one_piece_over_and_over_is_told(corpus: list[Score], sides: tuple[list[Score], list[Score]]) -> None:
    judged = judge([corpus[24]] * 12, *sides)
    assert judged.finding.level == "poor"
    assert "11 of 12 are the same as another" in judged.finding.text
    assert "far fewer kinds" in judged.finding.text


def test_planted_parallels_are_more_than_usual(
    chorale: Callable[..., Score], sides: tuple[list[Score], list[Score]]
) -> None:
    def parallel(score: Score) -> Score:
        melody = score.parts[0]
        below = replace(melody, name="Alto", notes=tuple(replace(n, pitch=n.pitch - 7) for n in melody.notes))
        return replace(score, parts=(melody, below, *score.parts[2:]))

    generator = np.random.default_rng(9)
    judged = judge([parallel(chorale(generator)) for _ in range(12)], *sides)
    assert judged.rates["fifths"]["made"].low > judged.rates["fifths"]["real"].high
    assert "more parallel fifths, octaves or unisons" in judged.finding.text
    assert judged.finding.level != "good"


def test_short_pieces_are_compared_with_beginnings(
    chorale: Callable[..., Score], sides: tuple[list[Score], list[Score]]
) -> None:
    generator = np.random.default_rng(5)
    judged = judge([chorale(generator, 8) for _ in range(10)], *sides)
    assert judged.quarters is not None
    assert judged.quarters <= 9
    assert max(one.voices.end for one in judged.real) <= judged.quarters * QUARTER
    assert any("cut to" in sentence for sentence in judged.notes)


def test_one_piece_is_judged_by_rules_and_copies(sides: tuple[list[Score], list[Score]]) -> None:
    judged = judge(sides[1][:1], *sides)
    assert judged.finding.text.startswith("The piece: ")
    assert judged.finding.level == "good"
    assert {one.key for one in judged.measures} >= {"parallels", "copied_voices"}
    assert "chords" not in {one.key for one in judged.measures}


def test_one_piece_that_is_a_copy_is_poor_unless_some_of_it_was_given(sides: tuple[list[Score], list[Score]]) -> None:
    reference, held_out = sides
    for real in (held_out, []):
        judged = judge(reference[:1], reference, real)
        assert judged.finding.level == "poor", judged.finding.text
        assert "of the piece)" in judged.finding.text
    melody = {(note.onset, note.pitch) for note in reference[0].parts[0].notes}
    judged = judge(reference[:1], reference, held_out, given=[melody])
    assert [one.way for one in judged.copies] == ["voices"]
    assert judged.finding.level == "poor"
    whole = {(note.onset, note.pitch) for part in reference[0].parts for note in part.notes}
    judged = judge(reference[:1], reference, held_out, given=[whole])
    assert judged.copies == ()
    assert judged.finding.level != "poor", judged.finding.text
    assert "copied_voices" not in {one.key for one in judged.measures}
    assert "what was given is not looked at for copies" in judged.notes
    judged = judge(held_out[:1], reference)
    assert judged.finding.level == "good"
    assert "longest copied passage: " in judged.finding.text


def test_without_real_pieces_nothing_is_claimed(corpus: list[Score]) -> None:
    judged = judge(corpus[:3])
    assert judged.finding.word == "Not judged"
    assert judged.copies == ()
    assert "range" not in judged.rates
    json.dumps(judged.to_json(), allow_nan=False)


def test_pieces_without_notes_are_left_out_and_told(corpus: list[Score]) -> None:
    drums = Score((Part((Note(0, 480, 36),), drums=True),), name="beat.mid")
    judged = judge([drums, corpus[0]])
    assert len(judged.made) == 1
    assert "beat.mid" in judged.notes[0]
    with pytest.raises(InputError, match="none of the made pieces"):
        judge([drums])


def test_likelihood_stands_beside_that_of_real_pieces(
    corpus: list[Score], sides: tuple[list[Score], list[Score]]
) -> None:
    def model(pieces: object) -> list[Surprise]:
        count = len(pieces)  # type: ignore[arg-type]
        return [Surprise((4.0, 2.0), 3.0), *[Surprise(why="five voices")] * (count - 1)]

    judged = judge(corpus[24:], *sides, surprise=model)
    (nats,) = (one for one in judged.measures if one.key == "nats")
    assert nats.value == 2.0
    assert "1 of 12" in nats.protocol
    assert "near real is better" in "".join(measured_lines([nats], "made"))
    assert nats.score("made").aim == "near real is better"
    assert "<svg" in nats.score("made").chart
    assert judged.to_json()["made"][1]["nats"]["why"] == "five voices"
    assert mean_per_quarter([Surprise(why="x")]) is None


def test_nats_fall_into_their_bars() -> None:
    score = Score((Part((Note(0, 10 * QUARTER, 60),)),))
    ticks = np.arange(0, 10 * QUARTER, QUARTER)
    assert by_bar(score, ticks, [1.0] * 10) == (4.0, 4.0, 2.0)
    assert by_bar(score, ticks[:0], []) == ()


def test_of_next_to_nothing_nothing_is_claimed(corpus: list[Score]) -> None:
    judged = judge([Score((Part((Note(0, 480, 60),)),))], corpus)
    assert judged.finding.word == "Not judged"
    assert "too few to judge" in judged.finding.text


def test_ranges_are_the_models_where_there_is_one(sides: tuple[list[Score], list[Score]]) -> None:
    reference, held_out = sides
    own = Ranges({}, {}, (0, 127), "the model's voices")
    made = [replace(held_out[0], parts=(Part((Note(0, 24 * QUARTER, 100),), "Soprano"), *held_out[0].parts[1:]))]
    assert judge(made, reference).made[0].checked.count("range") == 1
    judged = judge(made, reference, ranges=own)
    assert judged.made[0].checked.count("range") == 0
    assert "ranges of the voices are those of the model's voices" in judged.notes
    assert "range" in judge(made, ranges=own).rates


def test_pieces_given_whole_are_in_no_figure(sides: tuple[list[Score], list[Score]]) -> None:
    reference, held_out = sides
    given = [{(note.onset, note.pitch) for part in one.parts for note in part.notes} for one in held_out[:3]]
    judged = judge(held_out[:3], reference, given=[given[0], (), given[2]])
    assert [one.score for one in judged.given] == [held_out[0], held_out[2]]
    assert judged.numbers == (1,)
    alone = judge([held_out[1]], reference)
    assert judged.rates["leap"]["made"].breaches == alone.rates["leap"]["made"].breaches
    assert judged.to_json()["pieces"]["made"] == 1
