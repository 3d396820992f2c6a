"""Scaling: centre and scale that survive offsets, units, holes and constants."""

import pytest
import torch

from genapps.nets.scaling import Scaling


def test_equals_mean_and_deviation_of_what_is_known() -> None:
    data = torch.randn(500, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double) * 7 + 3
    data[::5, 1] = torch.nan
    scaling = Scaling.fit(data)
    kept = data[~torch.isnan(data[:, 1]), 1]
    torch.testing.assert_close(scaling.center[1], kept.mean())
    torch.testing.assert_close(scaling.scale[1], kept.std(correction=0))
    back = scaling.restore(scaling.standardise(data))
    torch.testing.assert_close(back.double(), data, rtol=1e-5, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 1e6, -8e6])
def test_an_offset_changes_nothing(dtype: torch.dtype, offset: float) -> None:
    data = torch.randint(0, 64, (200, 2), generator=torch.Generator().manual_seed(0)).to(dtype)
    plain, moved = Scaling.fit(data), Scaling.fit(data + offset)
    torch.testing.assert_close(moved.standardise(data + offset), plain.standardise(data), rtol=0, atol=1e-5)
    assert moved.restore(moved.standardise(data + offset)).sub(data + offset).abs().max() < 1e-3


def test_constant_empty_and_extreme_columns_are_finite() -> None:
    data = torch.tensor([[5.0, torch.nan, 1e30, 1e-40], [5.0, torch.nan, -1e30, 0.0]])
    scaling = Scaling.fit(data)
    assert scaling.scale[:2].tolist() == [1.0, 1.0] and scaling.center[:2].tolist() == [5.0, 0.0]
    assert torch.isfinite(scaling.center).all() and (scaling.scale > 0).all()
    assert torch.isfinite(scaling.standardise(data[:, [0, 2, 3]].new_zeros(1, 4))).all()


def test_kept_as_tensors() -> None:
    scaling = Scaling.fit(torch.randn(30, 2, generator=torch.Generator().manual_seed(0)))
    again = Scaling.from_tensors(scaling.to_tensors())
    assert again.center.equal(scaling.center) and again.log_scale_sum == scaling.log_scale_sum
