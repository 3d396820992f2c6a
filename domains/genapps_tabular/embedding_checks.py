"""What features keep of the rows: beside as many principal components, as many random directions, and all columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from genapps.metrics.distributions import Floats
from genapps.report.measured import Control, Finding, Measured
from genapps_tabular.feature_model import FeatureModel
from genapps_tabular.features import Axes, Feature, Features
from genapps_tabular.model import TableModel
from genapps_tabular.plane import principal
from genapps_tabular.progress import Progress, Step
from genapps_tabular.schema import Schema

LEARNT = 5_000  # rows that the figures' own models learn from
JUDGED = 2_000  # rows that they are judged on
COMPARED = 1_000  # rows whose neighbors are compared
NEIGHBORS = 10
MOST_COLUMNS = 8  # whose prediction is measured
FEWEST = 30  # rows that a figure stands on at least
ALIKE = 0.01  # a difference below this is none
OWN = "These features"
PCA, RANDOM, RAW = "Principal components", "Random directions", "All columns"


@dataclass(frozen=True)
class Kept:
    """Rows as features `z` and as plain `points`: those that were learnt, those that were not, and how to read them.

    Each pair is of rows to learn from and rows to judge on.
    """

    plain: Features
    z: tuple[Floats, Floats]
    points: tuple[Floats, Floats]
    values: tuple[Floats, Floats]  # of `columns`, as `Feature.read` gives them
    columns: tuple[Feature, ...]  # every feature of the table, the target among them
    target: str | None
    seed: int

    @classmethod
    def of(
        cls,
        model: FeatureModel | TableModel,
        table: pa.Table,
        train: pa.Table,
        unseen: pa.Table | None,
        schema: Schema,
        seen: Schema,
        target: str | None,
        features: Floats,
        seed: int,
    ) -> Kept:
        """From a model and its rows; without unseen rows, the learnt ones are judged on."""
        generator = np.random.default_rng(np.random.SeedSequence([seed, 0, 8]))
        sides = []
        for side, most in ((train, LEARNT), (train if unseen is None else unseen, JUDGED)):
            rows = np.sort(generator.choice(len(side), min(most, len(side)), replace=False))
            sides.append(side.take(rows))
        used = Schema(tuple(column for column in schema.columns if column.name in seen.names))
        plain = Features.fit(sides[0], used, "the table")
        every = Features.fit(sides[0], schema, "the table").features
        codes = [plain.encode(plain.read(side)) for side in sides]
        axes = Axes.fit(plain.space, codes[0])
        z = [model.transform(side.select(list(seen.names))) for side in sides]
        values = [np.column_stack([feature.read(side) for feature in every]) for side in sides]
        return cls(
            plain, (z[0], z[1]), (axes(codes[0]), axes(codes[1])), (values[0], values[1]), every, target, seed
        )  # fmt: skip

    def reductions(self) -> dict[str, tuple[Floats, Floats]]:
        """As many principal components and random directions as there are features."""
        count = min(self.z[0].shape[1], self.points[0].shape[1])
        middle = self.points[0].mean(axis=0)
        ways = principal(self.points[0], count)[0]
        generator = np.random.default_rng(np.random.SeedSequence([self.seed, 0, 9]))
        chance = generator.normal(size=(self.points[0].shape[1], self.z[0].shape[1]))
        a, b = self.points
        return {PCA: ((a - middle) @ ways, (b - middle) @ ways), RANDOM: (a @ chance, b @ chance)}


def check_features(kept: Kept, progress: Progress | None = None) -> tuple[Measured, ...]:
    """The figures of features, each beside its controls."""
    if min(len(kept.z[0]), len(kept.z[1])) < FEWEST:
        return ()
    if progress:
        progress(Step("checking the features", 0, 3))
    others = kept.reductions()
    spaces = {OWN: kept.z, **others}
    rebuilt = {name: _rebuilt(pair, kept.points) for name, pair in spaces.items()}
    if progress:
        progress(Step("checking the features", 1, 3))
    near = {name: _trust(pair[1][:COMPARED], kept.points[1][:COMPARED]) for name, pair in spaces.items()}
    if progress:
        progress(Step("checking the features", 2, 3))
    found = [
        _measured(
            "trustworthiness", "Neighbors kept (trustworthiness)", near, min(COMPARED, len(kept.z[1])),
            f"How far the {NEIGHBORS} nearest rows by features are so by all columns, too (Venna and Kaski, 2001).",
        ),
        _measured(
            "rebuilt", "Rebuilt by straight lines (R²)", rebuilt, len(kept.z[1]),
            "Share of the variance of all columns that a linear model of the features explains in other rows; "
            "principal components are the best there can be of this.",
        ),
        *_predictions(kept, spaces),
    ]  # fmt: skip
    return tuple(found)


def _measured(key: str, name: str, figures: Mapping[str, float | None], n: int, protocol: str) -> Measured:
    roles = (("ceiling", PCA), ("floor", RANDOM), ("copied", RAW))
    controls = tuple(Control(role, label, figures[label]) for role, label in roles if label in figures)  # type: ignore[arg-type]
    return Measured(key, name, "higher", figures[OWN], controls, n, protocol)


def _rebuilt(pair: tuple[Floats, Floats], points: tuple[Floats, Floats]) -> float:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(pair[0])
    model = Ridge(alpha=1.0).fit(scaler.transform(pair[0]), points[0])
    missed = points[1] - model.predict(scaler.transform(pair[1])).reshape(points[1].shape)
    total = float(((points[1] - points[0].mean(axis=0)) ** 2).sum())
    return 1 - float((missed**2).sum()) / max(total, 1e-300)


def _trust(z: Floats, points: Floats) -> float:
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(points, z, n_neighbors=min(NEIGHBORS, len(z) // 3)))


def _predictions(kept: Kept, spaces: dict[str, tuple[Floats, Floats]]) -> Iterator[Measured]:
    """How well a linear model tells the target, or each column of categories, by the features."""
    for j, feature in enumerate(kept.columns):
        if feature.name == kept.target and feature.kind == "number":
            truth = (feature.scaled(kept.values[0][:, j]), feature.scaled(kept.values[1][:, j]))
            figures = {name: _r2(pair, truth) for name, pair in (*spaces.items(), (RAW, kept.points))}
            protocol = "R² of ridge regression on the features, learnt and judged on different rows. "
            protocol += "The features have not seen this column."
            yield _measured(f"r2:{feature.name}", f"Predicting {feature.name} (R²)", figures, len(kept.z[1]), protocol)
    told = [j for j, f in enumerate(kept.columns) if f.kind != "number" and (not kept.target or f.name == kept.target)]
    for j in told[:MOST_COLUMNS]:
        feature, truth = kept.columns[j], (kept.values[0][:, j], kept.values[1][:, j])
        figures = {name: _auc(pair, truth) for name, pair in spaces.items()}
        protocol = "AUC of logistic regression on the features, learnt and judged on different rows; classes in turn. "
        if kept.target:
            figures[RAW] = _auc(kept.points, truth)
            name, protocol = f"Predicting {feature.name} (AUC)", protocol + "The features have not seen this column."
        else:
            name, protocol = f"Keeping {feature.name} (AUC)", protocol + "The features have seen this column."
        yield _measured(f"auc:{feature.name}", name, figures, len(kept.z[1]), protocol)


def _auc(pair: tuple[Floats, Floats], truth: tuple[Floats, Floats]) -> float | None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    (x, y), (unseen, wanted) = _known(pair[0], truth[0]), _known(pair[1], truth[1])
    classes = [code for code in np.unique(wanted) if 5 <= (y == code).sum() < len(y)]
    if not classes or len(np.unique(wanted)) < 2:
        return None
    scaler = StandardScaler().fit(x)
    x, unseen = scaler.transform(x), scaler.transform(unseen)
    judged = classes[-1:] if len(classes) == 2 and len(np.unique(wanted)) == 2 else classes[:5]
    areas = []
    for code in judged:
        model = LogisticRegression(max_iter=1000).fit(x, y == code)
        areas.append(roc_auc_score(wanted == code, model.decision_function(unseen)))
    return float(np.mean(areas))


def _r2(pair: tuple[Floats, Floats], truth: tuple[Floats, Floats]) -> float | None:
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    (x, y), (unseen, wanted) = _known(pair[0], truth[0]), _known(pair[1], truth[1])
    if len(y) < FEWEST or len(wanted) < FEWEST or not wanted.std():
        return None
    scaler = StandardScaler().fit(x)
    return float(Ridge(alpha=1.0).fit(scaler.transform(x), y).score(scaler.transform(unseen), wanted))


def _known(rows: Floats, truth: Floats) -> tuple[Floats, NDArray[np.float64]]:
    there = ~np.isnan(truth)
    return rows[there], truth[there]


def judge_features(measures: tuple[Measured, ...]) -> Finding:
    """In words, whether the features are worth more than as many principal components."""
    if not measures:
        return Finding(
            "usable", "Unchecked", f"Fewer than {FEWEST} unseen rows: what the features keep was not measured."
        )
    figures = {measure.key: measure for measure in measures}
    near = figures["trustworthiness"]
    text = f"Neighborhoods: trustworthiness {_of(near)}."
    gaps = [(near.value or 0) - (near.controls[0].value or 0)]
    told = [m for m in measures if m.key.startswith(("auc:", "r2:")) and m.value is not None]
    if told:
        own = float(np.mean([m.value or 0 for m in told]))
        other = float(np.mean([m.controls[0].value or 0 for m in told]))
        gaps.append(own - other)
        name, _, figure = told[0].name.rpartition(" ")
        what = f"{name[:1].upper()}{name[1:]}" if len(told) == 1 else f"{len(told)} columns of categories"
        text += f" {what}: {figure.strip('()')} {own:.2f} (as many principal components {other:.2f})."
        by_chance = float(np.mean([m.controls[1].value or 0 for m in told if len(m.controls) > 1] or [0]))
        if own < by_chance - ALIKE and own < other - ALIKE:
            said = f" Random directions do better ({by_chance:.2f}): learn longer, or use principal components."
            return Finding("poor", "Behind random directions", text + said)
    random = [control.value or 0 for control in near.controls if "random" in control.name.lower()]
    if random and (near.value or 0) < random[0] - ALIKE and max(gaps) <= ALIKE:
        said = f" Even random directions keep neighborhoods better ({random[0]:.3f}):"
        said += " learn longer, or use principal components."
        return Finding("poor", "Behind random directions", text + said)
    if min(gaps) >= -ALIKE and max(gaps) > ALIKE:
        return Finding("good", "Better than PCA", text)
    if min(gaps) >= -ALIKE:
        return Finding("good", "As good as PCA", text)
    if max(gaps) > ALIKE:
        return Finding("usable", "Mixed", text + " Principal components keep some of it better: compare both.")
    return Finding("poor", "Behind PCA", text + " As many principal components keep more: use these, or learn longer.")


def _of(measure: Measured) -> str:
    values = ", ".join(f"{control.name.lower()} {control.value or 0:.2f}" for control in measure.controls[:2])
    return f"{measure.value or 0:.2f} ({values})"
