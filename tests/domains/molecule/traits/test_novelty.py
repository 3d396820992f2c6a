"""No member of a set is missed, few others are taken for one, and the nearest molecule is the nearest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from genapps_molecule.chemistry import read_smiles
from genapps_molecule.traits.fingerprints import fingerprints
from genapps_molecule.traits.novelty import Members, Training, known_drugs


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=50, unique=True), st.sampled_from([0.3, 0.01, 1e-6]))
def test_no_member_is_missed(texts: list[str], false: float) -> None:
    members = Members.of(texts, len(texts), false)
    assert members.hold(texts).all()
    assert members.size == len(texts)


def test_as_many_others_are_taken_for_members_as_stated() -> None:
    for false in (0.1, 0.01):
        members = Members.of((f"member {k}" for k in range(5_000)), 5_000, false)
        taken = members.hold([f"other {k}" for k in range(20_000)]).mean()
        assert false / 2 < taken < 2 * false
        assert members.bits.nbytes * 8 < 5_000 * 1.45 * np.log2(1 / false) * 1.05


def test_a_filter_with_a_bit_lost_misses_a_member() -> None:
    texts = [f"member {k}" for k in range(200)]
    members = Members.of(texts, 200)
    where = int(np.flatnonzero(members.bits)[0])
    damaged = members.bits.copy()
    damaged[where] = 0
    assert not replace(members, bits=damaged).hold(texts).all()


def test_a_filter_is_kept() -> None:
    members = Members.of(["CC", "CO"], 2)
    arrays, facts = members.state()
    again = Members.restore(arrays, facts)
    assert again is not None and again.hold(["CO", "CC", "CCCCN"]).tolist() == [True, True, False]
    assert Members.restore({}, None) is None
    assert members.hold([]).tolist() == []


def test_the_nearest_of_a_training_set_is_rdkits(tiny_smiles: list[str]) -> None:
    known, asked = tiny_smiles[::7], tiny_smiles[3:200:11]
    training = Training.of(known, [read_smiles(text) for text in known])
    nearest, alike = training.nearest(fingerprints([read_smiles(text) for text in asked]))
    bits = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    theirs = [bits.GetFingerprint(Chem.MolFromSmiles(text)) for text in known]
    for text, found, value in zip(asked, nearest, alike, strict=True):
        all_alike = DataStructs.BulkTanimotoSimilarity(bits.GetFingerprint(Chem.MolFromSmiles(text)), theirs)
        assert abs(max(all_alike) - value) < 1e-6
        assert all_alike[known.index(found)] == max(all_alike)
    arrays, facts = training.state()
    again = Training.restore(arrays, facts)
    assert again is not None and again.smiles == training.smiles and (again.prints == training.prints).all()


def test_known_drugs_know_aspirin() -> None:
    names, alike = known_drugs().nearest(fingerprints([read_smiles("CC(=O)Oc1ccccc1C(=O)O")]))
    assert names == ["aspirin"] and alike[0] == 1
    assert len(known_drugs().names) > 1_500
