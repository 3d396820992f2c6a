"""What a page of pictures costs: processor seconds and bytes of 1,000 known drugs, and of each picture beside RDKit's.

    python benchmarks/molecule/grid.py [--quick]

Asked: 1,000 molecules under 5 MB in a few seconds. The drugs are those that ship; nothing else is needed.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from keep import write
from rdkit import Chem

from genapps_molecule.proposing.describing import described
from genapps_molecule.report import Sheet, Told, grid
from genapps_molecule.report.depicting import drawing, picture


def main() -> None:
    """Measure, and write results/grid.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the molecules")
    options = parser.parse_args()
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    smiles = [row["smiles"] for row in csv.DictReader(text.splitlines())][: 100 if options.quick else 1_000]
    rows = [pictures(smiles), page(smiles)]
    write("grid", rows, {"quick": options.quick, "molecules": "known drugs"})


def pictures(smiles: list[str]) -> dict[str, Any]:
    """Pictures a processor second, and the bytes of one beside those of what RDKit writes."""
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    start = time.process_time()
    ours = sum(len(picture(mol)) for mol in mols)
    seconds = time.process_time() - start
    theirs = sum(len(drawing(mol)) for mol in mols[::10]) * 10
    row = {
        "what": "pictures",
        "n": len(mols),
        "processor_seconds": round(seconds, 2),
        "a_second": round(len(mols) / seconds),
        "bytes_each": round(ours / len(mols)),
        "bytes_each_of_rdkit": round(theirs / len(mols)),
    }
    print(row, flush=True)
    return row


def page(smiles: list[str]) -> dict[str, Any]:
    """The whole page, with all that `propose` tells of a molecule, which is reckoned before."""
    columns = described(smiles)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "grid.html"
        start = time.process_time()
        sheet = Sheet()
        sheet.add(columns)
        grid(target, sheet, Told("Known drugs", f"{len(smiles):,} of them."))
        row = {
            "what": "page",
            "n": len(smiles),
            "processor_seconds": round(time.process_time() - start, 2),
            "bytes": target.stat().st_size,
        }
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
