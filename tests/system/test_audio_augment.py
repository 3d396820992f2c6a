"""`genapps audio augment` as people run it: files, manifest, page, and the same again from the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps.cli import main

RATE = 4_000


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 44 clips by four people: rising and falling tones."""
    folder, generator = tmp_path_factory.mktemp("audio") / "clips", np.random.default_rng(0)
    for name, sign in (("yes", 1), ("no", -1)):
        (folder / name).mkdir(parents=True)
        for i in range(44):
            time = np.arange(900 + int(generator.integers(300))) / RATE
            wave = 0.4 * np.sin(2 * np.pi * (500 + 50 * (i % 4) + sign * 400 * time) * time)
            wave += generator.normal(0, 0.01, len(time))
            soundfile.write(folder / name / f"{'abcd'[i % 4]}_{i:02}.wav", wave, RATE)
    (folder / "no" / "notes.txt").write_text("no sound")
    return folder


def rows(folder: Path) -> list[dict[str, object]]:
    """The manifest."""
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_clips_variants_figures_and_a_page(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, page = tmp_path / "larger", tmp_path / "page.html"
    asked = [
        "audio",
        "augment",
        str(clips),
        "--copies",
        "1",
        "--transforms",
        "gain,noise,shift",
        "--group",
        "^.*/([a-d])_",
    ]
    assert main([*asked, "-o", str(out), "--report", str(page)]) == 0
    said = capsys.readouterr()
    assert "clips       88 as they were, 88 variants" in said.out and "gain        " in said.out
    assert "skipped no/notes.txt: a text, no audio" in said.err
    listed = rows(out)
    assert len(listed) == 176 and all((out / str(row["file"])).is_file() for row in listed)
    assert sorted(path.name for path in (out / "clips").iterdir()) == ["no", "yes"]
    figures = json.loads((out / "augment.json").read_text())
    assert figures["gain"]["groups"] == 4 and len(figures["gain"]["alone"]) == 4
    assert {trial["transform"] for trial in figures["trials"]} == {"gain", "noise", "shift"}
    text = page.read_text()
    assert text.count("<svg") > 8 and "notes.txt" in text and "http://" not in text.replace("http://www.w3.org", "")
    for name in ("yes", "no"):
        for first in (out / "clips" / name).glob("*.wav"):
            assert soundfile.info(first).samplerate == RATE


def test_the_same_seed_and_the_manifest_make_the_same(clips: Path, tmp_path: Path) -> None:
    asked = ["audio", "augment", str(clips), "--per-class", "50", "--no-measure", "--seed", "3", "--quiet"]
    for name in ("first", "again"):
        assert main([*asked, "-o", str(tmp_path / name)]) == 0
    variants = [row for row in rows(tmp_path / "first") if row["kind"] == "variant"]
    assert len(variants) == 12 and rows(tmp_path / "first") == rows(tmp_path / "again")
    manifest = tmp_path / "first" / "manifest.jsonl"
    assert main(["audio", "augment", str(clips), "--replay", str(manifest), "-o", str(tmp_path / "replayed")]) == 0
    for row in variants:
        files = [tmp_path / name / str(row["file"]) for name in ("first", "again", "replayed")]
        assert files[0].read_bytes() == files[1].read_bytes()
        made, replayed = (soundfile.read(path, dtype="int16")[0].astype(int) for path in files[::2])
        assert len(made) == len(replayed) and np.abs(made - replayed).max() <= 2  # rounding of larger batches


def test_what_cannot_be_is_refused(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", str(tmp_path / "out")]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "bad.jsonl").write_text(
        '{"file": "clips/../../x.wav", "kind": "variant", "source": "a", "steps": []}\n'
    )
    (tmp_path / "empty.jsonl").touch()
    for given, code, told in (
        (["--copies", "1"], 2, "name a new folder"),
        ([*out], 2, "say how many"),
        (["--copies", "1", "--per-class", "5", *out], 2, "say how many"),
        (["--copies", "1", "-o", str(clips / "in")], 2, "lies in the folder that is read"),
        (["--copies", "1", "-o", str(tmp_path / "full")], 2, "not empty"),
        (["--copies", "1", "--transforms", "nose", *out], 2, "Did you mean 'noise'"),
        (["--copies", "1", "--group", "(", *out], 2, "no regular expression"),
        (["--replay", str(tmp_path / "bad.jsonl"), *out], 3, "line 1: no row of a manifest"),
        (["--replay", str(tmp_path / "gone.jsonl"), *out], 2, "no such manifest"),
        (["--replay", str(tmp_path / "empty.jsonl"), *out], 3, "lists no variants"),
        (["--replay", str(tmp_path / "bad.jsonl"), "--copies", "1", *out], 2, "leave out --copies"),
    ):
        assert main(["audio", "augment", str(clips), *given]) == code, given
        assert told in capsys.readouterr().err, given
    assert not (tmp_path / "out").exists()


def test_without_classes_there_is_no_label_to_lose(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--copies", "1", "--background", str(clips / "no"), "--transforms", "background", "--format", "flac"]
    assert main(["audio", "augment", str(clips / "yes"), *given, "-o", str(tmp_path / "out")]) == 0
    assert "no classes, so no label that could be lost" in capsys.readouterr().err
    assert len(list((tmp_path / "out" / "clips").glob("*_v1.flac"))) == 44


def test_a_name_as_long_as_there_are_is_shortened(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / f"{chr(0x1D11E) * 62}.wav", np.full(900, 0.1), RATE)
    words = ["audio", "augment", str(tmp_path / "clips"), "--copies", "1", "--transforms", "gain", "--quiet"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    files = [str(row["file"]) for row in rows(tmp_path / "out")]
    assert len(files) == 2 and all((tmp_path / "out" / name).is_file() for name in files)
