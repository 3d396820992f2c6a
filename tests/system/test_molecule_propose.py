"""`genapps molecule propose` and `fit` as a user runs them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from genapps_molecule.chemistry import canonical, read_smiles

Here = Callable[..., Any]
TOLD = ("qed", "mw", "logp", "tpsa", "hbd", "hba", "rotatable", "sa", "alerts", "scaffold", "nearest_drug")
SMALL = ("--set", "hidden=16", "--set", "layers=1", "--set", "training.max_steps=3", "--set", "training.min_steps=1")


def table(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ran(here: Here, *words: object) -> Any:
    done = here("molecule", *words)
    assert done.code == 0, done.err
    return done


@pytest.fixture
def mine(here: Here) -> Here:
    """Molecules of a user in a file with rows that are none, and a model of them."""
    texts = [f"{head}{ring}" for head in ("C", "CC", "CO", "CN", "FC", "ClC", "N#CC") for ring in ("c1ccccc1", "C1CC1")]
    Path("mine.smi").write_text("\n".join([*texts, "C(", "", texts[0], "C" * 6_000]) + "\n")
    return here


def test_the_shipped_model_works_at_once(here: Here) -> None:
    words = ("-n", 25, "--where", "qed>=0.5, 200<=mw<=450", "--filters", "pains,brenk", "-o", "out.csv")
    done = ran(here, "propose", *words, "--dropped", "why.csv", "--report", "grid.html", "--json")
    rows, told = table("out.csv"), json.loads(done.out)
    assert len(rows) == told["molecules"] == 25 == len({row["smiles"] for row in rows})
    assert set(TOLD) <= set(rows[0]) and {"drug_similarity", "in_training"} <= set(rows[0])
    for row in rows:
        assert canonical(read_smiles(row["smiles"])) == row["smiles"]
        assert float(row["qed"]) >= 0.4999 and 200 <= float(row["mw"]) <= 450
        assert "pains" not in row["alerts"] and "brenk" not in row["alerts"]
    why = table("why.csv")
    assert len(why) == sum(told["dropped"].values()) and all(row["reason"] for row in why)
    assert "<html" in Path("grid.html").read_text() and json.loads(Path("grid.json").read_text())["molecules"] == 25
    again = ran(here, "propose", *words[:-1], "again.csv", "-q")
    assert again.out == "" and table("again.csv") == rows


def test_around_a_scaffold_and_near_a_lead(here: Here) -> None:
    ran(here, "propose", "-n", 8, "--scaffold", "c1ccc2[nH]c([*:1])cc2c1", "-o", "out.sdf", "--3d")
    indole = Chem.MolFromSmiles("c1ccc2[nH]ccc2c1")
    mols = list(Chem.SDMolSupplier("out.sdf"))
    assert len(mols) == 8 and all(mol.HasSubstructMatch(indole) and mol.GetProp("R1") for mol in mols)
    Path("lead.smi").write_text("CC(C)Cc1ccc(C(C)C(=O)O)cc1\n")
    done = ran(here, "propose", "-n", 5, "--like", "lead.smi", "--similarity", "0.4..0.9", "-o", "near.smi")
    assert "search" in done.out + done.err and len(Path("near.smi").read_text().splitlines()) == 5


def test_what_cannot_be_is_refused_in_a_line(here: Here) -> None:
    Path("none.smi").write_text("xyz\n")
    Path("bytes.smi").write_text("\n".join(["C", *["x!"] * 19] * 25 + ["CC"]) + "\n")
    for words, code, said in (
        (("--where", "qed>0.9, qed<0.1"), 2, "no molecule can meet this"),
        (("--where", "quality>1"), 2, "quality"),
        (("--filters", "nothing"), 2, "nothing"),
        (("--scaffold", "no molecule"), 2, "--scaffold"),
        (("--similarity", "0.1..0.2"), 2, "--like"),
        (("--novel-to", "none.smi"), 3, "none.smi"),
        (("--rank", "beauty"), 2, "beauty"),
        (("--model", "none.smi"), 3, "none.smi"),
        (("-o", "out.docx"), 2, "out.docx: a table's name ends in .csv, .tsv, .jsonl or .parquet"),
        (("-o", "out.docx"), 2, "also go to .smi and .sdf"),
        (("--novel-to", "bytes.smi"), 3, "bytes.smi: 26 of 501 rows are molecules"),
        (("--json",), 2, "--json"),
    ):
        done = here("molecule", "propose", "-n", 5, *words)
        assert done.code == code, (words, done.err)
        assert said in done.err and len(done.err.strip().splitlines()) == 1


def test_ones_own_molecules_are_learnt(mine: Here) -> None:
    done = ran(mine, "fit", "mine.smi", "-o", "mine.genapps", "--dropped", "why.csv", *SMALL)
    assert "14 molecules learnt, of 18 rows" in done.out
    assert "row 15: " in done.err and "row 18: 6,000 characters" in done.err
    assert [row["row"] for row in table("why.csv")] == ["15", "16", "18"]
    assert not Path("mine.genapps.checkpoint").exists()
    ran(mine, "propose", "-n", 5, "--model", "mine.genapps", "--most", 400, "-o", "new.csv")
    rows = table("new.csv")
    assert {"nearest_training", "training_similarity", "in_training"} <= set(rows[0])


def test_the_shipped_model_goes_on_to_ones_own(mine: Here) -> None:
    words = ("training.max_steps=2", "training.min_steps=1", "training.epochs=1")
    short = [part for word in words for part in ("--set", word)]
    done = ran(mine, "fit", "mine.smi", "-o", "mine.genapps", "--from-shipped", "--json", *short)
    told = json.loads(done.out)
    assert told["molecules"] == 14 and told["repeated"] == 1 and len(told["dropped_rows"]) == 3
    assert told["held_out_nats"] != told["held_out_nats_before"]
    for words, said in (
        (("mine.smi",), "-o mine.genapps"),
        (("mine.smi", "-o", "mine.csv"), "mine.csv"),
        (("mine.smi", "-o", "x.genapps", "--from-shipped", "--from", "mine.genapps"), "--from"),
        (("mine.genapps", "-o", "mine.genapps"), "overwrite"),
    ):
        failed = mine("molecule", "fit", *words)
        assert failed.code == 2 and said in failed.err
