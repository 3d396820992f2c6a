"""Mixtures from known numbers, and from other mixtures: some of the columns, or the rest given some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.models.gmm import mixture as mx
from genapps.models.gmm.mixture import Mixture
from genapps.models.gmm.rows import Scale
from genapps.models.gmm.spread import Dense, Diagonal, Spread

if TYPE_CHECKING:
    from genapps.models.gmm.gaussian import GaussianMixture


def given_mixture(
    weights: Any, means: Any, covariances: Any, kind: str, probabilities: Sequence[Any]
) -> tuple[Mixture, Scale]:
    """A mixture in the units of its own mean and deviation. Raises UsageError for shapes that do not fit together."""
    weights, means, covariances = (torch.as_tensor(part).double() for part in (weights, means, covariances))
    count, width = means.shape if means.ndim == 2 else (0, 0)
    shapes = {"full": (count, width, width), "tied": (width, width), "diag": (count, width), "spherical": (count,)}
    if kind not in shapes:
        raise UsageError(f"covariance_type {kind!r}: numbers can be given for {', '.join(shapes)}")
    if weights.shape != (count,) or covariances.shape != shapes[kind]:
        raise UsageError(
            f"weights {tuple(weights.shape)}, means {tuple(means.shape)} and {kind} covariances "
            f"{tuple(covariances.shape)} do not fit together"
        )
    if not bool((weights >= 0).all()) or not 0.999 < float(weights.sum()) < 1.001:
        raise UsageError("weights must not be negative and sum to one")
    tables = tuple(torch.as_tensor(table).double() for table in probabilities)
    spread: Spread = Dense(covariances if kind == "full" else covariances[None])
    if kind in ("diag", "spherical"):
        spread = Diagonal(covariances if kind == "diag" else covariances[:, None].expand(count, width))
    if width and float(spread.variances.min()) <= 0:
        raise UsageError("covariances must be positive definite")
    center = weights @ means
    variance = weights @ (spread.variances + (means - center).square())
    deviation = variance.sqrt() if kind != "spherical" else variance.mean().sqrt().expand(width)
    scale = Scale(center, deviation, torch.ones(width).double(), None, tables_overall(weights, tables), 1.0, 0.0)
    found = Mixture(weights / weights.sum(), (means - center) / deviation, spread.stretched(1 / deviation), tables)
    return found, replace(scale, lost=float(deviation.log().sum()))


def tables_overall(weights: Tensor, tables: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The shares of each categorical column's codes in the whole mixture."""
    return tuple(weights @ table for table in tables)


def marginal(engine: GaussianMixture, columns: list[int]) -> tuple[Mixture, Scale]:
    """The mixture of some columns, and their scale."""
    mixture, scale = engine.fitted()
    _check(engine, columns)
    numbers = [engine.layout.numbers.index(column) for column in columns if column in engine.layout.numbers]
    codes = [engine.layout.codes.index(column) for column in columns if column in engine.layout.codes]
    return mixture.marginal(torch.tensor(numbers, dtype=torch.long), tuple(codes)), _part(scale, numbers, codes)


def condition(engine: GaussianMixture, columns: list[int], values: list[float]) -> tuple[Mixture, Scale]:
    """The mixture of the other columns given values of these, and their scale."""
    mixture, scale = engine.fitted()
    _check(engine, columns)
    if len(columns) != len(values):
        raise UsageError(f"{len(values)} values for {len(columns)} columns")
    told = dict(zip(columns, (float(value) for value in values), strict=True))
    layout = engine.layout
    known = [place for place, column in enumerate(layout.numbers) if column in told]
    rest = [place for place, column in enumerate(layout.numbers) if column not in told]
    codes: dict[int, int] = {}
    for place, column in enumerate(layout.codes):
        if column in told:
            if told[column] not in range(layout.sizes[place]):
                raise InputError(f"column {column}: {told[column]} is no code from 0 to {layout.sizes[place] - 1}")
            codes[place] = int(told[column])
    numbers = torch.tensor([told[layout.numbers[place]] for place in known], dtype=torch.double)
    if not bool(torch.isfinite(numbers).all()):
        raise InputError("the values that are given must be finite; leave a column out where it is unknown")
    standard = (numbers - scale.center[known]) / scale.scale[known]
    found, _ = mx.condition(mixture, torch.tensor(known).long(), torch.tensor(rest).long(), standard, codes)
    return found, _part(scale, rest, [place for place in range(len(layout.codes)) if place not in codes])


def _part(scale: Scale, numbers: list[int], codes: list[int]) -> Scale:
    cov = scale.cov[numbers][:, numbers] if scale.cov.ndim == 2 else scale.cov[numbers]
    lost = float(scale.scale[numbers].log().sum())
    shares = tuple(scale.shares[place] for place in codes)
    return Scale(scale.center[numbers], scale.scale[numbers], cov, None, shares, scale.weight, lost)


def _check(engine: GaussianMixture, columns: list[int]) -> None:
    width = len(engine.space.variables)
    wrong = [column for column in columns if column not in range(width)]
    if wrong or len(set(columns)) < len(columns) or not columns:
        raise UsageError(f"columns {columns}: name different ones from 0 to {width - 1}")


def moved(mixture: Mixture, old: Scale, new: Scale) -> Mixture:
    """The mixture in another scale's units."""
    means = (mixture.means * old.scale + (old.center - new.center)) / new.scale
    return replace(mixture, means=means, spread=mixture.spread.stretched(old.scale / new.scale))
