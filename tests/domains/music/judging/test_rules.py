"""Rules of voice leading: what is planted is found where it is, what is allowed is not, and music21 agrees."""

from __future__ import annotations

import numpy as np
import pytest

from genapps_music.judging.rules import Checked, Ranges, check, learn_ranges, rate
from genapps_music.judging.voices import voices_of
from genapps_music.score import QUARTER, Meter, Note, Part, Score


def piece(*voices: tuple[int, ...], names: str = "SATB") -> Score:
    """Voices from the top in quarters; 0 is a rest, 1 holds the note before."""
    parts = []
    for name, pitches in zip(names, voices, strict=False):
        notes: list[Note] = []
        for t, pitch in enumerate(pitches):
            if pitch == 1:
                notes[-1] = Note(notes[-1].onset, notes[-1].duration + QUARTER, notes[-1].pitch)
            elif pitch:
                notes.append(Note(t * QUARTER, QUARTER, pitch))
        parts.append(Part(tuple(notes), name))
    return Score(tuple(parts), meters=(Meter(0, 2, 4),))


def found(score: Score) -> list[tuple[str, int, float]]:
    return [(one.rule, one.bar, one.beat) for one in check(voices_of(score)).breaches]


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ((67, 67, 69), (60, 60, 62), [("fifths", 2, 1)]),
        ((79, 79, 81), (60, 60, 62), [("fifths", 2, 1)]),  # twelfths
        ((72, 74, 74), (60, 62, 60), [("octaves", 1, 2)]),
        ((84, 86, 86), (60, 62, 60), [("octaves", 1, 2)]),  # two of them
        ((60, 62, 64), (60, 62, 60), [("unisons", 1, 2)]),
        ((67, 69, 69), (60, 60, 62), []),  # one after the other
        ((67, 69, 69), (60, 50, 50), []),  # apart: a fifth, a sixth and an octave
        ((66, 67, 67), (60, 60, 60), []),
        ((66, 69, 69), (60, 62, 62), []),  # a diminished fifth before
        ((72, 62, 62), (60, 62, 62), []),  # an octave, then a unison, and not in one direction
        ((67, 0, 69), (60, 0, 62), []),  # a rest in between
    ],
)
def test_parallels(upper: tuple[int, ...], lower: tuple[int, ...], expected: list[tuple[str, int, float]]) -> None:
    parallels = [one for one in found(piece(upper, lower)) if one[0] in ("fifths", "octaves", "unisons")]
    assert parallels == expected


def test_every_pair_of_voices_is_looked_at() -> None:
    score = piece((76, 78), (69, 69), (64, 66), (57, 59))
    told = {(one.rule, one.voices) for one in check(voices_of(score)).breaches}
    assert told == {("octaves", ("S", "T")), ("fifths", ("S", "B")), ("fifths", ("T", "B"))}


def test_crossing_and_spacing_are_told_once_where_they_begin() -> None:
    score = piece((72, 60, 60, 72, 72), (65, 64, 64, 65, 58), (50, 50, 50, 50, 50))
    assert [one for one in found(score) if one[0] in ("crossing", "spacing")] == [
        ("crossing", 1, 2),
        ("spacing", 3, 1),
    ]


def test_leaps() -> None:
    assert [rule for rule, _, _ in found(piece((60, 66, 72, 60, 73, 62, 72)))] == ["leap"] * 5
    assert found(piece((60, 67, 79, 71, 72, 0, 60))) == []


def test_ranges_are_those_of_the_corpus_by_name_then_by_place() -> None:
    ranges = learn_ranges([voices_of(piece((72, 79), (60, 64))), voices_of(piece((70, 75), (58, 60)))])
    assert ranges.of("s", 0, 2) == (70, 79)
    assert ranges.of("flute", 1, 2) == (58, 64)
    assert ranges.of("flute", 4, 5) == (58, 79)
    low = [one for one in check(voices_of(piece((69, 80), (60, 60))), ranges).breaches if one.rule == "range"]
    assert [(one.voices, one.tick) for one in low] == [(("S",), 0), (("S",), QUARTER)]


def test_a_rate_is_breaches_in_a_hundred_changes_and_its_interval_holds_it() -> None:
    generator = np.random.default_rng(0)
    bad = check(voices_of(piece((67, 69, 67, 69), (60, 62, 60, 62))))
    good = Checked(97, ())
    one = rate([bad, good], "fifths", generator=generator)
    assert (one.breaches, one.changes, one.value) == (3, 100, 3.0)
    assert one.low == 0.0
    assert one.high == 100.0  # a draw may have the bad piece only
    assert rate([], "fifths", generator=generator).value == 0.0


def test_music21_finds_the_same_parallels() -> None:
    from music21.note import Note as Theirs
    from music21.voiceLeading import VoiceLeadingQuartet

    generator = np.random.default_rng(1)
    seen = set()
    for _ in range(400):
        low = int(generator.integers(48, 60))
        high = low + int(generator.choice([0, 7, 12, 19, 24, 4]))
        step = generator.integers(-4, 5, 2)
        if generator.random() < 0.7:
            step[1] = step[0] + generator.choice([0, 0, 12])
        a, b = (high, high + int(step[0])), (low, low + int(step[1]))
        theirs = VoiceLeadingQuartet(*(Theirs(p) for p in (*a, *b)))
        if any(gap.semitones % 12 in (0, 5, 7) and gap.generic.perfectable is False for gap in theirs.vIntervals):
            continue  # Eb over G# sounds as a fifth and is spelled as a sixth; we know pitches alone
        expected = {
            rule
            for rule, name in (("fifths", "P5"), ("octaves", "P8"), ("unisons", "P1"))
            if theirs.parallelMotion(name, allowOctaveDisplacement=True)
        }
        ours = {one.rule for one in check(voices_of(piece(a, b))).breaches} & {"fifths", "octaves", "unisons"}
        assert ours == expected, (a, b)
        seen |= ours
    assert seen == {"fifths", "octaves", "unisons"}


def test_a_piece_of_one_voice_or_none_breaks_no_rule_of_pairs() -> None:
    assert check(voices_of(piece((60, 62, 64)))).breaches == ()
    assert check(voices_of(Score(()))) == Checked(0, ())
    assert learn_ranges([]) == Ranges({}, {}, (0, 127))
