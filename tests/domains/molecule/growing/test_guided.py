"""Leads are varied within the range that was asked for, and a search gets where free draws hardly ever do."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import pytest
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from genapps.errors import UsageError
from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.growing.candidates import Made
from genapps_molecule.growing.fragments import Library
from genapps_molecule.growing.guided import Guided
from genapps_molecule.growing.likeness import Likeness
from genapps_molecule.growing.scaffolds import Decorator, Scaffold
from genapps_molecule.growing.sidechains import SideChains
from genapps_molecule.growing.varying import vary
from genapps_molecule.traits.measures import figures
from genapps_molecule.traits.ranges import Wish
from genapps_molecule.traits.strange import CHARGES, MOTIFS, strange, unreal

LEAD = "CN1CCN(CC1)Cc1ccc(cc1)C(=O)Nc1ccc(C)c(Nc2nccc(n2)-c2cccnc2)c1"


def found(search: Guided, n: int, rounds: int = 30) -> list[Made]:
    rng, made = np.random.default_rng(0), []
    while len(made) < n and search.idle < 10 and search.generations < rounds:
        made += search.draw(n - len(made), rng)
    return made


def tanimoto(text: str, lead: str) -> float:
    """RDKit's own, of its own bit vectors."""
    bits = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    prints = [bits.GetFingerprint(Chem.MolFromSmiles(one)) for one in (text, lead)]
    return float(DataStructs.TanimotoSimilarity(*prints))


def test_molecules_like_a_lead_are_found_within_the_range() -> None:
    likeness = Likeness.parse(LEAD, "0.4..0.8")
    search = Guided(likeness.distance, SideChains(Library.shipped()), seeds=likeness.leads)
    made = found(search, 60)
    assert len({text for text, _ in made}) == 60
    assert all(0.4 <= tanimoto(text, LEAD) <= 0.8 for text, _ in made)
    assert not any(strange(mol) for _, mol in made)
    assert likeness.accepts([mol for _, mol in made]) == [""] * 60


def test_a_search_reaches_a_wish_that_no_draw_met_and_keeps_the_scaffold() -> None:
    wish = Wish.parse("1.8<=logp<=2.1, 298<=mw<=306")
    source = Decorator(Scaffold.parse("[*:1]n1ccc2ccccc21"), SideChains(Library.shipped()))

    def distance(mols: Sequence[Chem.Mol]) -> NDArray[np.float64]:
        return wish.distance(figures(mols, wish.names))

    drawn = source.draw(300, np.random.default_rng(9))
    share = float((distance([mol for _, mol in drawn]) == 0).mean())
    made = found(Guided(distance, source.chains, source=source), 4, rounds=10)
    assert share < 0.01 and len(made) == 4
    assert not distance([mol for _, mol in made]).any()
    assert source.accepts([mol for _, mol in made]) == [""] * 4


def test_nothing_is_drawn_twice_and_what_has_no_answer_ends_idle() -> None:
    search = Guided(lambda mols: np.full(len(mols), np.nan), SideChains(Library.shipped()), seeds=[read_smiles("CCO")])
    assert found(search, 5, rounds=3) == [] and search.idle == 3


def test_variations_are_molecules() -> None:
    mols, rng = (
        [read_smiles(text) for text in (LEAD, "CC(=O)Oc1ccccc1C(=O)O", "C", "[Na+].[Cl-]")],
        np.random.default_rng(0),
    )
    varied = vary(mols * 40, mols[::-1] * 40, SideChains(Library.shipped()), rng)
    assert len(varied) > 60
    assert all(Chem.MolFromSmiles(canonical(mol)) is not None and "*" not in canonical(mol) for mol in varied)


@pytest.mark.parametrize("text", ["0.8..0.4", "1.2", "-1..1", "a", "", "0.4..", "nan..1", "0.4..0.8..0.9"])
def test_what_is_no_range_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--similarity"):
        Likeness.parse("CCO", text)


@pytest.mark.parametrize("text", ["xyz", "", "no.smi", "C" * 100_000, "CC[*:1]"])
def test_what_is_no_lead_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="--like"):
        Likeness.parse(text)


def test_the_range_is_reached_from_both_sides() -> None:
    likeness = Likeness.parse("CC(=O)Oc1ccccc1C(=O)O", "0.4..0.8")
    mols = [read_smiles(text) for text in ("CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1", "CCCCCC")]
    assert (likeness.distance(mols) > 0).tolist() == [True, False, True]
    assert [bool(reason) for reason in likeness.accepts(mols)] == [True, False, True]


def test_strange_motifs_are_seen_and_drugs_have_few() -> None:
    assert strange(read_smiles("COOC")) == {"peroxide"}
    assert strange(read_smiles("OC(C)N(C)C")) == {"hemiaminal or hydrate"}
    assert not any(strange(read_smiles(text)) for text in (LEAD, "CC(=O)Oc1ccccc1C(=O)O", "OCC1OC(O)C(O)C(O)C1O"))
    assert all(Chem.MolFromSmarts(text) is not None for text in (MOTIFS | CHARGES).values())


def test_no_drug_is_called_a_molecule_that_cannot_be() -> None:
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    drugs = [row["smiles"] for row in csv.DictReader(text.splitlines())][::4]
    assert not [text for text in drugs if unreal(read_smiles(text))]
    assert unreal(read_smiles("O=C1CCC[CH]1")) == {"radical electrons"} == strange(read_smiles("O=C1CCC[CH]1"))
