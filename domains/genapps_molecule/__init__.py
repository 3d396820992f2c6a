"""Molecules: propose new ones, optimize them towards an objective, and judge any list of them.

The names below are loaded when first used, so that `genapps molecule --help` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genapps.lazy import lazily

if TYPE_CHECKING:
    from genapps_molecule.chemistry import Treatment, canonical, read_smiles
    from genapps_molecule.generators.fitting import Study, fit
    from genapps_molecule.generators.model import SmilesModel
    from genapps_molecule.language.grammar import Syntax
    from genapps_molecule.language.smiles import Vocabulary
    from genapps_molecule.proposing.sources import Shape
    from genapps_molecule.proposing.tasks import Order, propose
    from genapps_molecule.reading.files import read_molecules
    from genapps_molecule.reading.writing import write_molecules
    from genapps_molecule.traits.alerts import Alerts
    from genapps_molecule.traits.measures import figures
    from genapps_molecule.traits.ranges import Expression, Wish

_HOMES = {
    "Alerts": "traits.alerts",
    "Expression": "traits.ranges",
    "Order": "proposing.tasks",
    "Shape": "proposing.sources",
    "SmilesModel": "generators.model",
    "Study": "generators.fitting",
    "Syntax": "language.grammar",
    "Treatment": "chemistry",
    "Vocabulary": "language.smiles",
    "Wish": "traits.ranges",
    "canonical": "chemistry",
    "figures": "traits.measures",
    "fit": "generators.fitting",
    "propose": "proposing.tasks",
    "read_molecules": "reading.files",
    "read_smiles": "chemistry",
    "write_molecules": "reading.writing",
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

__getattr__, __dir__ = lazily(__name__, _HOMES)
