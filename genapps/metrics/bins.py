"""Does a model make every kind of thing, in the right proportion? The number of statistically different bins.

Richardson and Weiss, "On GANs and GMMs", 2018, section 2: cells are found in the training data by k-means; for each,
the share of training rows in it is compared with the share of made rows. A model that has collapsed leaves cells empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.kmeans import kmeans, nearest
from genapps.metrics.distributions import Floats


@dataclass(frozen=True)
class Bins:
    """How two samples fill the same cells.

    train, made: (bins,) share of the rows in each cell. z: (bins,) statistic of the two-proportion test, positive where
    too many were made. different: how many cells differ by more than chance. divergence: Jensen-Shannon divergence of
    the shares, in nats.
    """

    train: Floats
    made: Floats
    z: Floats
    different: int
    divergence: float

    @property
    def share(self) -> float:
        """The share of the cells that differ: NDB/K in the paper; about `significance` for a perfect model."""
        return self.different / len(self.train)

    @property
    def empty(self) -> int:
        """Cells with training rows in which nothing was made."""
        return int(((self.made == 0) & (self.train > 0)).sum())


def bins(
    train: Any, made: Any, *, count: int = 100, significance: float = 0.05, seed: int = 0, iterations: int = 20
) -> Bins:
    """Compare rows that were made (M, ...) with training rows (N, ...), both of the same shape a row.

    count: cells, fewer where there are fewer training rows. significance: of each cell's two-sided test. The cells
    depend on `train`, `count` and `seed` alone, so that several models, or real test rows, are judged by the same ones.
    Raises InputError for samples without rows, of different widths, or with values that are not finite.
    """
    real, fake = _rows(train), _rows(made)
    if real.shape[1] != fake.shape[1]:
        raise InputError(f"rows of {fake.shape[1]} values beside training rows of {real.shape[1]}")
    count = min(count, len(real))
    generator = torch.Generator().manual_seed(seed)
    middle = real.mean(0, dtype=torch.double).to(real.dtype)
    real, fake = (real - middle).float(), (fake - middle).float()
    centers = kmeans(real, count, generator, iterations=iterations)
    seen, got = (torch.bincount(nearest(rows, centers)[0], minlength=count).numpy() for rows in (real, fake))
    return compare(seen, got, significance=significance)


def compare(train: Any, made: Any, *, significance: float = 0.05) -> Bins:
    """The test on counts (bins,) of the same cells: pooled two-proportion z-test a cell, two-sided."""
    seen, got = np.asarray(train, np.float64), np.asarray(made, np.float64)
    p, q = seen / seen.sum(), got / got.sum()
    pooled = (seen + got) / (seen.sum() + got.sum())
    error = np.sqrt(pooled * (1 - pooled) * (1 / seen.sum() + 1 / got.sum()))
    z = np.divide(q - p, error, out=np.zeros_like(p), where=error > 0)
    limit = float(torch.special.ndtri(torch.tensor(1 - significance / 2, dtype=torch.double)))
    return Bins(p, q, z, int((np.abs(z) > limit).sum()), _divergence(p, q))


def _divergence(p: Floats, q: Floats) -> float:
    middle = (p + q) / 2
    parts = [np.where(x > 0, x * np.log(np.where(x > 0, x, 1) / np.where(middle > 0, middle, 1)), 0) for x in (p, q)]
    return float(0.5 * (parts[0].sum() + parts[1].sum()))


def _rows(data: Any) -> Tensor:
    tensor = torch.as_tensor(data)
    if not len(tensor):
        raise InputError("no rows to compare")
    rows = tensor.reshape(len(tensor), -1)
    rows = rows if rows.is_floating_point() else rows.float()
    if not bool(torch.isfinite(rows).all()):
        raise InputError("values that are not finite have no nearest cell; fill them in first")
    return rows
