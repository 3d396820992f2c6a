"""The protocol of the tabular benchmark: the same rows and the same judge for every system.

A system sees `train` (10,000 rows drawn with seed 0 from the set's training file). It is judged against `holdout` (as
many rows of the official test file, or all of them if there are fewer) and, for usefulness, on the whole test file.
`fresh` is a second draw from the training file: other real rows, the ceiling of every score.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import StratifiedKFold

DESCRIPTION = {
    "train": "10,000 rows of the training file drawn with seed 0 (all of them if there are fewer)",
    "holdout": "as many rows of the test file, drawn with seed 0; all of them if there are fewer",
    "two_sample": "AUC of gradient boosting (scikit-learn's histogram booster, defaults) that tells real rows from "
    "synthetic ones, equal numbers, mean of 3 folds; 0.5 is perfect",
    "tstr": "gradient boosting trained on synthetic rows, tested on the whole real test file: AUC, or RMSE where the "
    "target is a number",
    "share_nearer": "share of synthetic rows nearer to a training row than to a holdout row (equally many of each; "
    "ties count half); numbers scaled to the training range, L1, categories 0/1; 0.5 is ideal. On 1,500 synthetic "
    "rows, and on all of them",
    "copies": "synthetic rows, of all sampled, that equal a training (or holdout) row in every column",
    "shapes, trends": "sdmetrics QualityReport against the training rows; trends with its default thresholds, and "
    "without thresholds (as published tables have them)",
    "fit_cpu_s": "CPU seconds of fitting, own process with one thread, imports not counted",
    "rows_per_cpu_s": "rows sampled per CPU second, the second time a system is asked",
    "memory_mb": "peak resident memory of the process that fits and samples; imports_mb: after its imports",
}
NEAREST = 1500
MANY = 250  # categories a booster can still take as categories


@dataclass(frozen=True)
class Split:
    """The rows of one benchmark, and what is known of their columns ("numerical", "categorical", "datetime")."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    test: pd.DataFrame
    fresh: pd.DataFrame
    kinds: dict[str, str]
    target: str
    task: str

    @property
    def categorical(self) -> list[str]:
        """The names of the categorical columns."""
        return [c for c, kind in self.kinds.items() if kind == "categorical"]


def load(folder: Path, rows: int, seed: int = 0) -> Split:
    """Read a set's train.csv, test.csv and metadata.json, and draw the rows of the benchmark."""
    meta = json.loads((folder / "metadata.json").read_text())
    kinds = dict(meta["columns"])
    train, test = (conform(pd.read_csv(folder / name), kinds) for name in ("train.csv", "test.csv"))
    shuffled = train.sample(frac=1, random_state=seed)
    train = shuffled.iloc[:rows].reset_index(drop=True)
    fresh = shuffled.iloc[rows : 2 * rows].reset_index(drop=True)
    # A whole file shuffled with the seed of the folds falls into folds by its old order (flights: by date; other real
    # rows then get an AUC of 0.34), so it is shuffled with another seed.
    other = seed if len(test) > len(train) else seed + 1
    holdout = test.sample(min(len(train), len(test)), random_state=other).reset_index(drop=True)
    return Split(train, holdout, test.reset_index(drop=True), fresh, kinds, meta["target"], meta["task"])


