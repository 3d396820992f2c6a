"""Mixtures of frames and of images: rows of another arrangement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from genapps.errors import UsageError
from genapps.models import GMM, build, load_file
from genapps.spaces import Frames, Pixels


def sequences() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.normal(rng.integers(0, 2) * 5, 1, (int(n), 2)) for n in rng.integers(1, 9, 60)]


def stripes(n: int = 300) -> torch.Tensor:
    """Bytes: light columns or light rows, of a strength of their own, with noise."""
    g = torch.Generator().manual_seed(0)
    pattern = torch.zeros(2, 6, 6)
    pattern[0, :, ::2], pattern[1, ::2] = 1, 1
    strength = 60 + 120 * torch.rand(n, 1, 1, generator=g)
    images = pattern[torch.randint(2, (n,), generator=g)] * strength + 5 * torch.randn(n, 6, 6, generator=g)
    return images.round().clamp(0, 255).to(torch.uint8)[:, None]


def test_a_sequence_is_as_likely_as_its_frames_together() -> None:
    data = sequences()
    model = GMM(2).fit(data)
    assert isinstance(model.space, Frames)
    rows = GMM(2).fit(np.concatenate(data))
    expected = [float(rows.score_samples(frames).sum()) for frames in data]
    np.testing.assert_allclose(model.score_samples(data), expected, atol=1e-9)
    drawn = model.sample(500)
    assert sorted(set(drawn.lengths.tolist())) == sorted({len(frames) for frames in data})
    np.testing.assert_allclose(drawn.values.mean(0), np.concatenate(data).mean(0), atol=0.4)
    assert model.predict(data).shape == (sum(map(len, data)),)
    weighted = GMM(2).fit(data, sample_weight=[2.0] * 60)
    assert weighted.score(data) == pytest.approx(model.score(data), abs=0.5)


def test_gaps_of_frames_are_filled_given_their_frame() -> None:
    data = sequences()
    holes = [frames.copy() for frames in data]
    for frames in holes:
        frames[::2, 1] = np.nan
    model = GMM(2).fit(holes)
    filled = model.impute(holes)
    known = ~np.isnan(np.concatenate(holes))
    assert (filled.values.numpy()[known] == np.concatenate(holes)[known]).all()
    gap = filled.values.numpy()[~known] - np.concatenate(data)[~known]
    assert np.abs(gap).mean() < 2  # within the cluster; between clusters it would be 3.6 and more


def test_images_are_made_filled_in_and_told_from_noise(tmp_path: Any) -> None:
    images = stripes()
    model = GMM(2, n_factors=1).fit(images)
    assert model.space == Pixels(1, 6, 6, 256)
    drawn = model.sample(200)
    assert drawn.dtype == torch.uint8 and drawn.shape == (200, 1, 6, 6)
    noise = torch.randint(256, (50, 1, 6, 6), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    assert model.score(images) > model.score(noise) + 100
    assert model.score(drawn) == pytest.approx(model.score(images), abs=12)  # rounding at black adds some
    model.save(tmp_path / "m.genapps")
    assert load_file(tmp_path / "m.genapps").score_samples(images).equal(model.score_samples(images))
    halves = images.long()
    halves[:, :, 3:] = -1
    filled = build("gmm", model.space, n_components=2, n_factors=1).fit(images).impute(halves)
    assert (filled.double() - images.double()).abs().mean() < 10
    strength = model.loadings_.square().sum(1)
    assert strength.shape == (2, 1)


def test_only_a_low_rank_mixture_has_loadings() -> None:
    with pytest.raises(UsageError, match="only a lowrank mixture has factors"):
        _ = GMM(2).fit(np.random.default_rng(0).normal(size=(20, 2))).loadings_
