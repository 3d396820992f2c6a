"""Molecules from fragments: an RBM draws which fragments go together, and they are joined where BRICS would cut.

Molecules are cut at their BRICS bonds (J. Degen et al., ChemMedChem 2008, 3, 1503); a bit says for each frequent
fragment whether a molecule has it. Fragments are joined at points whose kinds were seen joined in molecules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem import BRICS

from genapps.errors import InputError
from genapps.models import RBM
from genapps.spaces import Categorical, Columns, space_from_json
from genapps.training import TrainingConfig
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles, treated
from genapps_molecule.evaluating.describing import fragments

MOST = 500  # fragments that have a bit
HIDDEN = 128
_LARGEST = 8  # fragments of a molecule
_TRIES = 4  # draws of bits for each molecule that is asked for


@dataclass(frozen=True)
class Fragments:
    """Fragments as SMILES with points [1*] to [16*], which kinds of points go together, and an RBM over their bits."""

    parts: tuple[str, ...]
    pairs: frozenset[tuple[int, int]]
    model: RBM

    @classmethod
    def fit(cls, smiles: Sequence[str], training: TrainingConfig, seed: int) -> Fragments:
        """Cut molecules and learn which fragments they have. Raises InputError where no bond of them can be cut."""
        cut: list[list[str]] = []
        pairs: set[tuple[int, int]] = set()
        for text in smiles:
            try:
                mol = read_smiles(text)
            except Unreadable:
                continue
            cut.append(fragments(mol))
            for _, (one, other) in BRICS.FindBRICSBonds(mol):
                pairs |= {(int(one), int(other)), (int(other), int(one))}
        counts = Counter(part for parts in cut for part in set(parts))
        frequent = tuple(text for text, _ in counts.most_common(MOST) if "*" in text)
        if not frequent:
            raise InputError("no bond of these molecules can be cut: they have no fragments to learn")
        places = {text: place for place, text in enumerate(frequent)}
        bits = torch.zeros(len(cut), len(frequent), dtype=torch.long)
        for row, parts in enumerate(cut):
            bits[row, [places[part] for part in parts if part in places]] = 1
        bits = bits[bits.sum(1) > 1]
        space = Columns((Categorical(2),) * len(frequent))
        model = RBM(space=space, n_components=HIDDEN, random_state=seed)
        return cls(frequent, frozenset(pairs), model.fit(bits, training=training))

    def texts(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> list[str]:
        """n molecules; "" for those whose fragments, drawn a few times, did not fit together."""
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        bits = self.model.sample(_TRIES * n, temperature=temperature, generator=generator)
        made: list[str] = []
        for row in np.asarray(bits).astype(bool):
            if len(made) == n:
                break
            text = self.joined(rng.permutation(np.flatnonzero(row))[:_LARGEST].tolist(), rng)
            if text:
                made.append(text)
        return [*made, *[""] * (n - len(made))]

    def joined(self, chosen: Sequence[int], rng: np.random.Generator) -> str:
        """One molecule of as many of the chosen fragments as fit together, "" where that are fewer than two.

        Points that stay open are given a hydrogen.
        """
        if not chosen:
            return ""
        whole, used, number = Chem.Mol(self._mols[chosen[0]]), 1, 0
        waiting = list(chosen[1:])
        while waiting:
            fits = [
                (place, mine, theirs)
                for place, other in enumerate(waiting)
                for mine in _points(whole)
                for theirs in _points(self._mols[other])
                if (_kind(whole, mine), _kind(self._mols[other], theirs)) in self.pairs
            ]
            if not fits:
                break
            place, mine, theirs = fits[int(rng.integers(len(fits)))]
            part, number = Chem.Mol(self._mols[waiting.pop(place)]), number + 1
            whole.GetAtomWithIdx(mine).SetAtomMapNum(number)
            part.GetAtomWithIdx(theirs).SetAtomMapNum(number)
            whole = Chem.CombineMols(whole, part)
            used += 1
        return _closed(whole) if used > 1 else ""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON that `restore` takes."""
        tensors, settings = self.model.state()
        arrays = {f"model/{name}": tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        return arrays, {
            "fragments": list(self.parts),
            "space": self.model.space.to_json(),
            "pairs": sorted(self.pairs),
            "settings": settings,
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Fragments:
        """What `state` described. Raises KeyError, TypeError or ValueError for anything else."""
        tensors = {
            name.removeprefix("model/"): torch.from_numpy(np.array(array))
            for name, array in arrays.items()
            if name.startswith("model/")
        }
        model = RBM.from_state(space_from_json(facts["space"]), tensors, facts["settings"])
        return cls(tuple(facts["fragments"]), frozenset((one, other) for one, other in facts["pairs"]), model)

    @cached_property
    def _mols(self) -> list[Chem.Mol]:
        return [Chem.MolFromSmiles(text) for text in self.parts]


def _points(mol: Chem.Mol) -> list[int]:
    """The points of a molecule that nothing was joined to yet."""
    return [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0 and not atom.GetAtomMapNum()]


def _kind(mol: Chem.Mol, point: int) -> int:
    return int(mol.GetAtomWithIdx(point).GetIsotope())


def _closed(whole: Chem.Mol) -> str:
    """The molecule with bonds where points have the same number, and hydrogens at the others; "" where it is none."""
    edit = Chem.RWMol(whole)
    for atom in edit.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetIsotope(0)
            if not atom.GetAtomMapNum():
                atom.SetAtomicNum(1)
    try:
        return canonical(treated(Chem.molzip(edit.GetMol())))
    except (ValueError, RuntimeError):  # Unreadable is a ValueError
        return ""
