"""How likely each cell of a row is given the others, column by column: numbers as codes, and the law within a code.

A number's code is its bin between quantiles of the reference, or the value itself where there are few. Within a bin the
density is even, beyond the last one it falls with the distance, so that a row's density is exact and what is far out is
strange. The codes are learnt by the autoregressive family, whose columns can be read in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genapps.metrics.distributions import Floats
from genapps.models import build
from genapps.models import load as load_family
from genapps.spaces import Categorical, Columns
from genapps.training import TrainingConfig
from genapps_tabular.model import generators

BINS = 32  # of a number with more distinct values, or fewer where rows are few
ROWS_A_BIN = 25
NARROWEST = 0.05  # width of a bin, in deviations: what is rounded to a few digits is no certainty
BEYOND = 3.0  # nats a deviation beyond the outermost value
FITTING = (0, 10, 3)
NAME = "autoregressive"
HIDDEN = 64
RECIPE = TrainingConfig(min_steps=200, max_steps=600)


@dataclass(frozen=True)
class Bins:
    """The codes of one number. edges: (B - 1,) between them; middles: (B,); widths: (B,), 0 where a code is a value."""

    edges: Floats
    middles: Floats
    widths: Floats
    low: float
    high: float

    @classmethod
    def fit(cls, values: Floats) -> Bins:
        """From the known values (n,) of a column, at least one."""
        levels = np.unique(values)
        low, high = float(levels[0]), float(levels[-1])
        count = int(np.clip(len(values) // ROWS_A_BIN, 3, BINS))
        if len(levels) <= count:
            return cls((levels[1:] + levels[:-1]) / 2, levels, np.zeros(len(levels)), low, high)
        ends = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)))
        return cls(ends[1:-1], (ends[1:] + ends[:-1]) / 2, np.maximum(np.diff(ends), NARROWEST), low, high)

    def code(self, values: Floats) -> NDArray[np.int64]:
        """Codes (N,), -1 where a value is unknown."""
        return np.where(np.isnan(values), -1, np.searchsorted(self.edges, np.nan_to_num(values), side="right"))

    def within(self, values: Floats) -> Floats:
        """Nats (N,) that a value costs once its code is known; 0 where it is unknown."""
        known = np.nan_to_num(values)
        widths = np.where(self.widths > 0, self.widths, 1.0)[np.maximum(self.code(values), 0)]
        beyond = np.maximum(np.maximum(self.low - known, known - self.high), 0.0)
        return np.where(np.isnan(values), 0.0, np.log(widths) + BEYOND * beyond)


@dataclass(frozen=True)
class Cells:
    """The autoregressive family over the codes of plain features (N, D), as a judge of rows and of their cells."""

    space: Columns
    bins: tuple[Bins | None, ...]  # of each variable; None where it has codes already
    model: Any

    @classmethod
    def fit(
        cls,
        space: Columns,
        codes: Floats,
        options: Mapping[str, Any],
        seed: int,
        training: TrainingConfig | None = None,
    ) -> Cells:
        """On all rows (N, D), with the family's own options."""
        bins = tuple(None if size else _bins(codes[:, j]) for j, size in enumerate(space.sizes))
        sizes = [size if b is None else len(b.middles) for size, b in zip(space.sizes, bins, strict=True)]
        model = build(NAME, Columns(tuple(Categorical(size) for size in sizes)), **{"hidden": HIDDEN, **options})
        made = cls(space, bins, model)
        model.fit(made._coded(codes), generator=generators(seed, *FITTING)[1], training=training or RECIPE)
        return made

    def score(self, codes: Floats) -> Floats:
        """Minus the log-density (N,) of rows, exact in the table's order of columns."""
        cells = self._within(codes)
        if len(codes):
            cells[:, 0] -= np.asarray(self.model.log_prob(self._coded(codes)).values, np.float64)
        total: Floats = cells.sum(1)
        return total

    def surprises(self, codes: Floats, groups: Sequence[Sequence[int]]) -> Floats:
        """How many nats (N, G) each group of columns costs given all columns outside it."""
        engine, coded = self.model.engine, torch.from_numpy(self._coded(codes))
        alone = -np.asarray(engine.variable_log_prob(coded, _apart(groups, codes.shape[1])), np.float64)
        cells = alone + self._within(codes)
        return np.column_stack([cells[:, list(columns)].sum(1) for columns in groups])

    def draw(self, codes: Floats, columns: Sequence[int], count: int, generator: torch.Generator) -> Floats:
        """So many draws (n, count, columns) of some columns of each row given its others."""
        holes = np.repeat(self._coded(codes), count, axis=0)
        holes[:, list(columns)] = -1
        filled = np.asarray(self.model.impute(holes, generator=generator))
        noise = torch.rand(len(holes), len(columns), generator=generator, dtype=torch.double).numpy() - 0.5
        found = np.empty((len(holes), len(columns)))
        for place, column in enumerate(columns):
            own, bins = filled[:, column], self.bins[column]
            found[:, place] = own if bins is None else bins.middles[own] + noise[:, place] * bins.widths[own]
        return found.reshape(len(codes), count, len(columns))

    def _coded(self, codes: Floats) -> NDArray[np.int64]:
        columns = [
            np.nan_to_num(codes[:, j], nan=-1.0).astype(np.int64) if bins is None else bins.code(codes[:, j])
            for j, bins in enumerate(self.bins)
        ]
        return np.column_stack(columns)

    def _within(self, codes: Floats) -> Floats:
        columns = [
            np.zeros(len(codes)) if bins is None else bins.within(codes[:, j]) for j, bins in enumerate(self.bins)
        ]
        return np.column_stack(columns)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arrays and plain settings, from which `restore` makes the same judge."""
        tensors, settings = self.model.state()
        arrays = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        for j, bins in enumerate(self.bins):
            if bins is not None:
                ends = np.array([bins.low, bins.high])
                parts = {"edges": bins.edges, "middles": bins.middles, "widths": bins.widths, "ends": ends}
                arrays |= {f"bins/{j}/{name}": part for name, part in parts.items()}
        return arrays, {"settings": settings, "sizes": list(self.model.space.sizes)}

    @classmethod
    def restore(cls, space: Columns, arrays: Mapping[str, Any], settings: Mapping[str, Any]) -> Cells:
        """The inverse of `state`."""
        found: list[Bins | None] = []
        for j, size in enumerate(space.sizes):
            parts = [arrays[f"bins/{j}/{name}"] for name in ("edges", "middles", "widths")] if not size else []
            found.append(Bins(*parts, *map(float, arrays[f"bins/{j}/ends"])) if parts else None)
        tensors = {
            name.removeprefix("model/"): torch.from_numpy(np.asarray(array))
            for name, array in arrays.items()
            if name.startswith("model/")
        }
        coded = Columns(tuple(Categorical(int(size)) for size in settings["sizes"]))
        return cls(space, tuple(found), load_family(NAME, coded, tensors, settings["settings"]))


def _bins(values: Floats) -> Bins:
    known = values[~np.isnan(values)]
    return Bins.fit(known if len(known) else np.zeros(1))


def _apart(groups: Sequence[Sequence[int]], count: int) -> Tensor:
    """(count, count): which columns each one is told: all that are not in its group."""
    told = torch.ones(count, count) - torch.eye(count)
    for columns in groups:
        for column in columns:
            told[column, list(columns)] = 0.0
    return told
