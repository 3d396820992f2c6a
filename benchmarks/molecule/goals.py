"""The objectives of GuacaMol that PMO asks, and QED: functions of molecules, without any data.

Definitions: Brown et al. 2019 ("GuacaMol", J. Chem. Inf. Model. 59, 1096, table 3), in the numbers that PMO takes
(Gao et al. 2022). Fingerprints are unfolded counts, stereochemistry is not seen. Isomers count their atoms as GuacaMol
does; the package that PMO was run with reads the total from the text instead, so that published figures of the two
isomers, zaleplon and sitagliptin are for somewhat other objectives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors
from rdkit.Chem.Pharm2D import Generate, Gobbi_Pharm2D

Figure = Callable[[Chem.Mol], float]
Shape = Callable[[float], float]

_FEATURES = rdFingerprintGenerator.GetMorganFeatureAtomInvGen()
_PRINTS: dict[str, Callable[[Chem.Mol], object]] = {
    "ecfp4": rdFingerprintGenerator.GetMorganGenerator(radius=2).GetSparseCountFingerprint,
    "ecfp6": rdFingerprintGenerator.GetMorganGenerator(radius=3).GetSparseCountFingerprint,
    "fcfp4": rdFingerprintGenerator.GetMorganGenerator(
        radius=2, atomInvariantsGenerator=_FEATURES
    ).GetSparseCountFingerprint,
    "pairs": rdFingerprintGenerator.GetAtomPairGenerator(maxDistance=10).GetSparseCountFingerprint,
    "pharmacophore": lambda mol: Generate.Gen2DFingerprint(mol, Gobbi_Pharm2D.factory),
}


def clipped(top: float) -> Shape:
    """Linear from 0, and 1 from there on."""
    return lambda x: min(max(x / top, 0.0), 1.0)


def around(mean: float, deviation: float) -> Shape:
    """A Gaussian of height 1."""
    return lambda x: float(np.exp(-0.5 * ((x - mean) / deviation) ** 2))


def at_least(mean: float, deviation: float) -> Shape:
    """1 above the mean, a Gaussian below it."""
    return lambda x: 1.0 if x >= mean else around(mean, deviation)(x)


def at_most(mean: float, deviation: float) -> Shape:
    """1 below the mean, a Gaussian above it."""
    return lambda x: 1.0 if x <= mean else around(mean, deviation)(x)


def like(smiles: str, prints: str, shape: Shape = lambda x: x) -> Figure:
    """Tanimoto's coefficient to a molecule, shaped."""
    of = _PRINTS[prints]
    target = of(Chem.MolFromSmiles(smiles))
    return lambda mol: shape(DataStructs.TanimotoSimilarity(target, of(mol)))


def has(smarts: str, wanted: bool = True) -> Figure:
    """1 where a pattern is found, or is not."""
    query = Chem.MolFromSmarts(smarts)
    return lambda mol: float(mol.HasSubstructMatch(query) == wanted)


def shaped(figure: Figure, shape: Shape) -> Figure:
    """A figure of a molecule, shaped."""
    return lambda mol: shape(figure(mol))


def isomer(formula: str) -> Figure:
    """How near a molecule's formula is: the geometric mean over elements and the number of all atoms."""
    counts = {element: int(count or 1) for element, count in re.findall(r"([A-Z][a-z]*)(\d*)", formula)}
    shapes = {element: around(count, 1.0) for element, count in counts.items()}
    total = around(sum(counts.values()), 2.0)

    def score(mol: Chem.Mol) -> float:
        symbols = [atom.GetSymbol() for atom in Chem.AddHs(mol).GetAtoms()]
        return _geometric([*(shape(symbols.count(e)) for e, shape in shapes.items()), total(len(symbols))])

    return score


def geometric(*figures: Figure) -> Figure:
    """The geometric mean of figures."""
    return lambda mol: _geometric([figure(mol) for figure in figures])


def mean(*figures: Figure) -> Figure:
    """The mean of figures."""
    return lambda mol: float(np.mean([figure(mol) for figure in figures]))


def _geometric(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values)))) if min(values) > 0 else 0.0


logp: Figure = Crippen.MolLogP
tpsa: Figure = rdMolDescriptors.CalcTPSA
bertz: Figure = Descriptors.BertzCT  # type: ignore[attr-defined]
fluorines: Figure = lambda mol: sum(atom.GetSymbol() == "F" for atom in mol.GetAtoms())  # noqa: E731

_SITAGLIPTIN = "Fc1cc(c(F)cc1F)CC(N)CC(=O)N3Cc2nnc(n2CC3)C(F)(F)F"
_SITAGLIPTIN_2 = Chem.MolFromSmiles("NC(CC(=O)N1CCn2c(nnc2C(F)(F)F)C1)Cc1cc(F)c(F)cc1F")
_OSIMERTINIB = "COc1cc(N(C)CCN(C)C)c(NC(=O)C=C)cc1Nc2nccc(n2)c3cn(C)c4ccccc34"
_HOP = "CCCOc1cc2ncnc(Nc3ccc4ncsc4c3)c2cc1S(=O)(=O)C(C)(C)C"
_HOP_CORE = "[#7]-c1n[c;h1]nc2[c;h1]c(-[#8])[c;h0][c;h1]c12"
_HOP_DECORATION = "[#6]-[#6]-[#6]-[#8]-[#6]~[#6]~[#6]~[#6]~[#6]-[#7]-c1ccc2ncsc2c1"


