"""What is proposed is valid, canonical, there once and as wished, whatever the source writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from rdkit import Chem

from genapps.errors import UsageError
from genapps_molecule.chemistry import canonical, read_smiles
from genapps_molecule.proposing.describing import described
from genapps_molecule.proposing.picking import Aim
from genapps_molecule.proposing.sources import Shape
from genapps_molecule.proposing.tasks import Order, Proposed, propose
from genapps_molecule.traits.alerts import Alerts
from genapps_molecule.traits.novelty import Members, Training
from genapps_molecule.traits.properties import PROPERTIES
from genapps_molecule.traits.ranges import Wish


class Listed:
    """A drawer that writes the texts of a list over and over, however bad they are."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.place = texts, 0

    def draw(
        self, n: int, generator: torch.Generator, *, prompts: Sequence[str] | None = None, temperature: float = 1.0
    ) -> list[str]:
        start, self.place = self.place, self.place + n
        return [self.texts[k % len(self.texts)] for k in range(start, start + n)]


BAD = ["C1CC", "c1cccc1", "CC(C)(C)(C)C", "", "C C", "[Xx]", "C" * 5_000, "N(=O)(=O)=O="]


def spent(found: Proposed) -> bool:
    return found.told.drawn == found.told.kept + sum(found.told.reasons.values())


def test_only_valid_molecules_are_delivered_each_once(tiny_smiles: list[str]) -> None:
    texts = [one for text in tiny_smiles[:100] for one in (text, text, BAD[len(text) % len(BAD)])]
    dropped: list[tuple[str, str]] = []
    found = propose(Listed(texts), Order(n=80), dropped=lambda text, reason: dropped.append((text, reason)))
    assert len(found) == 80 == len(set(found.smiles)) and spent(found)
    assert all(canonical(read_smiles(text)) == text for text in found.smiles)
    assert found.told.reasons["no valid chemistry"] > 20 and found.told.reasons["there before"] > 20
    spare = "as wished, but not needed"
    assert {reason.partition(":")[0] for _, reason in dropped} == {"no valid chemistry", "there before", spare}
    assert len(dropped) == sum(found.told.reasons.values())


def test_every_draw_is_delivered_or_listed(tiny_smiles: list[str]) -> None:
    for options in ({}, {"diverse": True}, {"aims": Aim.parse("qed")}, {"wish": Wish.parse("mw<=180")}, {"most": 33}):
        left: Counter[str] = Counter()
        order = Order(n=20, **options)  # type: ignore[arg-type]
        found = propose(Listed([*tiny_smiles, *BAD]), order, dropped=lambda text, _, left=left: left.update([text]))
        assert found.told.drawn == len(found) + left.total() and not set(found.smiles) & set(left)
        assert found.told.kept == len(found) and found.told.share > 0.3


def test_what_is_asked_for_holds_of_every_row(tiny_smiles: list[str]) -> None:
    wish = Wish.parse("mw<=180, qed>=0.4")
    novel = frozenset(tiny_smiles[::3])
    found = propose(Listed(tiny_smiles), Order(n=30, wish=wish, filters=("brenk",), novel_to=novel))
    assert len(found) == 30 and spent(found)
    assert (found.columns["mw"] <= 180).all() and (found.columns["qed"] >= 0.4 - 1e-4).all()
    assert not novel & set(found.smiles)
    alerts = Alerts.named(["brenk"])
    assert not any(alerts.hits(read_smiles(text)) for text in found.smiles)
    assert {"not mw<=180", "not qed>=0.4", "alert of brenk", "not novel: in --novel-to"} <= set(found.told.reasons)


def test_where_draws_yield_nothing_a_search_goes_on(tiny_smiles: list[str]) -> None:
    found = propose(Listed(tiny_smiles), Order(n=5, wish=Wish.parse("atoms>=22, rings>=2"), seed=1))
    assert any("guided search" in note for note in found.notes) and found.judged > 0
    assert len(found) == 5 and (found.columns["atoms"] >= 22).all()


def test_what_cannot_be_had_ends_with_a_note() -> None:
    found = propose(Listed(["CC", "CO", *BAD]), Order(n=100))
    assert len(found) == 2 and "2 of 100 molecules were found" in found.notes[-1]
    found = propose(Listed(BAD), Order(n=100))
    assert len(found) == 0 and [len(mols) for mols, _ in found.lots()] == [0]
    assert propose(Listed(["CC"]), Order(n=5), stopped=lambda: True).told.drawn == 0
    assert propose(Listed(["CC"]), Order(n=5, most=64)).told.drawn == 64
    assert (
        len(propose(Listed(["CC"]), Order(n=5, most=1))) == 1 == propose(Listed(["CC"]), Order(n=5, most=1)).told.drawn
    )
    assert propose(Listed(BAD), Order(n=5, seconds=0.0)).told.drawn == 16  # one round of the fewest draws


