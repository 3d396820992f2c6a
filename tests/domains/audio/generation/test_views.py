"""Principal components of frames and of blocks of them."""

from __future__ import annotations

import pytest
import torch

from genapps_audio.generation.views import Basis, View


def test_components_are_orthonormal_and_those_of_the_most_variance() -> None:
    rows = torch.randn(500, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 1, 0.1, 2, 0.2, 0.5])
    basis = Basis.of(rows, 3)
    torch.testing.assert_close(basis.directions @ basis.directions.T, torch.eye(3), atol=1e-5, rtol=0)
    assert basis.directions.abs().argmax(1).tolist() == [0, 3, 1]
    torch.testing.assert_close(Basis.of(rows, 6).restore(Basis.of(rows, 6).project(rows)), rows, atol=1e-4, rtol=0)


def test_few_rows_of_many_numbers_have_the_same_components() -> None:
    rows = torch.randn(12, 40, generator=torch.Generator().manual_seed(1))
    basis = Basis.of(rows, 50)
    assert len(basis.directions) == 11
    torch.testing.assert_close(basis.restore(basis.project(rows)), rows, atol=1e-4, rtol=0)


@pytest.mark.parametrize("together", [1, 4, 8])
def test_patches_come_back(together: int) -> None:
    patches = torch.randn(30, 8, 5, generator=torch.Generator().manual_seed(2))
    view = View.of(patches, 5, together, 40)
    shown = view.shown(patches)
    assert shown.shape[:2] == (30, 8 // together)
    assert shown.shape[2] == view.width
    whole = View.from_state(view.state(), {"together": together})
    tolerance = 1e-4 if together < 8 else 2.0  # 29 components of 40 numbers leave a rest
    torch.testing.assert_close(whole.patched(shown), patches, atol=tolerance, rtol=0)
    assert torch.equal(whole.patched(shown), view.patched(shown))
