"""Scores as standard MIDI files of type 1: a track of tempo, meters and key, then a track a part."""

from __future__ import annotations

import io

from genapps_music.score import QUARTER, Part, Score

_DRUMS = 9
# Names of keys and notes by fifths.
_LINE = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
CHANNELS = tuple(channel for channel in range(16) if channel != _DRUMS)


def midi_bytes(score: Score) -> bytes:
    """The file. The same score gives the same bytes; of two notes of one pitch and part that overlap both are kept."""
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=QUARTER)
    file.tracks.append(_signs(score))
    melodic = 0
    for part in score.parts:
        file.tracks.append(_track(part, _DRUMS if part.drums else CHANNELS[melodic % len(CHANNELS)]))
        melodic += not part.drums
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def key_name(fifths: int, minor: bool) -> str:
    """ "Eb", "F#m": the name of a key of -7 to 7 sharps."""
    return _LINE[fifths + 10] + "m" if minor else _LINE[fifths + 7]


def _signs(score: Score) -> list[object]:
    from mido import MetaMessage, MidiTrack, bpm2tempo

    tempo = min(max(bpm2tempo(score.tempo), 1), 2**24 - 1)
    track = MidiTrack([MetaMessage("set_tempo", tempo=tempo)])
    if score.fifths is not None and abs(score.fifths) <= 7:
        track.append(MetaMessage("key_signature", key=key_name(score.fifths, score.minor)))
    now = 0
    for meter in score.meters:
        sign = {"numerator": meter.beats, "denominator": meter.unit, "time": meter.onset - now}
        track.append(MetaMessage("time_signature", **sign))
        now = meter.onset
    return track  # type: ignore[no-any-return]


def _track(part: Part, channel: int) -> list[object]:
    from mido import Message, MetaMessage, MidiTrack

    name = part.name.encode("latin-1", "replace").decode("latin-1")
    track = MidiTrack([MetaMessage("track_name", name=name)])
    if not part.drums:
        track.append(Message("program_change", channel=channel, program=part.program))
    # What ends at a tick ends before what begins there, so that a note played again is not cut off by its forerunner.
    events = sorted(
        [(note.end, 0, note.pitch, 64) for note in part.notes]
        + [(note.onset, 1, note.pitch, note.velocity) for note in part.notes]
    )
    now = 0
    for tick, begins, pitch, velocity in events:
        kind = "note_on" if begins else "note_off"
        track.append(Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    return track  # type: ignore[no-any-return]
