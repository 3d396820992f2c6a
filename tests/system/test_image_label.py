"""`genapps image label` as a user runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.cli import main

KINDS = ("night", "day")


def picture(draw: np.random.Generator, kind: int) -> Image.Image:
    """Dark (0) or bright (1) noise of 10 pixels a side."""
    return Image.fromarray(draw.normal((70, 190)[kind], 25, (10, 10, 3)).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight of each class, one in the wrong one, twenty without a label, and a file that is no image."""
    folder, draw = tmp_path_factory.mktemp("label") / "photos", np.random.default_rng(0)
    for kind, name in enumerate(KINDS):
        (folder / name).mkdir(parents=True)
        for k in range(8):
            picture(draw, kind).save(folder / name / f"{k}.png")
    picture(draw, 0).save(folder / "day" / "wrong.png")
    (folder / "unlabeled").mkdir()
    for k in range(20):
        picture(draw, k % 2).save(folder / "unlabeled" / f"{k}.png")
    (folder / "unlabeled" / "torn.png").write_bytes(b"\x89PNG\r\n")
    return folder


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_the_others_are_labelled_and_a_wrong_label_is_doubted(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, model, sorted_ = tmp_path / "labels.csv", tmp_path / "l.genapps", tmp_path / "sorted"
    learn = ["image", "label", str(photos), "--steps", "200"]
    copy = ["--copy-to", str(sorted_), "--at-least", "0.6"]
    assert main([*learn, "-o", str(labels), "--save", str(model), *copy, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = rows_of(labels)
    assert len(rows) == 37 and told["known"] == 17 and told["labelled"] == 20
    assert [one["name"] for one in told["skipped"]] == ["unlabeled/torn.png"]
    for k in range(20):
        row = rows[f"unlabeled/{k}.png"]
        assert row["label"] == KINDS[k % 2] and row["known"] == "no" and row["second"] == KINDS[1 - k % 2]
        assert float(row["probability"]) + float(row["second_probability"]) == pytest.approx(1, abs=1e-3)
    assert {rows[f"{kind}/{k}.png"]["label"] for kind in KINDS for k in range(8)} == set(KINDS)
    wrong = rows["day/wrong.png"]
    assert wrong["label"] == "day" and wrong["known"] == "yes" and wrong["note"] == "probably night"
    assert [name for name, row in rows.items() if row["note"]] == ["day/wrong.png"]
    found = told["estimate"]
    assert (found["right"], found["held_out"]) == (16, 17)
    assert found["interval"][0] < 16 / 17 < found["interval"][1] < 1
    assert found["majority"] == pytest.approx(9 / 17)

    sure = {name for name, row in rows.items() if row["known"] == "yes" or float(row["probability"]) >= 0.6}
    assert told["copied"] == len(sure) == sum(path.is_file() for path in sorted_.rglob("*"))
    assert (sorted_ / "night" / "0_2.png").exists() or (sorted_ / "night" / "0.png").read_bytes() == (
        photos / "night" / "0.png"
    ).read_bytes()

    again = tmp_path / "again.csv"
    use = ["image", "label", str(photos / "unlabeled"), "--model", str(model), "-o", str(again)]
    assert main(use) == 0
    assert "20 images" in capsys.readouterr().out
    for name, row in rows_of(again).items():
        assert row == {**rows[f"unlabeled/{name}"], "file": name}

    fresh, draw = tmp_path / "fresh", np.random.default_rng(1)
    for kind, name in enumerate(KINDS):
        (fresh / name).mkdir(parents=True)
        for k in range(6):
            picture(draw, kind).save(fresh / name / f"{k}.png")
    (fresh / "day" / "old.png").write_bytes((photos / "day" / "wrong.png").read_bytes())
    assert main(["image", "label", str(fresh), "--model", str(model), "-o", str(again), "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)  # labels that were not learnt from say how right the model is
    assert (asked["estimate"]["held_out"], asked["estimate"]["right"]) == (12, 12)
    assert (
        "1 known label of the model's own" in asked["notes"][0] and rows_of(again)["day/old.png"]["probability"] == ""
    )


def test_few_labels_promise_nothing_and_the_same_seed_gives_the_same(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.csv"
    known.write_text("file,label\n0.png,a\n1.png,b\n2.png,a\nlost.png,b\n")
    words = ["image", "label", str(photos / "unlabeled"), "--labels", str(known), "--steps", "3", "-o"]
    texts = []
    for name in ("one.csv", "two.csv"):
        assert main([*words, str(tmp_path / name)]) == 0
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]
    out, err = capsys.readouterr()
    assert "right  " not in out and "too few known labels to hold some out" in err
    assert "b: one known label" in err and "row 4: no image 'lost.png'" in err
    assert rows_of(tmp_path / "one.csv")["1.png"]["probability"] == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["photos", "-o", "l.csv"], 3, "all known labels are 'night'"),
        (["plain", "-o", "l.csv"], 3, "no image has a label; put some into a subfolder"),
        (["both", "-o", "l.csv"], 3, "all 2 images have a label; put those without one into the subfolder unlabeled"),
        (["empty", "-o", "l.csv"], 3, "no files in it"),
        (["nowhere", "-o", "l.csv"], 2, "no such file or folder"),
        (["both"], 2, "nothing to write"),
        (["plain", "--labels", "none.csv", "-o", "l.csv"], 2, "none.csv"),
        (["plain", "--labels", "known.csv", "-o", "l.csv"], 3, "no image '9.png'"),
        (["plain", "--labels", "known.csv", "-o", "known.csv"], 2, "would overwrite the input"),
        (["torn", "-o", "l.csv"], 3, "no image that can be used"),
        (["both", "--model", "m.genapps", "--size", "8", "-o", "l.csv"], 2, "leave out --size"),
        (["both", "--model", "plain/0.png", "-o", "l.csv"], 3, "not a genapps model"),
        (["both", "--steps", "3", "--budget", "5s", "-o", "l.csv"], 2, "give one"),
        (["both", "--copy-to", "both/in"], 2, "lies in the folder that is read"),
        (["both", "--copy-to", "plain"], 2, "is not empty"),
        (["both", "--json", "-o", "-"], 2, "cannot both go to stdout"),
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
    for name in ("photos/night/0", "photos/unlabeled/1", "plain/0", "plain/1", "both/a/0", "both/b/1"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        picture(draw, 0).save(f"{name}.png")
    for name in ("torn/a", "torn/b", "empty"):
        Path(name).mkdir(parents=True)
    for name in ("torn/a/0.png", "torn/b/0.png", "torn/1.png"):
        Path(name).write_bytes(b"\x89PNG\r\n")
    Path("known.csv").write_text("file,label\n9.png,a\n")
    assert main(["image", "label", *words]) == code
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not Path("l.csv").exists()
