"""`genapps image augment` as a user runs it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps_image.augmentation.annotations import read_annotations
from genapps_image.augmentation.gain import CLASSICAL, GENERATED, REAL, Arm, Gain

QUICK = ("--family", "vae", "--steps", 6, "--set", "training.max_steps=4", "--set", "hidden=16")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A generator is shown few images, as few steps would not see more."""
    monkeypatch.setattr("genapps_image.augmentation.generating._LEARNT", 150)


def stripes(folder: Path, each: int = 12, side: int = 12) -> Path:
    """Classes `lying` and `standing`; a file that is no image among them."""
    rng = np.random.default_rng(0)
    for kind, name in enumerate(("lying", "standing")):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            wave = 110 * np.sin(np.arange(side) * 1.3 + rng.uniform(0, 6)) + 128
            image = np.broadcast_to(wave[:, None] if kind == 0 else wave, (side, side)) + rng.normal(0, 8, (side, side))
            Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / name / f"{i:02} ü.png")
    (folder / "lying" / "broken.png").write_bytes(b"\x89PNG\r\n")
    return folder


def boards(folder: Path) -> tuple[Path, list[dict[str, object]]]:
    """Dark images with a bright square each, and its box; the last box is none of its image."""
    rng, rows = np.random.default_rng(1), []
    (folder / "boards").mkdir()
    (folder / "masks").mkdir()
    for k in range(4):
        pixels = np.zeros((40, 48, 3), np.uint8)
        x, y = (int(v) for v in rng.integers(8, 20, 2))
        pixels[y : y + 12, x : x + 14] = 255
        Image.fromarray(pixels).save(folder / "boards" / f"{k}.png")
        Image.fromarray((pixels[:, :, 0] > 0) * np.uint8(3)).save(folder / "masks" / f"{k}.png")
        rows.append({"id": k, "image_id": k, "category_id": 1, "bbox": [x, y, 14, 12]})
    rows.append({"id": 9, "image_id": 2, "category_id": 1, "bbox": [100, 3, 5, 5]})
    images = [{"id": k, "file_name": f"{k}.png", "width": 48, "height": 40} for k in range(4)]
    held = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "square"}]}
    (folder / "boards.json").write_text(json.dumps(held))
    return folder / "boards", rows


