"""`genapps audio recognize` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from genapps.cli import main
from genapps_audio.records import Wave
from genapps_audio.writing import write_clip

RATE = 8000
WORDS = {"go": (400, 900, 1600), "stop": (1600, 900, 400), "wait": (900, 400, 900)}  # Hz of a word's three sounds
VOICES = 2


def said(tones: tuple[int, ...], draw: np.random.Generator, voice: int = 0) -> Wave:
    """(T,) some 0.25 s: tones with a second one above, a little higher or lower by voice."""
    parts = []
    for tone in tones:
        time = np.arange(int(RATE * draw.uniform(0.07, 0.1))) / RATE
        hz = tone * (1 + 0.03 * voice) * draw.uniform(0.98, 1.02)
        parts.append(np.sin(2 * np.pi * hz * time) + 0.3 * np.sin(4 * np.pi * hz * time))
    wave = np.concatenate(parts)
    return (0.2 * wave + 0.004 * draw.normal(size=len(wave))).astype(np.float32)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clips/ with a folder a word, 5 clips by each of two voices; new/; a recording of several words; bad files."""
    desk, draw = tmp_path_factory.mktemp("recognize"), np.random.default_rng(0)
    for name, tones in WORDS.items():
        (desk / "clips" / name).mkdir(parents=True)
        for voice in range(VOICES):
            for take in range(5):
                write_clip(desk / "clips" / name / f"{name}_v{voice}_{take}.wav", said(tones, draw, voice), RATE)
    (desk / "clips" / "go" / "notes.wav").write_text("no sound at all\n")
    new = desk / "new"
    new.mkdir()
    for name, tones in WORDS.items():
        write_clip(new / f"{name}.flac", said(tones, draw, 1), RATE)
    write_clip(new / "noise.wav", (0.1 * draw.normal(size=2500)).astype(np.float32), RATE)
    write_clip(new / "silence.wav", np.zeros(2500, np.float32), RATE)
    write_clip(new / "tiny.wav", said(WORDS["go"], draw)[:300], RATE)
    write_clip(new / "long.wav", np.tile(said(WORDS["go"], draw), 120), RATE)
    pause = (0.0005 * draw.normal(size=4000)).astype(np.float32)
    parts = [pause, said(WORDS["go"], draw), pause, said(WORDS["wait"], draw), pause]
    write_clip(desk / "spoken.wav", np.concatenate(parts), RATE)
    return desk


@pytest.fixture(scope="module")
def voice(desk: Path) -> Path:
    """What was learnt, and new/ heard in the same go."""
    target, out = desk / "voice.genapps", desk / "heard.csv"
    learn = ["audio", "recognize", str(desk / "clips"), str(desk / "new"), "--group", "{word}_{speaker}_{take}"]
    assert main([*learn, "--save", str(target), "-o", str(out), "--report", str(desk / "page.html")]) == 0
    return target


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_words_are_heard_and_what_is_none_is_rejected(desk: Path, voice: Path) -> None:
    rows = {row["file"]: row for row in rows_of(desk / "heard.csv")}
    assert list(rows["go.flac"]) == ["file", "word", "confidence", "runner_up", "score", "rejected"]
    assert {name: rows[f"{name}.flac"]["word"] for name in WORDS} == {name: name for name in WORDS}
    for name in WORDS:
        row = rows[f"{name}.flac"]
        assert float(row["confidence"]) > 0.5 and row["runner_up"] in set(WORDS) - {name} and not row["rejected"]
    noise, silence = rows["noise.wav"], rows["silence.wav"]
    assert noise["word"] == "" and noise["rejected"] and noise["runner_up"] in WORDS
    assert (silence["word"], silence["rejected"], silence["score"]) == ("", "no sound", "")
    assert "long.wav" not in rows
    page, figures = (desk / "page.html").read_text(), json.loads((desk / "page.json").read_text())
    assert "Which word is taken for which" in page and "data:image/png;base64," in page and "noise.wav" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    told = figures["estimate"]
    assert told["held_out"] == 30 and told["voices_held_out"] == VOICES and set(told["by_voice"]) == {"v0", "v1"}
    assert told["accuracy"] >= 0.8 > told["majority"] and told["interval"][0] < told["accuracy"]


def test_a_kept_model_hears_the_same_and_several_words_in_one_recording(
    desk: Path, voice: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again, cut = tmp_path / "again.csv", tmp_path / "cut.csv"
    use = ["audio", "recognize", "--model", str(voice)]
    capsys.readouterr()
    assert main([*use, str(desk / "new"), "-o", str(again), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert rows_of(again) == rows_of(desk / "heard.csv")
    assert [one["name"] for one in told["skipped"]] == ["long.wav"] and told["heard"] == 6
    assert any("silence is put around" in one for one in told["notes"])
    assert main([*use, str(desk / "spoken.wav"), "--segments", "-o", str(cut)]) == 0
    words = rows_of(cut)
    assert [row["word"] or row["runner_up"] for row in words] == ["go", "wait"]
    assert 0.4 < float(words[0]["onset"]) < float(words[0]["end"]) < float(words[1]["onset"]) < 1.4
    capsys.readouterr()
    assert main([*use, str(desk / "clips"), "--false-reject", "20%", "--json"]) == 0
    folders = json.loads(capsys.readouterr().out)
    assert folders["false_reject"] == 0.2 and folders["known"]["clips"] == 30 and folders["known"]["right"] >= 20


@pytest.mark.parametrize(
    ("words", "code", "said_"),
    [
        (["clips"], 2, "nothing to recognize"),
        (["one", "new"], 3, "one word, 'go'; at least two are needed"),
        (["flat", "new"], 3, "no words; put the clips of each word into a folder"),
        (["few", "new"], 3, "too few clips of 'go' 1, 'stop' 2; each word needs 4"),
        (["clips", "nowhere"], 2, "no such file or folder"),
        (["clips", "new", "--false-reject", "90%"], 2, "above 0, at most 50%"),
        (["clips", "new", "--group", "word"], 2, "give a pattern of names"),
        (["clips", "new", "--group", "{word}+{speaker}"], 3, "fits no name in"),
        (["clips", "new", "--rate", "10"], 2, "give one of 4,000 to 192,000"),
        (["new", "--model", "heard.csv"], 3, "heard.csv"),
        (["clips", "new", "--model", "voice.genapps"], 2, "give NEW alone"),
        (["new", "--model", "voice.genapps", "--save", "x.genapps"], 2, "leave out --save"),
        (["clips", "--save", "x.genapps", "-o", "h.csv"], 2, "-o and --segments are for NEW"),
        (["clips", "new", "-o", "clips/go/go_v0_0.wav"], 2, "clips/go/go_v0_0.wav"),
        (["clips", "new/long.wav"], 3, "--segments finds the words in it"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    desk: Path,
    voice: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    said_: str,
) -> None:
    monkeypatch.chdir(desk)
    draw = np.random.default_rng(3)
    for name, count in (("one/go", 4), ("flat", 4), ("few/go", 1), ("few/stop", 2)):
        Path(name).mkdir(parents=True, exist_ok=True)
        for take in range(count):
            write_clip(Path(name) / f"{take}.wav", said(WORDS["go"], draw), RATE)
    assert main(["audio", "recognize", *words]) == code
    assert said_ in capsys.readouterr().err
