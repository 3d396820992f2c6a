"""`genapps music evaluate` as it is called: figures, a page, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from genapps.cli import main
from genapps_music.score import QUARTER, Note, Part, Score
from genapps_music.writing.files import write_score


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, generator = tmp_path_factory.mktemp("desk"), np.random.default_rng(0)
    for name, count in (("real", 20), ("made", 9)):
        (folder / name).mkdir()
        for k in range(count):
            steps = generator.choice([-2, -1, 0, 1, 2], (2, 24)).cumsum(axis=1)
            parts = (
                Part(tuple(Note(t * QUARTER, QUARTER, int(p)) for t, p in enumerate(base + line)), voice)
                for base, line, voice in zip((72, 55), steps, ("upper", "lower"), strict=True)
            )
            write_score(folder / name / f"{k}.mid", Score(tuple(parts)))
    (folder / "made" / "broken.mid").write_bytes(b"MThd and nothing more")
    (folder / "empty").mkdir()
    return folder


def test_figures_and_a_page_are_written(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["music", "evaluate", str(desk / "real"), str(desk / "made")]
    page, figures = desk / "report.html", desk / "figures.json"
    assert main([*words, "--report", str(page), "-o", str(figures)]) == 0
    told = capsys.readouterr()
    assert "parallel fifths (lower is better)" in told.out
    assert "--holdout" in told.err
    assert "broken.mid" in told.err
    found = json.loads(figures.read_text())
    assert found["pieces"] == {"made": 9, "held_out": 10, "reference": 10}
    assert found["skipped"][0]["name"] == "broken.mid"
    assert "<audio" in page.read_text()
    assert json.loads((desk / "report.json").read_text())["verdict"] == found["verdict"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    holdout = ["--holdout", str(desk / "real" / "0.mid"), "--most", "5", "--json"]
    assert main([*words, *holdout]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["pieces"] == {"made": 5, "held_out": 1, "reference": 5}
    assert "5 of 9 made pieces are used" in told.err


@pytest.mark.parametrize(
    ("made", "options", "code", "said"),
    [
        ("nowhere", [], 2, "no such file"),
        ("made", ["-o", "made"], 2, "overwrite the input"),
        ("made", ["-o", "figures.csv"], 2, "name it .json"),
        ("made", ["--report", "report.json"], 2, "name it .html"),
        ("made", ["--report", "ev.html", "-o", "ev.json"], 2, "writes its figures there itself"),
        ("made", ["--report", "no/report.html"], 2, "does not exist"),
        ("made", ["--most", "1"], 2, "at least 2"),
        ("empty", [], 3, "no files"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    made: str, options: list[str], code: int, said: str, desk: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(desk)
    assert main(["music", "evaluate", "real", made, *options]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_single_real_piece_is_not_enough(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["music", "evaluate", str(desk / "real" / "0.mid"), str(desk / "made")]) == 3
    assert "--holdout" in capsys.readouterr().err


def test_a_family_that_tells_no_bars_is_told(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from genapps_music.composing.fitting import Study, fit
    from genapps_music.reading.folder import open_scores

    study = Study(family="hmm", settings=("n_components=2", "max_iter=2"), latents=False)
    fit(list(open_scores(desk / "real")), study).model.save(desk / "chain.genapps")
    words = ["music", "evaluate", str(desk / "real"), str(desk / "made")]
    assert main([*words, "--model", str(desk / "chain.genapps"), "--json"]) == 0
    told = capsys.readouterr()
    assert "hmm" in told.err
    found = json.loads(told.out)
    assert "nats" not in {one["key"] for one in found["measures"]}
    assert found["model"].endswith("chain.genapps")
    assert main([*words, "--model", str(desk / "real" / "0.mid")]) == 3


def test_a_piece_in_several_formats_is_one(desk: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for k in range(3):
        for suffix in (".mid", ".musicxml"):
            write_score(
                tmp_path / f"{k}{suffix}",
                Score(
                    (
                        Part(
                            (Note(0, QUARTER, 60 + k), Note(QUARTER, 480, 62)),
                        ),
                    )
                ),
            )
        (tmp_path / f"{k}.wav").write_bytes(b"RIFF0000WAVE")
    (tmp_path / "manifest.json").write_text("{}")
    assert main(["music", "evaluate", str(desk / "real"), str(tmp_path), "--json"]) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert found["pieces"]["made"] == 3
    assert found["skipped"] == []
    assert "another format" in told.err
