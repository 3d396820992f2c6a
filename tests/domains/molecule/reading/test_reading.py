"""Whatever a file is, each of its rows is a molecule or has a reason, and nothing ends the run."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from genapps.errors import InputError, UsageError
from genapps_molecule.chemistry import Treatment
from genapps_molecule.reading.files import Written, read_molecules, read_texts
from genapps_molecule.reading.lines import cells_of
from genapps_molecule.records import Dropped, Molecule

CTAB = "\n     RDKit          2D\n" + Chem.MolToMolBlock(Chem.MolFromSmiles("C[C@H](N)C(=O)O")).split("\n", 2)[2]
LARGE = "large\n\n\n  0  0  0  0  0  0  0  0  0  0999 V3000\nM  V30 BEGIN CTAB\nM  V30 COUNTS 10000 0 0 0 0\nM  END\n"
TANGLE = "C12C3C1C1C4C5C6C7C8C6C6C7C7C9C%10C%11C%10C%10C(C%12C%13C%12C%12C9C%13C5C4C%11C8%12)C7C4C2C1C3C%10C64"  # cubic


def told(path: Path, **settings: object) -> list[tuple[int, str, str]]:
    """Row, molecule or text, name or reason."""
    return [
        (one.row, one.smiles, one.name) if isinstance(one, Molecule) else (one.row, "-", one.reason)
        for one in read_molecules(path, **settings)  # type: ignore[arg-type]
    ]


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.smi", "SMILES name\nOCC ethanol\nC\n"),
        ("a.smi", "smiles\tname\r\nOCC\tethanol\r\nC\r\n"),
        ("a.txt", "smiles name\nOCC ethanol\nC\n"),
        ("a.csv", "name,weird column,n\nethanol,OCC,1\n,C,2\n"),
        ("a.csv", "name;Canonical_SMILES;n\nethanol;OCC;1\n;C;2\n"),
        ("a.tsv", "n\tname\tSmiles\n1\tethanol\tOCC\n2\t\tC\n"),
        ("a", '"name","x"\n"ethanol","OCC"\n"","C"\n'),
        ("a.smi.gz", gzip.compress(b"smiles\nOCC ethanol\nC\n", mtime=0)),
        ("a.smi", "smiles\nOCC ethanol\nC\n".encode("utf-16")),
        ("a.csv", "\ufeffname,smiles\nethanol,OCC\n,C\n"),
        ("a.txt", "structure\nOCC ethanol\nC\n"),
        ("a", "mol_x\tn\nOCC\tethanol\nC\n"),
    ],
)
def test_every_text_is_read(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert told(put(tmp_path, name, content)) == [(2, "CCO", "ethanol"), (3, "C", "")]


def test_a_first_line_that_is_no_name_of_a_column_is_a_row(tmp_path: Path) -> None:
    assert told(put(tmp_path, "a.txt", "CCX\nC\n")) == [(1, "-", "no SMILES"), (2, "C", "")]
    assert told(put(tmp_path, "a.smi", "structure\nC\n"))[0] == (1, "-", "no SMILES")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(20_000)
    for name in ("a.smi", "a.csv", "a.sdf", "a.jsonl", "a.smi.gz"):
        with pytest.raises(InputError, match="not text but binary data"):
            told(put(tmp_path, name, gzip.compress(noise) if name.endswith("gz") else noise))
    with pytest.raises(InputError, match="the file is empty; give a SMILES a line"):
        told(put(tmp_path, "a.smi", "\n \n"))
    assert len(told(put(tmp_path, "a.smi", b"C\nC\xe4\n"))) == 2


def test_values_of_json_are_written_as_json(tmp_path: Path) -> None:
    path = put(tmp_path, "a.jsonl", '{"smiles": "C", "id": 1, "more": {"a": [1, true, null]}, "flag": false}\n')
    (row,) = read_texts(path, others=True)
    assert isinstance(row, Written)
    assert row.others == {"id": "1", "more": '{"a": [1, true, null]}', "flag": "false"}


def test_objects_and_tables(tmp_path: Path) -> None:
    lines = '{"id": 7, "s": "OCC"}\n{broken\nnull\n\n{"s": null}\n{"s": "C"}\n'
    found = told(put(tmp_path, "a.jsonl", lines), column="s")
    assert [found[0], found[-1]] == [(1, "CCO", "7"), (6, "C", "")]
    assert [row[:2] for row in found[1:-1]] == [(2, "-"), (3, "-"), (4, "-"), (5, "-")]
    table = pa.table({"id": ["a", None, "c"], "x": ["OCC", None, "C"]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert told(tmp_path / "a.parquet") == [(1, "CCO", "a"), (2, "-", "empty"), (3, "C", "c")]
    assert told(put(tmp_path, "a.json", '[{"x": "OCC"}, {"x": "C"}]')) == [(1, "CCO", ""), (2, "C", "")]


def test_records_of_an_sdf(tmp_path: Path) -> None:
    ends = "$$$$\n"
    path = put(
        tmp_path,
        "a.sdf",
        f"one{CTAB}{ends}bad\n\n\nno counts\n{ends}{ends}{LARGE}{ends}" + "x\n" * 1_100_000 + ends + CTAB,
    )
    found = told(path)
    assert [found[0], found[-1]] == [(1, "C[C@H](N)C(=O)O", "one"), (6, "C[C@H](N)C(=O)O", "")]
    assert [row[2].partition(" (")[0] for row in found[1:-1]] == [
        "no record of a molecule",
        "no record of a molecule",
        "10,000 atoms, where 1,000 beside hydrogen are the most",
        "more than 2,097,152 characters",
    ]
    assert "line 18" in found[1][2]


def test_bad_rows_are_told_by_line_and_cost_themselves_only(tmp_path: Path) -> None:
    rows = [
        "OCC",
        "",
        "nonsense",
        "C" * 10_000,
        "C" * 10**6,
        "C(C)(C)(C)(C)C",
        "c1cccc1",
        "CC\0O",
        "Ç",
        "C" * 5 * 2**20,
    ]
    found = told(put(tmp_path, "a.smi", "\n".join([*rows, "C"]) + "\n"))
    assert [row for row, text, _ in found if text != "-"] == [1, 11]
    assert [row for row, _, _ in found] == list(range(1, 12))
    assert "1,000,000 characters" in found[4][2]
    assert all(reason and "\n" not in reason and len(reason) < 200 for _, text, reason in found if text == "-")
    assert all(len(one.text) < 300 for one in read_molecules(tmp_path / "a.smi") if isinstance(one, Dropped))


def test_bad_rows_of_csv(tmp_path: Path) -> None:
    lines = ["id,m", "1,OCC", "2", "", '3,"C', "4,CN", '5,"C"C,', f"6,{'C' * 10**6}", '7,"C"', "8,N,more"]
    found = told(put(tmp_path, "a.csv", "\n".join(lines) + "\n"))
    assert [(row, text) for row, text, _ in found if text != "-"] == [(2, "CCO"), (6, "CN"), (9, "C"), (10, "N")]
    assert [row for row, _, _ in found] == list(range(2, 11))


def test_an_open_quote_swallows_no_more_than_its_line(tmp_path: Path) -> None:
    lines = ["id,smiles", '1,"CC', *(f"{i},CO" for i in range(2, 40_000))]
    found = told(put(tmp_path, "a.csv", "\n".join(lines[:2000])))
    assert len(found) == 1999
    assert sum(text != "-" for _, text, _ in found) == 1998


def test_columns(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "id,F,structure,product\n1,N,OCC,CN\n2,N,C,CN\n")
    assert [row[1] for row in told(path)] == ["CCO", "C"], "the one with most atoms"
    assert [row[1] for row in told(path, column="product")] == ["CN", "CN"]
    assert [row[1] for row in told(path, column="4")] == ["CN", "CN"]
    with pytest.raises(UsageError, match="Did you mean 'product'"):
        told(path, column="produce")
    assert told(put(tmp_path, "b.csv", "OCC,1\nC,2\n")) == [(1, "CCO", ""), (2, "C", "")], "without a header"
    with pytest.raises(InputError, match="--column"):
        told(put(tmp_path, "c.csv", "a,b\n1,2\n"))
    assert told(put(tmp_path, "d.smi", "ethanol OCC\nmethane C\n"), column="2") == [
        (1, "CCO", "ethanol"),
        (2, "C", "methane"),
    ]


def test_what_else_a_row_says(tmp_path: Path) -> None:
    for name, content in {
        "a.csv": "name,smiles,y\nx,OCC,1.5\n",
        "a.jsonl": '{"name": "x", "smiles": "OCC", "y": 1.5}\n',
        "a.sdf": f"x{CTAB}>  <y> (1)\n1.5\n\n>  <z>\n\n$$$$\n",
    }.items():
        one = next(read_texts(put(tmp_path, name, content), others=True))
        assert not isinstance(one, Dropped)
        assert (one.name, one.others["y"]) == ("x", "1.5")


def test_treatment(tmp_path: Path) -> None:
    path = put(tmp_path, "a.smi", "[Na+].[13CH3][C@H](N)C(=O)[O-]\n")
    assert told(path, treatment=Treatment("strip", "neutralize", "strip", "strip"))[0][1] == "CC(N)C(=O)O"
    assert told(path)[0][1] == "[13CH3][C@H](N)C(=O)[O-].[Na+]"


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        told(tmp_path / "missing.smi")
    with pytest.raises(UsageError, match="directory"):
        told(tmp_path)
    with pytest.raises(InputError, match="empty"):
        told(put(tmp_path, "a.smi", ""))
    with pytest.raises(InputError, match="cut short"):
        told(put(tmp_path, "a.smi.gz", gzip.compress(b"CCO\n" * 100_000, mtime=0)[:-40]))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x,smiles\n1,OCC\n")))
    assert told(Path("-")) == [(2, "CCO", "")]


def test_progress_ends_where_the_file_does(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = put(tmp_path, "a.smi", "CCO\n" * 1000)
    assert sum(1 for _ in read_texts(path, progress=lambda done, size: seen.append((done, size)))) == 1000
    assert seen[-1] == (4000, 4000)


CELL = st.text(st.sampled_from('CO1,"; \n='), max_size=8)


@given(st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=6))
def test_sound_csv_is_read_as_python_does(rows: list[list[str]]) -> None:
    import csv

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    found = [cells for _, cells in cells_of(text.getvalue().split("\n")[:-1], ",")]
    assert found == rows


@given(st.text(st.sampled_from('CO1,"\n'), max_size=60))
def test_any_text_is_read_to_its_end_in_order(text: str) -> None:
    lines = text.split("\n")
    rows = [row for row, _ in cells_of(lines, ",")]
    assert rows == sorted(set(rows))
    assert all(1 <= row <= len(lines) for row in rows)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.smi"])
def test_encodings(tmp_path: Path, name: str) -> None:
    rows = {
        "a.csv": "smiles,name\nOCC,Käse\n",
        "a.jsonl": '{"smiles": "OCC", "name": "Käse"}\n',
        "a.json": '[{"smiles": "OCC", "name": "Käse"}]',
        "a.smi": "OCC Käse\n",
    }
    for encoding in ("latin-1", "utf-16", "utf-8"):
        path = put(tmp_path, name, rows[name].encode(encoding))
        assert [row[1:] for row in told(path, encoding=encoding)] == [("CCO", "Käse")]
    path = put(tmp_path, name, rows[name].encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text; .*--encoding"):
        told(path, encoding="utf-8")


def test_an_encoding_that_does_not_hold_is_told_with_its_line(tmp_path: Path) -> None:
    path = put(tmp_path, "a.smi", b"C\n" * 700_000 + b"C \xe4\n")
    with pytest.raises(InputError, match="line 700,001"):
        for _ in read_texts(path, encoding="utf-8"):
            pass
    with pytest.raises(UsageError, match="no such text encoding"):
        told(path, encoding="nope")


def test_ring_numbers_of_two_digits_are_kept_or_told(tmp_path: Path) -> None:
    cage = "C12C3C4C1C5C2C3C45"
    wide = "C%12CC%12"  # which is written with one digit as well
    path = put(tmp_path, "a.smi", "\n".join([cage, TANGLE, wide]) + "\n")
    assert told(path)[1][1] == TANGLE
    assert told(path, treatment=Treatment(rings="drop")) == [
        (1, told(path)[0][1], ""),
        (2, "-", "needs ring numbers of two digits"),
        (3, "C1CC1", ""),
    ]
