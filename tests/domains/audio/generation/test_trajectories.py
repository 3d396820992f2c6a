"""Paths out of states: what is drawn follows the one normal distribution that slopes and values make together."""

from __future__ import annotations

import numpy as np
import torch

from genapps_audio.generation.trajectories import draw_paths, paths_of_states, windows, with_slopes


def test_slopes_of_a_line_and_curvature_of_a_parabola() -> None:
    time = torch.arange(9.0)
    found = with_slopes(torch.stack([2 * time, time**2], 1)[None])[0].view(9, 3, 2)
    torch.testing.assert_close(found[1:-1, 1, 0], torch.full((7,), 2.0))
    torch.testing.assert_close(found[1:-1, 2, 1], torch.full((7,), 2.0))
    torch.testing.assert_close(found[:, 0, 1], time**2)


def test_the_mean_path_is_the_weighted_least_squares_solution() -> None:
    draws = torch.Generator().manual_seed(0)
    means, variances = (
        torch.randn(1, 7, 6, generator=draws).double(),
        torch.rand(1, 7, 6, generator=draws).double() + 0.1,
    )
    found = draw_paths(means, variances, 0.0, draws)[0]
    rows = windows(7).double().reshape(21, 7).numpy()
    for k in range(2):
        weight = 1 / np.sqrt(variances[0].view(7, 3, 2)[:, :, k].T.reshape(21).numpy())
        target = means[0].view(7, 3, 2)[:, :, k].T.reshape(21).numpy()
        expected = np.linalg.lstsq(rows * weight[:, None], target * weight, rcond=None)[0]
        np.testing.assert_allclose(found[:, k].numpy(), expected, atol=1e-8)


def test_draws_have_the_covariance_of_that_distribution() -> None:
    variances = torch.tensor([0.5, 0.1, 0.2]).double().expand(6000, 5, 3)
    paths = draw_paths(torch.zeros(6000, 5, 3).double(), variances, 1.0, torch.Generator().manual_seed(1))[..., 0]
    rows = windows(5).double()
    precision = sum(rows[w].T @ rows[w] / float(variances[0, 0, w]) for w in range(3))
    torch.testing.assert_close(paths.T @ paths / 6000, torch.linalg.inv(precision), atol=0.03, rtol=0.05)
    warm = draw_paths(torch.zeros(6000, 5, 3).double(), variances, 0.25, torch.Generator().manual_seed(1))[..., 0]
    torch.testing.assert_close(warm, paths / 2)


def test_states_come_in_order_and_last_as_long_as_they_do() -> None:
    stay = torch.tensor([0.5, 0.8, 0.9, 1.0])
    chain = torch.diag(stay) + torch.diag(1 - stay[:-1], 1)
    found = paths_of_states(chain, 50, 40, 0.1, torch.Generator().manual_seed(0))
    assert bool((found.diff(dim=1) >= 0).all())
    assert int(found.min()) == 0 and int(found.max()) == 3
    lasted = torch.stack([(found == state).sum(1).float().mean() for state in range(4)])
    torch.testing.assert_close(lasted, torch.tensor([2.0, 5.0, 10.0, 23.0]), atol=1.0, rtol=0)
    exact = paths_of_states(chain, 3, 40, 0.0, torch.Generator().manual_seed(0))
    assert exact.unique(dim=0).shape[0] == 1
