"""Is the scaffold in every delivered molecule? 1,000 requests with random scaffolds of drugs.

`python benchmarks/molecule/scaffolds.py [--quick]`. The scaffolds are those of Bemis and Murcko of the drugs in
$GENAPPS_DATA/molecule/known (else ../shared/data beside the repository); every second request has one to three
attachment points at random atoms. Rows are read again from their text and checked by code that shares nothing with what
made them: RDKit finds the atoms of the scaffold, and its neighbors are counted here. To show that the check can fail,
some rows are also put to it with a methyl group more at an atom where none may grow (what it does not catch then are
molecules whose side chain holds the scaffold a second time, so that it is still there as asked).
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections import Counter
from pathlib import Path

import keep
import numpy as np
from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from genapps_molecule.chemistry import Treatment, Unreadable, canonical, read_smiles
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.growing.joining import growable, opened
from genapps_molecule.proposing.sources import Shape
from genapps_molecule.proposing.tasks import Order, propose

LARGEST = 40  # heavy atoms of a scaffold
PLAIN = Treatment(salts="strip", charges="neutralize")


def scaffolds(path: Path) -> list[Chem.Mol]:
    """The scaffolds of drugs with at least one ring, each once, in the order of their text."""
    found = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                mol = read_smiles(row["smiles"], PLAIN)
                core = read_smiles(canonical(MurckoScaffold.GetScaffoldForMol(mol)))
            except Unreadable:
                continue
            if core.GetNumHeavyAtoms() <= LARGEST and len(growable(core)) >= 3:
                found[canonical(core)] = core
    return [found[text] for text in sorted(found)]


def request(core: Chem.Mol, rng: np.random.Generator, points: bool) -> str:
    """The text of a request: the scaffold, with points at one to three of its atoms or without any."""
    if points:
        for number, atom in enumerate(rng.choice(growable(core), int(rng.integers(1, 4)), replace=False).tolist(), 1):
            core = opened(core, atom, number)
    return canonical(core)


def holds(text: str, asked: str) -> bool:
    """Whether a molecule contains the scaffold, and where it has points is grown at each of these alone."""
    mol, scaffold = Chem.MolFromSmiles(text), Chem.MolFromSmiles(asked)
    stars = {atom.GetIdx() for atom in scaffold.GetAtoms() if atom.GetAtomicNum() == 0}
    wanted = Counter(scaffold.GetAtomWithIdx(star).GetNeighbors()[0].GetIdx() for star in stars)
    edit = Chem.RWMol(scaffold)
    for star in sorted(stars, reverse=True):
        edit.RemoveAtom(star)
    kept = [atom.GetIdx() for atom in scaffold.GetAtoms() if atom.GetIdx() not in stars]
    query = edit.GetMol()
    Chem.RemoveStereochemistry(query)
    for match in mol.GetSubstructMatches(query, uniquify=False, maxMatches=100_000):
        core = set(match)
        grown = Counter(
            {
                kept[place]: sum(other.GetIdx() not in core for other in mol.GetAtomWithIdx(atom).GetNeighbors())
                for place, atom in enumerate(match)
            }
        )
        if not stars or +grown == wanted:
            return True
    return False


def spoiled(text: str, asked: str, rng: np.random.Generator) -> str | None:
    """The molecule with a methyl group at an atom of the scaffold where none may be; None where there is no such."""
    mol = Chem.MolFromSmiles(text)
    core = Chem.DeleteSubstructs(Chem.MolFromSmiles(asked), Chem.MolFromSmarts("[#0]"))
    match = set(mol.GetSubstructMatch(core))
    atoms = [atom for atom in growable(mol) if atom in match]
    if not atoms:
        return None
    edit = Chem.RWMol(opened(mol, int(rng.choice(atoms)), 1))
    for atom in edit.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetAtomicNum(6)
            atom.SetAtomMapNum(0)
    return str(Chem.MolToSmiles(edit))


def main() -> None:
    """Ask, check, count, write."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    source = Path(os.environ.get("GENAPPS_DATA") or beside) / "molecule" / "known" / "chembl_drugs.csv"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000, metavar="N")
    parser.add_argument("--rows", type=int, default=12, metavar="N", help="molecules of each request")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--quick", action="store_true", help="20 requests; nothing is written")
    options = parser.parse_args()
    if not source.exists():
        raise SystemExit(f"skipped: {source} is not there")
    rng = np.random.default_rng(options.seed)
    cores, model = scaffolds(source), SmilesModel.shipped()
    requests = 20 if options.quick else options.requests
    kinds = {"plain": Tally(), "points": Tally()}
    for number, place in enumerate(rng.permutation(np.arange(requests) % len(cores)).tolist()):
        kind = "points" if number % 2 else "plain"
        asked = request(cores[place], rng, kind == "points")
        order = Order(n=options.rows, seed=options.seed + number, shape=Shape.parse(scaffold=asked))
        begun, clock = time.process_time(), time.monotonic()
        found = propose(model, order)
        kinds[kind].add(found.smiles, asked, options.rows, time.process_time() - begun, time.monotonic() - clock, rng)
        if number % 100 == 99 or number + 1 == requests:
            tell(kinds, number + 1, len(cores), options)


def tell(kinds: dict[str, Tally], requests: int, cores: int, options: argparse.Namespace) -> None:
    """Print the figures so far, and write them: a run that is stopped leaves what it had."""
    rows = [{"kind": name, **tally.to_json()} for name, tally in kinds.items()]
    for row in rows:
        print(row, flush=True)
    settings = {"requests": requests, "rows": options.rows, "seed": options.seed, "scaffolds": cores}
    if not options.quick:
        keep.write("scaffolds", rows, settings, {"held": all(row["held"] == row["rows"] for row in rows)})


class Tally:
    """What became of the requests of one kind."""

    def __init__(self) -> None:
        self.requests = self.rows = self.held = self.unique = self.valid = self.short = 0
        self.spoiled = self.caught = 0
        self.cpu: list[float] = []
        self.wall: list[float] = []

    def add(
        self, smiles: list[str], asked: str, wanted: int, cpu: float, wall: float, rng: np.random.Generator
    ) -> None:
        """Count the rows of a request."""
        self.requests += 1
        self.rows += len(smiles)
        self.short += len(smiles) < wanted
        self.valid += sum(Chem.MolFromSmiles(text) is not None for text in smiles)
        self.unique += len({Chem.CanonSmiles(text) for text in smiles})
        self.held += sum(holds(text, asked) for text in smiles)
        self.cpu.append(cpu)
        self.wall.append(wall)
        if "*" in asked:
            worse = [one for text in smiles[:3] if (one := spoiled(text, asked, rng)) is not None]
            self.spoiled += len(worse)
            self.caught += sum(not holds(text, asked) for text in worse)

    def to_json(self) -> dict[str, float]:
        """Every figure; seconds are of one thread."""
        return {
            "requests": self.requests,
            "rows": self.rows,
            "held": self.held,
            "held_share": self.held / max(self.rows, 1),
            "valid": self.valid,
            "unique_in_request": self.unique,
            "short_requests": self.short,
            "spoiled": self.spoiled,
            "spoiled_caught": self.caught,
            "cpu_seconds_per_request": round(float(np.mean(self.cpu)), 3),
            "wall_seconds_per_request_median": round(float(np.median(self.wall)), 3),
        }


if __name__ == "__main__":
    main()
