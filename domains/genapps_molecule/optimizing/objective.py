"""What is asked of molecules: an expression over their figures, or a Python function.

Whatever goes wrong with one molecule is that molecule's reason and no more: it has no score, and the search goes on.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.wording import counted
from genapps_molecule.optimizing.aside import aside
from genapps_molecule.optimizing.ledger import Candidate, Floats, Scores
from genapps_molecule.optimizing.search import Objective
from genapps_molecule.traits.expressions import Expression
from genapps_molecule.traits.measures import figures, measure

_FUNCTION = re.compile(r"(.+\.py):([A-Za-z_]\w*)")
_NO_NUMBER = "the expression is not defined for it"
WRONG_NUMBER = "the batch function returned another number of values than it was given molecules"
_PARAMETERS = {
    "smiles": "one canonical SMILES",
    "mol": "one RDKit molecule",
    "batch": "a list of canonical SMILES, for which a list of numbers is returned",
}


def objective_of(text: str) -> Objective:
    """The objective of what a person wrote: FILE.py:FUNCTION, or an expression. Raises UsageError, InputError."""
    if found := _FUNCTION.fullmatch(text.strip()):
        return python_function(found[1], found[2])
    expression = Expression.parse(text)
    if not expression.names:
        raise UsageError(f"{text!r} says nothing of a molecule; name a property, such as qed, or similarity(LEAD.smi)")
    for name in expression.names:  # files that are read, and models that are fitted, before the first call
        if "(" in name:
            measure(name)
    return ByExpression(expression)


@dataclass(frozen=True)
class ByExpression:
    """The value of an expression over properties and measures."""

    expression: Expression

    def __call__(self, asked: Sequence[Candidate]) -> Scores:
        """Values (N,); NaN where the expression has none, or a figure that it needs."""
        values = self.expression.value(figures([one.mol for one in asked], self.expression.names))
        values = np.where(np.isfinite(values), values, np.nan)
        return Scores(values, tuple("" if known else _NO_NUMBER for known in np.isfinite(values)))


@dataclass(frozen=True)
class ByFunction:
    """What a Python function returns, of each molecule by itself or of many at once."""

    function: Callable[[Any], Any]
    takes: str  # a name of _PARAMETERS

    def __call__(self, asked: Sequence[Candidate]) -> Scores:
        """Values (N,); what raises has none, and says why. A batch that raises is asked again one by one.

        What returns no list, or one of another length, is a failure of all of them.
        """
        if self.takes == "batch" and (found := self._together(asked)) is not None:
            return found
        pairs = [self._alone(one) for one in asked]
        return Scores(np.array([value for value, _ in pairs]), tuple(reason for _, reason in pairs))

    def _together(self, asked: Sequence[Candidate]) -> Scores | None:
        try:
            with aside():
                returned = self.function([one.smiles for one in asked])
                values = list(returned) if isinstance(returned, Iterable) else None
        except (Exception, SystemExit):
            return None
        if values is None or len(values) != len(asked):
            count = "no list" if values is None else counted(len(values), "value")
            return Scores(np.full(len(asked), np.nan), (f"{WRONG_NUMBER} ({count} for {len(asked)})",) * len(asked))
        pairs = [_number(value) for value in values]
        return Scores(np.array([value for value, _ in pairs]), tuple(reason for _, reason in pairs))

    def _alone(self, one: Candidate) -> tuple[float, str]:
        argument = {"smiles": one.smiles, "mol": one.mol, "batch": [one.smiles]}[self.takes]
        try:
            with aside():
                returned = self.function(argument)
            if self.takes == "batch":
                (returned,) = returned
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything
            return np.nan, f"{type(error).__name__}: {error}"[:200]
        return _number(returned)


def _number(returned: Any) -> tuple[float, str]:
    try:
        value = float(returned)
    except (TypeError, ValueError):
        return np.nan, f"returned {str(returned)[:80]!r}, not a number"
    return (value, "") if np.isfinite(value) else (np.nan, f"returned {value}")


def python_function(path: str, name: str) -> ByFunction:
    """The function of that name in a file of Python, which is run. Raises UsageError and InputError.

    What it takes is told by the name of its first parameter: smiles, mol or batch.
    """
    if not Path(path).is_file():
        raise UsageError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(f"genapps_objective_{Path(path).stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        with aside():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise InputError(f"{path}: cannot be imported ({type(error).__name__}: {error})") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"{path}: has no function {name!r}")
    try:
        takes = next(iter(inspect.signature(function).parameters), "")
    except (TypeError, ValueError):
        takes = ""
    if takes not in _PARAMETERS:
        told = "; ".join(f"{key}: {words}" for key, words in _PARAMETERS.items())
        raise UsageError(f"{path}: the first parameter of {name} is {takes!r}; name it by what it takes ({told})")
    return ByFunction(function, takes)


def parts_of(objective: Objective, asked: Sequence[Candidate]) -> dict[str, Floats]:
    """The figures that make up an expression, (N,) each; nothing for a function."""
    if not isinstance(objective, ByExpression):
        return {}
    return figures([one.mol for one in asked], objective.expression.names)


def lot_of(objective: Objective) -> int | None:
    """How many molecules it is asked about at once; None where it does not matter.

    One for a function of one molecule, so that each answer is kept as it comes, however long the next one takes.
    """
    return 1 if isinstance(objective, ByFunction) and objective.takes != "batch" else None


def notes_of(objective: Objective) -> Iterator[str]:
    """What a person should know of the models that an objective asks, of each once."""
    if isinstance(objective, ByExpression):
        names = [name for name in objective.expression.names if name.startswith(("qsar(", "unsure("))]
        for argument in dict.fromkeys(name.partition("(")[2].removesuffix(")") for name in names):
            from genapps_molecule.traits.qsar import qsar

            yield qsar(argument).words
