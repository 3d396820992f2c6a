"""What a larger training set gains: boosted trees learn from each variant, scored on the same unseen real rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genapps.metrics.distributions import Floats, Mask
from genapps.metrics.transfer import regression_scores
from genapps.metrics.trees import ROUNDS, fit_trees

Task = Literal["classification", "regression"]
REAL, REPEATED, SYNTHETIC = "real rows", "real + repeated rows", "real + synthetic rows"
SURE = 2.0  # standard errors that a mean gain must exceed to count as one


@dataclass(frozen=True)
class Scores:
    """One variant of the training set: its score on each split, by measure."""

    variant: str
    values: dict[str, tuple[float, ...]]

    def mean(self, measure: str) -> float:
        """The mean over splits."""
        return float(np.mean(self.values[measure]))

    def spread(self, measure: str) -> float:
        """The standard deviation over splits; 0 for a single one."""
        values = self.values[measure]
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class Gain:
    """How much better one variant is than another in one measure: mean and standard error of the paired differences.

    The error over a single split is infinite: nothing is known of the spread, and so nothing is sure.
    """

    measure: str
    over: str
    mean: float
    error: float

    @property
    def sure(self) -> bool:
        """Whether the gain is larger than chance explains."""
        return self.mean > max(SURE * self.error, 1e-4)


def measures(task: Task, balance: bool) -> tuple[str, str]:
    """The two measures of a task, the one that decides first."""
    if task == "regression":
        return "R2", "RMSE"
    return ("balanced accuracy", "AUC") if balance else ("AUC", "balanced accuracy")


def score(
    task: Task, train: tuple[Floats, Floats], test: tuple[Floats, Floats], categorical: Mask, seed: int
) -> dict[str, float]:
    """The measures on `test` of trees fitted to `train`; each is (features (N, D), target (N,)).

    A class that `train` lacks scores 0.5 in AUC and is never guessed; where nothing can be learnt, all guesses are one.
    """
    if task == "regression":
        found = regression_scores(train, test, categorical, seed=seed)
        return {"R2": found.r2 if found else 0.0, "RMSE": found.rmse if found else float(np.std(test[1]))}
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    (x, y), (unseen, truth) = train, test
    classes = np.unique(np.concatenate([y, truth]))
    known, wanted = np.searchsorted(classes, y), np.searchsorted(classes, truth)
    learnt = len(np.unique(known))
    rounds = ROUNDS if learnt <= 3 else max(20, 3 * ROUNDS // learnt)
    trees = fit_trees(x, known, categorical, classes=True, seed=seed, rounds=rounds) if learnt > 1 else None
    chances = trees.probabilities(unseen) if trees else {}
    table = np.column_stack([chances.get(code, np.zeros(len(wanted))) for code in range(len(classes))])
    present = [code for code in range(len(classes)) if 0 < np.sum(wanted == code) < len(wanted)]
    judged = present[-1:] if len(classes) == 2 else present
    areas = [float(roc_auc_score(wanted == code, table[:, code])) for code in judged]
    return {
        "AUC": float(np.mean(areas)) if areas else 0.5,
        "balanced accuracy": float(balanced_accuracy_score(wanted, table.argmax(axis=1))),
    }


def collect(variant: str, splits: Sequence[dict[str, float]]) -> Scores:
    """The scores of one variant over all splits."""
    return Scores(variant, {measure: tuple(split[measure] for split in splits) for measure in splits[0]})


def gain(scores: Scores, over: Scores, measure: str) -> Gain:
    """The paired gain of one variant over another; positive is better, for an error too."""
    difference = np.subtract(scores.values[measure], over.values[measure])
    if measure == "RMSE":
        difference = -difference
    error = float(np.std(difference, ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else math.inf
    return Gain(measure, over.variant, float(np.mean(difference)), error)


def verdict(target: str, scores: Sequence[Scores], gains: Sequence[Gain]) -> str:
    """In words: did synthetic rows help, and did they help more than repeating rows does?"""
    real, repeated, synthetic = scores
    over_real, over_repeated = gains
    measure = over_real.measure
    figures = (
        f"{measure} {real.mean(measure):.3f} with real rows, {synthetic.mean(measure):.3f} with synthetic ones added"
    )
    control = f"{REPEATED} give {repeated.mean(measure):.3f}"
    splits = len(real.values[measure])
    if splits == 1:
        return f"One split cannot tell whether synthetic rows help in predicting {target}: {figures}; {control}."
    error = f"{over_real.mean:+.3f} ± {over_real.error:.3f} over {splits} splits"
    if not over_real.sure:
        word = "harmed" if over_real.mean < -SURE * over_real.error and over_real.mean < 0 else "did not help"
        advice = "Train on the real rows alone."
        return f"Synthetic rows {word} in predicting {target}: {figures} ({error}); {control}. {advice}"
    if not over_repeated.sure:
        return (
            f"Synthetic rows helped in predicting {target}: {figures} ({error}), but not more than repeating real rows "
            f"does: {control}."
        )
    return f"Synthetic rows helped in predicting {target}: {figures} ({error}); {control}."
