"""MusicXML: what sounds, tick by tick, as music21 hears it; entities, bombs and nonsense are refused."""

from __future__ import annotations

import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from genapps_music.reading.limits import Limits
from genapps_music.reading.musicxml import read_musicxml
from genapps_music.reading.mxl import unpack
from genapps_music.score import Meter, Note, Score, Unreadable

HEAD = '<?xml version="1.0"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD" "http://www.musicxml.org/dtds/partwise.dtd">'
LIST = '<part-list><score-part id="P1"><part-name>Flute</part-name></score-part></part-list>'
TIME = "<attributes><divisions>2</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"


def note(step: str = "C", length: object = 2, octave: int = 4, more: str = "", before: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{length}</duration>{more}</note>"


def score_of(*measures: str, head: str = HEAD, listed: str = LIST) -> str:
    inner = "".join(f"<measure>{one}</measure>" for one in measures)
    return f'{head}<score-partwise>{listed}<part id="P1">{inner}</part></score-partwise>'


def read(*measures: str, **words: str) -> Score:
    return read_musicxml(score_of(*measures, **words).encode())


def notes(score: Score, part: int = 0) -> list[tuple[int, int, int]]:
    return [(one.onset, one.duration, one.pitch) for one in score.parts[part].notes]


def test_chords_voices_and_steps_back() -> None:
    first = note(length=4) + note("E", 4, before="<chord/>") + note("G", 4)
    second = "<backup><duration>8</duration></backup><forward><duration>2</duration></forward>" + note("A", 2, 3)
    assert notes(read(TIME + first + second)) == [(0, 960, 60), (0, 960, 64), (480, 480, 57), (960, 960, 67)]


def test_ties_join_over_bar_lines() -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    tied = '<notations><tied type="stop"/></notations>'
    score = read(
        TIME + note(length=8, more=start), note(length=8, more=stop + start), note(length=4, more=tied) + note()
    )
    assert notes(score) == [(0, 4800, 60), (4800, 480, 60)]


def test_a_pickup_stands_at_the_end_of_its_bar() -> None:
    score = read(TIME + note(), note("D", 8))
    assert notes(score) == [(1440, 480, 60), (1920, 1920, 62)]
    assert notes(read(TIME + note())) == [(0, 480, 60)]  # nothing comes after it


def test_measures_of_all_parts_begin_together() -> None:
    text = score_of(TIME + note(length=8), note("D", 8)).replace(
        "</score-partwise>",
        f'<part id="P2"><measure>{TIME}{note("E", 4)}</measure><measure>{note("F", 8)}</measure></part>'
        "</score-partwise>",
    )
    assert notes(read_musicxml(text.encode()), 1) == [(0, 960, 64), (1920, 1920, 65)]


def test_transposing_instruments_sound_as_they_do() -> None:
    down = "<attributes><transpose><chromatic>-2</chromatic><octave-change>-1</octave-change></transpose></attributes>"
    assert notes(read(TIME + down + note("D"))) == [(0, 480, 48)]


def test_triplets_fall_on_whole_ticks() -> None:
    three = TIME.replace(">2<", ">3<") + note("C", 1) + note("D", 1) + note("E", 1)
    assert notes(read(three)) == [(0, 160, 60), (160, 160, 62), (320, 160, 64)]


def test_signs() -> None:
    key = "<attributes><key><fifths>-3</fifths><mode>minor</mode></key></attributes>"
    mark = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>60</per-minute></metronome></direction-type></direction>"
    )
    other = "<attributes><time><beats>3+2</beats><beat-type>8</beat-type></time></attributes>"
    score = read(TIME + key + mark + note(length=8), other + note(length=5))
    assert (score.fifths, score.minor, score.tempo) == (-3, True, 90.0)
    assert score.meters == (Meter(0, 4, 4), Meter(1920, 5, 8))
    assert read(TIME + '<sound tempo="72.5"/>' + note()).tempo == 72.5


def test_instruments_and_drums() -> None:
    listed = (
        '<part-list><score-part id="P1"><part-name>Kit</part-name><midi-instrument id="I1">'
        "<midi-channel>10</midi-channel><midi-unpitched>39</midi-unpitched></midi-instrument></score-part></part-list>"
    )
    hit = '<note><unpitched/><duration>2</duration><instrument id="I1"/></note>'
    [part] = read(TIME + hit + hit.replace("I1", "I2"), listed=listed).parts
    assert (part.drums, part.name, [one.pitch for one in part.notes]) == (True, "Kit", [38])
    flute = listed.replace("<midi-channel>10", "<midi-program>74</midi-program><midi-channel>1")
    assert read(TIME + note(), listed=flute).parts[0].program == 73


def test_what_is_left_out_is_said() -> None:
    repeat = '<barline><repeat direction="backward"/></barline>'
    grace = "<note><grace/><pitch><step>D</step><octave>4</octave></pitch></note>"
    score = read(TIME + grace + grace + note(octave=4) + note(octave=11) + note(length=0) + repeat)
    assert notes(score) == [(0, 480, 60)]
    assert set(score.remarks) == {
        "2 times: grace note left out",
        "note out of range left out",
        "note without length left out",
        "repeat sign passed over",
    }


