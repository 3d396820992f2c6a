"""Whatever a file holds, it becomes samples or a reason, within limits, and stderr stays clean."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps_audio.reading.decoding import read_clip
from genapps_audio.reading.limits import AudioLimits
from genapps_audio.reading.samples import CANCELLED
from genapps_audio.reading.streaming import stream
from genapps_audio.records import Unreadable

RATE = 8_000
Array = np.ndarray


def tone(samples: int = 4_000, channels: int = 1, rate: int = RATE) -> Array:
    """(T, C) of half full scale, each channel a third higher than the one before."""
    time = np.arange(samples)[:, None] / rate
    return 0.5 * np.sin(2 * np.pi * 300 * 1.26 ** np.arange(channels) * time)


def encoded(wave: Array, rate: int = RATE, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    """A file's bytes."""
    held = io.BytesIO()
    soundfile.write(held, wave, rate, format=kind, subtype=subtype)
    return held.getvalue()


def wav(data: bytes = bytes(200), *, rate: int = RATE, channels: int = 1, declared: int | None = None) -> bytes:
    """A WAV file of 16 bits with whatever header."""
    size = len(data) if declared is None else declared
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 0, 2 * channels % 65_536, 16)
    return b"RIFF" + struct.pack("<I", 0) + b"WAVE" + head + struct.pack("<4sI", b"data", size) + data


def reason(path: Path, data: bytes, limits: AudioLimits | None = None) -> str:
    """Why these bytes are no clip."""
    path.write_bytes(data)
    with pytest.raises(Unreadable) as told:
        read_clip(path, **({} if limits is None else {"limits": limits}))
    return str(told.value)


KINDS = [
    ("WAV", "PCM_U8", 0.01, "WAV, 8 bit"),
    ("WAV", "PCM_16", 1e-4, "WAV, 16 bit"),
    ("WAV", "PCM_24", 1e-6, "WAV, 24 bit"),
    ("WAV", "PCM_32", 1e-6, "WAV, 32 bit"),
    ("WAV", "FLOAT", 1e-6, "WAV, 32 bit real"),
    ("WAV", "DOUBLE", 1e-6, "WAV, 64 bit real"),
    ("WAV", "ULAW", 0.02, "WAV, mu-law"),
    ("FLAC", "PCM_16", 1e-4, "FLAC, 16 bit"),
    ("FLAC", "PCM_24", 1e-6, "FLAC, 24 bit"),
    ("AIFF", "PCM_24", 1e-6, "AIFF, 24 bit"),
    ("OGG", "VORBIS", 0.05, "OGG, Vorbis"),
    ("MP3", "MPEG_LAYER_III", 0.05, "MP3"),
]


