"""Folders are read in order, their subfolders are classes, and what cannot be read costs itself only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps.errors import InputError, UsageError
from genapps_audio.reading.clips import open_clips
from genapps_audio.reading.limits import AudioLimits
from genapps_audio.reading.streaming import stream
from genapps_audio.records import Clip, Skipped, Unreadable
from genapps_audio.writing import write_clip

RATE = 8_000


def noise(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """(T, C) of white noise."""
    return np.random.default_rng(seed).normal(0, 0.1, (samples, channels)).astype(np.float32)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Two clips of yes, one of no, and a text among them."""
    folder = tmp_path / "words"
    for name in ("yes/b.wav", "yes/a.flac", "no/c.ogg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_clip(folder / name, noise(800), RATE)
    (folder / "no" / "d.wav").write_text("not a sound")
    (folder / "README.txt").write_text("of the clips")
    return folder


def test_a_folder_is_read_in_order_and_its_folders_are_classes(words: Path) -> None:
    clips = open_clips(words, rate=4_000)
    found = list(clips)
    assert [(clip.name, clip.label) for clip in found] == [
        ("no/c.ogg", "no"),
        ("yes/a.flac", "yes"),
        ("yes/b.wav", "yes"),
    ]
    assert {len(clip.wave) for clip in found} == {400} and clips.classes == ["no", "yes"]
    assert [one.name for one in clips.skipped] == ["README.txt", "no/d.wav"]
    assert all("a text, no audio" in one.reason for one in clips.skipped)
    assert len(list(clips)) == 3 and len(clips.skipped) == 2  # a second time tells nothing twice


def test_some_of_them_by_number(words: Path) -> None:
    some = open_clips(words).take([4, 0])
    assert isinstance(some.one(0), Clip) and isinstance(some.one(1), Skipped)
    assert [one.name for one in some.skipped] == ["README.txt"] and some.labels == ["yes", ""]


def test_several_sources_one_after_the_other(words: Path) -> None:
    both = open_clips([words / "yes", words / "no" / "c.ogg"])
    assert [clip.name for clip in both] == [f"{words}/yes/a.flac", f"{words}/yes/b.wav", "c.ogg"]
    assert both.labels is None


def test_parts_of_a_set_are_no_classes(tmp_path: Path) -> None:
    for name in ("train/a.wav", "test/b.wav"):
        (tmp_path / name).parent.mkdir()
        write_clip(tmp_path / name, noise(100), RATE)
    clips = open_clips(tmp_path)
    assert clips.labels is None and "test, train are taken for parts of a set" in clips.note


def test_nothing_to_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        open_clips(tmp_path / "gone")
    with pytest.raises(InputError, match="no files in it"):
        open_clips(tmp_path)


@pytest.mark.parametrize("rate", [None, 6_000, 11_025])
@pytest.mark.parametrize("samples", [RATE // 2, 2 * RATE, 5 * RATE + 123])
def test_blocks_laid_end_to_end_are_the_file(tmp_path: Path, rate: int | None, samples: int) -> None:
    write_clip(tmp_path / "a.wav", noise(samples, 2), RATE, "FLOAT")
    blocks = list(stream(tmp_path / "a.wav", 2, rate=rate))
    whole = np.concatenate([block.wave for block in blocks])
    wanted = next(iter(open_clips(tmp_path / "a.wav", rate=rate))).wave
    assert whole.shape == wanted.shape and np.abs(whole - wanted).max() < 1e-4
    assert [block.start for block in blocks] == [2.0 * k for k in range(len(blocks))]


def test_ten_hours_cost_a_block_at_a_time(tmp_path: Path) -> None:
    place = tmp_path / "long.wav"
    soundfile.write(place, np.zeros(10), RATE, subtype="PCM_16")
    data = bytearray(place.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = (2 * RATE * 36_000).to_bytes(4, "little")
    place.write_bytes(data)
    with place.open("ab") as file:
        file.truncate(at + 4 + 2 * RATE * 36_000)
    limits = AudioLimits(values=70 * RATE)
    blocks = stream(place, 60, limits=limits)
    first, second = next(blocks), next(blocks)
    assert (first.start, second.start) == (0, 60) and first.wave.shape == (60 * RATE, 1)
    with pytest.raises(Unreadable, match="larger than is read"):
        stream(place, 100, limits=limits)
    with pytest.raises(Unreadable, match="10 h of sound; 5 h at most"):
        stream(place, 60, limits=AudioLimits(hours=5))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read_again(tmp_path: Path, name: str, channels: int) -> None:
    wave = noise(4_000, channels).cumsum(0) * 0.05
    wave -= wave.mean(0)
    wave[5] = 3.0  # cut off
    write_clip(tmp_path / name, wave, RATE)
    found = next(iter(open_clips(tmp_path / name)))
    assert found.wave.shape == wave.shape and found.rate == RATE
    assert np.abs(found.wave - np.clip(wave, -1, 1))[200:].max() < (0.2 if name.endswith("ogg") else 1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_what_is_not_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format that is written"):
        write_clip(tmp_path / "a.xyz", noise(10), RATE)
    with pytest.raises(UsageError, match="not written in FLAC"):
        write_clip(tmp_path / "a.flac", noise(10), RATE, "FLOAT")
