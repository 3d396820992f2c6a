"""`genapps audio detect` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps.cli import main

RATE = 8_000


def hum(draw: np.random.Generator, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 90 * k * time + draw.uniform(0, 6)) / k for k in range(1, 6))
    return 0.05 * (tones + draw.normal(0, 0.3, len(time)))


def squealing(wave: np.ndarray, begin: float, end: float) -> np.ndarray:
    time = np.arange(len(wave)) / RATE
    return wave + 0.03 * np.sin(2 * np.pi * 2_000 * time) * ((time >= begin) & (time < end))


@pytest.fixture(scope="module")
def set_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips in train and test, a file among each that is none, and a long recording beside them."""
    root, draw = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    for part, kind, count in (("train", "good", 20), ("test", "good", 3), ("test", "squeal", 3)):
        folder = root / part / kind
        folder.mkdir(parents=True)
        for k in range(count):
            wave = hum(draw)
            soundfile.write(folder / f"{k:02}.wav", squealing(wave, 0.3, 0.7) if kind == "squeal" else wave, RATE)
    (root / "train" / "good" / "torn.wav").write_bytes(b"RIFF")
    (root / "test" / "squeal" / "text.wav").write_text("nothing to hear")
    soundfile.write(root / "long.flac", squealing(hum(draw, 12.0), 5.4, 7.6), RATE)
    return root


