"""Side chains for open attachment points: written by a network behind a prompt, or drawn from a library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from rdkit import Chem

from genapps.errors import GenappsError
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.growing.candidates import Made, torch_generator
from genapps_molecule.growing.fragments import Library
from genapps_molecule.growing.joining import group_of, prompt, site
from genapps_molecule.records import Drawer
from genapps_molecule.traits.strange import strange

LONGEST = 110  # characters of a prompt; what is longer takes the network long, and is like nothing that it learnt


@dataclass
class SideChains:
    """Where side chains come from: the network if one is given, the library for whatever it does not write.

    written: the share of points that the network is asked for. told: how many side chains came from where.
    """

    library: Library
    drawer: Drawer | None = None
    temperature: float = 1.0
    written: float = 1.0
    told: Counter[str] = field(default_factory=Counter)

    def draw(self, mols: Sequence[Chem.Mol], numbers: Sequence[int], rng: np.random.Generator) -> list[Chem.Mol]:
        """A side chain for the point of that number of each molecule (N,), with a point of the same number."""
        asking = rng.random(len(mols)) < self.written
        asked: list[int] = np.flatnonzero(asking).tolist() if self.drawer is not None else []
        groups: list[Chem.Mol | None] = [None] * len(mols)
        written = self._write([mols[k] for k in asked], [numbers[k] for k in asked], rng)
        for place, group in zip(asked, written, strict=True):
            groups[place] = group
        chosen = []
        for mol, number, group in zip(mols, numbers, groups, strict=True):
            self.told["library" if group is None else "network"] += 1
            chosen.append(self.library.side_chain(*site(mol, number), number, rng) if group is None else group)
        return chosen

    def notes(self) -> list[str]:
        """How many side chains came from where, as a sentence; nothing where none were needed."""
        total = self.told.total()
        if not total or self.drawer is None:
            return []
        share = self.told["library"] / total
        return [f"{1 - share:.0%} of side chains were written by the model, {share:.0%} are of known drugs"]

    def _write(
        self, mols: Sequence[Chem.Mol], numbers: Sequence[int], rng: np.random.Generator
    ) -> list[Chem.Mol | None]:
        """Side chains as the network writes them, None where it wrote none."""
        if self.drawer is None or not mols:
            return []
        prompts = [prompt(mol, number, rng) for mol, number in zip(mols, numbers, strict=True)]
        short = [row for row, begun in enumerate(prompts) if len(begun) <= LONGEST]
        groups: list[Chem.Mol | None] = [None] * len(mols)
        try:
            texts = self.drawer.draw(
                len(short), torch_generator(rng), prompts=[prompts[row] for row in short], temperature=self.temperature
            )
        except GenappsError:  # a molecule with what the network cannot read
            return groups
        for row, text in zip(short, texts, strict=True):
            try:
                groups[row] = group_of(text[len(prompts[row]) :], site(mols[row], numbers[row])[1], numbers[row])
            except Unreadable:
                continue
        return groups


def finished(
    mols: Iterable[Chem.Mol], known: Collection[str] = (), dropped: Callable[[str, str], None] | None = None
) -> Iterator[Made]:
    """Molecules as they are read again from their canonical text, but for those that cannot be.

    Those with a strange motif are left out, too, unless it is `known` of what they were made from. dropped takes each
    that is left out, and why.
    """
    for mol in mols:
        text = canonical(mol)
        try:
            whole = read_smiles(text)
            if problems := strange(whole) - set(known):
                raise Unreadable(min(problems))
        except Unreadable as error:
            if dropped is not None:
                dropped(text, f"no valid chemistry: {error}")
            continue
        yield canonical(whole), whole


def held(
    made: Iterable[Made], reason: Callable[[Chem.Mol], str], dropped: Callable[[str, str], None] | None = None
) -> Iterator[Made]:
    """Each of them once, where there is no reason against it; dropped takes the others, and why."""
    seen: set[str] = set()
    for text, mol in made:
        problem = "there before" if text in seen else reason(mol)
        seen.add(text)
        if not problem:
            yield text, mol
        elif dropped is not None:
            dropped(text, problem)