def prints(folder: Path) -> dict[str, str]:
    """Every file of a folder, and what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_set_is_enlarged_measured_and_made_again(here, tmp_path):
    stripes(tmp_path / "photos", each=40)
    words = ("image", "augment", "photos", "--per-class", 60, "--generated", 0.5, *QUICK)
    done = here(*words, "-o", "out", "--json")
    assert done.code == 0, done.err
    figures = json.loads(done.out)
    assert figures["files"] == 120
    assert figures["classes"] == {
        name: {"real": 40, "classical": 10, "generated": 10} for name in ("lying", "standing")
    }
    assert [arm["name"] for arm in figures["gain"]["arms"]] == ["real", "real+classical", "real+classical+generated"]
    assert figures["gain"]["held_out"] == 20
    assert figures["trials"][0]["mix"] == "gentle"
    assert 0 <= figures["nearness"]["nearer"] <= 1
    assert [one["name"] for one in figures["skipped"]] == ["lying/broken.png"]
    assert "skipped lying/broken.png" in done.err
    assert json.loads((tmp_path / "out" / "augment.json").read_text())["gain"] == figures["gain"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "held-out images" in page
    assert "<script" not in page

    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert {row["file"] for row in rows} == {name for name in prints(tmp_path / "out") if name.startswith("images/")}
    assert {row["kind"] for row in rows} == {"real", "classical", "generated"}
    assert all(row["file"].split("/")[1] == row["label"] for row in rows)
    for row in rows:
        if row["kind"] == "real":
            with Image.open(tmp_path / "photos" / row["source"]) as a, Image.open(tmp_path / "out" / row["file"]) as b:
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))

    again = here("image", "augment", "photos", "--replay", "out/manifest.jsonl", "-o", "again")
    assert again.code == 0, again.err
    first, second = prints(tmp_path / "out"), prints(tmp_path / "again")
    assert second == {name: first[name] for name in second}
    assert set(second) == {name for name in first if name.startswith("images/")} | {"manifest.jsonl"}


def test_the_mix_goes_over_what_is_drawn_and_is_replayed(here, tmp_path):
    stripes(tmp_path / "photos", each=12)
    few = ("--mix", "bent", "--no-measure", "--family", "gmm", "--set", "n_components=1", "--set", "n_factors=1")
    done = here("image", "augment", "photos", "--per-class", 14, "--generated", 0.5, *few, "-o", "out")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").splitlines()]
    made = [row["steps"] for row in rows if row["kind"] == "generated"]
    assert len(made) == 2 and all(steps for steps in made) and made[0] != made[1]
    assert here("image", "augment", "photos", "--replay", "out/manifest.jsonl", "-o", "again").code == 0
    first, second = prints(tmp_path / "out"), prints(tmp_path / "again")
    assert second == {name: first[name] for name in second}

    changed = [{**row, "steps": [{"name": "rotate"}]} if row["kind"] == "generated" else row for row in rows]
    (tmp_path / "out" / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in changed))
    done = here("image", "augment", "photos", "--replay", "out/manifest.jsonl", "-o", "third")
    assert done.code == 3 and "a step of images/lying/generated_00001.png cannot be done" in done.err


def test_boxes_and_masks_move_with_their_images(here, tmp_path):
    boards(tmp_path)
    words = ("image", "augment", "boards", "--boxes", "boards.json", "--masks", "masks", "--per-class", 20)
    mix = ("--mix", "flip,rotate=30,scale=0.3,elastic,noise", "--visible", 0)
    done = here(*words, *mix, "-o", "one", "--json")
    assert done.code == 0, done.err
    one = prints(tmp_path / "one")
    figures = json.loads(done.out)
    assert figures["boxes"]["read"] == 4
    assert figures["boxes"]["refused"] == [
        {"row": "annotation 5 (id 9)", "reason": "the box lies outside the image of 48 x 40: x 100 to 105, y 3 to 8"}
    ]
    assert "refused annotation 5 (id 9)" in done.err
    assert figures["generated"]["share"] == 0
    names = [name.removeprefix("images/") for name in one if name.startswith("images/")]
    assert len(names) == 20
    found = read_annotations(tmp_path / "one" / "annotations.json", names)
    for name in names:
        (box,), refused = found.of(name, (40, 48))
        assert not refused
        y, x = np.nonzero(np.asarray(Image.open(tmp_path / "one" / "masks" / name)))
        gaps = (x.min() - box.x0, y.min() - box.y0, box.x1 - x.max() - 1, box.y1 - y.max() - 1)
        assert min(gaps) > -0.51
        assert max(gaps) < 2

    again = here("image", "augment", "boards", "--boxes", "boards.json", "--masks", "masks", "--visible", 0,
                 "--replay", "one/manifest.jsonl", "-o", "again")  # fmt: skip
    assert again.code == 0, again.err
    kept = prints(tmp_path / "again")
    assert kept == {name: one[name] for name in kept}
    assert "annotations.json" in kept


@pytest.mark.parametrize(("classical", "generated", "mix", "share"), [(0.7, 0.8, None, 0.3), (0.3, 0.45, "none", 0)])
def test_the_default_follows_what_was_measured(here, tmp_path, monkeypatch, classical, generated, mix, share):
    """Stand-ins say what was measured; what is written must follow."""
    gaps = (None, classical - 0.5, generated - classical)
    arms = tuple(
        Arm(name, 9, value, 0.01, gap, None if gap is None else 0.01)
        for name, value, gap in zip((REAL, CLASSICAL, GENERATED), (0.5, classical, generated), gaps, strict=True)
    )
    monkeypatch.setattr("genapps_image.augmentation.tasks.measure", lambda *_, **__: Gain(arms, 20, 1))
    stripes(tmp_path / "photos", each=40)
    gmm = ("--steps", 2, "--family", "gmm", "--set", "max_iter=1", "--set", "n_factors=1")
    done = here("image", "augment", "photos", "--per-class", 50, *gmm, "-o", "out", "--json")
    assert done.code == 0, done.err
    figures = json.loads(done.out)
    assert figures["generated"]["share"] == share
    assert figures["classes"]["lying"] == {"real": 40, "classical": 10 - round(10 * share), "generated": 10 * share}
    assert (figures["mix"]["name"] == mix) == (mix is not None)


@pytest.mark.slow
def test_the_number_of_workers_does_not_show(here, tmp_path):
    boards(tmp_path)
    words = ("image", "augment", "boards", "--boxes", "boards.json", "--per-class", 40, "--mix", "looks", "-o")
    assert here(*words, "one").code == 0
    assert here(*words, "two", "--workers", 2).code == 0
    one, two = prints(tmp_path / "one"), prints(tmp_path / "two")
    assert {name for name in one if one[name] != two.get(name)} <= {"augment.json"}  # which names the folder
    assert set(one) == set(two)


def test_small_sets_sets_without_classes_and_classes_of_one_image(here, tmp_path):
    (tmp_path / "loose").mkdir()
    (tmp_path / "few" / "a").mkdir(parents=True)
    (tmp_path / "few" / "b").mkdir()
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 14, 3), np.uint8))
    for place in ("loose/x y.png", "few/a/1.png", "few/b/1.png", "few/b/2.png"):
        image.save(tmp_path / place)
    for name, files in (("loose", 5), ("few", 10)):
        done = here("image", "augment", name, "--per-class", 5, "-o", f"{name}-out", "--format", "jpg")
        assert done.code == 0, done.err
        assert "the gain is not measured" in done.err
        assert len([path for path in prints(tmp_path / f"{name}-out") if path.endswith(".jpg")]) == files


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 2, "-o out/"),
        (("-o", "out"), 2, "--per-class 500"),
        (("-o", "full", "--per-class", 3), 2, "not empty"),
        (("-o", "out", "--per-class", 3, "--mix", "gentel"), 2, "Did you mean 'gentle'"),
        (("-o", "photos/inner", "--per-class", 3), 2, "among the images themselves"),
        (("-o", "out", "--per-class", 3, "--boxes", "none.json"), 2, "no such file"),
        (("-o", "out", "--per-class", 3, "--masks", "full"), 3, "no mask in it"),
        (("-o", "out", "--per-class", 3, "--masks", "full", "--generated", 0.2), 2, "no boxes and no masks"),
        (("-o", "out", "--per-class", 3, "--generated", 2), 2, "between 0 and 0.9"),
        (("-o", "out", "--replay", "full/note.txt"), 3, "line 1: no row of a manifest"),
        (("-o", "out", "--per-class", 30, "--generated", 0.5, "--family", "van", "--no-measure"), 2, "vae"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_one_line_and_leaves_nothing(here, tmp_path, words, code, says):
    stripes(tmp_path / "photos", each=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("[]")
    before = prints(tmp_path)
    done = here("image", "augment", "photos", *words)
    assert done.code == code, done.err
    assert says in done.err
    assert done.err.count("\n") == 1
    assert prints(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_a_manifest_cannot_write_elsewhere(here, tmp_path):
    stripes(tmp_path / "photos", each=1)
    row = {"file": "images/x.png", "kind": "classical", "label": None, "source": "lying/00 ü.png", "steps": []}
    made = {**row, "kind": "generated", "source": "m.genapps", "seed": [0, 0, 0]}
    for bad in (
        {**row, "file": "images/../../x.png"},
        {**row, "file": "/x.png"},
        {**row, "source": "none.png"},
        {**row, "steps": [{"name": "rotate"}]},
        {**row, "steps": [{"name": "scale", "x": 0, "y": 1}]},
        {**made, "chunk_size": 10**9, "temperature": 1.0},
        {**made, "chunk_size": 4},
    ):
        (tmp_path / "m.jsonl").write_text(json.dumps(bad))
        done = here("image", "augment", "photos", "--replay", "m.jsonl", "-o", "out")
        assert done.code == 3, done.err
        assert done.err.count("\n") == 1
    assert not (tmp_path / "x.png").exists()
    assert not list(tmp_path.glob(".out*"))
