"""What the objective was asked and what it said: one entry a molecule, in the order of the calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A molecule that may be asked about, with its canonical text."""

    smiles: str
    mol: Chem.Mol


@dataclass(frozen=True)
class Scores:
    """What an objective says of N molecules: values (N,), NaN where it has none, and then why in a few words."""

    values: Floats
    reasons: tuple[str, ...]


@dataclass
class Ledger:
    """Every molecule that was asked about, once each. A call is a canonical SMILES that was not asked before.

    best: the highest score, NaN before there is one.
    """

    smiles: list[str] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)  # call -> why it has no score
    _values: list[float] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    best: float = float("nan")

    def __len__(self) -> int:
        return len(self.smiles)

    def __contains__(self, smiles: str) -> bool:
        return smiles in self._places

    @property
    def values(self) -> Floats:
        """The score of each call, (calls,); NaN where there is none."""
        return np.array(self._values, np.float64)

    def enter(self, smiles: Sequence[str], scores: Scores) -> None:
        """Add what was asked. Raises ValueError for a molecule that was asked before: calls are not spent twice."""
        for text, value, reason in zip(smiles, scores.values.tolist(), scores.reasons, strict=True):
            if text in self._places:
                raise ValueError(f"{text} was asked before")
            known = bool(np.isfinite(value))
            if not known:
                self.reasons[len(self.smiles)] = reason or "not a number"
            self._places[text] = len(self.smiles)
            self.smiles.append(text)
            self._values.append(value if known else np.nan)
            if known and not value <= self.best:
                self.best = value

    def ranked(self, since: int = 0) -> NDArray[np.int64]:
        """The calls from that one on that have a score, best first, the earlier of equals first."""
        values = self.values[since:]
        order = np.argsort(-values, kind="stable")
        return order[: int(np.isfinite(values).sum())] + since


def top_means(values: Floats, k: int, every: int) -> Floats:
    """The mean of the k highest scores after each `every` calls, and after the last one; NaN before there is one."""
    ends = [*range(every, len(values), every), *([len(values)] if len(values) else [])]
    return np.array([_top(values[:end], k) for end in ends])


def area(values: Floats, budget: int, k: int = 10, every: int = 100) -> float:
    """The area under the mean of the k highest scores over the calls, as a share of the budget.

    As Gao et al. 2022 define it ("Sample efficiency matters", section 3 and their code): trapezoids of `every` calls
    that begin at 0; where a run ends before the budget is spent, what it had reached counts for the rest. Calls without
    a score count as 0.
    """
    values = np.nan_to_num(values[:budget])
    if not len(values):
        return 0.0
    total = before = 0.0
    called = 0
    for end in range(every, len(values), every):
        now = _top(values[:end], k)
        total += every * (now + before) / 2
        before, called = now, end
    now = _top(values, k)
    total += (len(values) - called) * (now + before) / 2
    return float((total + (budget - len(values)) * now) / budget)


def _top(values: Floats, k: int) -> float:
    known = values[np.isfinite(values)]
    return float(np.sort(known)[-k:].mean()) if len(known) else float("nan")
