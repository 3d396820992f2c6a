"""Rows are judged the same by one process and by several, and in lots of any size."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rdkit import Chem

from genapps_molecule.reading.files import Written
from genapps_molecule.records import Dropped
from genapps_molecule.screening import judging
from genapps_molecule.screening.judging import Order, judge
from genapps_molecule.traits.properties import PROPERTIES

ROWS = [
    Written(1, "CCO", "ethanol"),
    Dropped(2, "", "empty"),
    Written(3, "nonsense"),
    Written(4, "CC(=O)Cl"),
    Written(5, "CCCCCCCCCCCCCCCCCCCC"),
    Written(6, "c1ccccc1", others={"y": "1"}),
]


def reasons(order: Order, workers: int = 1) -> list[str]:
    return [reason for lot in judge(ROWS, order, workers) for reason in lot.reasons]


def test_a_score_says_what_is_known_of_each_row() -> None:
    (lot,) = judge(ROWS, Order(("mw", "hbd"), ("brenk",)))
    assert lot.reasons == ["", "empty", "no SMILES", "", "", ""]
    assert np.isnan(lot.figures["mw"]).tolist() == [False, True, True, False, False, False]
    assert lot.figures["hbd"][0] == 1
    assert "brenk:acid_halide" in lot.alerts[3].split("; ")
    assert lot.others[5] == {"y": "1"}


def test_a_choice_gives_every_other_row_its_reason() -> None:
    found = reasons(Order((), ("brenk",), "logp<5", choose=True))
    assert found[:3] == ["", "empty", "no SMILES"]
    assert "brenk:acid_halide" in found[3]
    assert found[4].startswith("logp is 8.0")
    assert found[4].endswith("not logp<5")
    assert found[5] == ""


def test_lots_and_processes_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order((), ("brenk",), "logp<5", choose=True)
    alone = reasons(order)
    monkeypatch.setattr(judging, "LOT", 2)
    assert reasons(order) == alone
    monkeypatch.setattr(judging, "_FEW", 1)
    assert reasons(order, workers=2) == alone


def test_nothing_of_nothing() -> None:
    assert list(judge([], Order())) == []


def tangle(n: int) -> str:
    """n atoms of tungsten, each bound to every other."""
    mol = Chem.RWMol()
    for a in range(n):
        mol.AddAtom(Chem.Atom(74))
        for b in range(a):
            mol.AddBond(a, b, Chem.BondType.SINGLE)
    return str(Chem.MolToSmiles(mol))


@pytest.mark.parametrize("text", [tangle(11), tangle(20), "[W]" + "(C)" * 13])
def test_what_would_take_for_ever_is_not_begun(text: str) -> None:
    (lot,) = judge([Written(1, text)], Order(filters=("pains", "mcf", "brenk")))
    assert lot.reasons == ["more bonds than a molecule has"]


@pytest.mark.parametrize(
    "text", ["C=C" * 300 + "C", "FC(F)(F)" + "C(F)(F)" * 200 + "F", ".".join(["Cl"] * 400), "C1CC1" * 150, "N=N" * 250]
)
def test_what_is_large_takes_no_more_than_a_moment(text: str) -> None:
    begun = time.process_time()
    (lot,) = judge([Written(1, text)], Order(tuple(PROPERTIES), ("pains", "mcf", "brenk")))
    assert lot.reasons == [""]
    assert time.process_time() - begun < 5
