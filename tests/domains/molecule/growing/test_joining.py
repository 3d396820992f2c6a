"""Points are opened, closed, cut and joined without a change to the rest of the molecule, stereo included."""

from __future__ import annotations

import numpy as np
import pytest
from rdkit import Chem

from genapps_molecule.chemistry import Treatment, Unreadable, canonical, read_smiles
from genapps_molecule.growing.fragments import cut, cuttable
from genapps_molecule.growing.joining import closed, group_of, growable, joined, kind, opened, points, prompt, site

DRUGS = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1CCN(CC1)Cc1ccc(cc1)C(=O)Nc1ccc(C)c(Nc2nccc(n2)-c2cccnc2)c1",
    "C[C@H](N)C(=O)N[C@@H](Cc1c[nH]c2ccccc12)C(=O)O",
    "C/C=C/C(=O)N1CC[C@@H](O)[C@H](F)C1",
    "O=S(=O)(N)c1cc2c(cc1Cl)NC=NS2(=O)=O",
    "C[N+](C)(C)CC([O-])=O",
    "N#Cc1ccc(cc1)C(=C)c1ccc[n+]([O-])c1",
)


@pytest.mark.parametrize("text", DRUGS)
def test_what_is_cut_can_be_joined_again(text: str) -> None:
    mol = read_smiles(text)
    bonds = cuttable(mol)
    assert bonds
    for bond in bonds:
        parts = cut(mol, [bond], [7])
        assert [list(points(part)) for part in parts] == [[7], [7]]
        stereo = bond.GetStereo() == Chem.BondStereo.STEREONONE
        again, whole = canonical(joined(*parts)), canonical(mol)
        assert again == whole or not stereo  # a double bond that was cut forgets which side is which


@pytest.mark.parametrize("text", DRUGS)
def test_a_point_that_is_opened_and_closed_leaves_no_trace(text: str) -> None:
    mol = read_smiles(text)
    for atom in growable(mol):
        grown = opened(mol, atom, 3)
        assert points(grown).keys() == {3} and site(grown, 3)[0].GetIdx() == atom and site(grown, 3)[1] == ""
        assert canonical(closed(grown)) == canonical(mol)


@pytest.mark.parametrize("text", DRUGS)
def test_what_is_written_behind_a_prompt_hangs_at_the_point(text: str) -> None:
    """Read as one text, prompt and side chain are the molecule that joining makes of them, but for its stereo."""
    mol, rng = read_smiles(text, Treatment(stereo="strip")), np.random.default_rng(0)
    for bond in cuttable(mol):
        for part, rest in (parts := cut(mol, [bond], [1]), parts[::-1]):
            if site(part, 1)[1]:
                continue
            for _ in range(2):
                begun = prompt(part, 1, rng)
                group = group_of("N1CCOCC1", "", 1)
                expected = canonical(read_smiles(canonical(joined(part, group))))
                assert canonical(read_smiles(f"{begun}N1CCOCC1")) == expected
            assert rest is not None


def test_a_prompt_has_neither_stereo_nor_isotopes() -> None:
    begun = prompt(read_smiles("[*:1][C@H](N)/C=C/[13CH3]"), 1, np.random.default_rng(0))
    assert canonical(read_smiles(f"{begun}Cl")) == "CC=CC(N)Cl"


def test_the_prompt_of_a_double_bond_ends_with_it() -> None:
    assert prompt(read_smiles("[*:1]=C1CCC1"), 1, np.random.default_rng(0)).endswith("=")


def test_other_points_are_hydrogens_in_a_prompt() -> None:
    begun = prompt(read_smiles("[*:1]n1cc([*:2])cc1"), 2, np.random.default_rng(0))
    assert canonical(read_smiles(f"{begun}C")) == "Cc1cc[nH]c1"


@pytest.mark.parametrize("rest", ["", "(C)C", "C.C", "=O", "1CC1", "C*", "C(C", "F(C)C", "C" * 5_000])
def test_what_is_no_side_chain_is_refused(rest: str) -> None:
    with pytest.raises(Unreadable):
        group_of(rest, "", 1)


def test_the_kind_of_a_site_tells_ring_charge_and_double_bonds() -> None:
    mol = read_smiles("O=C([*:1])c1cc([*:2])cn1[*:3]")
    assert [kind(*site(mol, number)) for number in (1, 2, 3)] == ["C=O", "c", "n"]
    assert kind(*site(read_smiles("[*:1]=C1CC1"), 1)) == "=C"


def test_parts_that_cannot_be_joined_are_said_to_be_so() -> None:
    with pytest.raises(Unreadable):
        joined(read_smiles("[*:1]=C1CC1"), read_smiles("[*:1]F"))
