"""MIDI files: what mido writes and pretty_midi reads is what is read here; damage is mended and said, or refused."""

from __future__ import annotations

import io
import struct

import mido
import pretty_midi
import pytest

from genapps_music.reading.limits import Limits
from genapps_music.reading.midi import read_midi
from genapps_music.score import QUARTER, Meter, Note, Score, Unreadable


def midi(*tracks: bytes, division: int = 480, kind: int = 1, declared: int | None = None) -> bytes:
    count = len(tracks) if declared is None else declared
    head = b"MThd" + struct.pack(">LHHh", 6, kind, count, division)
    return head + b"".join(b"MTrk" + struct.pack(">L", len(track)) + track for track in tracks)


def notes(score: Score) -> list[list[tuple[int, int, int]]]:
    return [[(note.onset, note.duration, note.pitch) for note in part.notes] for part in score.parts]


END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x00"  # middle C, one quarter note of 480 ticks


def random_file(seed: int) -> mido.MidiFile:
    """Tracks of notes on several channels that never overlap on one pitch, with signs and controllers between."""
    import random

    chance = random.Random(seed)
    file = mido.MidiFile(ticks_per_beat=chance.choice([96, 480, 1024, 120]))
    first = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=chance.randrange(300_000, 900_000))])
    first.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    first.append(mido.MetaMessage("key_signature", key="Bb"))
    file.tracks.append(first)
    for number in range(chance.randrange(1, 4)):
        channel = chance.choice([number, 9])
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=f"Voice {number}")])
        track.append(mido.Message("program_change", channel=channel, program=chance.randrange(128)))
        now, events = 0, []
        for _ in range(40):
            now += chance.randrange(0, 300)
            pitch = chance.randrange(30, 90)
            if all(end <= now or other != pitch for _, end, other in events):
                events.append((now, now + chance.randrange(1, 700), pitch))
        last = 0
        changes = [(end, 0, pitch) for _, end, pitch in events] + [(begin, 1, pitch) for begin, _, pitch in events]
        for tick, on, pitch in sorted(changes):
            kind = chance.choice(["note_on", "note_off"]) if not on else "note_on"
            velocity = chance.randrange(1, 128) if on else 0
            track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - last))
            track.append(mido.Message("control_change", channel=channel, control=7, value=100))
            last = tick
        file.tracks.append(track)
    return file


@pytest.mark.parametrize("seed", range(12))
def test_pretty_midi_reads_the_same_notes(seed: int) -> None:
    buffer = io.BytesIO()
    random_file(seed).save(file=buffer)
    score = read_midi(buffer.getvalue())
    other = pretty_midi.PrettyMIDI(io.BytesIO(buffer.getvalue()))
    second = score.tempo / 60 * QUARTER
    ours = sorted(
        (note.onset / second, note.end / second, note.pitch, note.velocity)
        for part in score.parts
        for note in part.notes
    )
    theirs = sorted(
        (note.start, note.end, note.pitch, note.velocity) for one in other.instruments for note in one.notes
    )
    assert len(ours) == len(theirs)
    tick = 1.01 / second
    for mine, their in zip(ours, theirs, strict=True):
        assert mine == (pytest.approx(their[0], abs=tick), pytest.approx(their[1], abs=tick), *their[2:])
    assert sorted((part.program, part.drums) for part in score.parts if not part.drums) == sorted(
        (one.program, one.is_drum) for one in other.instruments if not one.is_drum
    )
    assert (score.fifths, score.minor, score.meters) == (-2, False, (Meter(0, 3, 4),))
    assert score.remarks == ()


def test_parts_of_one_track_are_its_channels() -> None:
    track = b"\x00\xff\x03\x05Choir" + NOTE + b"\x00\x91\x40\x40\x83\x60\x81\x40\x00" + END
    score = read_midi(midi(track, kind=0))
    assert [part.name for part in score.parts] == ["Choir 1", "Choir 2"]
    assert notes(score) == [[(0, 480, 60)], [(480, 480, 64)]]


def test_keys_and_meters() -> None:
    signs = b"\x00\xff\x59\x02\xfd\x01" + b"\x00\xff\x58\x04\x06\x03\x18\x08" + b"\x8b\x20\xff\x58\x04\x03\x02\x18\x08"
    score = read_midi(midi(signs + END, NOTE + END))
    assert (score.fifths, score.minor) == (-3, True)
    assert score.meters == (Meter(0, 6, 8), Meter(1440, 3, 4))


def test_overlapping_notes_end_in_the_order_in_which_they_began() -> None:
    twice = b"\x00\x90\x3c\x40\x60\x90\x3c\x41\x60\x80\x3c\x00\x60\x80\x3c\x00" + END
    [part] = read_midi(midi(twice)).parts
    assert part.notes == (Note(0, 192, 60, 64), Note(96, 192, 60, 65))


