"""Functions of molecules that expressions may call by name, such as similarity(LEAD.smi)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps.io.source import Version, version
from genapps_molecule.chemistry import Unreadable, read_smiles
from genapps_molecule.traits.fingerprints import fingerprints, nearest
from genapps_molecule.traits.properties import table

Measure = Callable[[Sequence[Chem.Mol]], NDArray[np.float64]]


def _similarity(argument: str) -> Measure:
    """The similarity to the nearest molecule of a file, or to the one of a SMILES."""
    leads = fingerprints(_molecules(argument))
    return lambda mols: nearest(fingerprints(mols), leads)[1].astype(np.float64)


def _count(argument: str) -> Measure:
    """How often a SMARTS pattern is found."""
    query = Chem.MolFromSmarts(argument) if argument else None
    if query is None:
        raise UsageError(f"count({argument}): no SMARTS")
    return lambda mols: np.array([len(mol.GetSubstructMatches(query)) for mol in mols], np.float64)


def _qsar(argument: str) -> Measure:
    """What a model that is fitted to a table guesses of a figure in it."""
    from genapps_molecule.traits.qsar import qsar

    return qsar(argument).value


def _unsure(argument: str) -> Measure:
    """How unsure that model is, as a standard deviation."""
    from genapps_molecule.traits.qsar import qsar

    return qsar(argument).spread


# Name -> what makes the measure from what stands in parentheses.
MEASURES: dict[str, Callable[[str], Measure]] = {
    "similarity": _similarity,
    "count": _count,
    "qsar": _qsar,
    "unsure": _unsure,
}


def measure(key: str) -> Measure:
    """The measure of a key such as "similarity(LEAD.smi)"; made once for each version of the file it names.

    Raises as its maker does.
    """
    name, _, rest = key.partition("(")
    argument = rest.removesuffix(")")
    return _made(name, argument, version(argument.partition(",")[0].strip().strip("\"'")))


@lru_cache(maxsize=64)
def _made(name: str, argument: str, version: Version) -> Measure:
    return MEASURES[name](argument)


def figures(mols: Sequence[Chem.Mol], names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Properties and measures by the names that expressions have for them, (N,) each."""
    names = tuple(dict.fromkeys(names))
    properties = table(mols, [name for name in names if "(" not in name])
    return {name: measure(name)(mols) if "(" in name else properties[name] for name in names}


def _molecules(argument: str) -> list[Chem.Mol]:
    from genapps_molecule.reading.files import read_molecules
    from genapps_molecule.records import Molecule

    if not argument:
        raise UsageError("similarity() of what? Name a file or a SMILES: similarity(LEAD.smi)")
    if Path(argument).is_file():
        mols = [one.mol for one in read_molecules(argument) if isinstance(one, Molecule)]
        if not mols:
            raise InputError(f"{argument}: no molecule in it")
        return mols
    try:
        return [read_smiles(argument)]
    except Unreadable as error:
        raise UsageError(f"similarity({argument}): neither a file nor a molecule ({error})") from None
