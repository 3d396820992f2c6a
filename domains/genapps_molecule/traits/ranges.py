"""What is wished of molecules, as a person writes it: "qed>=0.6, 250<=mw<=500, logp<4"."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genapps.errors import UsageError
from genapps_molecule.traits.expressions import Comparison, Expression, Parser, Table, names_of
from genapps_molecule.traits.properties import PROPERTIES

__all__ = ["Expression", "Wish"]

_COMPARE: dict[str, Callable[..., NDArray[np.bool_]]] = {
    "<=": np.less_equal,
    "<": np.less,
    ">=": np.greater_equal,
    ">": np.greater,
    "==": np.equal,
    "!=": np.not_equal,
}
_MIRRORED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<", "==": "==", "!=": "!="}
_LEAST = 1e-9  # distance of what is not met, however near it is


@dataclass(frozen=True)
class Wish:
    """Comparisons of which all are to hold."""

    text: str
    comparisons: tuple[Comparison, ...]

    @classmethod
    def parse(cls, text: str, extra: Collection[str] = ()) -> Wish:
        """Of a text: comparisons with commas between them. `extra` are names it may use beside the properties.

        Raises UsageError where the text is not understood, and where no molecule could ever meet it.
        """
        parser = Parser(text, extra)
        if parser.ended():
            raise UsageError("no range is given; write for example qed>=0.6, 250<=mw<=500")
        comparisons = parser.comparisons()
        while parser.takes(",", ";", "&", "and"):
            if not parser.ended():
                comparisons += parser.comparisons()
        parser.expect_end()
        _refuse_contradictions(text, comparisons)
        return cls(text, tuple(comparisons))

    @property
    def names(self) -> tuple[str, ...]:
        """The figures it needs of each molecule."""
        return names_of(side for one in self.comparisons for side in (one.left, one.right))

    def meets(self, table: Table) -> NDArray[np.bool_]:
        """Which molecules meet all of it, (N,) from figures (N,); a figure that cannot be had meets nothing."""
        met: NDArray[np.bool_] = np.logical_and.reduce([_holds(one, table) for one in self.comparisons])
        return met

    def distance(self, table: Table) -> NDArray[np.float64]:
        """How far each molecule is from what is wished, (N,): 0 where met, else in spreads of drugs, summed."""
        far: NDArray[np.float64] = np.sum([_distance(one, table) for one in self.comparisons], axis=0)
        return far

    def missed(self, table: Table) -> list[str]:
        """For each molecule the first comparison it does not meet, with its value; empty where it meets all."""
        words = np.full(len(self.meets(table)), "", object)
        for one in reversed(self.comparisons):
            left, right = one.left.value(table), one.right.value(table)
            for row in np.flatnonzero(~_holds(one, table)):
                found = " and ".join(
                    f"{side.text} is {value[row]:.4g}"
                    for side, value in ((one.left, left), (one.right, right))
                    if side.names
                )
                words[row] = f"{found}, not {one.text}"
        return list(words)


def _holds(one: Comparison, table: Table) -> NDArray[np.bool_]:
    left, right = one.left.value(table), one.right.value(table)
    return _COMPARE[one.sign](left, right) & ~np.isnan(left) & ~np.isnan(right)


def _distance(one: Comparison, table: Table) -> NDArray[np.float64]:
    left, right = one.left.value(table), one.right.value(table)
    with np.errstate(invalid="ignore"):
        gap = np.abs(left - right) / _spread(one)
    gap = np.where(np.isnan(gap), np.inf, np.maximum(gap, _LEAST))
    return np.where(_holds(one, table), 0.0, gap)


def _spread(one: Comparison) -> float:
    """The spread of the property that a comparison is about; 1 for what is no property alone."""
    spreads = [PROPERTIES[side.text].spread for side in (one.left, one.right) if side.text in PROPERTIES]
    return max(spreads, default=1.0)


def _refuse_contradictions(text: str, comparisons: list[Comparison]) -> None:
    """Raise UsageError where the bounds of one figure leave nothing between them."""
    bounds: dict[str, list[tuple[float, bool, str]]] = {}
    for one in comparisons:
        for side, sign, other in ((one.left, one.sign, one.right), (one.right, _MIRRORED[one.sign], one.left)):
            if other.constant is not None and side.constant is not None:
                raise UsageError(f"{one.text} says nothing of a molecule; name a property: {', '.join(PROPERTIES)}")
            if side.steps == side.names and (limit := other.constant) is not None and sign != "!=":
                bounds.setdefault(side.names[0], []).append((limit, sign in "<>", sign))
    for name, limits in bounds.items():
        known = PROPERTIES.get(name)
        low, high = (known.low, known.high) if known else (-math.inf, math.inf)
        lows = [(low, False), *((limit, strict) for limit, strict, sign in limits if sign[0] in ">=")]
        highs = [(high, False), *((limit, strict) for limit, strict, sign in limits if sign[0] in "<=")]
        least, most = max(lows), min(highs, key=lambda pair: (pair[0], not pair[1]))
        whole = known is not None and known.whole
        if _empty(least, most, whole) or any(math.isnan(limit) for limit, _, _ in limits):
            kind = " (a whole number)" if whole else ""
            asked = f"{name}{kind} would be at least {least[0]:g} and at most {most[0]:g}"
            raise UsageError(f"{text!r}: no molecule can meet this: {asked}")


def _empty(least: tuple[float, bool], most: tuple[float, bool], whole: bool) -> bool:
    """Whether no number lies between two bounds, each with whether it is itself left out."""
    if least[0] > most[0] or (least[0] == most[0] and (least[1] or most[1])):
        return True
    if not whole or math.isinf(least[0]) or math.isinf(most[0]):
        return False
    lowest = math.floor(least[0]) + 1 if least[1] else math.ceil(least[0])
    highest = math.ceil(most[0]) - 1 if most[1] else math.floor(most[0])
    return lowest > highest
