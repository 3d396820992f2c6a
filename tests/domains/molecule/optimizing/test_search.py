"""A search spends its calls on what is allowed, survives its objective, and goes on where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.optimizing.delivery import distinct_best
from genapps_molecule.optimizing.fence import HARD, Fence, hardest_of
from genapps_molecule.optimizing.genetic import Genetic, quantile_picks, rests
from genapps_molecule.optimizing.ledger import Candidate, Ledger, Scores
from genapps_molecule.optimizing.objective import WRONG_NUMBER, objective_of
from genapps_molecule.optimizing.tasks import Order, optimize


@pytest.fixture
def start(tmp_path, tiny_smiles) -> str:
    path = tmp_path / "start.smi"
    path.write_text("\n".join(["", "c1cc", *tiny_smiles[::10], "not-a-molecule"]) + "\n")
    return str(path)


@pytest.fixture
def order(start) -> Order:
    return Order("qed", calls=200, start=start, n=20)


def asked(*smiles: str) -> list[Candidate]:
    return [Candidate(text, Chem.MolFromSmiles(text)) for text in smiles]


def rows(path: str) -> dict[str, list[object]]:
    return pyarrow.csv.read_csv(path).to_pydict()


def test_a_search_gets_better_and_delivers_the_best(order, tmp_path):
    out = str(tmp_path / "best.csv")
    found = optimize(order, out)
    first = optimize(replace(order, calls=40), str(tmp_path / "first.csv"))
    assert found.calls == 200
    assert found.top10 > first.top10 + 0.02
    assert [one.row for one in found.dropped][:2] == [1, 2]
    table = rows(out)
    assert table["rank"] == list(range(1, 21))
    assert table["score"] == sorted(table["score"], reverse=True)
    assert table["score"] == pytest.approx(table["qed"])
    assert len(set(table["smiles"])) == 20
    assert all(Chem.MolFromSmiles(text) for text in table["smiles"])


def test_the_same_seed_finds_the_same(order, tmp_path):
    texts = []
    for seed in (1, 1, 2):
        out = tmp_path / "o.csv"
        optimize(replace(order, seed=seed, calls=60), str(out))
        texts.append(out.read_text())
    assert texts[0] == texts[1] != texts[2]


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(order, tmp_path):
    state, whole, parts = tmp_path / "s.genapps", tmp_path / "whole.csv", tmp_path / "parts.csv"
    optimize(order, str(whole))
    told: list[int] = []

    def progress(done: int, total: int, text: str) -> None:
        told.append(done)

    optimize(order, str(parts), state=state, progress=progress, stopped=lambda: len(told) >= 7)
    assert told[-1] < 150
    again = optimize(order, str(parts), state=state, resume=True)
    assert again.calls == 200
    assert parts.read_text() == whole.read_text()
    more = optimize(replace(order, calls=210), str(parts), state=state, resume=True)
    assert more.calls == 210
    with pytest.raises(UsageError, match="begun with another objective"):
        optimize(replace(order, objective="logp"), str(parts), state=state, resume=True)


def test_nothing_outside_the_fence_is_asked_about(order, tmp_path):
    seen = tmp_path / "seen.txt"
    script = tmp_path / "look.py"
    script.write_text(
        f"from pathlib import Path\ndef score(smiles):\n"
        f"    with Path({str(seen)!r}).open('a') as f: f.write(smiles + '\\n')\n    return len(smiles)\n"
    )
    where = "140<=mw<=190, rings>=1"
    found = optimize(
        replace(order, objective=f"{script}:score", where=where, filters=("brenk",), calls=100), str(tmp_path / "o.csv")
    )
    texts = seen.read_text().split()
    assert len(texts) == len(set(texts)) == found.calls == 100
    fence = Fence.of(where, ("brenk",))
    assert all(fence(one) for one in asked(*texts))


def test_a_start_outside_the_ranges_is_bred_into_them(order, tmp_path):
    found = optimize(replace(order, where="300<=mw<=330, tpsa<=90", calls=40, first=15), str(tmp_path / "o.csv"))
    assert "bred towards the ranges" in found.notes[0]
    assert all(300 <= mw <= 330 for mw in rows(str(tmp_path / "o.csv"))["mw"])


def test_ranges_that_are_never_met_end_in_one_line(order, tmp_path, monkeypatch):
    monkeypatch.setattr("genapps_molecule.optimizing.first._MOST_STEPS", 60)
    with pytest.raises(InputError, match="widen --where"):
        optimize(replace(order, where="mw>=100000"), str(tmp_path / "o.csv"))


SCRIPT = """
import math, sys
def score(smiles):
    if len(smiles) % 4 == 0:
        raise RuntimeError("no\\nluck")
    if len(smiles) % 4 == 1:
        return math.nan
    if len(smiles) % 4 == 2:
        sys.exit(3)
    return len(smiles)