def test_hanging_notes_are_ended_and_said() -> None:
    hanging = b"\x00\x90\x3c\x40\x00\x90\x40\x40\x83\x60\x90\x3c\x40\xff\xff\x7f\xff\x2f\x00"
    score = read_midi(midi(hanging))
    assert notes(score) == [[(0, 480, 60), (0, 1920, 64), (480, 1920, 60)]]
    assert score.remarks == ("3 times: note never ended, cut",)


def test_what_is_mended_is_said() -> None:
    for track, word in (
        (b"\x00\xff\x51\x03\x00\x00\x00" + NOTE + END, "tempo of 0"),
        (b"\x00\xff\x58\x04\x00\x02\x18\x08" + NOTE + END, "time signature"),
        (b"\x00\xff\x59\x02\x20\x05" + NOTE + END, "key signature"),
        (NOTE + b"\x00\x90\x3c\x40", "never ended"),
        (NOTE + b"\x00\x90\x3c", "cut off after 1 note"),
        (NOTE + b"\x00\x80\x3c\x00" + END, "not begun"),
        (NOTE + b"\x00\x90\x3c\x40\x00\x80\x3c\x00" + END, "without length"),
        (NOTE + b"\x00\xc0\x05" + END, "change of instrument"),
        (
            NOTE + b"\x00\xff\x51\x03\x07\xa1\x20\x00\xff\x51\x03\x08\xa1\x20\x60\xff\x51\x03\x07\xa1\x20" + END,
            "tempo changes",
        ),
    ):
        score = read_midi(midi(track))
        assert score.parts[0].notes[0] == Note(0, 480, 60, 64)
        assert word in score.remarks[0], score.remarks


def test_chunks_that_are_no_tracks_are_passed_over() -> None:
    data = midi(NOTE + END)
    alien = data[:14] + b"XFIH" + struct.pack(">L", 4) + b"abcd" + data[14:]
    assert notes(read_midi(alien)) == [[(0, 480, 60)]]
    riff = b"RIFF" + struct.pack("<L", len(data) + 12) + b"RMIDdata" + struct.pack("<L", len(data)) + data
    assert notes(read_midi(riff)) == [[(0, 480, 60)]]
    absurd = data[:18] + b"\xff\xff\xff\xff" + data[22:]
    assert notes(read_midi(absurd)) == [[(0, 480, 60)]]
    many = read_midi(midi(NOTE + END, declared=65_535))
    assert many.remarks == ("65,535 tracks declared, 1 there",)


def test_running_status_and_events_without_notes() -> None:
    track = (
        b"\x00\x90\x3c\x40\x60\x3c\x00\x00\x40\x40\x60\x40\x00"
        + b"\x00\xf0\x02\x01\xf7\x00\xe0\x00\x40\x00\xd0\x01"
        + END
    )
    assert notes(read_midi(midi(track))) == [[(0, 96, 60), (96, 96, 64)]]


def test_times_in_seconds() -> None:
    track = b"\x00\x90\x3c\x40\x83\x74\x80\x3c\x00" + END  # 500 ticks of a millisecond
    score = read_midi(midi(track, division=struct.unpack(">h", b"\xe7\x28")[0]))  # 25 frames of 40 ticks
    assert notes(score) == [[(0, 480, 60)]]
    assert score.tempo == 120
    assert "seconds" in score.remarks[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"MThd", "cut off"),
        (midi(NOTE + END, division=0), "division 0"),
        (midi(NOTE + END, division=-1), "no time code"),
        (midi(NOTE + END, kind=2), "type 2"),
        (midi(NOTE + END, kind=7), "type 7"),
        (midi(declared=65_535), "no track"),
        (midi(END), "no notes"),
        (midi(b"\x00\x3c\x40"), "an event without its kind"),
        (midi(b"\x00\xf4\x3c\x40"), "0xf4"),
        (midi(b"\xff\xff\xff\xff\x7f\x90\x3c\x40"), "four bytes"),
        (midi(b"\xff" * 2_000_000), "four bytes"),
        (midi(b"\xff\xff\xff\x7f" + NOTE[1:] + END), "quarter notes, more than"),
        (midi(*[END] * 2000), "tracks"),
        (b"MThd" + bytes(5 * 2**20), "MiB"),
    ],
)
def test_what_is_no_piece_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_midi(data)


def test_too_many_notes_are_refused() -> None:
    with pytest.raises(Unreadable, match="more than 100 notes"):
        read_midi(midi(NOTE * 101 + END), Limits(max_notes=100))
