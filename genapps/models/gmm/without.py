"""How likely rows are without some of their columns: what a column adds is what it costs given all the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genapps.models.gmm.spread import Diagonal

if TYPE_CHECKING:
    from genapps.models.gmm.gaussian import GaussianMixture

_AT_ONCE = 8_000_000  # terms, of rows times components times columns


def log_prob_without(engine: GaussianMixture, rows: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """Log-density (N, G), float64, of rows (N, D) without each group of columns, which are summed over.

    Components whose columns are independent give all groups at once; others are asked once a group.
    """
    mixture, _ = engine.fitted()
    if not isinstance(mixture.spread, Diagonal):
        return torch.stack([_asked(engine, rows, columns) for columns in groups], 1)
    member = torch.zeros(rows.shape[1], len(groups), dtype=torch.double)
    for number, columns in enumerate(groups):
        member[list(columns), number] = 1
    step = max(1, _AT_ONCE // (len(mixture) * max(rows.shape[1], 1)))
    parts = [_leaving(engine, part, member) for part in rows.split(step)]
    return torch.cat([torch.zeros(0, len(groups), dtype=torch.double), *parts])


def _asked(engine: GaussianMixture, rows: Tensor, columns: Sequence[int]) -> Tensor:
    holes = rows.clone()
    holes[:, list(columns)] = torch.nan if rows.is_floating_point() else -1
    return engine.log_prob(holes, torch.Generator()).values.double()


def _leaving(engine: GaussianMixture, rows: Tensor, member: Tensor) -> Tensor:
    terms = column_terms(engine, rows)
    mixture, _ = engine.fitted()
    joint = terms.sum(2) + mixture.weights.clamp_min(1e-300).log()
    return torch.logsumexp(joint[:, :, None] - terms @ member, 1)


def column_terms(engine: GaussianMixture, rows: Tensor) -> Tensor:
    """Log-density (n, K, D) of each column of rows (n, D) in each component of a diagonal mixture; 0 if unknown."""
    mixture, scale = engine.fitted()
    layout, variances = engine.layout, mixture.spread.variances
    numbers, codes = layout.split(rows)
    x = ((numbers - scale.center) / scale.scale)[:, None]
    logs = -0.5 * ((x - mixture.means).square() / variances + (2 * math.pi * variances).log()) - scale.scale.log()
    terms = torch.zeros(len(rows), len(mixture), rows.shape[1], dtype=torch.double)
    terms[:, :, list(layout.numbers)] = torch.where(torch.isnan(x), 0.0, logs)
    for column, table, own in zip(layout.codes, mixture.tables, codes.T, strict=True):
        known = torch.cat([table.clamp_min(1e-300).log(), table.new_zeros(len(table), 1)], 1)
        terms[:, :, column] = known.T[own]
    return terms
