"""What can be said of a molecule in one number: each property by name, with its unit and the range it can take."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import QED, Descriptors, FilterCatalog, RDConfig, rdMolDescriptors

from genapps.errors import GenappsError, UsageError
from genapps.suggest import did_you_mean


@dataclass(frozen=True)
class Property:
    """One figure of a molecule. `spread` is about its standard deviation among drugs, the unit of a distance."""

    name: str
    words: str
    unit: str
    of: Callable[[Chem.Mol], float]
    spread: float
    low: float = 0.0
    high: float = math.inf
    whole: bool = False  # a count


@cache
def _sa_scorer() -> ModuleType:
    """The synthetic accessibility score of P. Ertl and A. Schuffenhauer (J. Cheminf. 2009, 1:8), as RDKit ships it.

    Raises GenappsError where this RDKit came without its Contrib folder.
    """
    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    if not path.exists() or not path.with_name("fpscores.pkl.gz").exists():
        raise GenappsError(
            f"the property sa needs RDKit's Contrib/SA_Score, which is not in {path.parent};"
            " install rdkit from its wheel (pip install --force-reinstall rdkit), or leave sa out"
        )
    spec = importlib.util.spec_from_file_location("genapps_molecule_sascorer", path)
    if spec is None or spec.loader is None:
        raise GenappsError(f"{path}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _sa(mol: Chem.Mol) -> float:
    return float(_sa_scorer().calculateScore(mol))


def _mw(mol: Chem.Mol) -> float:
    return float(Descriptors.MolWt(mol))  # type: ignore[attr-defined]


def _logp(mol: Chem.Mol) -> float:
    return float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0])


def _qed(mol: Chem.Mol) -> float:
    """G. R. Bickerton et al., Nature Chemistry 2012, 4, 90, by RDKit's weights and ranges.

    Its parts are asked for here, not by RDKit, which copies the molecule and so forgets the partition that others need.
    """
    if mol.GetNumAtoms() != mol.GetNumHeavyAtoms():
        return float(QED.qed(mol))
    acceptors = (pattern for pattern in QED.Acceptors if mol.HasSubstructMatch(pattern))
    parts = QED.QEDproperties(
        MW=_mw(mol),
        ALOGP=_logp(mol),
        HBA=sum(len(mol.GetSubstructMatches(pattern)) for pattern in acceptors),
        HBD=rdMolDescriptors.CalcNumHBD(mol),
        PSA=rdMolDescriptors.CalcTPSA(mol),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(mol, rdMolDescriptors.NumRotatableBondsOptions.Strict),
        AROM=len(Chem.GetSSSR(Chem.DeleteSubstructs(Chem.Mol(mol), QED.AliphaticRings))),
        ALERTS=len(_qed_alerts().GetMatches(mol)),
    )
    return float(QED.qed(mol, qedProperties=parts))


@cache
def _qed_alerts() -> FilterCatalog.FilterCatalog:
    """QED's own alerts, in a catalog: it matches them without a call for each."""
    catalog = FilterCatalog.FilterCatalog()
    for query in QED.StructuralAlerts:
        catalog.AddEntry(FilterCatalog.FilterCatalogEntry("", FilterCatalog.SmartsMatcher("", query, 1)))
    return catalog


def _stereocenters(mol: Chem.Mol) -> float:
    return len(Chem.FindMolChiralCenters(mol, includeUnassigned=True, useLegacyImplementation=False))


def _largest_ring(mol: Chem.Mol) -> float:
    return max((len(ring) for ring in mol.GetRingInfo().AtomRings()), default=0)


PROPERTIES: dict[str, Property] = {
    one.name: one
    for one in (
        Property("qed", "likeness to drugs (Bickerton 2012)", "", _qed, 0.2, 0.0, 1.0),
        Property("mw", "molecular weight", "g/mol", _mw, 100.0),
        Property("logp", "octanol-water partition (Crippen)", "", _logp, 1.8, -math.inf),
        Property("tpsa", "topological polar surface", "Å²", rdMolDescriptors.CalcTPSA, 40.0),
        Property("hbd", "hydrogen bond donors", "", rdMolDescriptors.CalcNumHBD, 1.5, whole=True),
        Property("hba", "hydrogen bond acceptors", "", rdMolDescriptors.CalcNumHBA, 2.5, whole=True),
        Property("rotatable", "rotatable bonds", "", rdMolDescriptors.CalcNumRotatableBonds, 3.0, whole=True),
        Property("sa", "how hard to make, 1 easy to 10 (Ertl 2009)", "", _sa, 0.9, 1.0, 10.0),
        Property("rings", "rings", "", rdMolDescriptors.CalcNumRings, 1.3, whole=True),
        Property("aromatic_rings", "aromatic rings", "", rdMolDescriptors.CalcNumAromaticRings, 1.1, whole=True),
        Property("largest_ring", "atoms of the largest ring", "", _largest_ring, 2.0, whole=True),
        Property("atoms", "atoms beside hydrogen", "", Descriptors.HeavyAtomCount, 8.0, whole=True),
        Property("hetero", "atoms beside C and H", "", rdMolDescriptors.CalcNumHeteroatoms, 3.0, whole=True),
        Property("fsp3", "share of carbon that is sp3", "", rdMolDescriptors.CalcFractionCSP3, 0.25, 0.0, 1.0),
        Property("stereocenters", "stereocenters, given or not", "", _stereocenters, 2.0, whole=True),
        Property("charge", "formal charge", "e", Chem.GetFormalCharge, 1.0, -math.inf, whole=True),
    )
}

# What `score` and `propose` say of a molecule when nothing else is asked.
USUAL = ("qed", "mw", "logp", "tpsa", "hbd", "hba", "rotatable", "sa", "rings", "atoms")


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names as given. Raises UsageError for one that is no property."""
    names = tuple(names)
    for name in names:
        if name not in PROPERTIES:
            raise UsageError(
                f"{name!r} is no property.{did_you_mean(name, PROPERTIES)} There are: {', '.join(PROPERTIES)}"
            )
    return names


def table(mols: Sequence[Chem.Mol], names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """The properties of those names, (N,) each; NaN where one cannot be had of a molecule.

    Raises UsageError for a name that is no property.
    """
    return {
        name: np.array([_figure(PROPERTIES[name].of, mol) for mol in mols], np.float64) for name in check_names(names)
    }


def _figure(of: Callable[[Chem.Mol], float], mol: Chem.Mol) -> float:
    try:
        return float(of(mol))
    except (ValueError, RuntimeError, ZeroDivisionError, OverflowError):
        return math.nan
