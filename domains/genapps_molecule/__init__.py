"""Molecules: propose new ones, optimize them towards an objective, and judge any list of them.

The names below are loaded when first used, so that `genapps molecule --help` imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genapps_molecule.alerts import Alerts
    from genapps_molecule.chemistry import Treatment, canonical, read_smiles
    from genapps_molecule.fitting import Study, fit
    from genapps_molecule.grammar import Syntax
    from genapps_molecule.measures import figures
    from genapps_molecule.model import SmilesModel
    from genapps_molecule.proposing import Order, propose
    from genapps_molecule.ranges import Expression, Wish
    from genapps_molecule.reading import read_molecules
    from genapps_molecule.smiles import Vocabulary
    from genapps_molecule.sources import Shape
    from genapps_molecule.writing import write_molecules

# A name that people import -> its module. One comes in here together with what it names.
_HOMES = {
    "Alerts": "alerts",
    "Expression": "ranges",
    "Order": "proposing",
    "Shape": "sources",
    "SmilesModel": "model",
    "Study": "fitting",
    "Syntax": "grammar",
    "Treatment": "chemistry",
    "Vocabulary": "smiles",
    "Wish": "ranges",
    "canonical": "chemistry",
    "figures": "measures",
    "fit": "fitting",
    "propose": "proposing",
    "read_molecules": "reading",
    "read_smiles": "chemistry",
    "write_molecules": "writing",
}

__all__ = [
    "Alerts",
    "Expression",
    "Order",
    "Shape",
    "SmilesModel",
    "Study",
    "Syntax",
    "Treatment",
    "Vocabulary",
    "Wish",
    "canonical",
    "figures",
    "fit",
    "propose",
    "read_molecules",
    "read_smiles",
    "write_molecules",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
