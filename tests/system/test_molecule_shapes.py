"""`genapps molecule propose` around a scaffold, between two pieces and near a lead, as a user asks for them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

Here = Callable[..., Any]


def rows(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_side_chains_are_columns_and_the_scaffold_is_in_every_row(here: Here) -> None:
    words = ("--scaffold", "[*:1]n1ccc2cc([*:2])ccc21", "--where", "mw<=500", "-n", 6)
    done = here("molecule", "propose", *words, "-o", "out.csv")
    assert done.code == 0, done.err
    assert "of known drugs" in done.err
    core = Chem.MolFromSmiles("c1ccc2[nH]ccc2c1")
    for row in rows("out.csv"):
        assert Chem.MolFromSmiles(row["smiles"]).HasSubstructMatch(core)
        assert "[*:1]" in row["R1"] and "[*:2]" in row["R2"]


def test_linkers_are_a_column(here: Here) -> None:
    Path("a.smi").write_text("[*:1]c1ccc2[nH]ccc2c1 indole\n")
    done = here("molecule", "propose", "--link", "a.smi", "*N1CCNCC1", "-n", 6, "-o", "out.csv")
    assert done.code == 0, done.err
    for row in rows("out.csv"):
        mol = Chem.MolFromSmiles(row["smiles"])
        assert all(mol.HasSubstructMatch(Chem.MolFromSmiles(text)) for text in ("c1ccc2[nH]ccc2c1", "CN1CCNCC1"[1:]))
        assert "[*:1]" in row["linker"] and "[*:2]" in row["linker"]


def test_what_is_like_a_lead_tells_how_like_and_keeps_a_scaffold(here: Here) -> None:
    words = ("--like", "CC(=O)Oc1ccccc1C(=O)O", "--similarity", "0.4..0.7", "--scaffold", "c1ccccc1", "-n", 6)
    done = here("molecule", "propose", *words, "-o", "out.csv")
    assert done.code == 0, done.err
    assert "searched for" in done.err
    assert all(0.4 <= float(row["similarity"]) <= 0.7 and row["R"] for row in rows("out.csv"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scaffold", "xyz"), "--scaffold 'xyz' is no molecule: no SMILES"),
        (("--scaffold", "[C,N]1CC1"), "SMARTS pattern"),
        (("--scaffold", "CC", "--link", "C", "C"), "give one"),
        (("--link", "C", "[*:1]C[*:2]"), "2 attachment points"),
        (("--like", "missing.smi"), "--like: there is no file missing.smi"),
        (("--like", "C", "--similarity", "2..3"), "--similarity"),
        (("--similarity", "0.4..0.8"), "--like"),
        (("--scaffold", "C" * 1_000_000), "1,000,000 characters"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_a_line(here: Here, words: tuple[str, ...], said: str) -> None:
    done = here("molecule", "propose", *words, "-n", 1, "-o", "out.csv")
    assert done.code == 2 and said in done.err and len(done.err.strip().splitlines()) == 1
    assert not Path("out.csv").exists()


def test_where_there_are_few_answers_this_is_said(here: Here) -> None:
    words = ("--like", "C", "--similarity", "0.99..1", "-n", 50, "--budget", "3s")
    done = here("molecule", "propose", *words, "-o", "out.csv")
    assert done.code == 0 and "of 50 molecules were found" in done.err