def test_the_best_come_first_and_a_diverse_set_is_spread(tiny_smiles: list[str]) -> None:
    aims = Aim.parse("qed, -sa")
    found = propose(Listed(tiny_smiles), Order(n=40, aims=aims))
    plain = propose(Listed(tiny_smiles), Order(n=40))
    assert (np.diff(found.columns["front"]) >= 0).all() and found.columns["front"][0] == 1
    assert found.columns["qed"].mean() > plain.columns["qed"].mean()
    spread = propose(Listed(tiny_smiles), Order(n=40, diverse=True))
    assert len(set(spread.columns["scaffold"])) >= len(set(plain.columns["scaffold"]))
    both = propose(Listed(tiny_smiles), Order(n=40, aims=aims, diverse=True))
    assert both.smiles != found.smiles and both.smiles == both.columns["smiles"]
    assert (np.diff(both.columns["front"]) >= 0).all() and both.columns["front"].max() > 1


def test_rows_around_a_scaffold_say_how(tiny_smiles: list[str]) -> None:
    shape = Shape.parse(scaffold="c1ccc([*:1])cc1")
    found = propose(Listed(tiny_smiles), Order(n=10, shape=shape))
    ring = Chem.MolFromSmiles("c1ccccc1")
    assert len(found) == 10 and all(read_smiles(text).HasSubstructMatch(ring) for text in found.smiles)
    assert all("[*:1]" in group for group in found.columns["R1"])
    for options in ({"scaffold": "CC", "link": ("CC", "CO")}, {"similarity": "0.1..0.2"}, {"scaffold": "no"}):
        with pytest.raises(UsageError):
            Shape.parse(**options)  # type: ignore[arg-type]


def test_radicals_and_impossible_charges_are_no_chemistry() -> None:
    good = ["CCO", "C[N+](C)(C)CC(=O)[O-]", "C[NH2+]CC", "[C-]#[N+]C", "C[N+](=O)[O-]", "CC(=O)[N-]S(C)(=O)=O"]
    bad = ["CC[CH]C", "[C]C", "C[NH+]C", "C[NH2+]C(C)=O", "C[NH2+]S(C)(=O)=O", "CC[CH2+]", "C[NH2+]C[NH3+]"]
    dropped: list[tuple[str, str]] = []
    found = propose(
        Listed([*good, *bad]), Order(n=99, most=13), dropped=lambda text, reason: dropped.append((text, reason))
    )
    assert set(found.smiles) == {canonical(read_smiles(text)) for text in good}
    assert [text for text, _ in dropped] == bad and found.told.reasons == {"no valid chemistry": 7}
    assert [reason for _, reason in dropped[:4]] == [
        *["no valid chemistry: radical electrons"] * 3,
        "no valid chemistry: protonated amide",
    ]


def test_ions_of_one_compound_are_there_once() -> None:
    ions = ["CC(=O)O", "CC(=O)[O-]", "NCC(=O)O", "[NH3+]CC(=O)[O-]", "C[N+](C)(C)CC(=O)O", "C[N+](C)(C)CC(=O)[O-]"]
    found = propose(Listed(ions), Order(n=99, most=6))
    assert found.smiles == [canonical(read_smiles(text)) for text in ions[::2]]
    assert found.told.reasons == {"there before": 3}
    assert propose(Listed(ions), Order(n=99, most=2, novel_to=frozenset({"CC(=O)O"}))).smiles == []


def test_what_does_not_hold_at_a_scaffold_is_listed(tiny_smiles: list[str]) -> None:
    dropped: list[str] = []
    shape = Shape.parse(scaffold="[*:1]OC")
    found = propose(
        Listed(["O", "OC", "Cl", *tiny_smiles]), Order(n=30, shape=shape), dropped=lambda *row: dropped.append(row[1])
    )
    assert found.told.drawn == len(found) + len(dropped)
    assert "there before" in dropped and len(found) == 30


def test_columns_say_what_is_known(tiny_smiles: list[str]) -> None:
    known = tiny_smiles[:50]
    training = Training.of(known, [read_smiles(text) for text in known])
    columns = described(["CC(=O)Oc1ccccc1C(=O)O", known[7], "CCO"], members=Members.of(known, 50), training=training)
    assert columns["nearest_drug"][0] == "aspirin" and columns["drug_similarity"][0] == 1
    assert columns["in_training"].tolist() == [False, True, False]
    assert columns["nearest_training"][1] == known[7] and columns["training_similarity"][1] == 1
    assert columns["scaffold"] == ["c1ccccc1", columns["scaffold"][1], ""]
    mass = PROPERTIES["mw"].of(read_smiles("CC(=O)Oc1ccccc1C(=O)O"))
    assert columns["hbd"].dtype == np.int64 and abs(columns["mw"][0] - mass) < 1e-3
    assert described([])["smiles"] == []
