"""Linked molecules are both pieces, apart, and one linker between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.growing.fragments import Library
from genapps_molecule.growing.joining import joined, renumbered
from genapps_molecule.growing.linking import Linker, Pieces
from genapps_molecule.growing.sidechains import SideChains


def test_the_pieces_and_the_linker_are_the_molecule() -> None:
    first, second = "[*:1]c1ccc2[nH]ccc2c1", "*N1CCNCC1"
    source = Linker(Pieces.parse(first, second), SideChains(Library.shipped()))
    made = source.draw(60, np.random.default_rng(0))
    assert len(made) > 15
    for text, mol in made:
        linker = read_smiles(source.describe(mol)["linker"])
        parts = read_smiles(first), renumbered(read_smiles("[*:2]N1CCNCC1"), {})
        assert canonical(joined(parts[0], linker, parts[1])) == text


def test_pieces_without_points_are_joined_anywhere() -> None:
    source = Linker(Pieces.parse("c1ccncc1", "C1CCOC1"), SideChains(Library.shipped()))
    made = source.draw(60, np.random.default_rng(0))
    assert len(made) > 15
    for text, mol in made:
        for piece in ("c1ccncc1", "C1CCOC1"):
            assert mol.HasSubstructMatch(Chem.MolFromSmiles(piece)), text
        assert len(points_of(source.describe(mol)["linker"])) == 2


def points_of(text: str) -> list[int]:
    return sorted(atom.GetAtomMapNum() for atom in Chem.MolFromSmiles(text).GetAtoms() if atom.GetAtomicNum() == 0)


def test_what_is_not_linked_is_told() -> None:
    pieces = Pieces.parse("[*:1]c1ccncc1", "[*:1]C1CC1")
    assert pieces.reason(read_smiles("c1cnccc1CCC1CC1")) == ""
    assert pieces.reason(read_smiles("c1cnccc1CCC")) == "no scaffold"
    assert pieces.reason(read_smiles("Cc1cnccc1CCC1CC1")) == "scaffold grown elsewhere"
    assert Pieces.parse("C1CC1C", "CC1CC1").reason(read_smiles("CC1CC1")) == "pieces not apart"


def test_pieces_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("[*:1]c1ccncc1 first\n")
    assert Pieces.parse(str(tmp_path / "a.smi"), "C1CC1").first.numbers == (1,)
    (tmp_path / "b.smi").write_text("CC\nCCC\n")
    with pytest.raises(UsageError, match="several molecules"):
        Pieces.parse(str(tmp_path / "b.smi"), "C1CC1")


@pytest.mark.parametrize("text", ["[*:1]C[*:2]", "xyz", "C.C", "", "there_is_none.smi"])
def test_what_is_no_piece_is_told_in_a_line(text: str) -> None:
    with pytest.raises(UsageError, match="--link"):
        Pieces.parse("CC", text)
