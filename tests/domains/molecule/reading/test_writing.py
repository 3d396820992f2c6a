"""What is written is read back, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.reading.files import read_molecules
from genapps_molecule.reading.writing import MoleculeWriter, check_molecules, write_molecules
from genapps_molecule.records import Molecule

SMILES = ["C[C@H](N)C(=O)O", "c1ccccc1", "[Cl-].[Na+]", "F/C=C/Cl"]
MOLS = [Chem.MolFromSmiles(text) for text in SMILES]
COLUMNS = {"smiles": SMILES, "name": ["a", "b c", "", None], "mw": np.array([89.09, np.nan, 58.4, 96.5])}


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.smi", "a.sdf", "a.smi.gz", "a.sdf.gz"])
@pytest.mark.parametrize("lots", [1, 2])
def test_what_is_written_is_read_back(tmp_path: Path, name: str, lots: int) -> None:
    with MoleculeWriter(tmp_path / name) as writer:
        for lot in range(lots):
            rows = slice(len(MOLS) * lot // lots, len(MOLS) * (lot + 1) // lots)
            writer.write(MOLS[rows], {key: values[rows] for key, values in COLUMNS.items()})
    found = [one for one in read_molecules(tmp_path / name) if isinstance(one, Molecule)]
    assert [one.smiles for one in found] == SMILES
    assert [one.name for one in found] == ["a", "b c", "", ""]
    assert writer.rows == len(MOLS)


def test_in_space(tmp_path: Path) -> None:
    path = tmp_path / "a.sdf"
    write_molecules(path, MOLS, COLUMNS, three_d=True, seed=3)
    blocks = path.read_text().split("$$$$\n")
    for block in blocks[:2]:
        mol = Chem.MolFromMolBlock(block, removeHs=False)
        assert mol.GetConformer().Is3D()
        assert mol.GetNumAtoms() > mol.GetNumHeavyAtoms(), "with hydrogens"
    assert np.ptp(Chem.MolFromMolBlock(blocks[0]).GetConformer().GetPositions()[:, 2]) > 0.5
    write_molecules(tmp_path / "b.sdf", MOLS, COLUMNS, three_d=True, seed=3)
    assert path.read_text() == (tmp_path / "b.sdf").read_text()


def test_what_finds_no_place_is_drawn_flat(tmp_path: Path) -> None:
    impossible = Chem.MolFromSmiles("C" * 250)
    with MoleculeWriter(tmp_path / "a.sdf", three_d=True) as writer:
        writer.write([impossible], {"smiles": ["C" * 250]})
    assert writer.flat == 1
    assert [one.smiles for one in read_molecules(tmp_path / "a.sdf") if isinstance(one, Molecule)] == ["C" * 250]


def test_fields_of_an_sdf(tmp_path: Path) -> None:
    columns = {"smiles": ["C"], "remark": ["two\nlines\n$$$$"], "mw": np.array([16.0425]), "none": np.array([np.nan])}
    write_molecules(tmp_path / "a.sdf", [Chem.MolFromSmiles("C")], columns)
    text = (tmp_path / "a.sdf").read_text()
    assert ">  <remark>\ntwo lines $$$$\n" in text
    assert ">  <mw>\n16.0425\n" in text
    assert "<none>" not in text
    assert text.count("\n$$$$\n") == 1


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    with MoleculeWriter(tmp_path / "a.parquet") as writer:
        writer.write([], {"smiles": [], "mw": np.zeros(0)})
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["smiles", "mw"]
    assert table.num_rows == 0


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    for name in ("a.csv", "a.sdf"):
        with pytest.raises(RuntimeError), MoleculeWriter(tmp_path / name) as writer:
            writer.write(MOLS, COLUMNS)
            raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_targets_are_checked_first(tmp_path: Path) -> None:
    for name, three_d, reason in (("a.xyz", False, "ends in"), ("a.csv", True, "--3d"), ("no/a.sdf", False, "mkdir")):
        with pytest.raises(UsageError, match=reason):
            check_molecules(tmp_path / name, three_d)
