"""Do made things lie where real ones are, and do they reach them all? By the nearest neighbors of features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.errors import InputError

NEIGHBORS = 5
_ROWS = 512  # of a matrix of distances held at once


@dataclass(frozen=True)
class Reach:
    """Shares between 0 and 1, density alone may be higher.

    precision: made ones within the ball of a real one; recall: real ones within the ball of a made one (Kynkäänniemi
    et al., 2019). density: in how many balls of real ones a made one lies, of those it would lie in; coverage: real
    ones with a made one in their ball (Naeem et al., 2020). A ball reaches to the k-th nearest of the same side.
    covered: (N,) whether each real one is, for shares by class.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    covered: Tensor


def reach(real: Tensor, made: Tensor, *, k: int = NEIGHBORS) -> Reach:
    """Of made features (M, D) beside real ones (N, D). Raises InputError for k rows or fewer on either side.

    Recall and coverage depend on N and M: only figures of the same numbers compare.
    """
    if min(len(real), len(made)) <= k:
        raise InputError(f"{min(len(real), len(made))} rows: more than {k} are needed on either side")
    real_radius, made_radius = radii(real, k), radii(made, k)
    inside = torch.zeros(len(made), dtype=torch.long)  # in how many balls of real ones each lies
    covered, recalled = [], []
    for part, radius in zip(real.split(_ROWS), real_radius.split(_ROWS), strict=True):
        apart = torch.cdist(part, made)
        near = apart <= radius[:, None]
        inside += near.sum(0)
        covered.append(near.any(1))
        recalled.append((apart <= made_radius).any(1))
    reached = torch.cat(covered)
    return Reach(
        precision=float((inside > 0).float().mean()),
        recall=float(torch.cat(recalled).float().mean()),
        density=float(inside.float().mean()) / k,
        coverage=float(reached.float().mean()),
        covered=reached,
    )


def radii(rows: Tensor, k: int) -> Tensor:
    """(N,) distance of each row (N, D) to its k-th nearest other row."""
    return torch.cat([torch.cdist(part, rows).kthvalue(k + 1, 1).values for part in rows.split(_ROWS)])
