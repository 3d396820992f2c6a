"""A model file whose parts do not go together is refused in one line, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_audio.codec import Codec, gather
from genapps_audio.generation.fitting import fit
from genapps_audio.model import AudioModel
from genapps_audio.records import Clip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of tones."""
    path = tmp_path_factory.mktemp("models") / "tones.genapps"
    time = np.arange(800) / 4000
    clips = [
        Clip(f"{i}", (0.3 * np.sin(2 * np.pi * (300 + 20 * i) * time))[:, None].astype(np.float32), 4000, "ab"[i % 2])
        for i in range(20)
    ]
    fit(gather(clips, Codec(4000, 16, 0.2), ["a", "b"]), Codec(4000, 16, 0.2), "gmm").save(path)
    return path


def test_what_was_saved_is_loaded(model: Path) -> None:
    assert len(AudioModel.load(model).sample(2, generator=torch.Generator().manual_seed(0)).seconds) == 2


def test_a_class_of_which_no_clip_was_learnt_is_no_defect(model: Path, tmp_path: Path) -> None:
    whole = AudioModel.load(model)
    heard = whole.heard[whole.heard[:, 0] == 0]
    first = next(k for k, owner in enumerate(whole.owners) if owner == 0)
    lonely = replace(whole, heard=heard, shares=(1.0, 0.0), owners=(), weights=(), parts=(whole.parts[first],))
    with pytest.raises(UsageError, match="class 'b': its few clips were held out"):
        lonely.sample(1, "b")
    assert lonely.sample(1, "a").labels is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda header, _: header["codec"].update(rate=0),
        lambda header, _: header["codec"].update(rate=10**9),
        lambda header, _: header["codec"].update(rate=8000.5),
        lambda header, _: header["codec"].update(frames=10**9),
        lambda header, _: header["codec"].update(longest=float("inf")),
        lambda header, _: header.update(owners=[0] * len(header["owners"])),
        lambda header, _: header.update(owners=[9] * len(header["owners"])),
        lambda header, _: header.update(weights=[0.0] * len(header["weights"])),
        lambda header, _: header.update(weights=header["weights"][:1]),
        lambda header, _: header.update(shares=[1]),
        lambda header, _: header.update(classes=[1, 2]),
        lambda header, _: header.update(card=3),
        lambda _, arrays: arrays.update(heard=arrays["heard"][:0]),
        lambda _, arrays: arrays.update(heard=arrays["heard"][0]),
        lambda _, arrays: arrays.update(heard=arrays["heard"] * 1e9),
        lambda _, arrays: arrays.update({"view/frame.mean": arrays["view/frame.mean"][:0]}),
    ],
)
def test_what_does_not_go_together_is_refused(
    model: Path, tmp_path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]
) -> None:
    artifact = read_artifact(model)
    header, arrays = dict(artifact.header), dict(artifact.tensors)
    header["codec"] = dict(header["codec"])
    change(header, arrays)
    write_artifact(tmp_path / "other.genapps", arrays, header)
    with pytest.raises(InputError, match="does not hold what a model of sounds must; fit it again"):
        AudioModel.load(tmp_path / "other.genapps")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["heard", "view/frame.mean", "part/0/"])
def test_numbers_that_are_none_are_refused_by_the_file_and_their_name(
    model: Path, tmp_path: Path, name: str, value: float
) -> None:
    artifact, path = read_artifact(model), tmp_path / "other.genapps"
    found = next(one for one in sorted(artifact.tensors) if one.startswith(name))
    write_artifact(path, {**artifact.tensors, found: np.full_like(artifact.tensors[found], value)}, artifact.header)
    with pytest.raises(
        InputError, match=rf"other\.genapps: .*NaN or infinite numbers \({found}\); fit the model again"
    ):
        AudioModel.load(path)


def test_a_file_of_another_version_is_refused_by_its_version(model: Path, tmp_path: Path) -> None:
    artifact, path = read_artifact(model), tmp_path / "old.genapps"
    header = {**artifact.header, "genapps_version": "0.0.9"}
    write_artifact(path, artifact.tensors, header)
    AudioModel.load(path)  # what it still can use, it uses
    write_artifact(path, artifact.tensors, {key: value for key, value in header.items() if key != "view"})
    with pytest.raises(InputError, match=r"must, written by genapps 0\.0\.9; fit it again"):
        AudioModel.load(path)