@pytest.mark.parametrize(("kind", "subtype", "error", "told"), KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_kind_is_read(tmp_path: Path, kind: str, subtype: str, error: float, told: str, channels: int) -> None:
    wave = tone(channels=channels)
    (tmp_path / "one.wav").write_bytes(encoded(wave, kind=kind, subtype=subtype))
    clip = read_clip(tmp_path / "one.wav")
    assert (clip.name, clip.rate, clip.kind, clip.notes) == ("one.wav", RATE, told, ())
    assert clip.wave.shape == wave.shape and clip.wave.dtype == np.float32
    assert np.abs(clip.wave - wave)[200:-200].max() < error


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000, 192_000])
def test_every_rate_becomes_the_one_that_is_asked(tmp_path: Path, rate: int) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(tone(rate // 2, 3, rate), rate, subtype="FLOAT"))
    clip = read_clip(tmp_path / "a.wav", rate=16_000, mono=True)
    assert clip.rate == 16_000 and clip.wave.shape == (8_000, 1)
    wanted = tone(8_000, 3, 16_000).mean(1)
    assert np.abs(clip.wave[800:-800, 0] - wanted[800:-800]).max() < 2e-3


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty file"),
        (b"This is no sound.\n" * 20, "a text, no audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image, no audio"),
        (b"PK\x03\x04" + bytes(50), "a zip archive"),
        (b"\0\0\0\x20ftypM4A " + bytes(80), "an MP4 or M4A file, which is not read"),
        (bytes(500), "no audio of a known format"),
        (wav()[:30], "damaged"),
        (wav()[:36], "damaged"),
        (wav(b""), "holds no samples"),
        (wav(declared=0), "the recording was not finished"),
        (wav(rate=0), "declares 0 samples a second"),
        (wav(rate=2**31 + 5), "declares 2,147,483,653 samples a second"),
        (wav(channels=0), "declares 0 channels"),
        (wav(channels=65), "declares 65 channels; 1 to 64 are read"),
        (wav(channels=65_535), "declares 65,535 channels"),
        (b".snd" + struct.pack(">6I", 24, 2**32 - 1, 3, RATE, 10**6, 0) + bytes(100), "declares"),
    ],
)
def test_what_is_no_clip_says_why(tmp_path: Path, data: bytes, told: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert told in reason(tmp_path / "one.wav", data)
    assert capfd.readouterr() == ("", "")


def test_what_is_no_file_says_why(tmp_path: Path) -> None:
    for path, told in ((tmp_path, "no regular file"), (tmp_path / "gone.wav", "no such file")):
        with pytest.raises(Unreadable, match=told):
            read_clip(path)
    assert "without a header" in reason(tmp_path / "one.raw", bytes(100))


def test_sizes_are_refused_as_declared(tmp_path: Path) -> None:
    ten_hours = encoded(np.zeros(RATE))  # the header alone says so
    at = ten_hours.index(b"data") + 4
    place = tmp_path / "long.wav"
    place.write_bytes(ten_hours[:at] + struct.pack("<I", 2 * RATE * 36_000) + ten_hours[at + 4 : at + 4])
    with place.open("ab") as file:
        file.truncate(at + 4 + 2 * RATE * 36_000)  # a sparse file: no bytes on the disk
    with pytest.raises(Unreadable, match="10 h long in 1 channel; a clip of 30 min at most is read whole"):
        read_clip(place)
    assert "2 s long in 1 channel; a clip of 1 s" in reason(
        tmp_path / "a.wav", encoded(tone(16_000)), AudioLimits(seconds=1)
    )
    assert "a clip of 1 s" in reason(tmp_path / "a.wav", encoded(tone(16_000, 2)), AudioLimits(values=16_000))


def test_what_is_there_of_a_cut_file_is_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 60_000)
    for kind, subtype in (
        ("WAV", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("MP3", "MPEG_LAYER_III"),
        ("OGG", "VORBIS"),
    ):
        whole = encoded(noise, kind=kind, subtype=subtype)
        (tmp_path / "cut.wav").write_bytes(whole[: len(whole) * 2 // 3])
        clip = read_clip(tmp_path / "cut.wav")
        assert 20_000 < len(clip.wave) < 45_000, kind
        assert "cut short" in clip.notes[0], kind
    assert capfd.readouterr().err == ""


def test_a_length_that_is_a_lie_is_told(tmp_path: Path) -> None:
    samples = np.arange(100, dtype="<i2").tobytes()
    for declared, count in ((10**9, 100), (2**32 - 1, 100), (40, 20)):
        (tmp_path / "lie.wav").write_bytes(wav(samples, declared=declared))
        clip = read_clip(tmp_path / "lie.wav")
        assert len(clip.wave) == count
        assert any("cut short: its header declares" in note for note in clip.notes) == (declared == 10**9)


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    wave = tone().astype(np.float32)
    wave[7], wave[9] = np.nan, np.inf
    (tmp_path / "a.wav").write_bytes(encoded(wave, subtype="FLOAT"))
    clip = read_clip(tmp_path / "a.wav")
    assert clip.notes == ("2 samples not finite, set to zero",) and clip.wave[7] == clip.wave[9] == 0
    wave[:400] = np.nan
    assert "10% of its samples are no finite numbers" in reason(tmp_path / "a.wav", encoded(wave, subtype="FLOAT"))


def test_samples_beyond_full_scale_come_down_to_it(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(tone() * 65_536, subtype="FLOAT"))
    clip = read_clip(tmp_path / "a.wav")
    assert "brought to full scale" in clip.notes[0] and np.abs(clip.wave).max() == 1
    assert np.allclose(clip.wave, tone() * 2, atol=1e-3)


def test_silence_clipping_and_offsets_are_noted(tmp_path: Path) -> None:
    clipped = np.clip(tone() * 4, -1, 1)
    cases = {
        "silent": np.zeros((100, 1)),
        "constant": np.full((100, 1), 0.5),
        "off zero": 0.1 * tone() + 0.4,
        "clipped": clipped,
    }
    for note, wave in cases.items():
        (tmp_path / "a.wav").write_bytes(encoded(wave, subtype="FLOAT"))
        assert read_clip(tmp_path / "a.wav").notes == (note,)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_damaged_bytes_give_a_clip_or_a_reason(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    subtype = {"OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}.get(kind, "PCM_16")
    whole = encoded(tone(3_000, 2), kind=kind, subtype=subtype)
    generator, place = np.random.default_rng(0), tmp_path / "one.wav"
    for _ in range(40):
        data = bytearray(whole[: generator.integers(1, len(whole) + 1)])
        for at in generator.integers(0, min(len(data), generator.choice([60, 10**6])), generator.integers(0, 8)):
            data[at] = generator.integers(256)
        place.write_bytes(data)
        try:
            clip = read_clip(place, limits=AudioLimits(seconds=60))
        except Unreadable as error:
            assert str(error) and str(place) not in str(error)
        else:
            assert len(clip.wave) and np.isfinite(clip.wave).all() and np.abs(clip.wave).max() <= 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("leak", [1.0, 0.98, 0.95])
def test_channels_that_cancel_are_not_taken_for_silence(leak: float, tmp_path: Path) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, 4_000)
    soundfile.write(tmp_path / "inverse.wav", np.stack([wave, -leak * wave], 1), 8_000, subtype="FLOAT")
    one = read_clip(tmp_path / "inverse.wav", mono=True)
    assert CANCELLED in one.notes and np.array_equal(one.mono, wave.astype(np.float32))
    (block,) = stream(tmp_path / "inverse.wav", mono=True)
    assert np.array_equal(block.mono, one.mono)
    assert np.array_equal(read_clip(tmp_path / "inverse.wav").mono, one.mono)


@pytest.mark.parametrize("other", ["none", "another", "same", "half inverse"])
def test_other_channels_become_their_mean(other: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    wave = draw.normal(0, 0.1, 4_000)
    second = {"none": 0 * wave, "another": draw.normal(0, 0.1, 4_000), "same": wave, "half inverse": -0.5 * wave}[other]
    both = np.stack([wave, second], 1).astype(np.float32)
    soundfile.write(tmp_path / "stereo.wav", both, 8_000, subtype="FLOAT")
    one = read_clip(tmp_path / "stereo.wav", mono=True)
    assert CANCELLED not in one.notes and np.allclose(one.mono, both.mean(1))
