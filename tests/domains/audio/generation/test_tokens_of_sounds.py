"""Codes instead of components: what a model of tokens is told, how it draws, and how it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_audio.codec import Batch
from genapps_audio.generation.fitting import Study, fit
from genapps_audio.generation.recipes import TOKENS
from genapps_audio.generation.tokens import TokenView, kinds_of, moved, with_kinds
from genapps_audio.model import AudioModel

from .conftest import CODEC

SETTINGS = (
    "hidden=24", "head=16", "codec.books=2", "codec.size=16", "codec.channels=8", "codec.steps=20",
    "codec.moved=1", "training.max_steps=150", "training.min_steps=150", "training.epochs=1000",
    "training.learning_rate=0.01", "dropout=0.0",
)  # fmt: skip


@pytest.fixture(scope="module")
def model(batch: Batch) -> AudioModel:
    return fit(batch, CODEC, TOKENS, Study(settings=SETTINGS, device="cpu"))


def test_patches_come_back_through_codes(model: AudioModel, batch: Batch) -> None:
    view = model.view
    assert isinstance(view, TokenView)
    codes = view.shown(batch.patches)
    assert codes.shape == (40, CODEC.frames // view.together, 2)
    assert 0 <= int(codes.min()) <= int(codes.max()) < 16
    back = view.patched(codes)
    flat = batch.patches.mean((0, 1)).expand_as(batch.patches)
    assert float((back - batch.patches).square().mean()) < 0.3 * float((flat - batch.patches).square().mean())


def test_classes_are_drawn_and_shares_bound_them(model: AudioModel, batch: Batch) -> None:
    assert batch.labels is not None
    pitch = batch.patches.mean(1).argmax(1)
    for label, name in enumerate(("low", "high")):
        own = pitch[batch.labels == label].double().mean()
        for top_p in (None, 0.5):
            made = model.sample(12, name, top_p=top_p, generator=torch.Generator().manual_seed(0))
            assert abs(float(made.patches.mean(1).argmax(1).double().mean() - own)) < 6
    alike = model.sample(6, "low", seconds=0.2, temperature=0.0, generator=torch.Generator().manual_seed(0)).patches
    assert float(alike.std(0).max()) < 1e-3


def test_top_p_is_for_tokens_and_a_share(model: AudioModel, batch: Batch) -> None:
    with pytest.raises(UsageError, match="top-p is 1"):
        model.sample(1, top_p=1.5)
    with pytest.raises(UsageError, match=r"--top-p is for models of tokens .*; this one is of gmm"):
        fit(batch, CODEC, "gmm", Study(device="cpu")).sample(1, top_p=0.5)


def test_blocks_that_do_not_fill_a_clip_and_unknown_settings_are_refused(batch: Batch) -> None:
    for wrong, why in (("codec.together=5", "does not divide the 16 frames"), ("codec.bookz=2", "bookz")):
        with pytest.raises(UsageError, match=why):
            fit(batch, CODEC, TOKENS, Study(settings=(*SETTINGS, wrong), device="cpu"))


def test_an_interrupted_run_keeps_its_codec(batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.checkpoint"
    first = fit(batch, CODEC, TOKENS, Study(settings=SETTINGS, device="cpu", checkpoint=path))
    monkeypatch.setattr(TokenView, "of", lambda *_, **__: pytest.fail("learnt again"))
    again = fit(batch, CODEC, TOKENS, Study(settings=SETTINGS, device="cpu", checkpoint=path, resume=True))
    one, two = (model.sample(3, generator=torch.Generator().manual_seed(0)).patches for model in (first, again))
    assert torch.equal(one, two)


@pytest.mark.parametrize("change", [{"size": 10**9}, {"books": 1}, {"latent": 2.5}, {"steps": 3}])
def test_a_file_whose_codec_is_none_is_refused(model: AudioModel, change: dict[str, int], tmp_path: Path) -> None:
    model.save(tmp_path / "voice.genapps")
    artifact = read_artifact(tmp_path / "voice.genapps")
    header = dict(artifact.header)
    header["view"] = {"together": 4, "tokens": {**header["view"]["tokens"], **change}}
    write_artifact(tmp_path / "other.genapps", artifact.tensors, header)
    with pytest.raises(InputError, match="does not hold what a model of sounds must"):
        AudioModel.load(tmp_path / "other.genapps")


def test_moved_clips_keep_their_frames_in_order() -> None:
    patches = torch.arange(5.0).view(1, 5, 1)
    assert [one[0, :, 0].tolist() for one in moved(patches, 2)] == [
        [0, 1, 2, 3, 4],
        [0, 0, 1, 2, 3],
        [1, 2, 3, 4, 4],
        [0, 0, 0, 1, 2],
        [2, 3, 4, 4, 4],
    ]


def test_kinds_of_length_are_eighths_of_what_was_heard() -> None:
    heard = torch.rand(800, generator=torch.Generator().manual_seed(0))
    kinds = kinds_of(heard, heard)
    assert torch.bincount(kinds).tolist() == [100] * 8
    assert kinds_of(torch.tensor([0.0, 9.0]), heard).tolist() == [0, 7]
    told = with_kinds(torch.zeros(2, 3, 2, dtype=torch.long), torch.tensor([4, 1]))
    assert told[:, 0].tolist() == [[4, 4], [1, 1]] and told.shape == (2, 4, 2)
