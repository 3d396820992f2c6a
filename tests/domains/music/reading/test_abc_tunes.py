"""ABC: a tune's signs one by one, repeats in the order they are played, and music21 as another reader."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from genapps_music.reading.abc import read_abc
from genapps_music.reading.limits import Limits
from genapps_music.score import Meter, Score

HEAD = "X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\n"
E = 480


def read(body: str, head: str = HEAD) -> Score:
    scores, skipped = read_abc((head + body).encode())
    assert skipped == []
    [score] = scores
    return score


def pitches(body: str, head: str = HEAD) -> list[int]:
    return [note.pitch for note in read(body, head).parts[0].notes]


def lengths(body: str, head: str = HEAD) -> list[int]:
    return [note.duration for note in read(body, head).parts[0].notes]


def test_pitches() -> None:
    assert pitches("C,, C, C c c' c''|") == [36, 48, 60, 72, 84, 96]
    assert pitches("^C ^^C _D __D =C|") == [61, 62, 61, 60, 60]


def test_accidentals_last_their_bar() -> None:
    assert pitches("^F F f =F F|F") == [66, 66, 78, 65, 65, 65]


@pytest.mark.parametrize(
    ("key", "fifths", "minor", "scale"),
    [
        ("C", 0, False, [60, 62, 64, 65, 67, 69, 71]),
        ("Em", 1, True, [60, 62, 64, 66, 67, 69, 71]),
        ("Bb", -2, False, [60, 62, 63, 65, 67, 69, 70]),
        ("F#minor", 3, True, [61, 62, 64, 66, 68, 69, 71]),
        ("D Mix", 1, False, [60, 62, 64, 66, 67, 69, 71]),
        ("Edor", 2, True, [61, 62, 64, 66, 67, 69, 71]),
        ("AM", 3, False, [61, 62, 64, 66, 68, 69, 71]),
        ("Dmix =c ^g", 1, False, [60, 62, 64, 66, 68, 69, 71]),
        ("HP", 2, False, [61, 62, 64, 66, 67, 69, 71]),
        ("none", None, False, [60, 62, 64, 65, 67, 69, 71]),
    ],
)
def test_keys(key: str, fifths: int | None, minor: bool, scale: list[int]) -> None:
    score = read("CDEFGAB|", HEAD.replace("K:C", f"K:{key}"))
    assert (score.fifths, score.minor) == (fifths, minor)
    assert [note.pitch for note in score.parts[0].notes] == scale


def test_lengths() -> None:
    assert lengths("C2 C/2 C/ C// C3/2 C/4 C|") == [960, 240, 240, 120, 720, 120, 480]
    assert lengths("C>C C<C C>>C|") == [720, 240, 240, 720, 840, 120]
    assert lengths("(3CDE (2CD C|") == [320, 320, 320, 720, 720, 480]
    assert lengths("(3:2:2CD C|") == [320, 320, 480]
    assert lengths("((3CDE) C|") == [320, 320, 320, 480]
    assert lengths("CDEF|", "X:1\nM:2/4\nK:C\n") == [120] * 4  # sixteenths where the bar is short
    assert lengths("CDEF|", "X:1\nM:6/8\nK:C\n") == [240] * 4


def test_chords_ties_and_rests() -> None:
    [part] = read("[CEG]2 z [E2G2]-|[EG]2 C-D C-|C4|").parts
    assert [(note.onset, note.duration, note.pitch) for note in part.notes] == [
        (0, 2 * E, 60), (0, 2 * E, 64), (0, 2 * E, 67), (3 * E, 4 * E, 64), (3 * E, 4 * E, 67),
        (7 * E, E, 60), (8 * E, E, 62), (9 * E, 5 * E, 60),
    ]  # fmt: skip


def test_a_pickup_stands_at_the_end_of_its_bar() -> None:
    [part] = read("G|C4|").parts
    assert [note.onset for note in part.notes] == [3 * E, 4 * E]


@pytest.mark.parametrize(
    ("body", "played"),
    [
        ("C4:|D4|", "CCD"),
        ("|:C4|D4:|E4|", "CDCDE"),
        ("C4|:D4:|E4|", "CDDE"),
        ("C4::D4:|", "CCDD"),
        ("C4:||:D4:|", "CCDD"),
        ("|:C4|1D4:|2E4|F4|", "CDCEF"),
        ("|:C4 [1D4:|[2E4||F4:|", "CDCEFF"),
        ("|:C4|1,3 D4:|2 E4:|]F4|", "CDCECDF"),
        ("|:C4|1-2 D4:|3 E4|]", "CDCDCE"),
        ("|::C4::|D4|", "CCCD"),
        ("C4|D4:|E4:|", "CDCDEE"),
    ],
)
def test_repeats_and_endings_are_played(body: str, played: str) -> None:
    assert pitches(body) == [{"C": 60, "D": 62, "E": 64, "F": 65}[letter] for letter in played]


def test_parts_in_order() -> None:
    head = HEAD.replace("T:Tune", "P:ABA")
    assert pitches("P:A\nC4|\nP:B\nD4:|\n", head) == [60, 62, 62, 60]


def test_voices_are_parts() -> None:
    score = read('V:1 name="Air"\nC2 E2|\nV:2\nG,4|\n[V:1] F4|[V:2] A,4|\n')
    assert [(part.name, [note.pitch for note in part.notes]) for part in score.parts] == [
        ("Air", [60, 64, 65]),
        ("2", [55, 57]),
    ]


def test_fields_within_a_tune() -> None:
    score = read("C4|\nM:3/4\nD3|[L:1/8]E6|\nK:G\nF6|\nQ:1/2=60\n")
    assert score.meters == (Meter(0, 4, 4), Meter(1920, 3, 4))
    assert [note.pitch for note in score.parts[0].notes] == [60, 62, 64, 66]
    assert score.tempo == 120


@pytest.mark.parametrize(
    ("tempo", "rate"),
    [("1/4=90", 90), ("3/8=80", 120), ("120", 120), ("C=80", 80), ('"Allegro" 1/8=200', 100), ("Andante", 100)],
)
def test_tempo(tempo: str, rate: float) -> None:
    assert read("C4|", HEAD.replace("T:Tune", f"Q:{tempo}")).tempo == rate


def test_what_is_no_note_is_passed_over() -> None:
    body = '"Am"C !trill!D ~E .F|{ab}u(G A) "^slowly"B y c|% a remark "\nw: la la\n\\\nd4|\n'
    assert pitches(body) == [60, 62, 64, 65, 67, 69, 71, 72, 74]
    assert set(read(body).remarks) == {"chord symbol left out", "grace notes left out"}
    assert read("C ? D|").remarks == ("sign not understood: ?",)


def test_books() -> None:
    book = "% a book\nM:3/4\n\nX:1\nK:C\nC3|\n\nwords between tunes\n\nX:2\nK:Q\nC|\n\nX:2\nK:D\nF3|\n\nX:7\nK:C\nz4|\n"
    scores, skipped = read_abc(book.encode())
    assert [(score.name, score.parts[0].notes[0].pitch, score.meters[0].beats) for score in scores] == [
        ("1", 60, 3),
        ("2 (2)", 66, 3),
    ]
    assert [(one.name, one.reason) for one in skipped] == [("2", "K:Q is no key"), ("7", "no notes in it")]


@pytest.mark.parametrize(
    "body",
    [
        "|:" * 5000 + "C" + ":|" * 5000,
        "C" + ":" * 20_000 + "|",
        "(3" * 5000 + "C|",
        "C" + "/" * 5000,
        "C|1-999999999 D:|",
        '"' * 4001 + "C|",
        "[" * 5000 + "C" + "]" * 5000,
        "C" + ">" * 5000 + "C|",
        "C" + "'" * 5000,
        "{" * 5000 + "C",
        "C9999/1/1/1/1|",
    ],
)
def test_bombs_go_off_quietly(body: str) -> None:
    scores, skipped = read_abc((HEAD + body).encode(), Limits(max_notes=5000))
    assert len(scores) + len(skipped) == 1


def test_what_grows_too_large_is_skipped() -> None:
    body = "".join(f"|:{'CDEF' * 50}|1-16 G:|" for _ in range(10))
    _, [one] = read_abc((HEAD + body).encode(), Limits(max_notes=20_000))
    assert "20,000 notes" in one.reason
    for body in ("C" * 101, "P:A\n" * 101 + "C|"):
        _, [one] = read_abc((HEAD + body).encode(), Limits(max_notes=100))
        assert "100 notes" in one.reason


@pytest.mark.skipif(find_spec("music21") is None, reason="music21 is not installed")
def test_music21_reads_the_same_tune() -> None:
    import music21

    body = "G>A|B2 (3cde f/2e/2d/2c/2|[Gd]2 ^c2-|c =c B A|G4|]\n"
    head = HEAD.replace("K:C", "K:Em")
    theirs = music21.converter.parse(head + body, format="abc").stripTies().flatten()
    heard = sorted(
        (round(float(one.offset) * E), round(float(one.quarterLength) * E), pitch.midi)
        for one in theirs.notes
        for pitch in one.pitches
    )
    ours = [(note.onset, note.duration, note.pitch) for note in read(body, head).parts[0].notes]
    shift = ours[0][0] - heard[0][0]
    assert ours == [(onset + shift, length, pitch) for onset, length, pitch in heard]
