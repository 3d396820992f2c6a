"""The first population: molecules of a file, or draws of the shipped model, brought within the ranges if need be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from rdkit import Chem

from genapps.errors import InputError
from genapps_molecule.chemistry import Treatment
from genapps_molecule.optimizing.fence import Fence
from genapps_molecule.optimizing.genetic import Breeding, Genetic, candidate
from genapps_molecule.optimizing.ledger import Candidate, Ledger
from genapps_molecule.optimizing.search import Search
from genapps_molecule.reading.files import read_molecules
from genapps_molecule.records import Dropped, Molecule

FLAT = Treatment(stereo="strip")  # the search is over graphs, where left and right are one
_MOST_DRAWS = 50  # for each molecule that is wanted
RESERVE = 1_000  # molecules for populations to come
_MOST_STEPS = 20_000  # molecules looked at on the way into the ranges


def of_file(path: str | Path, column: str | None = None) -> tuple[list[Candidate], list[Dropped]]:
    """The molecules of a file, each once, and the rows that hold none. Raises InputError where that are all."""
    found: dict[str, Candidate] = {}
    dropped: list[Dropped] = []
    for one in read_molecules(path, FLAT, column=column):
        if isinstance(one, Molecule):
            found.setdefault(one.smiles, Candidate(one.smiles, one.mol))
        else:
            dropped.append(one)
    if not found:
        raise InputError(f"{path}: no molecule in it to begin from; the first row's reason: {_first(dropped)}")
    return list(found.values()), dropped


def texts_of(path: str | Path | None) -> frozenset[str]:
    """The canonical texts of a file's molecules, without stereochemistry; of no file none."""
    found = () if path is None else read_molecules(path, FLAT)
    return frozenset(one.smiles for one in found if isinstance(one, Molecule))


def _first(dropped: list[Dropped]) -> str:
    return f"row {dropped[0].row}: {dropped[0].reason}" if dropped else "there is no row"


def drawn(seed: int, model: str | None = None) -> Iterator[Candidate]:
    """Draws of a model, the one that ships if none is named, without stereochemistry, without end."""
    import torch

    from genapps_molecule.generators.model import SmilesModel
    from genapps_molecule.generators.sampling import Yield, molecules

    drawer = SmilesModel.shipped() if model is None else SmilesModel.load(model)
    for _, mol in molecules(drawer, torch.Generator().manual_seed(seed), Yield(), rows=256):
        flat = Chem.Mol(mol)
        Chem.RemoveStereochemistry(flat)
        if (one := candidate(flat)) is not None:
            yield one


def population(
    source: Iterator[Candidate], n: int, fence: Fence, rng: np.random.Generator, breeding: Breeding
) -> tuple[list[str], str]:
    """Up to n allowed molecules to begin with, and a note where they had to be looked for.

    Where less than half of what is wanted is allowed, a genetic search brings the rest within the ranges, which needs
    no call of the objective. Raises InputError where none is found.
    """
    seen: dict[str, Candidate] = {}
    inside: list[str] = []
    for one in islice(source, n if not fence.asked else _MOST_DRAWS * n):
        if one.smiles not in seen:
            seen[one.smiles] = one
            if fence(one):
                inside.append(one.smiles)
        if len(inside) >= n:
            break
    if len(inside) >= max(1, min(n, len(seen)) // 2) or not fence.asked:
        return inside, ""
    kept = len(inside)
    search = Search(fence.nearness, Genetic(breeding), rng, Ledger(), list(seen))

    def enough(search: Search) -> bool:
        return int((search.ledger.values == 0).sum()) >= n

    search.run(len(seen) + _MOST_STEPS, until=enough)
    inside = [search.ledger.smiles[k] for k in search.ledger.ranked() if search.ledger.values[k] == 0][:n]
    if not inside:
        raise InputError(
            f"no molecule that meets the ranges and filters was found in {len(search.ledger):,} tries;"
            " widen --where or --filters, or give a --start that meets them"
        )
    return inside, f"{kept} of {len(seen):,} first molecules were allowed; {len(inside)} were bred towards the ranges"
