"""How far two samples of features are apart: the Fréchet distance and the unbiased kernel distance with its error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.metrics.frechet import Moments, frechet_distance

_ROWS = 1024  # of a kernel matrix held at once


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """The same in another unit."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


def frechet(left: Tensor, right: Tensor) -> float:
    """The Fréchet distance of features (N, D) and (M, D); it shrinks as N and M grow, so only equal ones compare.

    With fewer rows than features the covariances are never formed: the trace of their geometric mean is the sum of the
    singular values of the centered rows' products, which is the same number.
    """
    if max(len(left), len(right)) < left.shape[1]:
        means = [rows.double().mean(0) for rows in (left, right)]
        spread = [
            (rows.double() - mean) / max(1, len(rows) - 1) ** 0.5
            for rows, mean in zip((left, right), means, strict=True)
        ]
        total = sum(float(rows.square().sum()) for rows in spread)
        between = float(torch.linalg.svdvals(spread[0] @ spread[1].T).sum())
        return max(float((means[0] - means[1]).square().sum()) + total - 2 * between, 0.0)
    return frechet_distance(Moments.of(left.double().numpy()), Moments.of(right.double().numpy()))


def kernel_distance(left: Tensor, right: Tensor) -> Interval:
    """The squared maximum mean discrepancy of features (N, D) and (M, D) with the kernel (x·y / D + 1)³.

    Bińkowski et al., "Demystifying MMD GANs", 2018, section 4. The estimate is unbiased, so that it may be negative:
    that means about 0. Its interval is of the jackknife over the rows of either side. Raises InputError for fewer than
    3 rows on either side.
    """
    if min(len(left), len(right)) < 3:
        raise InputError(f"a kernel distance needs 3 images on either side, not {min(len(left), len(right))}")
    within_left, within_right = _sums(left, left) - _own(left), _sums(right, right) - _own(right)
    across, back = _sums(left, right), _sums(right, left)
    n, m = len(left), len(right)
    mixed = across.sum() / (n * m)
    value = within_left.sum() / (n * (n - 1)) + within_right.sum() / (m * (m - 1)) - 2 * mixed
    # Without row i of one side: its kernel values leave the sums.
    without = [
        (own.sum() - 2 * own) / ((size - 1) * (size - 2)) - 2 * (other.sum() - other) / ((size - 1) * opposite)
        for own, other, size, opposite in ((within_left, across, n, m), (within_right, back, m, n))
    ]
    variance = sum(float((part - part.mean()).square().sum()) * (len(part) - 1) / len(part) for part in without)
    reach = 1.96 * variance**0.5
    return Interval(float(value), float(value) - reach, float(value) + reach)


def _kernel(left: Tensor, right: Tensor) -> Tensor:
    return (left.double() @ right.double().T / left.shape[1] + 1) ** 3


def _sums(left: Tensor, right: Tensor) -> Tensor:
    """(N,) sums of the kernel of each row of `left` with all of `right`."""
    return torch.cat([_kernel(part, right).sum(1) for part in left.split(_ROWS)])


def _own(rows: Tensor) -> Tensor:
    return (rows.double().square().sum(1) / rows.shape[1] + 1) ** 3
