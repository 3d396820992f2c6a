"""How many molecules near a lead are found, and how fast: `python benchmarks/molecule/near.py [--quick]`.

Leads are random known drugs of 15 to 45 heavy atoms. Of each, as many molecules as asked are searched for with the
model that ships, and checked with RDKit's own Tanimoto coefficient. Beside them stands what free draws would yield: the
share of 1,000 draws, for all leads, that lie in the range.
"""

from __future__ import annotations

import argparse
import csv
import time
from importlib.resources import files

import keep
import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from genapps_molecule.chemistry import Treatment, Unreadable, canonical, read_smiles
from genapps_molecule.generators.model import SmilesModel
from genapps_molecule.proposing.sources import Shape
from genapps_molecule.proposing.tasks import Order, propose
from genapps_molecule.traits.fingerprints import fingerprints, similarities
from genapps_molecule.traits.strange import strange


def leads(count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Names and SMILES of drugs."""
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        try:
            mol = read_smiles(row["smiles"], Treatment(salts="strip", charges="neutralize", stereo="strip"))
        except Unreadable:
            continue
        if 15 <= mol.GetNumHeavyAtoms() <= 45:
            found.append((row["name"], canonical(mol)))
    return [found[place] for place in rng.choice(len(found), count, replace=False).tolist()]


def within(smiles: list[str], lead: str, low: float, high: float) -> int:
    """How many lie in the range, by RDKit's bit vectors."""
    bits = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    one = bits.GetFingerprint(Chem.MolFromSmiles(lead))
    others = [bits.GetFingerprint(Chem.MolFromSmiles(text)) for text in smiles]
    return sum(low <= value <= high for value in DataStructs.BulkTanimotoSimilarity(one, others))


def main() -> None:
    """Search, check, count, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=20, metavar="N")
    parser.add_argument("--rows", type=int, default=100, metavar="N", help="molecules of each lead")
    parser.add_argument("--quick", action="store_true", help="three leads; nothing is written")
    options = parser.parse_args()
    rng, model = np.random.default_rng(0), SmilesModel.shipped()
    chosen, low, high = leads(3 if options.quick else options.leads, rng), 0.4, 0.8
    drawn = propose(model, Order(n=200 if options.quick else 1_000)).smiles
    free = similarities(
        fingerprints([Chem.MolFromSmiles(text) for text in drawn]),
        fingerprints([Chem.MolFromSmiles(text) for _, text in chosen]),
    )
    rows = []
    for seed, (name, lead) in enumerate(chosen):
        begun = time.process_time()
        found = propose(model, Order(n=options.rows, seed=seed, shape=Shape.parse(like=lead, similarity="0.4..0.8")))
        rows.append(
            {
                "lead": name,
                "smiles": lead,
                "asked": options.rows,
                "found": len(found),
                "in_range": within(found.smiles, lead, low, high),
                "unique": len(set(found.smiles)),
                "strange": sum(bool(strange(Chem.MolFromSmiles(text))) for text in found.smiles),
                "qed_mean": round(float(np.mean(found.columns["qed"])), 3),
                "sa_mean": round(float(np.mean(found.columns["sa"])), 2),
                "judged": found.judged,
                "cpu_seconds": round(time.process_time() - begun, 2),
            }
        )
        print(rows[-1], flush=True)
    summary = {
        "in_range_share": sum(row["in_range"] for row in rows) / max(sum(row["found"] for row in rows), 1),
        "found_share": sum(row["found"] for row in rows) / (options.rows * len(rows)),
        "cpu_seconds_median": float(np.median([row["cpu_seconds"] for row in rows])),
        "free_draws": len(drawn),
        "free_draws_in_range": float(((low <= free) & (free <= high)).mean()),
    }
    print(summary)
    if not options.quick:
        keep.write("near", rows, {"leads": len(rows), "similarity": [low, high]}, summary)


if __name__ == "__main__":
    main()
