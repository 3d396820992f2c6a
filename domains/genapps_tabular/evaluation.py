"""What an evaluation of a synthetic table says: measures beside their controls, columns, pairs and a verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Measure:
    """One figure and the same figure for the three controls that make it readable.

    `value` is the synthetic table's; `ceiling` other real rows', `floor` independently shuffled columns', `copied` a
    copy of the training rows'. None where a figure does not apply or could not be had; `note` then says why.
    """

    key: str  # machine name, e.g. "two_sample_auc"
    name: str  # human name, e.g. "Told apart from unseen rows (AUC)"
    group: Literal["fidelity", "usefulness", "privacy"]
    better: Literal["higher", "lower", "half"]  # "half": 0.5 is ideal
    value: float | None
    ceiling: float | None = None
    floor: float | None = None
    copied: float | None = None
    n: int = 0  # rows the figure stands on
    protocol: str = ""  # one sentence: how it was measured
    note: str = ""


@dataclass(frozen=True)
class ColumnView:
    """One column of both tables, aggregated: never a single person's value."""

    name: str
    kind: str
    similarity: float | None  # 1 - Kolmogorov-Smirnov distance, or 1 - total variation distance
    labels: tuple[str, ...]  # categories (most frequent, then "other"), or bin edges as text: len(real)+1 of them
    numeric: bool  # labels are edges
    real: tuple[float, ...]  # shares, sum 1 over non-missing
    synthetic: tuple[float, ...]
    missing_real: float = 0.0
    missing_synthetic: float = 0.0


@dataclass(frozen=True)
class PairView:
    """Dependence of every pair of columns in both tables, 0..1, and how alike the two are."""

    columns: tuple[str, ...]
    real: tuple[tuple[float, ...], ...]
    synthetic: tuple[tuple[float, ...], ...]
    similarity: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Verdict:
    """One paragraph that says in words whether to trust the table and for what."""

    level: Literal["good", "usable", "poor"]
    text: str


@dataclass(frozen=True)
class Evaluation:
    """All that is known about a synthetic table."""

    measures: tuple[Measure, ...]
    columns: tuple[ColumnView, ...]
    pairs: PairView | None
    verdict: Verdict
    rows: dict[str, int]  # real, synthetic, holdout
    provenance: dict[str, Any] = field(default_factory=dict)  # family, seed, training seconds, peak memory, versions

    def __getitem__(self, key: str) -> Measure:
        for measure in self.measures:
            if measure.key == key:
                return measure
        raise KeyError(key)

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        return asdict(self)
