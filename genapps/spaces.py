"""What data looks like to a model: its variables, and what is already known of them.

A codec turns records into a batch of a space; a model says which spaces it can learn. A batch is

* `Columns`, all variables `Categorical`: an integer tensor (N, D), -1 where a value is unknown;
* other `Columns`: a float tensor (N, D), categorical codes as floats, NaN where a value is unknown;
* `Tokens`: a `genapps.batches.Ragged` of N sequences of integer codes, -1 where one is unknown;
* `Frames`: a `Ragged` of N sequences of rows, each row as in `Columns`;
* `Pixels`: a tensor (N, C, H, W): floats, NaN where unknown; where there are `levels`, whole numbers from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Categorical:
    """A code 0..size-1; `ordered` where neighbouring codes are neighbouring values (bins of a number)."""

    size: int
    ordered: bool = False


@dataclass(frozen=True)
class Continuous:
    """A real number, scaled by the codec to about a standard normal."""


Variable = Categorical | Continuous


@dataclass(frozen=True)
class Columns:
    """A row of D variables of mixed kinds."""

    variables: tuple[Variable, ...]

    @property
    def discrete(self) -> bool:
        """Whether every variable is categorical, so that a batch is a tensor of integers."""
        return all(isinstance(v, Categorical) for v in self.variables)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of codes of each variable; 0 for a continuous one."""
        return tuple(v.size if isinstance(v, Categorical) else 0 for v in self.variables)

    def to_json(self) -> list[dict[str, Any]]:
        """The space as plain JSON, for a model file."""
        return [
            {"kind": "categorical", "size": v.size, "ordered": v.ordered}
            if isinstance(v, Categorical)
            else {"kind": "continuous"}
            for v in self.variables
        ]

    @classmethod
    def from_json(cls, variables: list[Mapping[str, Any]]) -> Columns:
        """The inverse of `to_json`."""
        return cls(
            tuple(
                Categorical(int(v["size"]), bool(v["ordered"])) if v["kind"] == "categorical" else Continuous()
                for v in variables
            )
        )


@dataclass(frozen=True)
class Tokens:
    """A sequence of codes 0..size-1, of at most `longest` steps."""

    size: int
    longest: int

    def to_json(self) -> dict[str, Any]:
        """The space as plain JSON, for a model file."""
        return {"kind": "tokens", "size": self.size, "longest": self.longest}


@dataclass(frozen=True)
class Frames:
    """A sequence of at most `longest` rows of the same variables: sensors over time, a piano roll, spectra."""

    variables: tuple[Variable, ...]
    longest: int

    @property
    def row(self) -> Columns:
        """The space of one row."""
        return Columns(self.variables)

    def to_json(self) -> dict[str, Any]:
        """The space as plain JSON, for a model file."""
        return {"kind": "frames", "variables": self.row.to_json(), "longest": self.longest}


@dataclass(frozen=True)
class Pixels:
    """An image. `levels`: 0 for real numbers, 2 for black and white, 256 for bytes."""

    channels: int
    height: int
    width: int
    levels: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width

    def to_json(self) -> dict[str, Any]:
        """The space as plain JSON, for a model file."""
        sizes = {"channels": self.channels, "height": self.height, "width": self.width}
        return {"kind": "pixels", **sizes, "levels": self.levels}


Space = Columns | Tokens | Frames | Pixels


def space_from_json(data: Any) -> Space:
    """The inverse of every space's `to_json`."""
    if isinstance(data, list):
        return Columns.from_json(data)
    if data["kind"] == "tokens":
        return Tokens(int(data["size"]), int(data["longest"]))
    if data["kind"] == "frames":
        return Frames(Columns.from_json(data["variables"]).variables, int(data["longest"]))
    sizes = (int(data[name]) for name in ("channels", "height", "width", "levels"))
    return Pixels(*sizes)


@dataclass(frozen=True)
class Constraint:
    """What is known of one record field, told to a model as an automaton over the field's variables.

    The field owns the consecutive `variables`. Reading starts in state 0; reading code c at step k in state s has
    weight `weights[k][s, c]` in [0, 1] (the share of that code's values that satisfy the condition; 0 forbids it) and
    moves to state `following[k][s, c]`. Most fields have one variable, hence one step and one state.

    A `Continuous` variable has `weights[k]` of shape (states, 1) and obeys `interval` (low, high; in the model's scale)
    unless it is skipped because an earlier code said that there is no value.
    """

    variables: tuple[int, ...]
    weights: tuple[NDArray[np.float32], ...]
    following: tuple[NDArray[np.int64], ...]
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not len(self.variables) == len(self.weights) == len(self.following):
            raise ValueError("a constraint needs weights and following states for each of its variables")


def allow(variable: int, weights: NDArray[np.float32]) -> Constraint:
    """A constraint on a single categorical variable: weights (size,) in [0, 1]."""
    return Constraint((variable,), (weights[None, :].astype(np.float32),), (np.zeros((1, len(weights)), np.int64),))
