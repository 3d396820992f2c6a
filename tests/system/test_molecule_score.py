"""`genapps molecule score` and `filter` as a person calls them, on good files and bad ones."""

from __future__ import annotations

import csv
import gzip
import json
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from genapps.cli import main

BAD = ["", "nonsense", "C" * 10_000, "C" * 10**6, "C(C)(C)(C)(C)C", "c1cccc1"]


@pytest.fixture
def drugs(tmp_path: Path) -> Path:
    text = files("genapps_molecule").joinpath("data", "drugs.csv").read_text("utf-8")
    rows = [(row["smiles"], row["name"]) for row in csv.DictReader(text.splitlines())][::30]
    path = tmp_path / "drugs.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("structure", "name", "dose"), *((*row, i) for i, row in enumerate(rows))])
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_score_keeps_every_row_in_its_place(drugs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = drugs.read_text().splitlines()
    drugs.write_text("\n".join([lines[0], *BAD[1:], *lines[1:]]) + "\n")
    assert main(["molecule", "score", str(drugs), "-o", str(tmp_path / "out.csv"), "--threads", "1"]) == 0
    found = rows_of(tmp_path / "out.csv")
    assert len(found) == len(lines) - 1 + len(BAD) - 1
    assert all(row["reason"] and not row["qed"] for row in found[:5])
    good = found[5:]
    assert all(row["reason"] == "" and 0 < float(row["qed"]) < 1 for row in good)
    assert [row["dose"] for row in good] == [str(i) for i in range(len(good))], "other columns stay"
    assert any(row["alerts"] for row in good)
    told = capsys.readouterr()
    assert "5 of them could not be read" in told.out
    assert "line 2: nonsense: no SMILES" in told.err


def test_filter_says_why(drugs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, dropped = tmp_path / "kept.csv", tmp_path / "dropped.csv"
    own = tmp_path / "own.smarts"
    own.write_text("C#N nitrile\n")
    words = ["--where", "qed>=0.5, 200<=mw<=500", "--filters", f"pains,brenk,{own}", "--dropped", str(dropped)]
    assert main(["molecule", "filter", str(drugs), *words, "-o", str(kept), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    good, bad = rows_of(kept), rows_of(dropped)
    assert figures["kept"] == len(good) > 0
    assert figures["rows"] == len(good) + len(bad) == 56
    assert sum(figures["reasons"].values()) == len(bad)
    assert all(float(row["qed"]) >= 0.5 and 200 <= float(row["mw"]) <= 500 for row in good)
    assert all(row["reason"] and int(row["row"]) >= 2 for row in bad)
    assert list(good[0]) == ["smiles", "name", "dose", "qed", "mw"]


OWN = """id,structure,pIC50,Ki nM,code,reason
a,CCO,7.30,5,007,1
b,c1ccccc1,5.0,12,010,2
c,nonsense,1,3,002,3
d,CC(=O)O,,4,003,4
f,CCN,6.5,>9,004,5
"""


def test_ranges_of_the_columns_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, kept, dropped = (tmp_path / name for name in ("own.csv", "kept.csv", "dropped.csv"))
    source.write_text(OWN)
    words = ["molecule", "filter", str(source), "--where", "pIC50 - 0.001*mw >= 5, 'Ki nM'<=10", "-o", str(kept)]
    assert main([*words, "--dropped", str(dropped), "-q"]) == 0
    assert [(row["name"], row["pIC50"]) for row in rows_of(kept)] == [("a", "7.30")]
    assert {row["row"]: row["reason"] for row in rows_of(dropped)} == {
        "3": "pIC50 - 0.001*mw is 4.922, not pIC50 - 0.001*mw>=5",
        "4": "no SMILES",
        "5": "pIC50 is empty, no number in pIC50",
        "6": "Ki nM is '>9', no number in Ki nM",
    }
    capsys.readouterr()
    assert main(["molecule", "filter", str(source), "--where", "pIC5>6"]) == 2
    told = capsys.readouterr().err
    assert "Did you mean 'pIC50'" in told and "columns of numbers: pIC50, Ki nM, code" in told


def test_columns_that_are_called_as_ours_are_kept_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "own.csv", tmp_path / "out.parquet"
    source.write_text("id,smiles,qed,alerts\n7,OCC,0.9,none\n8,C1=CC=CC=C1,0.1,some\n9,CCN,0.2,a,b\n")
    assert main(["molecule", "score", str(source), "--properties", "qed", "--filters", "mcf", "-o", str(out)]) == 0
    table = pq.read_table(out).to_pydict()
    ours = ["qed", "alerts", "reason"]
    assert list(table) == ["smiles", "name", "smiles (given)", "id", "qed (given)", "alerts (given)", *ours]
    assert table["smiles (given)"][:2] == ["OCC", "C1=CC=CC=C1"]
    assert (table["id"], table["qed (given)"], table["alerts (given)"][:2]) == (
        [7, 8, None],
        [0.9, 0.1, None],
        ["none", "some"],
    )
    assert table["reason"] == [None, None, "5 cells, where 4 were expected"]
    told = capsys.readouterr()
    assert "kept under another name: 'qed' as 'qed (given)', 'alerts' as 'alerts (given)'" in told.err
    assert "another number of cells than the header has" in told.out


def test_a_range_of_a_name_that_is_both_is_one_of_the_property(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, kept = tmp_path / "own.csv", tmp_path / "kept.csv"
    source.write_text("smiles,qed,mw\nCCO,0.9,1\nc1ccccc1,0.1,2\n")
    words = ["molecule", "filter", str(source), "-o", str(kept), "--where"]
    assert main([*words, "qed<0.6"]) == 0
    assert list(rows_of(kept)[0]) == ["smiles", "name", "qed (given)", "mw", "qed"]
    assert "in --where qed is the property; the file's own column is 'qed (given)'" in capsys.readouterr().err
    assert main([*words, "qed<0.6, 'qed (given)'>=0.5"]) == 0
    assert [row["smiles"] for row in rows_of(kept)] == ["CCO"]
    assert main([*words, "'mw (given)'>=2"]) == 0
    assert [row["mw (given)"] for row in rows_of(kept)] == ["2"]


def test_columns_of_the_file_are_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(OWN)
    table, lines = tmp_path / "out.parquet", tmp_path / "out.jsonl"
    for out in (table, lines):
        assert main(["molecule", "score", str(tmp_path / "own.csv"), "--filters", "none", "-q", "-o", str(out)]) == 0
    types = {field.name: str(field.type) for field in pq.read_schema(table)}
    assert (types["pIC50"], types["Ki nM"], types["code"], types["reason"]) == ("double", "string", "string", "string")
    first, *_, last = (json.loads(line) for line in lines.read_text().splitlines())
    assert (first["pIC50"], first["code"], first["atoms"]) == (7.3, "007", 3)
    assert (last["Ki nM"], last["reason"]) == (">9", None)


def test_an_encoding_is_named_or_a_note_says_where_it_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_bytes("smiles,name,Größe\nCCO,a,1\nC,Käse,2\n".encode("latin-1"))
    words = ["molecule", "score", str(source), "--properties", "atoms", "--filters", "none", "-o", str(out)]
    assert main([*words, "--encoding", "latin-1"]) == 0
    assert rows_of(out)[1] == {"smiles": "C", "name": "Käse", "Größe": "2", "atoms": "1", "reason": ""}
    assert "--encoding" not in capsys.readouterr().err
    assert main(words) == 0
    assert "not UTF-8 text in 2 rows, first in line 2" in capsys.readouterr().err
    assert main([*words, "--encoding", "utf-8"]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_filter_twice_drops_nothing_more(drugs: Path, tmp_path: Path) -> None:
    words = ["--where", "logp<3", "--filters", "mcf", "-q"]
    for source, target in ((drugs, "a.smi"), (tmp_path / "a.smi", "b.smi")):
        assert main(["molecule", "filter", str(source), *words, "-o", str(tmp_path / target)]) == 0
    assert (tmp_path / "a.smi").read_text() == (tmp_path / "b.smi").read_text() != ""


def test_unique_and_treatment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.smi"
    path.write_text("OCC a\nC(C)O b\n[Na+].CC(=O)[O-] c\nCC(=O)O d\n[13CH4] e\n")
    words = ["--unique", "--salts", "strip", "--charges", "neutralize", "--isotopes", "strip"]
    assert main(["molecule", "filter", str(path), *words]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == ["smiles,name,smiles (given)", "CCO,a,OCC", "CC(=O)O,c,[Na+].CC(=O)[O-]", "C,e,[13CH4]"]


@pytest.mark.parametrize("target", ["out.parquet", "out.jsonl", "out.smi", "out.sdf", "out.sdf.gz", "out.tsv"])
def test_formats(drugs: Path, tmp_path: Path, target: str) -> None:
    out = tmp_path / target
    assert main(["molecule", "score", str(drugs), "--properties", "mw,hbd", "-q", "-o", str(out)]) == 0
    assert main(["molecule", "filter", str(out), "--where", "mw<5000", "-q", "-o", str(tmp_path / "again.csv")]) == 0
    assert len(rows_of(tmp_path / "again.csv")) == 56
    if target.endswith("parquet"):
        assert {str(field.type) for field in pq.read_schema(out)} == {"string", "double", "int64"}
    if target.endswith(".gz"):
        assert gzip.decompress(out.read_bytes()).count(b"$$$$\n") == 56


def test_in_space(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCO ethanol\n")
    assert main(["molecule", "score", str(tmp_path / "a.smi"), "--3d", "-q", "-o", str(tmp_path / "a.sdf")]) == 0
    text = (tmp_path / "a.sdf").read_text()
    assert text.startswith("ethanol\n     RDKit          3D\n")
    assert ">  <qed>\n" in text


def test_nothing_kept_is_a_table_without_rows(drugs: Path, tmp_path: Path) -> None:
    assert main(["molecule", "filter", str(drugs), "--where", "mw>5000", "-q", "-o", str(tmp_path / "a.csv")]) == 0
    assert (tmp_path / "a.csv").read_text() == "smiles,name,dose,mw\n"


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--where", "qed>0.9, qed<0.1"], 2, "no molecule can meet"),
        (["--where", "qedd>0.9"], 2, "Did you mean 'qed'"),
        (["--filters", "painss"], 2, "Did you mean 'pains'"),
        (["--properties", "weight"], 2, "no property"),
        (["--column", "structur"], 2, "Did you mean 'structure'"),
        (["--3d", "-o", "a.csv"], 2, "SDF"),
        (["-o", "a.xyz"], 2, ".parquet"),
        (["--json"], 2, "cannot both"),
    ],
)
def test_what_cannot_be_is_told_first(
    drugs: Path, words: list[str], code: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["molecule", "filter", str(drugs), *words]) == code
    told = capsys.readouterr().err
    assert reason in told
    assert told.count("\n") == 1


def test_files_without_molecules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in {"a.smi": "\n".join(BAD[1:]), "b.csv": "a,b\n1,2\n", "c.sdf": "x\n$$$$\ny\n$$$$\n"}.items():
        (tmp_path / name).write_text(content)
        out = tmp_path / "out.csv"
        assert main(["molecule", "score", str(tmp_path / name), "-o", str(out), "--threads", "1"]) == 3
        assert not out.exists()
        assert capsys.readouterr().err.count("\n") == 1


def test_names_that_are_wrong_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv.gz").write_text("smiles,name\nCCO,a\n")
    words = ["molecule", "score", str(tmp_path / "a.csv.gz"), "-o"]
    assert main([*words, str(tmp_path / "o.csv")]) == 0
    assert "a.csv.gz is no gzip file" in capsys.readouterr().err
    assert main([*words, ""]) == 2
    assert "an empty name; give a file, or - for stdout" in capsys.readouterr().err


def test_only_a_header_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("smiles,name\n")
    assert main(["molecule", "score", str(tmp_path / "a.csv")]) == 3
    assert capsys.readouterr().err == f"genapps: {tmp_path / 'a.csv'}: only a header line, no rows\n"


def test_nothing_is_written_over_what_is_read(drugs: Path, tmp_path: Path) -> None:
    assert main(["molecule", "filter", str(drugs), "-o", str(drugs)]) == 2
    own = tmp_path / "own.smarts"
    own.write_text("C\n")
    assert main(["molecule", "filter", str(drugs), "--filters", str(own), "-o", "-", "--dropped", str(own)]) == 2
