"""Detectors of other libraries, which only their own pickles could save: kept as a name and the points they learnt.

They are fitted again on these when they are loaded. Names: `forest` is scikit-learn's isolation forest, `pyod:NAME` any
detector of PyOD for rows, with parameters of its own after commas: `pyod:KNN,n_neighbors=20,method=mean`.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError, MissingExtra, UsageError
from genapps.metrics.distributions import Floats
from genapps.suggest import did_you_mean

FOREST = "forest"
PYOD = "pyod:"
TREES = 200
CHUNK = 16_384  # points judged at once
_NO_ROWS = ("ts_", "pyg_", "audio_", "base", "_", "embedding", "gaal", "sklearn_", "thresholds", "combination")
_MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Foreign:
    """A detector fitted on points (R, D), without NaN; higher scores are stranger."""

    name: str
    points: NDArray[Any]
    seed: int
    detector: Any

    @classmethod
    def fit(cls, name: str, points: NDArray[Any], seed: int) -> Self:
        """Raises UsageError for a detector that there is none of, InputError for points that it cannot learn."""
        made = forest(seed) if name == FOREST else pyod(name, seed)
        try:
            made.fit(points)
        except Exception as error:
            words = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"{name} could not learn {len(points):,} rows: {words}") from error
        return cls(name, points, seed, made)

    def score(self, points: NDArray[Any]) -> Floats:
        """How strange each point (N, D) is, (N,), always finite."""
        found = [self._judged(points[first : first + CHUNK]) for first in range(0, len(points), CHUNK)]
        scores = np.concatenate(found) if found else np.zeros(0)
        return np.clip(np.where(np.isnan(scores), 0.0, scores), -_MOST, _MOST)

    def _judged(self, points: NDArray[Any]) -> Floats:
        if self.name == FOREST:
            return -np.asarray(self.detector.score_samples(points), np.float64)
        return np.asarray(self.detector.decision_function(points), np.float64).ravel()

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The points, and what says how they were learnt."""
        return {"points": self.points}, {"name": self.name, "seed": self.seed}

    @classmethod
    def from_state(cls, arrays: Mapping[str, Any], settings: Mapping[str, Any]) -> Self:
        """The detector that `state` was taken from, fitted again."""
        return cls.fit(settings["name"], arrays["points"], int(settings["seed"]))


def forest(seed: int) -> Any:
    """Scikit-learn's isolation forest, unfitted (Liu, Ting, Zhou 2008)."""
    from sklearn.ensemble import IsolationForest

    return IsolationForest(n_estimators=TREES, random_state=seed % 2**32, n_jobs=1)


def pyod(name: str, seed: int) -> Any:
    """A detector of PyOD by its class name, unfitted, with its own defaults but for parameters that the name brings.

    Seeded where it takes a seed, and silent. Raises MissingExtra where PyOD is not installed, UsageError for a name or
    a parameter that it does not have.
    """
    wanted, *given = name.removeprefix(PYOD).split(",")
    found = _class(wanted)
    known = inspect.signature(found).parameters
    options: dict[str, Any] = {"random_state": seed % 2**32} if "random_state" in known else {}
    options |= {"verbose": 0} if "verbose" in known else {}
    for part in given:
        key, equals, word = part.partition("=")
        if key not in known or not equals:
            hint = did_you_mean(key, known)
            raise UsageError(
                f"{PYOD}{wanted} takes parameters as KEY=VALUE, of: {', '.join(known)}; not {part!r}.{hint}"
            )
        options[key] = _value(word)
    try:
        return found(**options)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{PYOD}{name.removeprefix(PYOD)}: {error}") from error


def _class(name: str) -> Any:
    try:
        models = import_module("pyod.models")
    except ImportError as error:
        raise MissingExtra("pyod", "pyod") from error
    modules = [m.name for m in pkgutil.iter_modules(models.__path__) if not m.name.startswith(_NO_ROWS)]
    plain = {module.replace("_", ""): module for module in modules}
    module = plain.get(name.lower().replace("_", ""))
    if module is None:
        near = did_you_mean(name.lower(), plain).partition("'")[2].partition("'")[0]
        hint = f" Did you mean {PYOD}{_named(plain[near]) or near}?" if near else ""
        raise UsageError(
            f"PyOD has no detector of rows {name!r}; name its class, such as pyod:IForest or pyod:ECOD.{hint}"
        )
    meant = _named(module)
    if meant is None:
        raise UsageError(f"PyOD's {name} needs a library that is not installed; choose another, such as pyod:IForest")
    if meant != name:
        raise UsageError(f"PyOD has no detector {name!r}; did you mean {PYOD}{meant}?")
    return getattr(import_module(f"pyod.models.{module}"), meant)


def _named(module: str) -> str | None:
    """The detector's class in a module of PyOD, None where its own requirements are missing."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # some say there what they lack
            found = vars(import_module(f"pyod.models.{module}"))
    except ImportError:
        return None
    plain = module.replace("_", "")
    return next(
        (key for key, value in found.items() if inspect.isclass(value) and key.lower().replace("_", "") == plain), None
    )


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except json.JSONDecodeError:
        return word
