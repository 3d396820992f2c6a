"""The molecules that the benchmarks read, by name; looked for in $GENAPPS_DATA/molecule, then beside the repository."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

FILES = {
    "moses": "moses/dataset/data/train.csv.gz",
    "moses_test": "moses/dataset/data/test.csv.gz",
    "moses_scaffolds": "moses/dataset/data/test_scaffolds.csv.gz",
    "zinc": "smiles/zinc250k.smiles.gz",
    "drugs": "known/chembl_drugs.csv",
}


def folder() -> Path | None:
    """Where the data are, or nothing."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    for root in (os.environ.get("GENAPPS_DATA"), beside):
        if root and (Path(root) / "molecule").is_dir():
            return Path(root) / "molecule"
    return None


def read(name: str) -> Iterator[str]:
    """The SMILES of a file, in its order; what is not found is said and left out."""
    root = folder()
    path = None if root is None else root / FILES[name]
    if path is None or not path.exists():
        print(f"skipped {name}: no {FILES[name]} in $GENAPPS_DATA/molecule")
        return
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for line in file:
            text = line.split(",")[0].strip()
            if text and text.upper() != "SMILES":
                yield text
