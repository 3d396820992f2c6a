"""The shape and training of each family for a collection of images: a table, so that it can be read and argued with.

Rules are tried from the top; the first that fits is taken, and `--set` goes over it. Figures on a CPU were chosen on
MNIST's last 10,000 training images (benchmarks/core); those for a GPU have more of everything, for a card does about a
hundred times as much a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genapps.errors import UsageError
from genapps.models import FAMILIES
from genapps.suggest import did_you_mean
from genapps_image.generation.views import View

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """Options of a family and of its training, and for which images they are.

    side: the longest side in pixels, at most; least: at least. device: "cpu", "gpu", or "" for any. levels: as the
    family sees images, None for any. fewest: images of a class, or of all where there are no classes, at least.
    network: the one that was asked for, where the family has several; "" for what it has by itself.
    """

    family: str
    options: Values
    training: Values = field(default_factory=dict)
    side: int = 1 << 30
    least: int = 0
    device: str = ""
    levels: int | None = None
    fewest: int = 0
    network: str = ""


_AR_STEPS = {"epochs": 100, "max_steps": 5000, "batch_size": 32, "learning_rate": 3e-3, "validation_share": 0.05}
_VAE_STEPS = {"epochs": 200, "max_steps": 6000, "patience": 8, "check_steps": 250}
_LADDER = {"body": "ladder", "latent": 64, "hidden": 512, "channels": 64, "groups": 4, "planes": 16, "depth": 3}
_LADDER_STEPS = {
    **_VAE_STEPS, "max_steps": 40_000, "batch_size": 64, "learning_rate": 1e-3, "warmup_steps": 500, "ema": 0.9995,
    "check_steps": 1000,
}  # fmt: skip
_RBM_BITS = {
    "epochs": 40, "min_steps": 2000, "batch_size": 50, "optimizer": "sgd", "learning_rate": 0.1, "beta1": 0.0,
    "clip": 50.0, "ema": 0.9995, "check_steps": 500,
}  # fmt: skip
_AIS = {"ais_steps": 200, "ais_chains": 50}  # an estimate for each class

RULES = (
    Rule(
        "autoregressive",
        {"hidden": 512, "layers": 8, "heads": 8, "head": 2048, "dropout": 0.1},
        {"epochs": 400, "max_steps": 40_000, "batch_size": 64, "learning_rate": 1e-3, "validation_share": 0.05},
        device="gpu",
        fewest=1000,
    ),
    Rule("autoregressive", {"hidden": 64, "layers": 2, "head": 256, "dropout": 0.1}, _AR_STEPS, fewest=0, side=12),
    Rule("autoregressive", {"hidden": 128, "layers": 3, "head": 784}, _AR_STEPS, side=40),
    Rule("autoregressive", {"hidden": 128, "layers": 3, "head": 1024}, {**_AR_STEPS, "max_steps": 3000}),
    # No such convolutions have been run on a GPU yet: wider and deeper ones, as van den Oord et al. had them.
    Rule(
        "autoregressive",
        {"channels": 128, "blocks": 12, "dropout": 0.1},
        {"epochs": 400, "max_steps": 40_000, "batch_size": 32, "learning_rate": 1e-3, "validation_share": 0.05},
        device="gpu",
        fewest=1000,
        network="convolutions",
    ),
    Rule("autoregressive", {"channels": 16, "blocks": 6}, {**_AR_STEPS, "batch_size": 8}, network="convolutions"),
    Rule(
        "gan",
        {"latent": 128, "channels": 96, "depth": 2},
        {"epochs": 2000, "max_steps": 40_000, "batch_size": 64, "learning_rate": 5e-4, "check_steps": 1000},
        device="gpu",
    ),
    Rule(
        "gan",
        {"latent": 64, "channels": 16, "depth": 1},
        {"epochs": 1000, "max_steps": 3000, "batch_size": 32, "check_steps": 250},
    ),
    Rule("vae", {"latent": 40, "hidden": 512, "body": "mlp"}, _VAE_STEPS, side=32, device="cpu", fewest=200),
    Rule("vae", {"latent": 16, "hidden": 256, "body": "mlp"}, _VAE_STEPS, side=32, device="cpu"),
    # No ladder has been run on a GPU yet: its widths and steps follow published ones, made smaller.
    Rule("vae", {**_LADDER, "stride": 1}, _LADDER_STEPS, least=16, side=32, device="gpu", fewest=2000),
    Rule("vae", {**_LADDER, "stride": 2}, _LADDER_STEPS, least=16, side=64, device="gpu", fewest=2000),
    Rule("vae", {**_LADDER, "stride": 4}, _LADDER_STEPS, least=16, device="gpu", fewest=2000),
    Rule(
        "vae",
        {"latent": 64, "hidden": 1024, "channels": 96},
        {**_VAE_STEPS, "max_steps": 40_000},
        device="gpu",
        fewest=1000,
    ),
    Rule("vae", {"latent": 40, "hidden": 512, "channels": 32}, {**_VAE_STEPS, "max_steps": 3000}),
    Rule("gmm", {"n_components": 40, "n_factors": 10, "reg_covar": 1e-4}, fewest=20_000),
    Rule("gmm", {"n_components": 12, "n_factors": 10, "reg_covar": 1e-4}, fewest=1200),
    Rule("gmm", {"n_components": 4, "n_factors": 8, "reg_covar": 1e-3}, fewest=200),
    Rule("gmm", {"n_components": 1, "n_factors": 6}),
    Rule("rbm", {"n_components": 500, "n_chains": 100, **_AIS}, _RBM_BITS, levels=2, fewest=20_000),
    Rule("rbm", {"n_components": 200, "n_chains": 100, **_AIS}, _RBM_BITS, levels=2),
    Rule("rbm", {"n_components": 256, "n_chains": 100, **_AIS}),
    Rule("hmm", {"n_components": 40, "n_init": 1, "max_iter": 40, "min_covar": 1e-3}, fewest=200),
    Rule("hmm", {"n_components": 12, "n_init": 1, "max_iter": 40, "min_covar": 1e-2}),
)

ALONE = frozenset(("gmm", "rbm", "hmm"))  # families that learn no labels: one model a class
FEWEST_OF_A_CLASS = 10  # images below which a class has no model of its own


@dataclass(frozen=True)
class Recipe:
    """What a family is told, and what it is shown of the images."""

    family: str
    view: View
    options: Values
    training: Values


def recipe_for(family: str, count: int, side: int, device: str, levels: int, network: str = "") -> Recipe:
    """The first rule that fits. count: images of a class, or of all without classes. levels: 2 for bits, else 256.

    network: which one was asked for; one that no rule knows is as none.

    Raises UsageError for no such family.
    """
    if family not in FAMILIES:
        raise UsageError(
            f"no model family {family!r}; there are: {', '.join(FAMILIES)}.{did_you_mean(family, FAMILIES)}"
        )
    view = view_of(family, levels)
    network = network if any(rule.network == network for rule in RULES if rule.family == family) else ""
    for rule in RULES:
        fits = (
            (rule.family, rule.network) == (family, network)
            and rule.least <= side <= rule.side
            and count >= rule.fewest
        )
        if fits and rule.device in ("", device) and rule.levels in (None, view.levels):
            options = {**rule.options, "binarize": True} if view.grey else dict(rule.options)
            return Recipe(family, view, options, dict(rule.training))
    raise AssertionError(family)  # the last rule of each family fits all


def view_of(family: str, levels: int) -> View:
    """Bits where they are asked for; else bytes for networks, real numbers for densities; a GAN makes bytes."""
    if family == "gan":
        return View(256)
    if levels == 2 and family != "gmm":
        return View(2, grey=family in ("autoregressive", "vae"))
    return View(256 if family in ("autoregressive", "vae") else 0)
