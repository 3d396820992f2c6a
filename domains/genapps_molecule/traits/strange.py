"""Motifs that fall apart or react at once: joining parts makes them now and then, and nobody could keep a flask."""

from __future__ import annotations

from functools import cache

from rdkit import Chem

MOTIFS = {
    "peroxide": "[OX2][OX2]",
    "three nitrogens in a chain": "[#7;!a;X3]-[#7;!a;X3]-[#7;!a;X3]",
    "enol": "[OX2H]-[CX3;!a]=[CX3;!a]",
    "primary enamine": "[NX3H2]-[CX3;!a]=[CX3;!a;H1,H2]",
    "hemiaminal or hydrate": "[OX2H]-[CX4;!R]-[#7,#8;!a]",
    "aminal": "[NX3;H1,H2]-[CX4;!R]-[NX3;H1,H2]",
    "halogen at a hetero atom": "[F,Cl,Br,I]-[#7,#8,#15,#16]",
    "halogen beside a hetero atom": "[Cl,Br,I]-[CX4]-[#7,#8,#16;!a]",
    "acyl halide": "[F,Cl,Br,I]-[CX3]=[O,S,N]",
    "cumulene or ketene": "*=[CX2]=*",
    "open anhydride": "[CX3;!R](=O)[OX2;!R][CX3;!R]=O",
    "carbonic or carbamic acid": "[OX2H]-[CX3](=O)-[#7,#8]",
    "imine with hydrogen": "[NX2H]=[CX3]([#6,#1])[#6,#1]",
    "thioketone": "[#6][CX3](=[SX1])[#6]",
    "nitrate or nitrite": "[OX2]-[#7]=O",
    "alkyne in a ring": "[#6;R]#[#6;R]",
    "charged sulfur or phosphorus": "[#15,#16;+]",
}


@cache
def _queries() -> dict[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(text) for name, text in MOTIFS.items()}


def strange(mol: Chem.Mol) -> frozenset[str]:
    """The names of the motifs that a molecule has."""
    return frozenset(name for name, query in _queries().items() if mol.HasSubstructMatch(query))