def goals() -> dict[str, Figure]:
    """Every objective by PMO's name."""
    target = Chem.MolFromSmiles(_SITAGLIPTIN)
    return {
        "qed": QED.qed,
        "albuterol_similarity": like("CC(C)(C)NCC(O)c1ccc(O)c(CO)c1", "fcfp4", clipped(0.75)),
        "amlodipine_mpo": geometric(
            like(r"Clc1ccccc1C2C(=C(/N/C(=C2/C(=O)OCC)COCCN)C)\C(=O)OC", "ecfp4"),
            shaped(rdMolDescriptors.CalcNumRings, around(3, 0.5)),
        ),
        "celecoxib_rediscovery": like("CC1=CC=C(C=C1)C1=CC(=NN1C1=CC=C(C=C1)S(N)(=O)=O)C(F)(F)F", "ecfp4"),
        "deco_hop": mean(
            like(_HOP, "pharmacophore", clipped(0.85)),
            has("CS([#6])(=O)=O", wanted=False),
            has("[#7]-c1ccc2ncsc2c1", wanted=False),
            has(_HOP_CORE),
        ),
        "fexofenadine_mpo": geometric(
            shaped(tpsa, at_least(90, 10)),
            shaped(logp, at_most(4, 1)),
            like("CC(C)(C(=O)O)c1ccc(cc1)C(O)CCCN2CCC(CC2)C(O)(c3ccccc3)c4ccccc4", "pairs", clipped(0.8)),
        ),
        "isomers_c7h8n2o2": isomer("C7H8N2O2"),
        "isomers_c9h10n2o2pf2cl": isomer("C9H10N2O2PF2Cl"),
        "median1": geometric(like("CC1(C)C2CCC1(C)C(=O)C2", "ecfp4"), like("CC(C)C1CCC(C)CC1O", "ecfp4")),
        "median2": geometric(
            like("O=C1N(CC(N2C1CC3=C(C2C4=CC5=C(OCO5)C=C4)NC6=C3C=CC=C6)=O)C", "ecfp6"),
            like("CCCC1=NN(C2=C1N=C(NC2=O)C3=C(C=CC(=C3)S(=O)(=O)N4CCN(CC4)C)OCC)C", "ecfp6"),
        ),
        "mestranol_similarity": like(
            "COc1ccc2[C@H]3CC[C@@]4(C)[C@@H](CC[C@@]4(O)C#C)[C@@H]3CCc2c1", "pairs", clipped(0.75)
        ),
        "osimertinib_mpo": geometric(
            shaped(tpsa, at_least(100, 10)),
            shaped(logp, at_most(1, 1)),
            like(_OSIMERTINIB, "fcfp4", clipped(0.8)),
            like(_OSIMERTINIB, "ecfp6", at_most(0.85, 0.1)),
        ),
        "perindopril_mpo": geometric(
            like("O=C(OCC)C(NC(C(=O)N1C(C(=O)O)CC2CCCCC12)C)CCC", "ecfp4"),
            shaped(rdMolDescriptors.CalcNumAromaticRings, around(2, 0.5)),
        ),
        "ranolazine_mpo": geometric(
            shaped(tpsa, at_least(95, 20)),
            shaped(logp, at_least(7, 1)),
            like("COc1ccccc1OCC(O)CN2CCN(CC(=O)Nc3c(C)cccc3C)CC2", "pairs", clipped(0.7)),
            shaped(fluorines, around(1, 1)),
        ),
        "scaffold_hop": mean(
            like(_HOP, "pharmacophore", clipped(0.75)), has(_HOP_DECORATION), has(_HOP_CORE, wanted=False)
        ),
        "sitagliptin_mpo": geometric(
            like(_SITAGLIPTIN, "ecfp4", around(0, 0.1)),
            shaped(logp, around(logp(target), 0.2)),
            shaped(tpsa, around(tpsa(target), 5)),
            isomer("C16H15F6N5O"),
        ),
        "thiothixene_rediscovery": like("CN(C)S(=O)(=O)c1ccc2Sc3ccccc3C(=CCCN4CCN(C)CC4)c2c1", "ecfp4"),
        "troglitazone_rediscovery": like("Cc1c(C)c2OC(C)(COc3ccc(CC4SC(=O)NC4=O)cc3)CCc2c(C)c1O", "ecfp4"),
        "valsartan_smarts": geometric(
            has("CN(C=O)Cc1ccc(c2ccccc2)cc1"),
            shaped(logp, around(logp(_SITAGLIPTIN_2), 0.2)),
            shaped(tpsa, around(tpsa(_SITAGLIPTIN_2), 5)),
            shaped(bertz, around(bertz(_SITAGLIPTIN_2), 30)),
        ),
        "zaleplon_mpo": geometric(
            like("O=C(C)N(CC)C1=CC=CC(C2=CC=NC3=C(C=NN23)C#N)=C1", "ecfp4"), isomer("C19H17N3O2")
        ),
    }


def scored(figure: Figure) -> Callable[[Sequence[Chem.Mol]], NDArray[np.float64]]:
    """A figure of one molecule as one of many, (N,)."""
    return lambda mols: np.array([figure(mol) for mol in mols], np.float64)
