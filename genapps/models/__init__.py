"""The model families, found by name.

>>> from genapps.models import build
>>> model = build("gmm", space).fit(data)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from genapps.errors import UsageError
from genapps.spaces import Columns
from genapps.suggest import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

    from genapps.models.base import Model

# family: (module, model class, settings class). A family not listed for a space is not built for it.
FAMILIES = {
    "autoregressive": ("genapps.models.autoregressive", "Autoregressive", "AutoregressiveConfig"),
    "gmm": ("genapps.models.gmm", "GMM", "GMMConfig"),
}


def family_class(family: str) -> type[Model]:
    """The class of a family. Raises UsageError for a name that is not one."""
    module, model, _ = _entry(family)
    found: type[Model] = getattr(import_module(module), model)
    return found


def build(family: str, space: Columns, **options: Any) -> Model:
    """A new model of the family for the space; `options` are the fields of the family's settings.

    Raises UsageError for an unknown family, an unknown option, or a space that the family cannot learn.
    """
    module, _, settings = _entry(family)
    config = getattr(import_module(module), settings)
    known = [field.name for field in fields(config)]
    for name in options:
        if name not in known:
            raise UsageError(f"{family} has no option {name!r}.{did_you_mean(name, known)}")
    model: Any = family_class(family)
    built: Model = model(space, config(**options))
    return built


def load(family: str, space: Columns, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Model:
    """The model that was saved as tensors and settings by `Model.state`."""
    return family_class(family).from_state(space, tensors, settings)


def _entry(family: str) -> tuple[str, str, str]:
    if family not in FAMILIES:
        hint = did_you_mean(family, FAMILIES)
        raise UsageError(f"no model family {family!r}; there are: {', '.join(FAMILIES)}.{hint}")
    return FAMILIES[family]