def conform(frame: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    """Categories as text (a whole number without a decimal point), dates as timestamps; missing stays missing."""
    frame = frame.copy()
    for name, kind in kinds.items():
        column = frame[name]
        if kind == "datetime":
            stamps = pd.to_datetime(column, errors="coerce")
            frame[name] = stamps.dt.tz_localize(None) if stamps.dt.tz is not None else stamps
        elif kind == "categorical":
            if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
                column = column.astype("Int64")
            frame[name] = column.astype(object).where(column.isna(), column.astype(str)).where(column.notna(), np.nan)
    return frame


def codes(reference: pd.DataFrame, frames: list[pd.DataFrame], kinds: dict[str, str]) -> list[pd.DataFrame]:
    """Categories as ranks among the reference's values (missing and unseen have their own codes), the rest as float.

    A column of many values has some in every draw of rows that other draws lack; there the values of all frames count
    as the reference's, since else "unseen" would give away half of any other real rows.
    """
    coded = []
    maps = {}
    for c, kind in kinds.items():
        if kind == "categorical":
            values = set(reference[c].dropna().astype(str))
            if len(values) >= MANY:
                values = values.union(*(frame[c].dropna().astype(str) for frame in frames))
            maps[c] = {v: i for i, v in enumerate(sorted(values))}
    for frame in frames:
        columns: dict[str, Any] = {}
        for c in reference.columns:
            if c in maps:
                known = maps[c]
                columns[c] = [len(known) if pd.isna(v) else known.get(str(v), len(known) + 1) for v in frame[c]]
            elif kinds[c] == "datetime":
                stamps = pd.to_datetime(frame[c])
                columns[c] = (stamps - pd.Timestamp(0)).dt.total_seconds().to_numpy()
            else:
                columns[c] = pd.to_numeric(frame[c], errors="coerce").to_numpy(dtype=float)
        coded.append(pd.DataFrame(columns, index=range(len(frame))))
    return coded


def two_sample(real: pd.DataFrame, synthetic: pd.DataFrame, kinds: dict[str, str]) -> float:
    """AUC (3-fold mean) of gradient boosting telling `real` from `synthetic`, equally many rows of both."""
    n = min(len(real), len(synthetic))
    a, b = codes(real, [real.iloc[:n], synthetic.iloc[:n]], kinds)
    x = pd.concat([a, b], ignore_index=True).to_numpy()
    y = np.r_[np.ones(n), np.zeros(n)]
    mask = [kinds[c] == "categorical" and a[c].nunique() < MANY for c in real.columns]
    aucs = []
    for fit, judge in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        model = HistGradientBoostingClassifier(random_state=0, categorical_features=mask).fit(x[fit], y[fit])
        aucs.append(roc_auc_score(y[judge], model.predict_proba(x[judge])[:, 1]))
    return float(np.mean(aucs))


def usefulness(rows: pd.DataFrame, split: Split) -> float | None:
    """Gradient boosting trained on `rows`, scored on the real test file: AUC, or RMSE for a number.

    None if `rows` has a single class.
    """
    target, kinds = split.target, split.kinds
    features = [c for c in split.test.columns if c != target]
    a, b = codes(split.test, [rows, split.test], kinds)
    mask = [kinds[c] == "categorical" and split.test[c].nunique() < MANY for c in features]
    if split.task == "regression":
        a, b = a[a[target].notna()], b[b[target].notna()]
        number = HistGradientBoostingRegressor(random_state=0, categorical_features=mask)
        number.fit(a[features].to_numpy(), a[target])
        return float(root_mean_squared_error(b[target], number.predict(b[features].to_numpy())))
    if a[target].nunique() < 2:
        return None
    model = HistGradientBoostingClassifier(random_state=0, categorical_features=mask)
    model.fit(a[features].to_numpy(), a[target])
    positive = int(np.searchsorted(model.classes_, b[target].max()))
    return float(roc_auc_score(b[target], model.predict_proba(b[features].to_numpy())[:, positive]))


def nearer(split: Split, synthetic: pd.DataFrame) -> tuple[float, float]:
    """Share of synthetic rows nearer to training than to holdout rows: on NEAREST rows drawn with seed 0, on all."""
    k = min(len(split.train), len(split.holdout))
    first = synthetic.sample(min(NEAREST, len(synthetic)), random_state=0).index
    real = [split.train.iloc[:k], split.holdout.iloc[:k]]
    coded = codes(split.train, [*real, synthetic], split.kinds)
    category = split.categorical
    number = [c for c in split.train.columns if c not in category]
    low = coded[0][number].min()
    span = (coded[0][number].max() - low).replace(0, 1)
    numbers = [((f[number] - low) / span).fillna(-1).to_numpy(np.float32) for f in coded]
    categories = [f[category].to_numpy(np.int32) for f in coded]
    distance = np.empty((len(synthetic), 2), np.float32)
    for i, (x, c) in enumerate(zip(numbers[2], categories[2], strict=True)):
        for j in (0, 1):
            distance[i, j] = (np.abs(numbers[j] - x).sum(1) + (categories[j] != c).sum(1)).min()
    share = (distance[:, 0] < distance[:, 1]) + 0.5 * (distance[:, 0] == distance[:, 1])
    return float(share[first].mean()), float(share.mean())


def copies(real: pd.DataFrame, synthetic: pd.DataFrame, kinds: dict[str, str]) -> int:
    """How many synthetic rows equal a real row in every column."""
    a, b = codes(real, [real, synthetic], kinds)
    known = {row.tobytes() for row in a.fillna(-1e300).to_numpy(float)}
    return sum(row.tobytes() in known for row in b.fillna(-1e300).to_numpy(float))


def quality(split: Split, synthetic: pd.DataFrame) -> dict[str, Any]:
    """Shapes and trends by sdmetrics against the training rows; only a note where sdmetrics is not installed."""
    try:
        from sdmetrics.reports.quality_report import QualityReport
    except ImportError:
        return {"shapes_note": "skipped: sdmetrics is not installed"}
    columns = {c: {"sdtype": kind} for c, kind in split.kinds.items()}
    metadata = {"tables": {"t": {"columns": columns}}, "relationships": []}
    found: dict[str, Any] = {"sdmetrics": version("sdmetrics")}
    for tag, threshold in (("", None), ("_no_threshold", 0)):
        report = QualityReport()
        if threshold is not None:
            report.real_correlation_threshold = report.real_association_threshold = threshold
        report.generate({"t": split.train}, {"t": synthetic}, metadata, verbose=False)
        scores = report.get_properties().set_index("Property")["Score"]
        found["shapes"] = float(scores["Column Shapes"])
        found["trends" + tag] = float(scores["Column Pair Trends"])
    return found


def score(split: Split, synthetic: pd.DataFrame) -> dict[str, Any]:
    """Every score of one system's rows."""
    synthetic = conform(synthetic[list(split.train.columns)].reset_index(drop=True), split.kinds)
    sampled, every = nearer(split, synthetic)
    return {
        "n": len(synthetic),
        "two_sample_holdout": two_sample(split.holdout, synthetic, split.kinds),
        "two_sample_train": two_sample(split.train, synthetic, split.kinds),
        "tstr": usefulness(synthetic, split),
        "share_nearer": sampled,
        "share_nearer_all": every,
        "copies_train": copies(split.train, synthetic, split.kinds),
        "copies_holdout": copies(split.holdout, synthetic, split.kinds),
        **quality(split, synthetic),
    }


def versions(*packages: str) -> dict[str, str]:
    """The installed versions of these packages, those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
