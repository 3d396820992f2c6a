"""Motifs that nobody could keep in a flask: what falls apart or reacts at once, and what is no molecule as written.

Joining parts makes them now and then, and a network writes them in a few of a hundred texts.
"""

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

# Charges that a pen can write and a solvent takes away at once; ylides, isocyanides, nitro groups and oxides are none.
CHARGES = {
    "protonated amide": "[NX4;+]-[#6X3]=[O,S]",
    "protonated sulfonamide": "[NX4;+]-[#16](=O)",
    "charged carbon": "[#6;+,-;!$([#6-]#[*+]);!$([#6-]~[*+])]",
    "charged halogen": "[F,Cl,Br,I;+]-,=[*]",
    "oxonium or sulfide with a bond too many": "[#8;+;X3]",
    "like charges side by side": "[+]~[+]",
    "two cations at one carbon": "[NX4;+]-[#6]-[NX4;+]",
    "two anions side by side": "[-]~[-]",
    "anion of a hydroxylamine": "[OX1;-]-[NX3;+0;!$(N-C=O)]",
    "nitrogen with half a nitro group": "[NX3;+;!$([N+][O-,S-,N-])]=O",
}
RADICAL = "radical electrons"


@cache
def _queries(charged: bool) -> dict[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(text) for name, text in (CHARGES if charged else MOTIFS).items()}


def strange(mol: Chem.Mol) -> frozenset[str]:
    """The names of all motifs that a molecule has, those of `unreal` included."""
    return unreal(mol) | {name for name, query in _queries(False).items() if mol.HasSubstructMatch(query)}


def unreal(mol: Chem.Mol) -> frozenset[str]:
    """What makes a molecule none as it is written: radical electrons, such as a carbene has, and impossible charges."""
    charged = radical = False
    for atom in mol.GetAtoms():
        charged = charged or atom.GetFormalCharge() != 0
        radical = radical or atom.GetNumRadicalElectrons() != 0
    found = {name for name, query in _queries(True).items() if charged and mol.HasSubstructMatch(query)}
    return frozenset(found | {RADICAL} if radical else found)
