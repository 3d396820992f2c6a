"""Rows as the E-step wants them: standardised in float64, whitened where complete, grouped by what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genapps.robust import FAR, NORMAL
from genapps.spaces import Categorical, Columns

WIDE = 64  # continuous columns beyond which second moments are no longer features
_STEP = 65_536  # rows converted at once
_NEAR = 10.0  # times that spread: as far as a value counts then in covariances
_SAMPLED = 500_000  # numbers among which the middle half of each column is found
_FLOOR = 1e-10  # of the correlation matrix's eigenvalues: directions without variance are left as they are


@dataclass(frozen=True)
class Layout:
    """Which columns of a space are numbers and which are codes. numbers, codes: column numbers."""

    numbers: tuple[int, ...]
    codes: tuple[int, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, space: Columns) -> Layout:
        kinds = list(enumerate(space.variables))
        codes = tuple(j for j, kind in kinds if isinstance(kind, Categorical))
        return cls(
            tuple(j for j, kind in kinds if not isinstance(kind, Categorical)),
            codes,
            tuple(space.sizes[j] for j in codes),
        )

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers (n, d) float64, NaN where unknown, and codes (n, C), one past the last where unknown."""
        numbers = rows if len(self.numbers) == rows.shape[1] else rows[:, list(self.numbers)]
        codes = rows[:, list(self.codes)]
        if codes.is_floating_point():
            codes = codes.nan_to_num(nan=-1)
        codes = codes.long()
        past = torch.tensor(self.sizes, dtype=torch.long).expand_as(codes)
        return numbers.double(), torch.where(codes < 0, past, codes)


@dataclass(frozen=True)
class Scale:
    """Where the rows lie. center, scale: (d,) of the numbers; whiten: (d, d) after standardising, or None.

    cov: (d, d) of the standardised numbers, or only (d,) variances. shares: (size,) of each categorical column.
    weight: of all rows together.
    """

    center: Tensor
    scale: Tensor
    cov: Tensor
    whiten: Tensor | None
    shares: tuple[Tensor, ...]
    weight: float
    lost: float  # nats a row by which the density is lower in the columns' own units, on average
    steep: bool = False  # some values lie so far out that float32 has no digits for them beside the others

    def log_volume(self, numbers: Tensor) -> Tensor:
        """The same for each row of standardised or other numbers (N, d), of which NaN does not count."""
        if not bool(torch.isnan(numbers).any()):
            return self.scale.log().sum().expand(len(numbers))
        return (~torch.isnan(numbers)).double() @ self.scale.log()

    def to_tensors(self) -> dict[str, Tensor]:
        """The tensors by name."""
        named = {f"scale/{name}": part for name, part in vars(self).items() if isinstance(part, Tensor)}
        return named | {f"scale/shares/{number}": shares for number, shares in enumerate(self.shares)}

    @classmethod
    def from_tensors(cls, named: Mapping[str, Tensor], weight: float, lost: float) -> Scale:
        """The inverse of `to_tensors`."""
        center, scale, cov = (named[f"scale/{name}"] for name in ("center", "scale", "cov"))
        count = sum(name.startswith("scale/shares/") for name in named)
        shares = tuple(named[f"scale/shares/{number}"] for number in range(count))
        return cls(center, scale, cov, named.get("scale/whiten"), shares, weight, lost)

    @classmethod
    def measure(
        cls, chunks: Iterable[tuple[Tensor, Tensor | None]], layout: Layout, *, dense: bool, common: bool
    ) -> Scale:
        """From chunks of rows (n, D) and their weights, in one pass.

        dense: covariances between columns are wanted. common: one scale for all columns. A column that does not vary
        has scale 1, and one of which nothing is known has center 0. One whose deviation is the work of a few values far
        out is measured by its middle half, or a floor in units of that deviation would drown all the other rows.
        """
        width = len(layout.numbers)
        shift: Tensor | None = None
        known, first, square = (torch.zeros(width, dtype=torch.double) for _ in range(3))
        cross = torch.zeros(width, width, dtype=torch.double) if dense else torch.zeros(0, dtype=torch.double)
        counts = [torch.zeros(size + 1, dtype=torch.double) for size in layout.sizes]
        total, some = 0.0, _Sample(width)
        for rows, weights in chunks:
            for start in range(0, len(rows), _STEP):
                numbers, codes = layout.split(rows[start : start + _STEP])
                some.add(numbers)
                mass = torch.ones(len(numbers)) if weights is None else weights[start : start + _STEP]
                mass = mass.double()
                if shift is None:  # near the data, so that squares lose no digits
                    shift = numbers.nanmean(0).nan_to_num()
                there = ~torch.isnan(numbers)
                numbers = (numbers - shift).nan_to_num_()
                heavy = numbers * mass[:, None]
                known += mass @ there.double()
                first += heavy.sum(0)
                square += (heavy * numbers).sum(0)
                if dense:
                    cross += heavy.T @ numbers
                for column, count in enumerate(counts):
                    count.index_add_(0, codes[:, column], mass)
                total += float(mass.sum())
        shift = torch.zeros(width, dtype=torch.double) if shift is None else shift
        mean = first / known.clamp_min(1e-300)
        variance = (square / known.clamp_min(1e-300) - mean.square()).clamp_min(0)
        tiny = 1e-24 * (shift + mean).square()  # of a constant: rounding, not variance
        varies = variance > tiny
        middle, spread = some.middle(shift)
        drowned = varies & (spread > 0) & (variance.sqrt() > FAR * spread)
        variance, center = torch.where(drowned, spread.square(), variance), torch.where(drowned, middle, mean)
        own = variance
        if common:
            pooled = variance.mean() if width else variance.sum()
            variance, varies = pooled.expand_as(variance), (pooled > 0).expand_as(varies)
        scale = torch.where(varies, variance, 1.0).sqrt()
        if dense:
            around = cross / max(total, 1e-300) - torch.outer(first, first) / max(total, 1e-300) ** 2
            cov = some.cov(shift + center, scale) if bool(drowned.any()) else around / torch.outer(scale, scale)
            whiten = _whitening(cov)
        else:
            cov, whiten = own / scale.square(), None
        # What is known of a code beforehand: its share, and a twentieth of a row for those never seen.
        shares = tuple((count[:-1] + 0.05) / (count[:-1] + 0.05).sum() for count in counts)
        lost = float(known @ scale.log()) / max(total, 1e-300)
        return cls(shift + center, scale, cov, whiten, shares, total, lost, bool(drowned.any()))


