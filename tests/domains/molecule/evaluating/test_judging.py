"""A list judged beside another: what is alike scores well, what was spoiled does not, and every figure has its n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from genapps.errors import InputError
from genapps_molecule.chemistry import Unreadable, canonical, read_smiles
from genapps_molecule.evaluating.floors import floor_at, moses_floors
from genapps_molecule.evaluating.judging import PUBLISHED, Sample, Yardstick, judge
from genapps_molecule.evaluating.measures import unique_shares
from genapps_molecule.evaluating.reference import Reference, moses
from genapps_molecule.evaluating.tasks import Texts
from genapps_molecule.records import Dropped, Molecule


def read(texts: Sequence[str]) -> list[Molecule | Dropped]:
    rows: list[Molecule | Dropped] = []
    for row, text in enumerate(texts, 1):
        try:
            mol = read_smiles(text)
            rows.append(Molecule(row, canonical(mol), mol))
        except Unreadable as error:
            rows.append(Dropped(row, text, str(error)))
    return rows


@pytest.fixture(scope="module")
def yardstick(tiny_smiles: list[str]) -> Yardstick:
    return Yardstick.own("half", Sample.of(read(tiny_smiles[:240:2])), 60)


def test_what_is_alike_scores_better_than_what_was_spoiled(tiny_smiles: list[str], yardstick: Yardstick) -> None:
    good = judge(Sample.of(read(tiny_smiles[1:120:2])), yardstick)
    spoiled = judge(Sample.of(read([f"C{text}" for text in tiny_smiles[1:120:2]])), yardstick)
    for key in ("FCD/reference", "logP", "weight"):
        assert good[key] < spoiled[key], key
    for key in ("SNN/reference", "Frag/reference"):
        assert good[key] > spoiled[key], key
    floor = next(one.floor for one in good.figures if one.key == "FCD/reference")
    assert floor is not None and floor > 0


def test_shares_count_what_is_no_molecule_and_what_repeats() -> None:
    sample = Sample.of(read(["CCO", "C(C)O", "c1ccccc1", "C(", "CCN"]))
    yard = Yardstick.own("same", sample, 2, fcd=False)
    judged = judge(sample, yard, training=Texts(frozenset(["CCN"])), fcd=False)
    assert judged["valid"] == 4 / 5 and judged["unique@1000"] == 3 / 4
    assert judged["Novelty"] == pytest.approx(2 / 3)
    assert {one.key: one.n for one in judged.figures}["valid"] == 5
    assert judged.dropped == {"no SMILES": 1}
    assert not any(one.key.startswith("FCD") for one in judged.figures)


def test_unique_is_of_the_first_ones() -> None:
    found = unique_shares([*("a" for _ in range(1_000)), *(str(i) for i in range(500))])
    assert found == {"unique@1000": 1 / 1_000, "unique@10000": 501 / 1_500}


def test_the_first_rows_are_taken_and_too_few_are_refused() -> None:
    assert Sample.of(read(["CCO", "CCN", "CCC"]), 2).rows == 2
    with pytest.raises(InputError, match="1 molecules in 2 rows"):
        Sample.of(read(["CCO", "C("]))


def test_a_reference_goes_into_arrays_and_back(yardstick: Yardstick) -> None:
    mine = yardstick.references["reference"]
    again = Reference.restore("half", mine.state())
    np.testing.assert_array_equal(mine.prints, again.prints)
    np.testing.assert_array_equal(mine.fragments.counts, again.fragments.counts)
    assert mine.moments is not None and again.moments is not None
    np.testing.assert_allclose(mine.moments.covariance, again.moments.covariance, atol=1e-6)
    assert mine.n == again.n


def test_what_ships_is_whole() -> None:
    reference, scaffolds = moses("test"), moses("scaffolds")
    assert reference.n == len(reference.prints) == 176_074 and scaffolds.n == 176_225
    assert reference.moments is not None and scaffolds.moments is not None
    values = np.linalg.eigvalsh(reference.moments.covariance)
    assert values.min() > -1e-4 and values.sum() > 1
    assert {n for n in moses_floors() if "FCD/Test" in moses_floors()[n]} >= {1_000, 30_000}
    assert set(PUBLISHED) <= set(moses_floors()[30_000])


def test_floors_lie_between_what_was_measured() -> None:
    floors = {100: {"x": 1.0}, 1_000: {"x": 0.1}}
    assert floor_at(100, "x", floors) == 1.0
    assert floor_at(1_000, "x", floors) == pytest.approx(0.1)
    between = floor_at(300, "x", floors)
    assert between is not None and 0.1 < between < 1
    assert floor_at(500, "x", {400: {"x": 2.0}}) == 2.0
    assert floor_at(500, "y", floors) is None and floor_at(10, "x", floors) is None