def test_timewise_is_read_as_well() -> None:
    text = f'<score-timewise>{LIST}<measure><part id="P1">{TIME}{note(length=8)}</part></measure>'
    text += f'<measure><part id="P1">{note("D", 8)}</part></measure></score-timewise>'
    assert notes(read_musicxml(text.encode())) == [(0, 1920, 60), (1920, 1920, 62)]
    assert notes(read_musicxml(text.encode("utf-16"))) == [(0, 1920, 60), (1920, 1920, 62)]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (score_of(TIME + note(), head=BOMB), "entities"),
        (score_of(TIME + note(), head=OUTSIDE), "entities"),
        (score_of(TIME + note(), head='<!DOCTYPE x [<!ENTITY % a SYSTEM "http://localhost/x"> %a;]>'), "refused"),
        ("<a>" * 200_000, "begins with <a>"),
        ("<score-partwise>" + "<lyric>" * 200_000, "deeper than"),
        ("<score-partwise>" + "<part>" * 100, "deeper than"),
        ("<score-partwise><part>", "not well-formed"),
        ("<score-partwise/>", "without parts"),
        ("<html><body/></html>", "begins with <html>"),
        ('<?xml version="1.0" encoding="no-such"?><score-partwise/>', "not well-formed"),
        (score_of(TIME.replace(">2<", ">0<") + note()), "divisions"),
        (score_of(TIME + note(length=-2)), "measure 1: a duration of -2"),
        (score_of(TIME + note(length="1e999999999")), "no number"),
        (score_of(TIME + note(length="x")), "no number"),
        (score_of(TIME + note("H")), "'H', which is no note"),
        (score_of(TIME + note(length=999_999_999)), "quarter notes, more than"),
        (score_of(TIME), "no notes"),
    ],
)
def test_what_is_no_piece_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_musicxml(text.encode())


def archive(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files:
            made.writestr(name, data)
    return buffer.getvalue()


def container(path: str) -> tuple[str, bytes]:
    text = f'<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>'
    return "META-INF/container.xml", text.encode()


def test_the_container_says_which_file_is_the_score() -> None:
    wanted = score_of(TIME + note()).encode()
    assert unpack(archive(("a.xml", b"<no/>"), ("in/b.xml", wanted), container("in/b.xml"))) == wanted
    assert unpack(archive(("b.musicxml", wanted))) == wanted
    for files, reason in (
        ([("a.xml", wanted), ("b.xml", wanted)], "2 scores"),
        ([("a.xml", wanted), container("other.xml")], "names no score"),
        ([("a.xml", wanted), container("../../etc/passwd")], "names no score"),
    ):
        with pytest.raises(Unreadable, match=reason):
            unpack(archive(*files))


def test_archives_that_expand_too_far_are_refused() -> None:
    bomb = archive(("a.xml", bytes(3_000_000)))
    with pytest.raises(Unreadable, match="expands to 3 MiB"):
        unpack(bomb, Limits(max_expanded=1_000_000))
    where = bomb.rindex((3_000_000).to_bytes(4, "little"))  # what its directory declares need not be true
    lying = bomb[:where] + (1000).to_bytes(4, "little") + bomb[where + 4 :]
    with pytest.raises(Unreadable):
        unpack(lying, Limits(max_expanded=1_000_000))
    with pytest.raises(Unreadable, match="5 files, more than the 4"):
        unpack(archive(*((f"{at}.txt", b"") for at in range(5))), Limits(max_entries=4))
    with pytest.raises(Unreadable, match="damaged"):
        unpack(bomb[: len(bomb) // 2])


@pytest.mark.skipif(find_spec("music21") is None, reason="music21 is not installed")
@pytest.mark.parametrize("name", ["bwv66.6", "bwv1.6", "bwv36.4-2"])
def test_music21_hears_the_same_bach(name: str) -> None:
    import music21

    path = Path(music21.__file__).parent / "corpus" / "bach" / f"{name}.mxl"
    ours = read_musicxml(unpack(path.read_bytes()))
    theirs = music21.converter.parse(path, forceSource=True, storePickle=False).toSoundingPitch().stripTies()
    heard = sorted(
        (round(float(one.offset) * 480), round(float(one.quarterLength) * 480), pitch.midi)
        for part in theirs.parts
        for one in part.flatten().notes
        if one.duration.quarterLength
        for pitch in one.pitches
    )
    read_ = sorted(one for at in range(len(ours.parts)) for one in notes(ours, at))
    shift = read_[0][0] - heard[0][0]  # they begin with the pickup
    assert read_ == [(onset + shift, length, pitch) for onset, length, pitch in heard]
    assert shift in (0, 1440)
    assert len(ours.parts) == len(theirs.parts)
    [key] = theirs.parts[0].flatten().getElementsByClass("KeySignature")[:1]
    assert ours.fifths == key.sharps


def test_velocities_are_read() -> None:
    [part] = read(TIME + note().replace("<note>", '<note dynamics="100">')).parts
    assert part.notes == (Note(0, 480, 60, 90),)
