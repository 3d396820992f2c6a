"""Properties are RDKit's own, by its slow way; fingerprints and similarities too."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, Crippen, Descriptors, RDConfig, rdFingerprintGenerator

from genapps.errors import GenappsError, UsageError
from genapps_molecule.traits import properties
from genapps_molecule.traits.fingerprints import fingerprints, nearest, similarities
from genapps_molecule.traits.properties import PROPERTIES, table


def drugs(step: int) -> list[Chem.Mol]:
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    return [Chem.MolFromSmiles(row["smiles"]) for row in list(csv.DictReader(text.splitlines()))[::step]]


MOLS = drugs(20)


def test_they_are_those_of_rdkit() -> None:
    found = table(MOLS, PROPERTIES)
    for name, slow in {
        "qed": QED.qed,
        "mw": Descriptors.MolWt,
        "logp": Crippen.MolLogP,
        "tpsa": Descriptors.TPSA,
        "hbd": Descriptors.NumHDonors,
        "rotatable": Descriptors.NumRotatableBonds,
        "rings": Descriptors.RingCount,
        "fsp3": Descriptors.FractionCSP3,
        "hetero": Descriptors.NumHeteroatoms,
    }.items():
        again = [Chem.MolFromSmiles(Chem.MolToSmiles(mol)) for mol in MOLS]
        assert found[name].tolist() == pytest.approx([slow(mol) for mol in again]), name


def test_all_are_in_their_ranges() -> None:
    found = table(
        [*MOLS, *(Chem.MolFromSmiles(text) for text in ("C", "[Na+].[Cl-]", "[H][H]", "[U]", "*"))], PROPERTIES
    )
    for name, one in PROPERTIES.items():
        known = found[name][~np.isnan(found[name])]
        assert ((known >= one.low) & (known <= one.high)).all(), name
        assert not one.whole or (known % 1 == 0).all(), name
        assert one.spread > 0
        assert one.words


def test_accessibility_is_that_of_its_authors() -> None:
    lines = (Path(RDConfig.RDContribDir) / "SA_Score" / "data" / "zim.100.txt").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith(("#", "SMILES", "smiles"))][:30]
    found = table([Chem.MolFromSmiles(row[0]) for row in rows], ["sa"])["sa"]
    assert found.tolist() == pytest.approx([float(row[2]) for row in rows], abs=1e-3)


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Did you mean 'logp'"):
        table(MOLS, ["loggp"])
    monkeypatch.setattr(properties.RDConfig, "RDContribDir", "/nowhere")
    properties._sa_scorer.cache_clear()
    with pytest.raises(GenappsError, match="Contrib/SA_Score"):
        table(MOLS[:1], ["sa"])
    properties._sa_scorer.cache_clear()


def test_nothing_of_nothing() -> None:
    assert all(len(column) == 0 for column in table([], PROPERTIES).values())
    assert fingerprints([]).shape == (0, 128)


def test_similarities_are_those_of_rdkit() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    slow = [generator.GetFingerprint(mol) for mol in MOLS]
    packed = fingerprints(MOLS)
    found = similarities(packed, packed[:10])
    expected = [DataStructs.BulkTanimotoSimilarity(one, slow[:10]) for one in slow]
    assert np.allclose(found, expected, atol=1e-6)
    index, best = nearest(packed, packed[:10])
    assert index.tolist() == np.argmax(expected, 1).tolist()
    assert np.allclose(best, np.max(expected, 1), atol=1e-6)


def test_nearest_of_none() -> None:
    packed = fingerprints(MOLS[:3])
    index, best = nearest(packed, packed[:0])
    assert index.tolist() == [-1, -1, -1]
    assert best.tolist() == [0, 0, 0]
