"""Two folders judged: good, collapsed and copied images get the verdict that they deserve."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genapps.errors import InputError, UsageError
from genapps_image.evaluation.page import lines, page_text
from genapps_image.evaluation.tasks import Evaluated, evaluate


def draw(folder: Path, count: int, seed: int, kinds: tuple[int, ...] = (0, 1), side: int = 12) -> Path:
    """Grey blobs that lie above (0) or below (1)."""
    folder.mkdir()
    generator = np.random.default_rng(seed)
    across = np.arange(side)
    for i in range(count):
        kind = kinds[i % len(kinds)]
        y, x = side * (0.25 + 0.5 * kind) + generator.normal(0, 0.7), generator.uniform(2, side - 2)
        blob = 220 * np.exp(-((across[:, None] - y) ** 2 + (across - x) ** 2) / generator.uniform(3, 9))
        Image.fromarray((blob + generator.uniform(0, 20, (side, side))).astype(np.uint8)).save(folder / f"{i:03}.png")
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("real") / "real", 160, 0)


def judged(real: Path, made: Path, **options: object) -> Evaluated:
    return evaluate(str(real), str(made), features="pixels", **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def good(real: Path) -> Evaluated:
    return judged(real, draw(real.parent / "good", 70, 1))


def test_images_like_real_ones_are_good(good: Evaluated) -> None:
    assert good.judged.finding.level == "good"
    assert good.judged.n == 70
    assert len(good.sides.reference) == 90
    assert len(good.search.training) == 160
    assert len(good.search.others) == 90
    measures = {one.key: one for one in good.judged.measures}
    assert list(measures) == ["fd", "kd", "precision", "density", "recall", "coverage", "bins", "copies"]
    assert measures["fd"].name == "FD-pixels"
    assert all(len(one.controls) == 2 for one in measures.values())
    assert any("hardly settle" in note for note in good.judged.notes)


def test_the_same_seed_gives_the_same_figures(real: Path, good: Evaluated) -> None:
    assert judged(real, real.parent / "good").to_json() == good.to_json()


def test_a_collapsed_model_misses_kinds(real: Path) -> None:
    found = judged(real, draw(real.parent / "collapsed", 70, 2, kinds=(0,)))
    assert found.judged.finding.level != "good"
    assert "miss" in found.judged.finding.text


def test_a_copy_of_the_training_set_is_called_a_copy(real: Path) -> None:
    unseen = draw(real.parent / "unseen", 100, 3)
    shutil.copytree(real, real.parent / "copied")
    found = judged(real, real.parent / "copied", unseen=str(unseen))
    assert found.judged.finding.level == "poor"
    assert "repeat training images: 100.0" in found.judged.finding.text
    assert len(found.search.training) == 160
    pairs = found.to_json()["nearest"]
    assert all(pair["made"] == pair["training"] and pair["copy"] for pair in pairs)


def test_copies_of_held_out_images_are_copies_too(real: Path) -> None:
    found = judged(real, real)
    assert found.judged.copied.share == 1


def test_a_single_exact_copy_is_told(real: Path, good: Evaluated) -> None:
    made = real.parent / "one"
    shutil.copytree(real.parent / "good", made)
    shutil.copy(real / "007.png", made / "stolen.png")
    found = judged(real, made)
    assert good.judged.copied.exact == 0
    assert found.judged.copied.exact == 1
    assert "an exact copy" in found.judged.finding.text
    assert found.to_json()["nearest"][0]["training"] == "007.png"


def test_figures_are_plain_json_and_a_page_that_needs_nothing_else(good: Evaluated) -> None:
    figures = json.loads(json.dumps(good.to_json()))
    assert figures["extractor"]["name"] == "pixels"
    assert figures["kernel_distance_intervals"]["made"][0] < figures["kernel_distance_intervals"]["made"][1]
    page = page_text(good)
    assert page.count('src="data:image/png;base64,') >= 3
    assert "http" not in page.replace("http-equiv", "")
    assert any(line.startswith("FD-pixels") for line in lines(good))


def test_sizes_and_channels_are_brought_together(real: Path, tmp_path: Path) -> None:
    made = draw(tmp_path / "made", 30, 4, side=16)
    Image.new("RGB", (20, 30), (200, 10, 10)).save(made / "red.png")
    (made / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    found = judged(real, made)
    assert (found.codec.height, found.codec.width, found.codec.channels) == (16, 16, 3)
    assert "16 x 16" in found.notes[0]
    assert [one.name for one in found.skipped] == ["broken.png"]


def test_too_few_images_and_unknown_paths_are_said(real: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="4 images that can be used, at least 12"):
        judged(real, draw(tmp_path / "few", 4, 0))
    with pytest.raises(InputError, match="held out, which needs 24"):
        judged(draw(tmp_path / "scant", 20, 0), real)
    with pytest.raises(UsageError, match="GiB of images; use a smaller --size"):
        judged(real, real, size=4096, most=10**6)
    with pytest.raises(UsageError, match="no such file"):
        judged(real, tmp_path / "nowhere")
