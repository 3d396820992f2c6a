"""`genapps audio inspect` on folders as people have them: classes, oddities, and files that are no clips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps.cli import main

RATE = 8_000


def tone(hertz: float, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """(T,) of a quarter of full scale."""
    return 0.25 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with one fault of each kind."""
    clips = tmp_path / "clips"
    for name in ("yes", "no"):
        (clips / name).mkdir(parents=True)
        for i in range(11):
            soundfile.write(clips / name / f"{i:02}.wav", tone(300 + 20 * i + 7 * (name == "no")), RATE)
    soundfile.write(clips / "yes" / "loud.wav", np.clip(8 * tone(200), -1, 1), RATE)
    soundfile.write(clips / "yes" / "mute.flac", np.zeros(RATE), RATE)
    soundfile.write(clips / "no" / "wide.aiff", np.stack([tone(500, rate=44_100)] * 2, 1), 44_100, subtype="PCM_24")
    (clips / "no" / "copy.wav").write_bytes((clips / "yes" / "03.wav").read_bytes())
    (clips / "no" / "cut.wav").write_bytes((clips / "no" / "00.wav").read_bytes()[:4_044])
    broken = np.where(np.arange(RATE) == 9, np.nan, tone(640, 1.0))
    soundfile.write(clips / "yes" / "nan.wav", broken, RATE, subtype="FLOAT")
    soundfile.write(clips / "yes" / "over.wav", 8 * tone(650, 1.0), RATE, subtype="FLOAT")
    (clips / "no" / "text\n.wav").write_text("no sound at all")
    (clips / "no" / "empty.mp3").touch()
    return clips


def test_what_is_there_and_what_is_wrong(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["audio", "inspect", str(folder)]) == 0
    said = capfd.readouterr()
    assert "clips       29, " in said.out and "rates       8000 Hz (28), 44100 Hz (1)" in said.out
    for told in (
        "problem     1 clip clipped, such as yes/loud.wav",
        "problem     1 clip silent, such as yes/mute.flac",
        "problem     1 clip with samples that are no numbers, such as yes/nan.wav",
        "problem     1 clip with samples beyond full scale, such as yes/over.wav",
        "problem     1 file cut short or damaged, such as no/cut.wav",
        "problem     one sound in two classes: no/copy.wav and yes/03.wav",
    ):
        assert told in said.out
    assert said.err.splitlines() == [
        "skipped no/empty.mp3: empty file",
        r"skipped no/text\n.wav: a text, no audio",
    ]


def test_every_figure_as_json(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audio", "inspect", str(folder), "-o", str(tmp_path / "found.json"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((tmp_path / "found.json").read_text())
    assert found["clips"] == 29 and found["classes"]["yes"]["clips"] == 15 and len(found["skipped"]) == 2
    assert found["copies"] == [["no/copy.wav", "yes/03.wav"]] and found["silent"] == ["yes/mute.flac"]
    assert found["lengths"]["most"] == 1.0 and list(found["clipped"]) == ["yes/loud.wav"]


def test_classes_that_are_told_without_listening(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rate, level in (("cat", 8_000, 1.0), ("dog", 16_000, 0.05)):
        (tmp_path / "in" / name).mkdir(parents=True)
        for i in range(3):
            soundfile.write(tmp_path / "in" / name / f"{i}.wav", level * tone(300 + i, rate=rate), rate)
    assert main(["audio", "inspect", str(tmp_path / "in")]) == 0
    said = capsys.readouterr().out
    assert "classes can be told by their rate alone" in said and "class cat is usually 26 dB louder than dog" in said
    assert "class cat has 3 clips only" in said


def test_nothing_that_could_be_used_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").write_text("text")
    assert main(["audio", "inspect", str(tmp_path / "in")]) == 3
    assert "no clip that can be used" in capsys.readouterr().err
    assert main(["audio", "inspect", str(tmp_path / "gone")]) == 2
    assert main(["audio", "inspect", str(tmp_path / "in"), "-o", str(tmp_path / "found.csv")]) == 2
    assert main(["audio", "inspect", str(tmp_path / "in"), "-o", str(tmp_path / "in" / "a.wav")]) == 2
