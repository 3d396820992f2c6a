"""Molecules: propose new ones, optimize them towards an objective, and judge any list of them.

The names below are loaded when first used, so that `genapps molecule --help` imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genapps_molecule.chemistry import Treatment, canonical, read_smiles
    from genapps_molecule.fitting import Study, fit
    from genapps_molecule.grammar import Syntax
    from genapps_molecule.model import SmilesModel
    from genapps_molecule.proposing import Order, propose
    from genapps_molecule.smiles import Vocabulary

# A name that people import -> its module. One comes in here together with what it names.
_HOMES = {
    "Order": "proposing",
    "SmilesModel": "model",
    "Study": "fitting",
    "Syntax": "grammar",
    "Treatment": "chemistry",
    "Vocabulary": "smiles",
    "canonical": "chemistry",
    "fit": "fitting",
    "propose": "proposing",
    "read_smiles": "chemistry",
}

__all__ = [
    "Order",
    "SmilesModel",
    "Study",
    "Syntax",
    "Treatment",
    "Vocabulary",
    "canonical",
    "fit",
    "propose",
    "read_smiles",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
