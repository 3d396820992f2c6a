"""Cells that a saved model can make nothing of: no number where it learnt numbers, a category it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats
from genapps_tabular.columns.base import as_text, flat
from genapps_tabular.columns.numerals import read_words
from genapps_tabular.features import Feature, Features

SHOWN = 40  # characters of an example


@dataclass(frozen=True)
class Unread:
    """How many cells of a column are taken as unknown though they hold something, what they are, and one of them."""

    column: str
    cells: int
    what: str
    example: str

    @property
    def words(self) -> str:
        """One line for people. It quotes a cell, so it is no part of a report."""
        cells = "1 cell" if self.cells == 1 else f"{self.cells:,} cells"
        return f"column {self.column!r}: {self.what} in {cells}, such as {self.example!r}: taken as unknown"


def lost_cells(features: Features, table: pa.Table, values: Floats) -> NDArray[np.bool_]:
    """Which cells (N, number of features) hold something that is not among the `values` the features read of them."""
    found = np.zeros(values.shape, bool)
    for place, feature in enumerate(features.features):
        array = flat(table.column(feature.name))
        if feature.facet.role != "category" and not pa.types.is_string(array.type):
            continue  # a number that is none, infinite or not a number, is a gap
        lost = np.isnan(values[:, place]) & np.asarray(array.is_valid())
        if lost.any():
            schema = feature.facet.column
            lost &= read_words(array, (*schema.words, *schema.missing)) < 0
        found[:, place] = lost
    return found


def unread_in(features: Features, table: pa.Table, values: Floats) -> Iterator[Unread]:
    """What is lost of a table whose `values` (N, number of features) are those that the features read of it."""
    for feature, lost in zip(features.features, lost_cells(features, table, values).T, strict=True):
        array = flat(table.column(feature.name))
        if lost.any():
            example = str(as_text(array.slice(int(lost.argmax()), 1))[0].as_py())
            shown = example if len(example) <= SHOWN else example[: SHOWN - 1] + "…"
            yield Unread(feature.name, int(lost.sum()), _what(feature), shown)


def _what(feature: Feature) -> str:
    schema = feature.facet.column
    if feature.facet.role == "category":
        return "a category that was never seen"
    return f"no {schema.kind}" + (f" like '{schema.format}'" if schema.format else "")
