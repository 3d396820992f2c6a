"""Molecules are read within limits, treated as asked, and written in one way."""

from __future__ import annotations

import pytest

from genapps_molecule.chemistry import LONGEST, MOST_ATOMS, Treatment, Unreadable, canonical, read_smiles


def test_however_it_is_written_it_is_the_same() -> None:
    assert {canonical(read_smiles(text)) for text in ("OCC", "C(O)C", "CCO", "[CH3][CH2][OH]", "[H]OCC")} == {"CCO"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("C" * (LONGEST + 1), "characters, where"),
        ("C" * (MOST_ATOMS + 1), "heavy atoms, where"),
        ("nosmiles", "no SMILES"),
        ("CC ethane", "SMILES has not"),
        ("C(C)(C)(C)(C)C", "valence"),
        ("c1cccc1", "kekulize"),
        ("Ç", "SMILES has not"),
    ],
)
def test_what_is_no_molecule_has_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as error:
        read_smiles(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) <= 120


@pytest.mark.parametrize(
    ("treatment", "text", "expected"),
    [
        (Treatment(), "[Na+].[13CH3][C@H](N)C(=O)[O-]", "[13CH3][C@H](N)C(=O)[O-].[Na+]"),
        (Treatment(salts="strip"), "[Na+].CC(=O)[O-]", "CC(=O)[O-]"),
        (Treatment(salts="strip", charges="neutralize"), "[Na+].CC(=O)[O-]", "CC(=O)O"),
        (Treatment(stereo="strip"), "F/C=C/[C@H](N)C", "CC(N)C=CF"),
        (Treatment(isotopes="strip"), "[13CH3]C", "CC"),
    ],
)
def test_treatment(treatment: Treatment, text: str, expected: str) -> None:
    assert canonical(read_smiles(text, treatment)) == expected
