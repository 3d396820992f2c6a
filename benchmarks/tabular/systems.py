"""The systems that are compared: functions (train, kinds, options) -> draw(n, seed), each run in a process of its own.

`MODULES` names what a system needs; it is imported before the clock starts, and a system whose modules are not
installed is reported as skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

Draw = Callable[[int, int], pd.DataFrame]
System = Callable[[pd.DataFrame, dict[str, str], dict[str, Any]], Draw]
OURS = ("autoregressive", "gmm", "vae", "gan", "rbm")


def ours(family: str) -> System:
    """One of our own families, default settings."""

    def system(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
        from genapps_tabular import TabularConfig, fit

        model = fit(train, config=TabularConfig(family=family, seed=options["seed"]))
        return lambda n, seed: model.sample(n, seed=seed)

    return system


def cart(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
    """A sequence of trees with at least 15 rows a leaf."""
    from cart import fit

    return fit(train, kinds, leaf=15)


def cart50(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
    """A sequence of trees with at least 50 rows a leaf."""
    from cart import fit

    return fit(train, kinds, leaf=50)


def gaussian_copula(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
    """SDV's Gaussian copula, default settings."""
    return _sdv("GaussianCopulaSynthesizer", train, kinds)


def tvae(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
    """SDV's TVAE, default settings but for the number of epochs."""
    return _sdv("TVAESynthesizer", train, kinds, epochs=options["epochs"], enable_gpu=False)


def ctgan(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
    """SDV's CTGAN, default settings but for the number of epochs."""
    return _sdv("CTGANSynthesizer", train, kinds, epochs=options["epochs"], enable_gpu=False)


def _sdv(name: str, train: pd.DataFrame, kinds: dict[str, str], **settings: Any) -> Draw:
    import sdv.single_table
    from sdv.metadata import Metadata

    columns = {c: {"sdtype": kind} for c, kind in kinds.items()}
    metadata = Metadata.load_from_dict({"tables": {"t": {"columns": columns}}, "relationships": []})
    synthesizer = getattr(sdv.single_table, name)(metadata, **settings)
    synthesizer.fit({"t": train.copy()})
    return lambda n, seed: synthesizer.sample(n)["t"]


def mostlyai(train: pd.DataFrame, kinds: dict[str, str], options: dict[str, Any]) -> Draw:
    """TabularARGN with its defaults, but for value protection, which would drop rare values (nobody else does)."""
    from mostlyai.engine import TabularARGN

    model = TabularARGN(value_protection=False, device="cpu", random_state=options["seed"])
    model.fit(train)
    return lambda n, seed: model.sample(n)


SYSTEMS: dict[str, System] = {
    **{family: ours(family) for family in OURS},
    "cart": cart,
    "cart50": cart50,
    "gaussian_copula": gaussian_copula,
    "tvae": tvae,
    "ctgan": ctgan,
    "mostlyai": mostlyai,
}
OPTIMIZER = "torch._dynamo"  # the first optimizer of a process imports it, which takes seconds
MODULES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(OURS, ("genapps_tabular.tasks", OPTIMIZER)),
    "gmm": ("genapps_tabular.tasks",),
    "cart": ("sklearn.tree",),
    "cart50": ("sklearn.tree",),
    "gaussian_copula": ("sdv.single_table",),
    "tvae": ("sdv.single_table", OPTIMIZER),
    "ctgan": ("sdv.single_table", OPTIMIZER),
    "mostlyai": ("mostlyai.engine", OPTIMIZER),
}
PACKAGES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(OURS, ("genapps", "torch")),
    "cart": ("scikit-learn",),
    "cart50": ("scikit-learn",),
    "gaussian_copula": ("sdv", "copulas"),
    "tvae": ("sdv", "ctgan", "torch"),
    "ctgan": ("sdv", "ctgan", "torch"),
    "mostlyai": ("mostlyai-engine", "torch"),
}
LABELS: dict[str, str] = {
    "real": "other real rows (ceiling)",
    "copy": "copy of the training rows (privacy control)",
    "independent": "independent columns (floor)",
    **{family: f"**genapps {family}**" for family in OURS},
    "cart": "CART sequence, 15 rows a leaf",
    "cart50": "CART sequence, 50 rows a leaf",
    "gaussian_copula": "SDV GaussianCopula",
    "tvae": "SDV TVAE",
    "ctgan": "SDV CTGAN",
    "mostlyai": "TabularARGN",
}
CONTROLS = ("real", "copy", "independent")
