"""The synthesizer: the right pitch at the right time, no clicks, no clipping, nothing where nothing is played."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from genapps.errors import InputError
from genapps_music.score import QUARTER, Note, Part, Score
from genapps_music.writing.files import write_wave
from genapps_music.writing.sound import FAMILIES, PEAK, RATE, Wave, render, wave_bytes


def piece(*notes: Note, program: int = 0, drums: bool = False) -> Score:
    return Score((Part(notes, program=program, drums=drums),), tempo=60.0)


def loudest(sound: Wave, rate: int) -> float:
    """The frequency of the first strong peak of the spectrum."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    strong = np.flatnonzero(spectrum > 0.5 * spectrum.max())[0]
    return float((strong + np.argmax(spectrum[strong : strong + 80])) * rate / (8 * len(sound)))


@pytest.mark.parametrize("family", range(len(FAMILIES)))
@pytest.mark.parametrize("pitch", [43, 60, 81])
def test_pitch(family: int, pitch: int) -> None:
    sound = render(piece(Note(0, QUARTER, pitch), program=8 * family))
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    assert 12 * abs(np.log2(loudest(sound[: RATE // 2], RATE) / frequency)) < 0.25


@pytest.mark.parametrize("program", [0, 13, 19, 24, 33, 40, 52, 56, 68, 73, 81, 89, 97, 104, 115, 120])
def test_no_clicks_and_no_clipping(program: int) -> None:
    notes = [Note(onset, 200, pitch, 127) for onset in range(0, 960, 240) for pitch in (36, 60, 64, 67, 72)]
    sound = render(piece(*notes, program=program))
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(PEAK, abs=1e-3)
    assert abs(sound[0]) < 0.02
    assert abs(sound[-1]) < 1e-3
    # A click is a jump: next to a corner of the wave the second difference is far above what the partials make.
    jumps = np.abs(np.diff(sound, 2))
    assert jumps.max() < 12 * np.quantile(jumps, 0.99)


def test_time() -> None:
    sound = render(piece(Note(QUARTER, QUARTER, 69), program=19))
    assert len(sound) == pytest.approx(2.3 * RATE, abs=2)
    assert not sound[: RATE - 10].any()
    assert np.abs(sound[int(1.2 * RATE) : int(1.9 * RATE)]).max() > 0.5
    assert np.abs(sound[int(2.2 * RATE) :]).max() < 1e-3
    assert len(render(Score(()))) == pytest.approx(0.3 * RATE, abs=2)


def test_louder_notes_are_louder_and_equal_pieces_sound_equal() -> None:
    two = piece(Note(0, 240, 69, 127), Note(QUARTER, 240, 69, 40))
    sound = render(two)
    assert np.abs(sound[: RATE // 2]).max() > 3 * np.abs(sound[RATE : 2 * RATE]).max() > 0
    assert np.array_equal(sound, render(two))
    assert np.abs(render(two, 8000)).max() == pytest.approx(PEAK, abs=1e-3)


def test_drums_are_noise() -> None:
    for pitch in (36, 38, 42, 46, 49, 60):
        sound = render(piece(Note(0, 100, pitch), drums=True))
        assert np.abs(sound).max() == pytest.approx(PEAK, abs=1e-3)
        assert abs(sound[0]) < 0.2


def test_a_wave_file(tmp_path: Path) -> None:
    sound = np.array([0, 0.5, -1, 2, -2], np.float32)
    write_wave(tmp_path / "a.wav", sound, 8000)
    assert (tmp_path / "a.wav").read_bytes() == wave_bytes(sound, 8000)
    with wave.open(io.BytesIO(wave_bytes(sound, 8000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert np.frombuffer(file.readframes(9), "<i2").tolist() == [0, 16384, -32767, 32767, -32767]


def test_hours_are_refused() -> None:
    with pytest.raises(InputError, match="minutes"):
        render(piece(Note(4000 * QUARTER, QUARTER, 60)))