def batch(batch):
    return [None if "N" in text else len(text) for text in batch]
def one_bad(batch):
    if any("F" in text for text in batch):
        raise ValueError("fluorine")
    return [len(text) for text in batch]
def short(batch):
    return [1.0]
def words(smiles):
    return "many"
def molecule(mol):
    return mol.GetNumAtoms()
def nothing(smiles):
    raise ValueError("never")
def strange(x):
    return 1.0
"""


@pytest.fixture
def script(tmp_path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SCRIPT)
    return path


def test_an_objective_that_fails_costs_a_molecule_its_score_and_no_more(script, order, tmp_path):
    found = optimize(replace(order, objective=f"{script}:score", calls=150), str(tmp_path / "o.csv"))
    assert found.calls == 150
    assert 0 < found.failed < 150
    assert {"RuntimeError: no\nluck", "returned nan", "SystemExit: 3"} <= set(found.reasons)
    assert found.best % 4 == 3


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("batch", [3.0, np.nan, 2.0], "returned 'None', not a number"),
        ("one_bad", [3.0, 2.0, 2.0], ""),
        ("short", [np.nan] * 3, f"{WRONG_NUMBER} (1 value for 3)"),
        ("words", [np.nan] * 3, "returned 'many', not a number"),
        ("molecule", [3.0, 2.0, 2.0], ""),
    ],
)
def test_functions_take_texts_molecules_or_batches(script, name, values, reason):
    found = objective_of(f"{script}:{name}")(asked("CCC", "CN", "CO"))
    np.testing.assert_array_equal(found.values, values)
    assert found.reasons[1] == reason


def test_a_batch_that_raises_is_asked_one_by_one(script):
    found = objective_of(f"{script}:one_bad")(asked("CCC", "CF", "CO"))
    np.testing.assert_array_equal(found.values, [3.0, np.nan, 2.0])
    assert found.reasons == ("", "ValueError: fluorine", "")


def test_an_objective_without_any_score_is_said(script, order, tmp_path):
    with pytest.raises(InputError, match="no score for any molecule; the first reason: ValueError: never"):
        optimize(replace(order, objective=f"{script}:nothing"), str(tmp_path / "o.csv"))
    with pytest.raises(InputError, match="no score for any molecule"):
        optimize(replace(order, objective="log(0-mw)"), str(tmp_path / "o.csv"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}:absent", "has no function 'absent'"),
        ("{}:strange", "name it by what it takes"),
        ("nowhere.py:score", "no such file"),
        ("qde", "no property"),
        ("1 + 2", "says nothing of a molecule"),
        ("similarity(nothing.smi)", "neither a file nor a molecule"),
    ],
)
def test_an_objective_that_is_none_is_refused_before_the_first_call(script, text, words):
    with pytest.raises(UsageError, match=words):
        objective_of(text.format(script))


def test_a_script_that_does_not_run_is_said(tmp_path):
    (tmp_path / "broken.py").write_text("import nowhere_at_all\n")
    with pytest.raises(InputError, match="cannot be imported"):
        objective_of(f"{tmp_path}/broken.py:score")


def test_a_start_without_a_molecule_is_refused(order, tmp_path):
    (tmp_path / "none.smi").write_text("xyz\n\n")
    with pytest.raises(InputError, match="no molecule in it to begin from"):
        optimize(replace(order, start=str(tmp_path / "none.smi")), str(tmp_path / "o.csv"))


def test_parents_are_among_the_best_by_quantiles():
    """A share of the population is even on a logarithmic scale, so the best hundredth holds a third of all parents."""
    picks = quantile_picks(200_000, 10_000, np.random.default_rng(0))
    assert picks.min() == 0
    assert picks.max() < 10_000
    shares = np.logspace(-3, 0, 25)
    wanted = np.mean(np.minimum(1, 0.01 / shares))
    assert (picks < 100).mean() == pytest.approx(wanted, abs=0.005)


def test_delivered_molecules_are_as_distinct_as_was_asked():
    ledger = Ledger()
    texts = ["CCCCCCCCO", "CCCCCCCO", "c1ccccc1C(=O)N", "CCCCCCN"]
    ledger.enter(texts, Scores(np.array([4.0, 3.0, 2.0, 1.0]), ("",) * 4))
    assert distinct_best(ledger, 10, 1.0)[0] == [0, 1, 2, 3]
    calls, nearest = distinct_best(ledger, 10, 0.5)
    assert 1 not in calls
    assert calls[0] == 0
    assert max(nearest) <= 0.5


def test_children_are_not_harder_to_make_than_what_they_began_from(order, tmp_path):
    optimize(replace(order, objective="sa", calls=150), str(tmp_path / "e.csv"))
    anything = optimize(replace(order, objective="sa", hardest=10.0, calls=150), str(tmp_path / "o.csv"))
    first = [Chem.MolFromSmiles(text) for text in Path(str(order.start)).read_text().split()[1:-1]]
    assert HARD <= hardest_of(first) < anything.best
    table = rows(str(tmp_path / "e.csv"))
    assert max(sa for sa, call in zip(table["sa"], table["call"], strict=True) if call > len(first)) <= hardest_of(
        first
    )


def test_a_population_that_rests_gives_way_to_another():
    """At the ceiling of an objective nothing gets better: molecules of the reserve are asked about next."""
    ledger, rng = Ledger(), np.random.default_rng(0)
    genetic = Genetic(batch=10, patience=20, reserve=["CCCO", "CCCCO", "CCCCCO"])
    texts = [f"{'C' * k}N" for k in range(4, 300)]
    ledger.enter(texts, Scores(np.ones(len(texts)), ("",) * len(texts)))
    assert rests(ledger.values, 20)
    asked = genetic.propose(10, ledger, lambda _: True, rng)
    assert [one.smiles for one in asked] == ["CCCO", "CCCCO", "CCCCCO"]
    assert genetic.begins == len(ledger)
    ledger.enter([one.smiles for one in asked], Scores(np.zeros(3), ("",) * 3))
    again = Genetic(patience=20)
    again.take_tensors(genetic.tensors())
    assert (again.begins, again.changed, again.reserve) == (genetic.begins, genetic.changed, [])
    children = again.propose(5, ledger, lambda _: True, rng)
    assert children
    assert all("N" not in one.smiles or one.smiles not in ledger for one in children)


def test_a_population_that_gets_better_goes_on():
    rising = np.linspace(0, 1, 600)
    assert not rests(rising, 100)
    assert rests(np.concatenate([rising, np.full(200, 0.5)]), 150)
    assert rests(np.concatenate([rising, np.linspace(1, 1.004, 200)]), 150)  # it creeps
    assert not rests(rising[:200], 100)
    assert rests(np.full(600, np.nan), 100)


def test_a_network_that_learns_from_the_best_goes_on_where_it_was(order, tmp_path, tiny_model):
    path = tmp_path / "tiny.genapps"
    tiny_model.save(path)
    order = replace(order, method="guided", model=str(path), calls=180, where="mw<=300")
    state, whole, parts = tmp_path / "s.genapps", tmp_path / "whole.csv", tmp_path / "parts.csv"
    found = optimize(order, str(whole))
    assert found.calls == 180
    told: list[int] = []

    def progress(done: int, total: int, text: str) -> None:
        told.append(done)

    optimize(order, str(parts), state=state, progress=progress, stopped=lambda: len(told) >= 3)
    assert told[-1] < 180
    optimize(order, str(parts), state=state, resume=True)
    assert parts.read_text() == whole.read_text()