class _Sample:
    """The first rows of the numbers, enough to tell where their middle half lies."""

    def __init__(self, width: int) -> None:
        self._parts: list[Tensor] = []
        self._room = _SAMPLED // max(1, width)

    def add(self, numbers: Tensor) -> None:
        """Keep these (n, d), as far as there is room."""
        if self._room > 0:
            self._parts.append(numbers[: self._room].clone())
            self._room -= len(numbers)

    def middle(self, shift: Tensor) -> tuple[Tensor, Tensor]:
        """(d,) medians less `shift`, and the deviations of normal distributions with the same middle halves."""
        if not self._parts or not len(shift):
            return torch.zeros_like(shift), torch.zeros_like(shift)
        numbers = torch.cat(self._parts) - shift
        low, median, high = torch.nanquantile(numbers, torch.tensor([0.25, 0.5, 0.75], dtype=numbers.dtype), 0)
        return median.nan_to_num(), ((high - low) / NORMAL).nan_to_num()

    def cov(self, center: Tensor, scale: Tensor) -> Tensor:
        """(d, d) of the standardised numbers, those far out drawn near."""
        values = ((torch.cat(self._parts) - center) / scale).clamp_(-_NEAR, _NEAR).nan_to_num_()
        return values.T @ values / len(values)


def _whitening(cov: Tensor) -> Tensor:
    """(d, d): standardised rows times it have about unit covariance."""
    values, vectors = torch.linalg.eigh(cov)
    top = float(values.max()) if len(values) else 0.0
    steady = torch.where(values > _FLOOR * top, values, 1.0)
    found: Tensor = vectors * steady.rsqrt()
    return found


@dataclass(frozen=True)
class Block:
    """Rows of which the same columns are known.

    values: (o, n) standardised numbers, whitened where `whiten` is there; a column of theirs lies in one piece. codes:
    (n, C). weights: (n,) or None. seen: the known columns (o,), None for all. rows: their places (n,), None where in
    order. gaps: whether there are NaN among the values.
    """

    values: Tensor
    codes: Tensor
    weights: Tensor | None = None
    seen: Tensor | None = None
    whiten: Tensor | None = None
    rows: Tensor | None = None
    gaps: bool = False


def blocks_of(
    rows: Tensor,
    layout: Layout,
    scale: Scale,
    *,
    weights: Tensor | None = None,
    patterns: bool = True,
    dtype: torch.dtype = torch.double,
    device: torch.device | None = None,
) -> Iterator[Block]:
    """Rows (N, D) as blocks. patterns: a block for each set of known columns; else NaN stays within a single block."""
    codes = torch.empty(len(rows), len(layout.codes), dtype=torch.long)
    values = torch.empty(len(layout.numbers), len(rows), dtype=dtype)
    missing = torch.zeros(len(rows), dtype=torch.bool)
    whiten = scale.whiten if patterns else None
    for start in range(0, len(rows), _STEP):
        piece = slice(start, start + _STEP)
        numbers, codes[piece] = layout.split(rows[piece])
        numbers = (numbers - scale.center) / scale.scale
        missing[piece] = torch.isnan(numbers).any(1)
        values[:, piece] = (numbers if whiten is None else numbers @ whiten).T
    some = bool(missing.any())
    parts: list[tuple[Tensor | None, Tensor | None]] = [(None, None)]
    if some and patterns:
        complete = (~missing).nonzero()[:, 0]
        parts = [(complete, None)] if len(complete) else []
        gaps = missing.nonzero()[:, 0]
        parts += _by_pattern(rows[gaps], gaps, layout)
    for places, seen in parts:
        if places is None:
            block = Block(values, codes, weights, None, whiten, gaps=some)
        elif seen is None:
            block = Block(values[:, places], codes[places], _pick(weights, places), None, whiten, places)
        else:
            numbers = (layout.split(rows[places])[0] - scale.center) / scale.scale
            known = numbers[:, seen].T.to(dtype).contiguous()
            block = Block(known, codes[places], _pick(weights, places), seen, None, places)
        yield _moved(block, device) if device is not None else block


def _by_pattern(rows: Tensor, places: Tensor, layout: Layout) -> list[tuple[Tensor | None, Tensor | None]]:
    """Rows with gaps, grouped: their places and the columns that they have."""
    there = ~torch.isnan(rows[:, list(layout.numbers)])
    patterns, which = torch.unique(there, dim=0, return_inverse=True)
    order = torch.argsort(which, stable=True)
    groups = places[order].split(torch.bincount(which, minlength=len(patterns)).tolist())
    return [(group, pattern.nonzero()[:, 0]) for group, pattern in zip(groups, patterns, strict=True)]


def _pick(weights: Tensor | None, places: Tensor) -> Tensor | None:
    return None if weights is None else weights[places]


def _moved(block: Block, device: torch.device) -> Block:
    there: dict[str, Any] = {name: part.to(device) for name, part in vars(block).items() if isinstance(part, Tensor)}
    return replace(block, **there)
