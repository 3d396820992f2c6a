"""Alerts: the screen changes nothing, sets are known by name, files of SMARTS are checked line by line."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.traits.alerts import NAMES, Alerts, Screened

ODD = [
    *("C=CC#N", "CN=NC", "O=C1C(=Cc2ccccc2)SC(=S)N1", "CC(=O)Cl", "[H][H]", "[Na+].[Cl-]", "*C=CC#N", "C"),
    *("O=C1C=CC(=O)C=C1", "FC(F)(F)C(F)(F)C(F)(F)F", "BrC(Br)Br", "Oc1ccc(O)c(O)c1", "CC=O", "C1CO1", "CSSC", "N=N"),
    *("[2H]C([2H])([2H])Cl", "Nc1ccc(N)cc1", "CC(C)=NNc1ccccc1", "c1ccc2c(c1)[nH]c1ccccc12", "[H]c1ccoc1C=C"),
]


def mols() -> list[Chem.Mol]:
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    drugs = [row["smiles"] for row in csv.DictReader(text.splitlines())][::24]
    return [Chem.MolFromSmiles(smiles) for smiles in (*ODD, *drugs)]


def plain(alerts: Alerts, mol: Chem.Mol) -> list[str]:
    """Every query tried on every molecule."""
    full = Chem.AddHs(mol)
    found = [name for one in alerts.screened for name in one.plain(full if one.hydrogens else mol)]
    return list(dict.fromkeys(found))


def test_the_screen_changes_nothing() -> None:
    alerts = Alerts.named(["pains", "mcf"])
    some = mols()
    found = [alerts.hits(mol) for mol in some]
    assert found == [plain(alerts, mol) for mol in some]
    assert sum(map(len, found)) > 20


def test_a_screen_that_loses_hits_is_caught() -> None:
    alerts = Alerts.named(["mcf"])
    one = alerts.screened[0]
    worse = Alerts((Screened(one.names, one.queries, ~np.zeros_like(one.bits), one.hydrogens),), ())
    assert [worse.hits(mol) for mol in mols()] != [plain(alerts, mol) for mol in mols()]


def test_known_offenders() -> None:
    def hits(text: str) -> list[str]:
        return Alerts.named(["pains", "mcf", "brenk"]).hits(Chem.MolFromSmiles(text))

    assert "pains:ene_rhod_A" in hits("O=C1C(=Cc2ccccc2)SC(=S)N1")
    assert "mcf:MCF1" in hits("C=CC#N")
    assert "brenk:acid_halide" in hits("CC(=O)Cl")
    assert hits("CC(N)=O") == []


@pytest.mark.parametrize("name", NAMES)
def test_every_set_is_there(name: str) -> None:
    assert isinstance(Alerts.named([name]).hits(Chem.MolFromSmiles("CC(=O)Cl")), list)


def test_own_smarts(tmp_path: Path) -> None:
    path = tmp_path / "own.smarts"
    path.write_text("# a remark\n\n[N+](=O)[O-] nitro group\n[CX4][Br,I]\n[#1]OC hydroxyl\n[D1]F\n")
    alerts = Alerts.named([path])
    assert alerts.hits(Chem.MolFromSmiles("O=[N+]([O-])CCBr")) == ["own:nitro group", "own:[CX4][Br,I]"]
    assert alerts.hits(Chem.MolFromSmiles("CO")) == ["own:hydroxyl"], "hydrogens that are named are found"
    assert alerts.hits(Chem.MolFromSmiles("CF")) == ["own:[D1]F"], "and count for no degree elsewhere"
    table = tmp_path / "own.csv"
    table.write_text("id,SMARTS,name\n1,C#N,nitrile\n")
    assert Alerts.named([str(table)]).hits(Chem.MolFromSmiles("CC#N")) == ["own:nitrile"]


@pytest.mark.parametrize(
    ("content", "reason"), [("C#N\nC(((\n", "line 2"), ("", "no SMARTS"), ("# nothing\n", "no SMARTS")]
)
def test_broken_smarts_are_told_by_line(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "own.smarts"
    path.write_text(content)
    with pytest.raises(InputError, match=reason):
        Alerts.named([path])


def test_unknown_sets() -> None:
    with pytest.raises(UsageError, match="Did you mean 'pains'"):
        Alerts.named(["painss"])
    assert Alerts.named([]).hits(Chem.MolFromSmiles("CC(=O)Cl")) == []
