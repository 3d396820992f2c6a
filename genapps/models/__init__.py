"""The model families, found by name.

>>> from genapps.models import build
>>> model = build("gmm", space).fit(data)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from genapps.errors import UsageError
from genapps.spaces import Space
from genapps.suggest import did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from genapps.models.autoregressive import Autoregressive
    from genapps.models.base import Family
    from genapps.models.gan import GAN
    from genapps.models.gmm import GMM
    from genapps.models.hmm import HMM
    from genapps.models.rbm import RBM
    from genapps.models.vae import VAE

# family: (module, class)
FAMILIES = {
    "autoregressive": ("genapps.models.autoregressive", "Autoregressive"),
    "gan": ("genapps.models.gan", "GAN"),
    "gmm": ("genapps.models.gmm", "GMM"),
    "hmm": ("genapps.models.hmm", "HMM"),
    "rbm": ("genapps.models.rbm", "RBM"),
    "vae": ("genapps.models.vae", "VAE"),
}


def family_class(family: str) -> type[Family]:
    """The class of a family. Raises UsageError for a name that is not one."""
    if family not in FAMILIES:
        hint = did_you_mean(family, FAMILIES)
        raise UsageError(f"no model family {family!r}; there are: {', '.join(FAMILIES)}.{hint}")
    module, name = FAMILIES[family]
    found: type[Family] = getattr(import_module(module), name)
    return found


def build(family: str, space: Space | None = None, **options: Any) -> Family:
    """A new model of the family for the space; `options` are the fields of the settings of its engine for that space.

    Raises UsageError for an unknown family, an unknown option, or a space that the family cannot learn.
    """
    return family_class(family)(space=space, **options)


def load(family: str, space: Space, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Family:
    """The model that was saved as tensors and settings by `Family.state`."""
    return family_class(family).from_state(space, tensors, settings)


def load_file(path: str | Path) -> Family:
    """The model that `Family.save` wrote. Raises InputError where the file is damaged or no such model."""
    import torch

    from genapps.errors import InputError
    from genapps.io.artifact import read_artifact
    from genapps.spaces import space_from_json

    artifact = read_artifact(path, finite=True)
    if artifact.header.get("domain") != "any":
        raise InputError(f"{path}: a model of {artifact.header.get('domain')!r}; load it with that domain's own reader")
    tensors = {name.removeprefix("model/"): torch.from_numpy(array) for name, array in artifact.tensors.items()}
    header = artifact.header
    return load(header["family"], space_from_json(header["space"]), tensors, header["model"])


def __getattr__(name: str) -> Any:
    """The families by class name, imported when they are asked for."""
    for module, found in FAMILIES.values():
        if found == name:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "FAMILIES",
    "GAN",
    "GMM",
    "HMM",
    "RBM",
    "VAE",
    "Autoregressive",
    "build",
    "family_class",
    "load",
    "load_file",
]
