"""Molecules as graphs to edit: bonds single, double or triple, hydrogens left to the valences.

What comes out of an edit is checked by `finished`, and only what passes is a molecule.
"""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem

from genapps_molecule import chemistry as _quiet  # noqa: F401  (RDKit says nothing of each failed edit)

LARGEST_RING = 7
SINGLE = Chem.BondType.SINGLE
Bond = tuple[int, int, Chem.BondType]
MOST_ATOMS = 50  # beside hydrogen, where nothing else is asked
FEWEST_ATOMS = 4


def editable(mol: Chem.Mol) -> Chem.RWMol:
    """A copy whose atoms and bonds can be changed one at a time.

    Aromatic bonds become single and double ones, and no atom has a fixed number of hydrogens. Stereochemistry is left
    out: an edit would make it a matter of chance.
    """
    graph = Chem.RWMol(mol)
    Chem.Kekulize(graph, clearAromaticFlags=True)
    Chem.RemoveStereochemistry(graph)
    for index in range(graph.GetNumAtoms()):  # RDKit's own iterators are slow
        atom = graph.GetAtomWithIdx(index)
        if not atom.GetNumRadicalElectrons():
            atom.SetNoImplicit(False)
            atom.SetNumExplicitHs(0)
    graph.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(graph)
    return graph


@dataclass(frozen=True)
class Parent:
    """A molecule that children are made of, as a graph that stays as it is, and what is asked of it each time.

    around: the neighbors of each atom. chains: the ends of each single bond outside of rings. rings: the bonds of each
    ring with their ends and orders.
    """

    graph: Chem.RWMol
    around: tuple[tuple[int, ...], ...]
    chains: tuple[Bond, ...]
    rings: tuple[tuple[Bond, ...], ...]

    @classmethod
    def of(cls, mol: Chem.Mol) -> Parent:
        """Of a sanitized molecule."""
        graph = editable(mol)
        around: list[list[int]] = [[] for _ in range(graph.GetNumAtoms())]
        bonds, chains = [], []
        for index in range(graph.GetNumBonds()):
            bond = graph.GetBondWithIdx(index)
            one = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondType())
            around[one[0]].append(one[1])
            around[one[1]].append(one[0])
            bonds.append(one)
            if one[2] == SINGLE and not bond.IsInRing():
                chains.append(one)
        rings = (ring for ring in graph.GetRingInfo().BondRings() if len(ring) <= LARGEST_RING)
        found = tuple(tuple(bonds[k] for k in ring) for ring in rings)
        return cls(graph, tuple(map(tuple, around)), tuple(chains), found)


def finished(graph: Chem.Mol | None, most_atoms: int = MOST_ATOMS) -> Chem.Mol | None:
    """The molecule that a graph has become, sanitized; None where it is none, or not one to go on with.

    The rules for rings are those of Jensen 2019 ("A graph-based genetic algorithm", section 2): none of more than seven
    atoms, no double bond in one of three or four, and no two double bonds at an atom of a ring.
    """
    if graph is None or not FEWEST_ATOMS <= graph.GetNumAtoms() <= most_atoms:
        return None
    mol = graph.GetMol() if isinstance(graph, Chem.RWMol) else graph
    try:
        if Chem.SanitizeMol(mol, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
            return None
    except (ValueError, RuntimeError):
        return None
    if len(Chem.GetMolFrags(mol)) > 1 or mol.HasSubstructMatch(_STRANGE):
        return None
    return mol if _rings_hold(mol) else None


# Valences that hold, and that nobody would draw: hydrogen on sulfur (IV, VI) or phosphorus (V), halogens in a chain.
_STRANGE = Chem.MolFromSmarts("[$([S,s;!H0;!v2]),$([P;!H0;v5]),$([F,Cl,Br,I;!v1;!v0])]")
_STRAINED = Chem.MolFromSmarts("[r3,r4]=[r3,r4]")
_ALLENE = Chem.MolFromSmarts("[R]=[R]=[R]")


def _rings_hold(mol: Chem.Mol) -> bool:
    rings = mol.GetRingInfo().AtomRings()
    if not rings:
        return True
    if max(map(len, rings)) > LARGEST_RING or mol.HasSubstructMatch(_ALLENE):
        return False
    return min(map(len, rings)) > 4 or not mol.HasSubstructMatch(_STRAINED)


def free_valences(atom: Chem.Atom) -> int:
    """How many more bonds an atom can take: its hydrogens. For graphs whose property cache is up to date."""
    return int(atom.GetTotalNumHs())
