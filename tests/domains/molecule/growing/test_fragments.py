"""Side chains and linkers come from molecules, as often as they were seen at such an atom."""

from __future__ import annotations

from collections import Counter

import numpy as np

from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.growing.fragments import Library, linkers, side_chains
from genapps_molecule.growing.joining import points, site


def test_side_chains_of_a_drug() -> None:
    found = set(side_chains(read_smiles("CC(=O)Oc1ccccc1")))
    assert found == {
        ("C=O", "C[*:1]"),
        ("C", "O=C(Oc1ccccc1)[*:1]"),
        ("=C", "O=[*:1]"),
        ("=O", "CC(Oc1ccccc1)=[*:1]"),
        ("C=O", "c1ccc(O[*:1])cc1"),
        ("O", "CC(=O)[*:1]"),
        ("O", "c1ccc([*:1])cc1"),
        ("c", "CC(=O)O[*:1]"),
    }


def test_linkers_are_told_both_ways_round() -> None:
    assert set(linkers(read_smiles("c1ccccc1C(=O)NC1CC1"))) == {
        (("c", "C"), "O=C(N[*:2])[*:1]"),
        (("C", "c"), "O=C(N[*:1])[*:2]"),
    }


def test_shares_are_those_of_the_molecules() -> None:
    library = Library.of([read_smiles(text) for text in ("Clc1ccccc1", "Clc1ccncc1", "Fc1ccccc1", "[Na+].[Cl-]")])
    atom, rng = site(read_smiles("[*:1]c1ccccc1"), 1)[0], np.random.default_rng(0)
    drawn = Counter(canonical(library.side_chain(atom, "", 1, rng)) for _ in range(400))
    assert set(drawn) == {"Cl[*:1]", "F[*:1]"} and 220 < drawn["Cl[*:1]"] < 310


def test_the_library_that_ships_can_be_read_whole() -> None:
    library, rng = Library.shipped(), np.random.default_rng(0)
    assert len(library.sides) > 30 and sum(len(choice.smiles) for choice in library.sides.values()) > 5_000
    for choice in library.sides.values():
        assert list(points(read_smiles(choice.draw(rng)))) == [1]
    for choice in library.links.values():
        assert list(points(read_smiles(choice.draw(rng)))) == [1, 2]


def test_an_atom_that_nothing_is_known_of_gets_carbon() -> None:
    atom = site(read_smiles("[*:1][Se]C"), 1)[0]
    assert canonical(Library.shipped().side_chain(atom, "", 4, np.random.default_rng(0))) == "C[*:4]"