def test_a_set_with_train_and_test(set_: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, page, model = tmp_path / "scores.csv", tmp_path / "odd.html", tmp_path / "machine.genapps"
    words = ["audio", "detect", f"{set_}", "-o", str(scores), "--report", str(page), "--save", str(model)]
    assert main([*words, "--maps", str(tmp_path / "pictures"), "--json", "--fail-on-anomaly"]) == 10
    told = json.loads(capsys.readouterr().out)
    assert told["truth"]["auroc"] == 1.0 and told["truth"]["found"] == 3
    assert told["false_alarm_rate"]["asked"] == pytest.approx(1 / 21)
    assert {one["name"] for one in told["skipped"]} == {"good/torn.wav", "squeal/text.wav"}
    with scores.open() as file:
        rows = {row["clip"]: row for row in csv.DictReader(file)}
    assert len(rows) == 6
    squeal = rows["squeal/00.wav"]
    assert squeal["is_anomaly"] == "true" and "most like good/" in squeal["anomaly_reason"]
    assert float(squeal["event_from_second"]) == pytest.approx(0.3, abs=0.1)
    assert float(squeal["event_to_second"]) == pytest.approx(0.7, abs=0.1)
    assert float(squeal["event_from_hz"]) < 2_000 < float(squeal["event_to_hz"])
    assert rows["good/00.wav"]["anomaly_reason"] == ""
    assert (tmp_path / "pictures" / "squeal" / "00.png").read_bytes()[:4] == b"\x89PNG"
    text = page.read_text()
    assert text.count("data:image/png") == 6 and "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert json.loads((tmp_path / "odd.json").read_text())["truth"] == told["truth"]

    again = tmp_path / "again.csv"
    assert main(["audio", "detect", str(set_ / "test"), "--model", str(model), "-q", "-o", str(again)]) == 0
    assert again.read_bytes() == scores.read_bytes()

    events = tmp_path / "events.csv"
    long = ["audio", "detect", str(set_ / "long.flac"), "--model", str(model), "--events", str(events)]
    assert main([*long, "-o", str(scores)]) == 0
    out = capsys.readouterr().out
    assert "of 12 windows of 1 clip" in out
    with events.open() as file:
        found = [row for row in csv.DictReader(file) if float(row["from_hz"]) < 2_000 < float(row["to_hz"])]
    assert any(
        abs(float(one["from_second"]) - 5.4) < 0.15 and abs(float(one["to_second"]) - 7.6) < 0.15 for one in found
    )


def test_clips_of_another_rate_are_brought_to_that_of_the_normal_ones(
    set_: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = np.random.default_rng(9)
    (tmp_path / "new").mkdir()
    soundfile.write(tmp_path / "new" / "a.wav", np.repeat(hum(draw), 2), 2 * RATE)
    soundfile.write(tmp_path / "new" / "b.wav", hum(draw)[::2], RATE // 2)
    assert main(["audio", "detect", str(set_ / "train"), str(tmp_path / "new")]) == 0
    assert "2 clips brought to the 8,000 Hz of those that were learnt; 1 had less" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["good"], 2, "nothing to judge"),
        (["good", "new", "third"], 2, "give GOOD and NEW"),
        (["good", "new", "--model", "m.genapps"], 2, "with --model only NEW"),
        (["nowhere", "new"], 2, "nowhere: no such file or folder"),
        (["good", "empty"], 3, "no files in it"),
        (["few", "new"], 3, "1 normal clip, at least 10"),
        (["good", "texts"], 3, "no clip that can be used; a.txt"),
        (["good", "new", "--false-alarm-rate", "3"], 2, "above 0, at most 0.5"),
        (["good", "new", "--rate", "12"], 2, "a rate of 12 Hz"),
        (["good", "new", "--window", "1h"], 2, "windows of 3600 s"),
        (["new", "--model", "good/0.wav"], 3, "not a genapps model"),
        (["new", "--model", "m.genapps", "--window", "2s"], 2, "--model brings what was learnt"),
        (["good", "new", "-o", "scores.xlsx"], 2, "ends in .csv"),
        (["good", "new", "-o", "-", "--json"], 2, "cannot both go to stdout"),
        (["good", "new", "--maps", "new/pictures"], 2, "lies in the folder that is read"),
        (["good", "new", "--events", "scores.csv", "-o", "scores.csv"], 2, "scores.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for name, count in (("good", 10), ("new", 1), ("few", 1), ("empty", 0), ("texts", 0)):
        Path(name).mkdir()
        for k in range(count):
            soundfile.write(f"{name}/{k}.wav", hum(draw, 0.2), RATE)
    Path("texts/a.txt").write_text("nothing to hear")
    assert main(["audio", "detect", *words]) == code
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not Path("scores.csv").exists()


def test_a_rate_that_few_normal_clips_cannot_promise_is_said(set_: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audio", "detect", str(set_), "--false-alarm-rate", "0.01", "--fail-on-anomaly"]) == 0
    out = capsys.readouterr().out
    assert "cannot promise a false-alarm rate of 0.01 from 20 normal clips" in out and "needs 99" in out


def test_the_clips_that_ship_are_told_apart_and_their_events_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = Path(__file__).parents[2] / "domains" / "genapps_audio" / "samples" / "machine"
    scores = tmp_path / "scores.csv"
    assert main(["audio", "detect", str(clips), "-o", str(scores)]) == 0
    assert "8 of 8 odd ones found, 0 of 4 good ones in alarm" in capsys.readouterr().out
    with scores.open() as file, (clips / "events.csv").open() as planted:
        found = {row["clip"]: row for row in csv.DictReader(file)}
        for event in csv.DictReader(planted):
            told = found[event["clip"]]
            for unit in ("second", "hz"):
                low = max(float(told[f"event_from_{unit}"]), float(event[f"from_{unit}"]))
                high = min(float(told[f"event_to_{unit}"]), float(event[f"to_{unit}"]))
                assert high - low > 0.4 * (float(event[f"to_{unit}"]) - float(event[f"from_{unit}"])), event["clip"]


def test_a_family_judges_as_the_ensemble_does(set_: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, scores = str(tmp_path / "m.genapps"), tmp_path / "scores.csv"
    words = ["audio", "detect", str(set_), "--family", "gmm", "--save", model, "-o", str(scores)]
    assert main([*words, "--json", "--fail-on-anomaly"]) == 10
    told = json.loads(capsys.readouterr().out)
    assert told["truth"]["auroc"] == 1.0 and told["truth"]["found"] == 3 and "gmm" in told["judge"]["words"]
    again = tmp_path / "again.csv"
    assert main(["audio", "detect", str(set_ / "test"), "--model", model, "-q", "-o", str(again)]) == 0
    assert again.read_bytes() == scores.read_bytes()
    assert main(["audio", "detect", str(set_), "--family", "gm"]) == 2
    assert "Did you mean 'gmm'?" in capsys.readouterr().err
