"""Makes what the measures of molecules compare with: moses.safetensors and moses_floors.json of the package's data.

    .venv/bin/python datasets/build_moses.py FOLDER [reference|floors]

FOLDER holds MOSES' data (the wheel molsets 0.3.1, MIT): train.csv.gz, test.csv.gz, test_scaffolds.csv.gz, and the
statistics of the latter two as plain arrays, NAME_reference.npz (ChemNet's mean and covariance, logP, SA, QED, weight)
and NAME_counts.json.gz (fragments, scaffolds). The floors are the measures of random molecules of the training set.
About ten minutes on one core.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from safetensors.numpy import save_file

from genapps.metrics.frechet import Moments
from genapps_molecule.evaluating import chemnet
from genapps_molecule.evaluating.describing import Description, Tally, describe, quantiles
from genapps_molecule.evaluating.floors import SHIPPED as FLOORS
from genapps_molecule.evaluating.judging import measure
from genapps_molecule.evaluating.measures import unique_shares
from genapps_molecule.evaluating.reference import QUANTILES, SHIPPED, Reference, moses
from genapps_molecule.traits.fingerprints import fingerprints

FILES = {"test": "test", "scaffolds": "test_scaffolds"}
NAMES = {"logp": "logP", "sa": "SA", "qed": "QED", "mw": "weight"}
SLICES = {100: 40, 300: 30, 1_000: 20, 3_000: 8, 10_000: 3, 30_000: 1}  # n -> how many lists of n are judged
NEAREST = 3_000  # molecules whose neighbors are looked for: that figure does not depend on n


def main(folder: Path, part: str = "") -> None:
    """Write both files, or the one that was named."""
    if part in ("", "reference"):
        parts = {split: reference(folder, split).state() for split in FILES}
        del parts["scaffolds"]["prints"]  # of the size of all else together; whoever has the file can make them
        arrays = {f"{split}/{name}": array for split, part in parts.items() for name, array in part.items()}
        save_file(arrays, SHIPPED)
    if part in ("", "floors"):
        FLOORS.write_text(
            json.dumps({"of": "random molecules of MOSES' training set", "floors": floors(folder)}) + "\n"
        )


def reference(folder: Path, split: str) -> Reference:
    """The statistics of a split."""
    file = FILES[split]
    with gzip.open(folder / f"{file}_counts.json.gz", "rt") as handle:
        counts = {name: Tally.of(Counter(found)) for name, found in json.load(handle).items()}
    mean, covariance = (array(folder / f"{file}_reference.npz", f"fcd_{name}") for name in ("mu", "sigma"))
    properties = {
        name: quantiles(array(folder / f"{file}_reference.npz", theirs), QUANTILES) for name, theirs in NAMES.items()
    }
    texts = smiles(folder / f"{file}.csv.gz")
    moments = Moments(mean.astype(np.float64), covariance.astype(np.float64), len(texts))
    return Reference(split, len(texts), moments, counts["frag"], counts["scaf"], properties, prints_of(texts))


def prints_of(texts: list[str]) -> NDArray[np.uint8]:
    """Fingerprints (N, 128) in the order of the alphabet, where neighbors are alike and take less room."""
    texts = sorted(texts)
    blocks = [texts[i : i + 10_000] for i in range(0, len(texts), 10_000)]
    return np.concatenate([fingerprints([Chem.MolFromSmiles(text) for text in block]) for block in blocks])


def floors(folder: Path) -> dict[int, dict[str, float]]:
    """The measures of slices of one random sample, averaged over the slices of a size."""
    most = max(SLICES)
    texts = random.Random(0).sample(smiles(folder / "train.csv.gz"), most)
    mols = [Chem.MolFromSmiles(text) for text in texts]
    texts = [Chem.MolToSmiles(mol) for mol in mols]
    step = min(SLICES)
    parts = [describe(mols[i : i + step]) for i in range(0, most, step)]
    features = chemnet.features(texts)
    prints = prints_of(smiles(folder / "test_scaffolds.csv.gz"))
    references = {"Test": moses("test"), "TestSF": replace(moses("scaffolds"), prints=prints)}
    near = measure(Description.joined(parts[: NEAREST // step]), None, references)
    known = {key: near[key] for key in near if key.startswith("SNN")}
    found: dict[int, dict[str, float]] = {}
    for n, slices in SLICES.items():
        starts = [k * n for k in range(min(slices, most // n))]
        judged = [
            measure(
                Description.joined(parts[start // step : (start + n) // step]),
                Moments.of(features[start : start + n]),
                references,
                nearest=lambda _: np.zeros(0, np.float32),
            )
            | unique_shares(texts[start : start + n])
            for start in starts
        ]
        found[n] = {key: round(float(np.mean([one[key] for one in judged])), 5) for key in judged[0]}
        found[n] |= {"valid": 1.0, "Novelty": 1.0} | {key: round(value, 5) for key, value in known.items()}
    return found


def smiles(path: Path) -> list[str]:
    """The column SMILES."""
    with gzip.open(path, "rt") as handle:
        return [row["SMILES"] for row in csv.DictReader(handle)]


def array(path: Path, name: str) -> NDArray[np.float32]:
    """One array of a .npz file."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as handle:
        return np.asarray(np.lib.format.read_array(handle, allow_pickle=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
