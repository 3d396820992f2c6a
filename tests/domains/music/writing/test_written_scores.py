"""What is written is read again as the same notes, here and by pretty_midi and music21; equal pieces, equal bytes."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genapps.errors import UsageError
from genapps_music.reading.files import read_score
from genapps_music.reading.midi import read_midi
from genapps_music.reading.musicxml import read_musicxml
from genapps_music.reading.mxl import unpack
from genapps_music.reading.pianoroll import read_rolls
from genapps_music.score import QUARTER, Meter, Note, Part, Score, Unreadable
from genapps_music.writing.files import write_score
from genapps_music.writing.midi import midi_bytes
from genapps_music.writing.musicxml import musicxml, mxl_bytes
from genapps_music.writing.notation import VALUES, bars, spelled, split, voices
from genapps_music.writing.pianoroll import roll_bytes

STEPS = (480, 240, 120, 60, 160, 80, 96, 7)  # quarters to 32nds, triplets, quintuplets, and what no value has
METERS = ((4, 4), (3, 4), (6, 8), (2, 2), (5, 8), (7, 16))


@st.composite
def scores(draw: st.DrawFn, steps: tuple[int, ...] = STEPS, drums: bool = True) -> Score:
    """Pieces with chords, overlaps, ties over bars, silent beginnings; no pitch of a part overlaps itself."""
    parts = []
    for number in range(draw(st.integers(1, 3))):
        step = draw(st.sampled_from(steps))
        spans = draw(
            st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(30, 96)), min_size=1, max_size=12)
        )
        notes: list[Note] = []
        for onset, length, pitch in sorted(spans):
            note = Note(onset * step, length * step, pitch, draw(st.sampled_from((1, 64, 80, 127))))
            if all(other.pitch != pitch or other.end <= note.onset for other in notes):
                notes.append(note)
        beaten = drums and draw(st.booleans())
        ordered = tuple(sorted(notes, key=lambda one: (one.onset, one.pitch)))
        parts.append(Part(ordered, f"Voice {number} <&>", 0 if beaten else draw(st.integers(0, 127)), beaten))
    beats, unit = draw(st.sampled_from(METERS))
    meters = [Meter(0, beats, unit)]
    if draw(st.booleans()):
        changed = draw(st.sampled_from([one for one in METERS if one != (beats, unit)]))
        meters.append(Meter(meters[0].bar * draw(st.integers(1, 3)), *changed))
    end = max(note.end for part in parts for note in part.notes)
    kept = tuple(meter for meter in meters if meter.onset < end)
    fifths = draw(st.none() | st.integers(-7, 7))
    minor = fifths is not None and draw(st.booleans())
    return Score(
        tuple(parts), meters=kept, tempo=float(draw(st.sampled_from((60, 100, 125)))), fifths=fifths, minor=minor
    )


def content(score: Score) -> Score:
    return replace(score, name="", remarks=())


@settings(max_examples=60, deadline=None)
@given(scores())
def test_midi_and_musicxml_come_back_as_they_were(score: Score) -> None:
    assert content(read_midi(midi_bytes(score))) == score
    text = musicxml(score)
    assert content(read_musicxml(text.encode())) == score
    assert unpack(mxl_bytes(score)).decode() == text
    assert (midi_bytes(score), mxl_bytes(score)) == (midi_bytes(score), mxl_bytes(score))


@settings(max_examples=60, deadline=None)
@given(scores())
def test_every_measure_is_full_in_every_voice(score: Score) -> None:
    for part in ET.fromstring(musicxml(score).split('partwise.dtd">')[1]).iter("part"):
        measures = bars(score)
        assert len(part.findall("measure")) == len(measures)
        for bar, measure in zip(measures, part.findall("measure"), strict=True):
            now, full = 0, set()
            for element in measure:
                length = int(element.findtext("duration", "0"))
                if element.tag == "backup":
                    full.add(now)
                    now -= length
                elif element.find("chord") is None:
                    now += length
                if element.tag == "note" and element.find("type") is not None:
                    assert VALUES[length].type == element.findtext("type")
            assert full | {now} == {bar.end - bar.start}


@settings(max_examples=60, deadline=None)
@given(scores(steps=(480, 120, 160, 80), drums=False))
def test_piano_rolls_come_back(score: Score) -> None:
    [[again], _] = read_rolls(roll_bytes(score))
    spans = [sorted((note.onset, note.duration, note.pitch) for note in part.notes) for part in again.parts]
    expected = [sorted((note.onset, note.duration, note.pitch) for note in part.notes) for part in score.parts]
    if len(again.parts) == len(score.parts):
        assert spans == expected
    else:  # parts of several notes at once lie on one another
        sounding = {
            (tick, pitch) for part in expected for on, length, pitch in part for tick in range(on, on + length, 20)
        }
        assert {(tick, pitch) for on, length, pitch in spans[0] for tick in range(on, on + length, 20)} == sounding


@settings(max_examples=25, deadline=None)
@given(scores(steps=(480, 120, 160)))
def test_pretty_midi_reads_what_is_written(score: Score) -> None:
    other = pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(score)))
    second = score.tempo / 60 * QUARTER
    theirs = sorted(
        (round(note.start * second), round(note.end * second), note.pitch, note.velocity)
        for one in other.instruments
        for note in one.notes
    )
    assert theirs == sorted(
        (note.onset, note.end, note.pitch, note.velocity) for part in score.parts for note in part.notes
    )
    assert len(other.instruments) == len(score.parts)
    assert other.get_tempo_changes()[1][0] == pytest.approx(score.tempo)


PIECE = Score(
    (
        Part(
            (Note(480, 480, 66), Note(960, 1440, 70), Note(960, 480, 63), Note(2400, 160, 61), Note(2560, 320, 60)), "A"
        ),
        Part((Note(480, 3360, 43), Note(960, 240, 50), Note(1200, 720, 55), Note(1920, 1920, 52)), "B", 32),
    ),
    meters=(Meter(0, 3, 4), Meter(1440, 4, 4)),
    tempo=90.0,
    fifths=-3,
)


@pytest.mark.skipif(find_spec("music21") is None, reason="music21 is not installed")
def test_music21_reads_what_is_written(tmp_path: Path) -> None:
    import music21

    write_score(tmp_path / "a.musicxml", PIECE)
    theirs = music21.converter.parse(tmp_path / "a.musicxml", forceSource=True, storePickle=False)
    assert [part.partName for part in theirs.parts] == ["A", "B"]
    assert theirs.parts[0].flatten().getElementsByClass("KeySignature")[0].sharps == -3
    measures = [(one.number, float(one.quarterLength)) for one in theirs.parts[1].getElementsByClass("Measure")]
    assert measures == [(0, 2.0), (1, 4.0), (2, 4.0)]
    for part, ours in zip(theirs.parts, PIECE.parts, strict=True):
        heard = sorted(
            (round(float(inner.getOffsetInHierarchy(part)) * 480) + 480, pitch.midi)
            for one in part.getElementsByClass("Measure")
            for voice in (one.voices or [one])
            for inner in voice.notes
            for pitch in inner.pitches
            if inner.tie is None or inner.tie.type == "start"
        )
        assert heard == sorted((note.onset, note.pitch) for note in ours.notes)
    assert {one.nameWithOctave for one in theirs.parts[0].flatten().pitches} == {"G-4", "B-4", "E-4", "D-4", "C4"}


def test_a_first_bar_that_is_cut_short_is_no_pickup() -> None:
    short = replace(PIECE, meters=(Meter(0, 4, 4), Meter(480, 3, 4)), parts=(Part((Note(0, 1920, 60),)),))
    again = read_musicxml(musicxml(short).encode())
    assert again.parts == short.parts
    assert again.meters == (Meter(0, 1, 4), Meter(480, 3, 4))


def test_names_of_pitches_follow_the_key() -> None:
    def names(fifths: int) -> list[str]:
        return [step + {0: "", 1: "#", -1: "b", 2: "##", -2: "bb"}[alter] for step, alter, _ in
                (spelled(pitch, fifths) for pitch in range(60, 72))]  # fmt: skip

    assert names(0) == ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"]
    assert names(4) == ["B#", "C#", "D", "D#", "E", "E#", "F#", "G", "G#", "A", "A#", "B"]
    assert names(-3) == ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"]
    for fifths in range(-7, 8):
        for pitch in range(128):
            step, alter, octave = spelled(pitch, fifths)
            assert {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[step] + alter + 12 * (octave + 1) == pitch
            assert abs(alter) <= 2


def test_lengths_are_cut_into_note_values() -> None:
    for ticks in range(1, 4000):
        parts = split(ticks)
        assert sum(parts) == ticks
        assert all(part in VALUES for part in parts[:-1])
        assert ticks % 30 or parts[-1] in VALUES
    assert [VALUES[ticks].type for ticks in (1920, 720, 480, 320, 160, 120)] == [
        "whole", "quarter", "quarter", "quarter", "eighth", "16th",
    ]  # fmt: skip
    assert [(VALUES[ticks].dots, VALUES[ticks].triplet) for ticks in (720, 840, 320)] == [
        (1, False),
        (2, False),
        (0, True),
    ]


def test_voices_do_not_overlap() -> None:
    notes = [Note(0, 960, 60), Note(0, 960, 64), Note(240, 240, 67), Note(480, 960, 50), Note(960, 480, 62)]
    made = voices(notes)
    assert [[(one.onset, len(one.notes)) for one in voice] for voice in made] == [
        [(0, 2), (960, 1)],
        [(240, 1), (480, 1)],
    ]


def test_files(tmp_path: Path) -> None:
    for suffix in (".mid", ".MIDI", ".musicxml", ".xml", ".mxl", ".json"):
        write_score(tmp_path / f"a{suffix}", PIECE)
        again = read_score(tmp_path / f"a{suffix}")
        assert again.end == PIECE.end
        assert again.name == f"a{suffix}"
    with pytest.raises(UsageError, match=r"'\.wav' is no format that is written"):
        write_score(tmp_path / "a.wav", PIECE)
    write_score(tmp_path / "empty.mid", Score(()))
    write_score(tmp_path / "empty.musicxml", Score(()))
    for name in ("empty.mid", "empty.musicxml"):
        with pytest.raises(Unreadable, match=r"no notes|no track"):
            read_score(tmp_path / name)
