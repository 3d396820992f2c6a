"""Where made clips go: folders by class, one file in a row, manifests, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genapps.errors import UsageError
from genapps_audio.codec import PEAK, Batch
from genapps_audio.generation.delivering import GAP, Wish, check_place, deliver, drawn, folders_of
from genapps_audio.generation.fitting import Study, fit
from genapps_audio.model import AudioModel

from .conftest import CODEC, RATE


@pytest.fixture(scope="module")
def model(batch: Batch) -> AudioModel:
    return fit(batch, CODEC, "gmm", Study(device="cpu"))


def test_a_folder_by_class_and_a_manifest(model: AudioModel, tmp_path: Path) -> None:
    wish = Wish(7, seed=4)
    made = tmp_path / "made"
    assert deliver(f"{made}/", drawn(model, wish), model, wish, {"seed": 4}) == [str(made), f"{made}/manifest.json"]
    manifest = json.loads((made / "manifest.json").read_text())
    assert (manifest["made_by"], manifest["seed"], len(manifest["clips"])) == ("genapps audio sample", 4, 7)
    for row in manifest["clips"]:
        wave, rate = soundfile.read(made / row["file"])
        assert rate == RATE
        assert len(wave) == round(row["seconds"] * RATE)
        assert row["file"].startswith(row["label"] + "/")
        assert 0.001 < np.abs(wave).max() <= PEAK + 1e-3


def test_the_same_seed_gives_the_same_bytes(model: AudioModel, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        wish = Wish(3, "low", 0.2, seed=seed)
        deliver(f"{tmp_path / name}/", drawn(model, wish), model, wish, {})
    files = [(tmp_path / name / "low" / "000002.wav").read_bytes() for name in "abc"]
    assert files[0] == files[1] != files[2]
    assert [len(soundfile.read(tmp_path / name / "low" / "000001.wav")[0]) for name in "abc"] == [800] * 3


def test_all_in_a_row(model: AudioModel, tmp_path: Path) -> None:
    wish = Wish(4, "high")
    path = tmp_path / "all.wav"
    deliver(str(path), drawn(model, wish), model, wish, {})
    rows = json.loads(path.with_suffix(".json").read_text())["clips"]
    wave, _ = soundfile.read(path)
    total = sum(row["seconds"] for row in rows) + 3 * GAP
    assert len(wave) / RATE == pytest.approx(total, abs=1e-3)
    gap = round((rows[1]["at"] - GAP / 2) * RATE)
    assert np.abs(wave[gap - 50 : gap + 50]).max() == 0
    deliver(str(path), drawn(model, wish), model, wish, {})  # an earlier result may be replaced


def test_what_is_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.wav").write_bytes(b"precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(UsageError, match="no earlier result of sample"):
        check_place(str(tmp_path / "mine.wav"), 3)
    with pytest.raises(UsageError, match="is not empty"):
        check_place(str(tmp_path / "full"), 3)
    with pytest.raises(UsageError, match=r"name a folder/, or one file"):
        check_place(str(tmp_path / "made.mp3"), 3)
    with pytest.raises(UsageError, match="too many for one file"):
        check_place(str(tmp_path / "made.wav"), 5000)


def test_folders_lead_nowhere_else() -> None:
    found = folders_of(["a/b", "..", "a_b", "plain"])
    assert found == {"a/b": "a_b", "..": "_", "a_b": "a_b_2", "plain": "plain"}
