"""Every family: images of the right shape and class, the same from the same seed and after saving; filled holes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genapps.errors import InputError, UsageError
from genapps.models import FAMILIES
from genapps_image.codec import Batch, Codec
from genapps_image.generation.fitting import Study, fit
from genapps_image.model import ImageModel

Make = Callable[[str], ImageModel]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seed_gives_the_same_images_also_after_saving(family: str, model_of: Make, tmp_path: Path) -> None:
    model = model_of(family)
    images = model.sample(5, "standing", generator=torch.Generator().manual_seed(3))
    assert images.shape == (5, 1, 8, 8)
    assert images.dtype == torch.uint8
    model.save(tmp_path / "one.genapps")
    again = ImageModel.load(tmp_path / "one.genapps")
    assert again.sample(5, "standing", generator=torch.Generator().manual_seed(3)).equal(images)
    assert not again.sample(5, "standing", generator=torch.Generator().manual_seed(4)).equal(images)
    assert (again.classes, again.codec, again.card) == (model.classes, model.codec, model.card)
    assert model.sample(0).shape == (0, 1, 8, 8)


@pytest.mark.parametrize("family", ["gmm", "hmm", "rbm"])
def test_a_family_without_labels_is_one_model_a_class(family: str, model_of: Make, batch: Batch) -> None:
    model = model_of(family)
    assert len(model.parts) == 2
    assert model.shares == (0.5, 0.5)
    for name in model.classes:  # lying stripes differ along columns, standing ones along rows
        made = model.sample(40, name).float()[:, 0]
        down, across = made.mean(2).var(1).mean(), made.mean(1).var(1).mean()
        if family == "gmm":  # the others learnt for a moment only
            assert (down > across) == (name == "lying")


def test_classes_come_in_their_shares_unless_one_is_asked_for(model_of: Make) -> None:
    model, draws = model_of("gmm"), torch.Generator().manual_seed(0)
    labels = model.labels_for(2000, None, draws)
    assert labels is not None
    assert 0.45 < float(labels.float().mean()) < 0.55
    assert model.labels_for(3, ["standing", "lying", "lying"], draws).tolist() == [1, 0, 0]  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="there are: lying, standing"):
        model.sample(2, "lyng")
    with pytest.raises(UsageError, match="2 labels for 3 images"):
        model.sample(3, ["lying", "lying"])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_known_stays_and_holes_are_filled(family: str, model_of: Make, batch: Batch) -> None:
    hole = torch.zeros(8, 8, dtype=torch.bool)
    hole[2:5, 3:7] = True
    given = batch.images[:3].clone()
    other = given.clone()
    other[:, :, hole] = 77  # what lies in a hole must not matter
    filled, again = (
        model_of(family).impute(images, hole, generator=torch.Generator().manual_seed(1), candidates=4)
        for images in (given, other)
    )
    assert filled.equal(again)
    assert filled[:, :, ~hole].equal(given[:, :, ~hole])
    assert not filled[:, :, hole].equal(given[:, :, hole])


def test_a_mixture_fills_stripes_as_stripes(model_of: Make, batch: Batch) -> None:
    hole = torch.zeros(8, 8, dtype=torch.bool)
    hole[:, 4:] = True
    filled = model_of("gmm").impute(batch.images[::2], hole, "lying")  # rows go on to the right
    rows = torch.stack([filled[:, 0, :, :4].float().mean(2).flatten(), filled[:, 0, :, 4:].float().mean(2).flatten()])
    assert float(torch.corrcoef(rows)[0, 1]) > 0.7


def test_the_class_of_what_is_filled_can_be_told(model_of: Make, batch: Batch) -> None:
    whole = torch.ones(8, 8, dtype=torch.bool)
    draws = torch.Generator().manual_seed(0)
    for family in ("autoregressive", "gan"):
        assert model_of(family).impute(batch.images[:2], whole, "lying", generator=draws).shape == (2, 1, 8, 8)
    with pytest.raises(UsageError, match="guesses the class"):
        model_of("vae").impute(batch.images[:2], whole, "lying")


def test_a_probability_of_bytes_sums_to_one(model_of: Make) -> None:
    """Of images of one pixel all are enumerated; a density that was not brought to bytes would sum to 256."""
    images = torch.randint(60, 200, (60, 1, 1, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    one = Batch(images, None, [""] * 60, [], [])
    model = fit(one, Codec(1, 1, 1), "gmm", Study(settings=("n_components=2", "n_factors=1")))
    every = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1)
    found = model.log_prob(every)
    assert found.kind == "bound"
    assert float(found.values.exp().sum()) == pytest.approx(1.0, abs=0.05)
    without = float((found.values - model.view.log_unit(model.codec)).exp().sum())
    assert without == pytest.approx(256, rel=0.05)


@pytest.mark.parametrize(
    ("family", "kind"), [("autoregressive", "exact"), ("vae", "bound"), ("gmm", "bound"), ("hmm", "bound")]
)
def test_likelihoods_say_what_they_are(family: str, kind: str, model_of: Make, batch: Batch) -> None:
    model = model_of(family)
    found = model.log_prob(batch.images[:4])
    assert found.kind == kind
    bits = model.bits(found.values)
    assert 2 < float(bits.mean()) < 12
    assert model.log_prob(batch.images[:4]).values.equal(found.values)


def test_black_and_white_is_learnt_as_bits(batch: Batch, small: Callable[[str], tuple[str, ...]]) -> None:
    black = Batch((batch.images > 128).to(torch.uint8) * 255, None, batch.names, [], [])
    for family in ("autoregressive", "rbm"):
        model = fit(black, Codec(8, 8, 1), family, Study(settings=small(family)))
        assert model.view.levels == 2
        assert set(model.sample(8).unique().tolist()) <= {0, 255}
    with pytest.raises(UsageError, match="learnt without classes"):
        model.sample(1, "lying")


def test_other_files_are_refused(model_of: Make, tmp_path: Path) -> None:
    other = tmp_path / "other.genapps"
    model_of("gmm").parts[0].save(other)
    with pytest.raises(InputError, match="not what `genapps image fit` writes"):
        ImageModel.load(other)
    with pytest.raises(UsageError, match="no such file"):
        ImageModel.load(tmp_path / "none.genapps")
