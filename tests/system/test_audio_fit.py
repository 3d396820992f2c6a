"""`genapps audio fit`, `sample` and `evaluate` as they are called: files, figures, pages, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps.cli import main
from genapps_audio.evaluation import features


def write(folder: Path, count: int, seed: int) -> None:
    """Tones of two classes at two rates, with silence before them."""
    draws = np.random.default_rng(seed)
    for k in range(count):
        rate = 4000 if k % 5 else 8000
        place = folder / ("yes" if k % 2 else "no")
        place.mkdir(parents=True, exist_ok=True)
        time = np.arange(round(draws.uniform(0.15, 0.25) * rate)) / rate
        base = draws.uniform(900, 1200) if k % 2 else draws.uniform(200, 300)
        wave = 0.2 * np.exp(-9 * time) * np.sin(2 * np.pi * base * time)
        soundfile.write(place / f"{k:02}.wav", np.concatenate([np.zeros(rate // 8), wave]), rate)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `clips` of two classes with a text named .wav in it, clips of theirs in `new`, a model and its clips."""
    folder = tmp_path_factory.mktemp("desk")
    write(folder / "clips", 60, 0)
    write(folder / "new", 24, 1)
    (folder / "clips" / "no" / "text.wav").write_text("no sound at all")
    words = ["audio", "fit", str(folder / "clips"), "-o", str(folder / "voice.genapps"), "-q"]
    assert main([*words, "--report", str(folder / "voice.html")]) == 0
    words = ["audio", "sample", str(folder / "voice.genapps"), "-n", "24", "-o", str(folder / "made")]
    assert main([*words, "--report", str(folder / "made.html"), "-q"]) == 0
    return folder


def test_a_folder_becomes_a_model(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(tmp_path / "own.genapps")
    words = ["audio", "fit", str(desk / "clips"), "-o", model, "--family", "hmm", "--rate", "4000"]
    assert main([*words, "--set", "n_components=3", "--set", "max_iter=3", "--seconds", "0.3"]) == 0
    told = capsys.readouterr()
    assert "4,000 Hz, 2 classes" in told.out
    assert "skipped no/text.wav: " in told.err
    assert "resampled to 4,000 Hz: 12 at 8,000 Hz" in told.err
    assert "silence at the ends is left out" in told.err
    assert [one.name for one in tmp_path.iterdir()] == ["own.genapps"]


def test_figures_as_json(desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["audio", "fit", str(desk / "clips"), "-o", str(tmp_path / "own.genapps"), "--no-classes", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["family"], found["rate"], found["classes"]) == ("gmm", 4000, [])
    assert found["skipped"][0]["name"] == "no/text.wav"
    assert found["card"]["clips"] == 54
    assert (
        main(["audio", "sample", str(tmp_path / "own.genapps"), "-n", "3", "-o", f"{tmp_path}/all.wav", "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["count"] == 3
    assert soundfile.info(tmp_path / "all.wav").samplerate == 4000


def test_made_clips_and_pages(desk: Path) -> None:
    manifest = json.loads((desk / "made" / "manifest.json").read_text())
    assert {row["label"] for row in manifest["clips"]} == {"yes", "no"}
    for name in ("voice", "made"):
        page = (desk / f"{name}.html").read_text()
        assert page.count("<audio ") >= 6
        assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
        assert json.loads((desk / f"{name}.json").read_text())["family"] == "gmm"


def test_made_clips_are_judged(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_STEPS_LEARNT", 60)
    words = ["audio", "evaluate", str(desk / "clips"), str(desk / "made"), "--holdout", str(desk / "new")]
    assert main([*words, "--report", str(tmp_path / "page.html"), "-o", str(tmp_path / "figures.json")]) == 0
    told = capsys.readouterr()
    assert "train on made, test on real" in told.out
    assert "manifest.json" not in told.err
    assert "skipped no/text.wav" in told.err
    found = json.loads((tmp_path / "figures.json").read_text())
    by_key = {one["key"]: one for one in found["measures"]}
    assert by_key["tstr"]["value"] >= 0.9
    assert [one["name"] for one in by_key["fd_mel"]["controls"]] == ["Held-out real", "Noise", "Shuffled frames"]
    assert by_key["fd_mel"]["value"] < by_key["fd_mel"]["controls"][1]["value"]
    assert {one["name"] for one in found["classes"]} == {"yes", "no"}
    assert (tmp_path / "page.html").read_text().count("<audio ") >= 24


def test_clips_that_are_copied_are_poor(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["audio", "evaluate", str(desk / "clips"), str(desk / "clips"), "--holdout", str(desk / "new"), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["level"] == "poor"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fit", "clips"], 2, "name the file of the model"),
        (["fit", "clips", "-o", "m.genapps", "--family", "gnn"], 2, "no model family 'gnn'"),
        (["fit", "clips", "-o", "m.genapps", "--set", "n_component=3"], 2, "n_components"),
        (["fit", "nowhere", "-o", "m.genapps"], 2, "no such file or folder"),
        (["fit", "clips/no/text.wav", "-o", "m.genapps"], 3, "no clip that can be used"),
        (["sample", "voice.genapps", "-n", "3"], 2, "name where the clips go"),
        (["sample", "voice.genapps", "-n", "3", "-o", "clips"], 2, "is not empty"),
        (["sample", "voice.genapps", "-n", "3", "-o", "x.wav", "--report", "x.html"], 2, "x.json"),
        (["sample", "voice.genapps", "-n", "3", "-o", "x/", "--label", "maybe"], 2, "no class 'maybe'"),
        (["sample", "voice.genapps", "-n", "3", "-o", "x/", "--seconds", "90"], 2, "90 seconds"),
        (["sample", "clips/no/00.wav", "-n", "3", "-o", "x/"], 3, "clips/no/00.wav"),
        (["evaluate", "clips", "clips/no/00.wav"], 3, "at least 12 are needed"),
        (["evaluate", "clips", "made", "-o", "clips/figures.txt"], 2, "name it .json"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    desk: Path,
    words: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(desk)
    assert main(["audio", *words]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert len([line for line in told.err.splitlines() if line.startswith("error")]) <= 1
    assert not (desk / "m.genapps").exists() and not list(desk.glob("x*"))
