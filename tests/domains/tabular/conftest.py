"""An evaluation such as a census table of fifteen columns gets: plausible figures, no row of any table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from genapps_tabular.evaluation import ColumnView, Evaluation, Measure, PairView, Verdict

CATEGORIES = {
    "workclass": ("Private", "Self-emp-not-inc", "Local-gov", "State-gov", "Self-emp-inc", "Federal-gov"),
    "education": ("HS-grad", "Some-college", "Bachelors", "Masters", "Assoc-voc", "11th", "Assoc-acdm", "10th",
                  "7th-8th", "Prof-school", "9th", "12th", "Doctorate", "5th-6th", "1st-4th", "Preschool"),
    "marital-status": ("Married-civ-spouse", "Never-married", "Divorced", "Separated", "Widowed",
                       "Married-spouse-absent", "Married-AF-spouse"),
    "occupation": ("Prof-specialty", "Craft-repair", "Exec-managerial", "Adm-clerical", "Sales", "Other-service",
                   "Machine-op-inspct", "Transport-moving", "Handlers-cleaners", "Farming-fishing"),
    "relationship": ("Husband", "Not-in-family", "Own-child", "Unmarried", "Wife", "Other-relative"),
    "race": ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"),
    "sex": ("Male", "Female"),
    "native-country": ("United-States", "Mexico", "Philippines", "Germany", "Canada", "Puerto-Rico", "India", "Cuba"),
    "income": ("<=50K", ">50K"),
}  # fmt: skip
NUMBERS = {
    "age": (17, 90, 34, 16),
    "fnlwgt": (12285, 1484705, 180000, 105000),
    "education-num": (1, 16, 10, 2.5),
    "capital-gain": (0, 99999, 0, 1500),
    "capital-loss": (0, 4356, 0, 80),
    "hours-per-week": (1, 99, 41, 6),
}
ORDER = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip


def number(name: str, low: float, high: float, middle: float, spread: float, noise: np.random.Generator) -> ColumnView:
    edges = np.linspace(low, high, 33)
    centers = (edges[1:] + edges[:-1]) / 2
    real = np.exp(-0.5 * np.abs((centers - middle) / spread) ** 1.2) + 1e-4
    synthetic = real * np.exp(noise.normal(0, 0.09, len(real)))
    real, synthetic = real / real.sum(), synthetic / synthetic.sum()
    labels = tuple(f"{edge:g}" for edge in edges)
    return view(name, "number", labels, True, real, synthetic)


def category(name: str, labels: tuple[str, ...], noise: np.random.Generator) -> ColumnView:
    real = 1 / np.arange(1, len(labels) + 1) ** 1.3
    synthetic = real * np.exp(noise.normal(0, 0.07, len(real)))
    real, synthetic = real / real.sum(), synthetic / synthetic.sum()
    return view(name, "category", labels, False, real, synthetic)


def view(
    name: str, kind: str, labels: tuple[str, ...], numeric: bool, real: np.ndarray, synthetic: np.ndarray
) -> ColumnView:
    missing = {"workclass": (0.056, 0.058), "occupation": (0.057, 0.055), "native-country": (0.018, 0.016)}
    alike = 1 - 0.5 * float(np.abs(real - synthetic).sum())
    shares = (tuple(real.tolist()), tuple(synthetic.tolist()))
    return ColumnView(name, kind, alike, labels, numeric, *shares, *missing.get(name, (0.0, 0.0)))


def dependences(n: int, noise: np.random.Generator) -> PairView:
    loadings = noise.normal(0, 0.6, (n, 4))
    real = np.clip(np.abs(loadings @ loadings.T) / 2.2, 0, 1)
    change = np.triu(noise.normal(0, 0.05, (n, n)), 1)
    synthetic = np.clip(real * 0.93 + change + change.T, 0, 1)
    for matrix in (real, synthetic):
        np.fill_diagonal(matrix, 1.0)
    rows = [tuple(tuple(row) for row in m.tolist()) for m in (real, synthetic, 1 - np.abs(real - synthetic) / 2)]
    return PairView(ORDER if n == len(ORDER) else tuple(f"column {i}" for i in range(n)), *rows)


MEASURES = (
    Measure("two_sample_auc", "Told apart from unseen rows (AUC)", "fidelity", "half", 0.583, 0.498, 0.998, 0.502,
            10_000, "AUC of boosted trees that tell synthetic rows from unseen real rows, five folds."),
    Measure("column_shapes", "Column shapes", "fidelity", "higher", 0.981, 0.988, 0.989, 1.0, 10_000,
            "Mean over columns of one minus the Kolmogorov-Smirnov or total variation distance."),
    Measure("pair_trends", "Pair trends", "fidelity", "higher", 0.962, 0.973, 0.871, 1.0, 10_000,
            "Mean over pairs of columns of how alike their correlations or contingency tables are."),
    Measure("tstr", "Predicting income, learnt on synthetic rows (AUC)", "usefulness", "higher", 0.907, 0.921, 0.512,
            0.9205, 16_281, "AUC of boosted trees for income, trained on synthetic rows, tested on unseen real rows."),
    Measure("share_nearer", "Nearer to training rows than to unseen rows", "privacy", "half", 0.507, 0.497, 0.501, 1.0,
            5_000, "Share of synthetic rows whose nearest real row is a training row."),
    Measure("exact_copies", "Exact copies of training rows", "privacy", "lower", 0.0004, 0.0006, 0.0, 1.0, 10_000,
            "Share of rows equal to a training row in every column."),
    Measure("rare_leaks", "Rare categories given away", "privacy", "lower", None, None, None, None, 0, "",
            "Not measured: no category is seen fewer than five times."),
)  # fmt: skip
TEXT = (
    "A classifier often tells these rows from unseen real rows (AUC 0.58; 0.50 is perfect, other real rows 0.50, "
    "independent columns 1.00). A model learnt on them predicts nearly as well as one learnt on real rows (AUC 0.907 "
    "against 0.921). No sign of memorized rows (nearer to training rows: 0.51, where 0.50 is ideal and 1 a copy). Fit "
    "for developing and testing software and for a first look; not for figures that decisions hang on."
)


@pytest.fixture(scope="session")
def adult_evaluation() -> Evaluation:
    noise = np.random.default_rng(7)
    columns = tuple(
        number(name, *NUMBERS[name], noise) if name in NUMBERS else category(name, CATEGORIES[name], noise)
        for name in ORDER
    )
    assert all(math.isclose(sum(column.real), 1) for column in columns)
    provenance = {
        "family": "autoregressive", "seed": 0, "training_cpu_seconds": 41.27, "sampling_seconds": 0.84,
        "peak_memory_bytes": 812 * 2**20, "parameters": 1_284_096, "created": "2025-11-22T21:07:01+00:00",
        "data_fingerprint": "9f2b7c55d01e4c1a", "versions": {"genapps": "0.1.0", "torch": "2.13.0", "numpy": "2.3.5"},
    }  # fmt: skip
    return Evaluation(
        MEASURES, columns, dependences(len(ORDER), noise), Verdict("usable", TEXT),
        {"real": 10_000, "synthetic": 10_000, "holdout": 6_000}, provenance,
    )  # fmt: skip
