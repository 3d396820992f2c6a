"""Every family learns tones, draws them, and is the same after it was kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.io.artifact import write_artifact
from genapps_audio.codec import Batch
from genapps_audio.evaluation.features import by_statistics
from genapps_audio.generation.fitting import Study, fit
from genapps_audio.generation.recipes import ALONE, NAMES, RULES, TOKENS, check_sizes, rule_for
from genapps_audio.model import AudioModel

from .conftest import CODEC

STEPS = ("training.max_steps=40", "training.min_steps=40", "training.epochs=1000")
QUICK = {
    "gmm": (),
    "hmm": ("n_components=4", "max_iter=4"),
    "vae": ("hidden=32", "latent=4", *STEPS),
    "gan": ("channels=8", "latent=8", "watch=false", *STEPS),
    "rbm": ("n_components=16", "n_chains=16", *STEPS),
    "autoregressive": ("hidden=16", "components=2", "layers=1", *STEPS),
    TOKENS: ("hidden=16", "head=8", "codec.books=2", "codec.size=16", "codec.channels=8", "codec.steps=20", *STEPS),
}


def learn(batch: Batch, family: str) -> AudioModel:
    return fit(batch, CODEC, family, Study(settings=QUICK[family], device="cpu"))


@pytest.mark.parametrize("family", NAMES)
def test_a_family_draws_finite_sounds_of_the_class_asked_for(family: str, batch: Batch, tmp_path: Path) -> None:
    model = learn(batch, family)
    assert (model.classes, model.family) == (("low", "high"), family)
    assert bool(model.owners) == (family in ALONE)
    names = ["high", "low", "low"] * 6
    made = model.sample(18, names, generator=torch.Generator().manual_seed(3))
    assert made.labels is not None and [model.classes[k] for k in made.labels.tolist()] == names
    assert made.patches.shape == (18, CODEC.frames, CODEC.bins)
    assert bool(made.patches.isfinite().all())
    for value, learnt in ((made.seconds, batch.seconds), (made.levels, batch.levels)):
        assert float(learnt.min()) <= float(value.min()) and float(value.max()) <= float(learnt.max())
    path = tmp_path / "voice.genapps"
    model.save(path)
    again = AudioModel.load(path).sample(18, names, generator=torch.Generator().manual_seed(3))
    assert torch.equal(again.patches, made.patches)
    assert torch.equal(again.seconds, made.seconds)


@pytest.mark.parametrize("family", ["gmm", "hmm"])
def test_classes_sound_like_their_own(family: str, batch: Batch) -> None:
    model = learn(batch, family)
    features = by_statistics(CODEC)
    real = features.of(batch.patches, batch.seconds)
    assert batch.labels is not None
    centers = torch.stack([real[batch.labels == k].mean(0) for k in range(2)])
    made = model.sample(20, ["low", "high"] * 10, generator=torch.Generator().manual_seed(0))
    rows = features.of(made.patches, made.seconds)
    assert torch.cdist(rows, centers).argmin(1).tolist() == [0, 1] * 10


def test_without_temperature_clips_of_one_voice_are_alike(batch: Batch) -> None:
    model = learn(batch, "gmm")
    cold, warm = (
        model.sample(6, "low", temperature=heat, generator=torch.Generator().manual_seed(0)) for heat in (0.0, 1.0)
    )
    assert float(cold.patches.std(0).max()) < 1e-4 < float(warm.patches.std(0).max())


def test_classes_without_enough_clips_are_learnt_together(batch: Batch) -> None:
    study = Study(device="cpu")
    few = batch.take(torch.arange(10))
    model = fit(few, CODEC, "gmm", study)
    assert model.classes == ()
    assert study.notes == ["a class has fewer than 8 clips, so the gmm learns all clips without classes"]
    assert model.sample(2).labels is None
    with pytest.raises(UsageError, match="learnt without classes"):
        model.sample(1, "low")


def test_what_is_not_there_is_refused(batch: Batch, tmp_path: Path) -> None:
    model = learn(batch, "gmm")
    with pytest.raises(UsageError, match=r"no class 'hihg'; there are: low, high\. Did you mean 'high'"):
        model.sample(1, "hihg")
    with pytest.raises(UsageError, match=r"40 seconds; this model makes clips of 0\.03 to"):
        model.sample(1, seconds=40.0)
    with pytest.raises(UsageError, match="no model family 'gnn'"):
        rule_for("gnn", 10, "cpu")
    write_artifact(tmp_path / "other.genapps", {}, {"domain": "image", "task": "fit"})
    with pytest.raises(InputError, match="give a file written by 'audio fit'"):
        AudioModel.load(tmp_path / "other.genapps")
    write_artifact(tmp_path / "damaged.genapps", {}, {"domain": "audio", "task": "fit"})
    with pytest.raises(InputError, match="does not hold what a model of sounds must"):
        AudioModel.load(tmp_path / "damaged.genapps")


@pytest.mark.parametrize("family", NAMES)
def test_every_number_of_clips_and_device_has_a_rule(family: str) -> None:
    for count in (0, 1, 30, 100, 5000):
        for device in ("cpu", "gpu"):
            assert rule_for(family, count, device) in RULES


@pytest.mark.parametrize(
    ("family", "name", "most", "said"),
    [
        ("gmm", "n_components", 12, "n_components=13: more than the 12 clips that a model learns; set 12 or fewer"),
        ("hmm", "n_components", 40, "n_components=41: more than the 40 frames of a clip; set 40 or fewer"),
        ("rbm", "n_components", 10_000, "n_components=10,001: larger than can be learnt here; set at most 10,000"),
        ("vae", "hidden", 8_192, "hidden=8,193: larger than can be learnt here; set at most 8,192"),
        ("gan", "depth", 64, "set at most 64"),
        ("autoregressive", "layers", 64, "set at most 64"),
        ("hmm", "n_init", 100, "set at most 100"),
    ],
)
def test_settings_that_no_model_could_have_are_refused_before_it_learns(
    family: str, name: str, most: int, said: str
) -> None:
    check_sizes({name: most}, frozenset((name,)), family, 12, 40)
    check_sizes({name: most + 1}, frozenset(), family, 12, 40)  # a recipe's own
    with pytest.raises(UsageError) as refused:
        check_sizes({name: most + 1}, frozenset((name,)), family, 12, 40)
    assert said in str(refused.value)
