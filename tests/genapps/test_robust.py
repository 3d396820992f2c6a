"""A few values far out change neither the middle nor the unit of the others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genapps.models import HMM
from genapps.robust import center_and_scale


def test_without_outliers_they_are_mean_and_deviation() -> None:
    values = torch.randn(500, generator=torch.Generator().manual_seed(0)).double() * 3 + 7
    assert center_and_scale(values) == pytest.approx((float(values.mean()), float(values.std(correction=0))), rel=1e-12)
    assert center_and_scale(torch.full((5,), 4.0).double()) == (4.0, 1.0)


@pytest.mark.parametrize("far", [1e6, -1e12])
def test_one_value_far_out_changes_neither(far: float) -> None:
    values = torch.randn(500, generator=torch.Generator().manual_seed(0)).double() * 3 + 7
    center, scale = center_and_scale(torch.cat([values, torch.tensor([far]).double()]))
    assert center == pytest.approx(7, abs=0.5) and scale == pytest.approx(3, rel=0.15)


@pytest.mark.parametrize("far", [1e5, 1e9])
def test_a_chain_finds_its_states_beside_a_value_far_out(far: float) -> None:
    draw = np.random.default_rng(0)
    states = np.repeat(draw.integers(0, 3, 60), 10)
    frames = np.array([-4.0, 0.0, 4.0])[states][:, None] + draw.normal(size=(600, 1))
    model = HMM(4).fit([np.concatenate([frames[:300], [[far]], frames[300:]])])
    means = np.sort(np.asarray(model.means_).ravel())
    assert means == pytest.approx([-4, 0, 4, far], rel=1e-3, abs=0.5)
