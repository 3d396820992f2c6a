"""`genapps tabular cluster` as a user runs it: what it writes, says and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def write_plants(path: Path, rows: int = 150, seed: int = 0) -> Path:
    """Three kinds of plants, gaps, quotes, Windows line ends."""
    draw = np.random.default_rng(seed)
    lines = []
    for k in range(rows):
        kind = int(draw.integers(0, 3))
        size = "" if draw.random() < 0.05 else f"{[2, 6, 11][kind] + draw.normal(0, 0.5):.2f}"
        color = ["white", '"deep, blue"', "red"][kind]
        lines.append(f"{size},{[20, 30, 60][kind] + draw.normal(0, 2):.1f},{color},p{k:04d}-{draw.integers(2**40):x}")
    path.write_bytes("\r\n".join(["size,height,color,id", *lines, ""]).encode())
    return path


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    return write_plants(tmp_path / "plants.csv")


def test_the_input_comes_back_byte_for_byte_with_two_more_columns(
    here: Callable[..., Any], plants: Path, tmp_path: Path
) -> None:
    words = ("--most", 5, "-o", "out.csv", "--report", "r.html", "--save", "g.genapps")
    done = here("tabular", "cluster", plants, *words)
    assert done.code == 0, done.err
    before, after = plants.read_bytes().splitlines(True), (tmp_path / "out.csv").read_bytes().splitlines(True)
    assert after[0] == b"size,height,color,id,cluster,cluster_probability\r\n"
    for old, new in zip(before[1:], after[1:], strict=True):
        assert new.startswith(old.rstrip(b"\r\n") + b",")
        number, sure = new.rstrip(b"\r\n").split(b",")[-2:]
        assert number in (b"1", b"2", b"3")
        assert 0 < float(sure) <= 1
    for said in ("clusters", "BIC, diag", "cluster 1:", "others", "shuffled columns"):
        assert said in done.out
    for said in ("'id': left out (an identifier)", "g.genapps", "(150 rows)"):
        assert said in done.err
    assert "<html" in (tmp_path / "r.html").read_text()[:200]
    card = here("model", "show", "g.genapps")
    assert card.code == 0
    assert "clusters" in card.out
    assert "cluster_1" in card.out
    assert here("tabular", "cluster", plants, "--model", "g.genapps", "-o", "again.csv").code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize("suffix", ["tsv", "jsonl", "parquet", "csv.gz"])
def test_the_suffix_decides_the_format(suffix: str, here: Callable[..., Any], plants: Path, tmp_path: Path) -> None:
    from genapps.io.tables import read_table

    done = here("tabular", "cluster", plants, "--clusters", 3, "-o", f"out.{suffix}")
    assert done.code == 0, done.err
    table = read_table(tmp_path / f"out.{suffix}")
    assert table.column_names[-2:] == ["cluster", "cluster_probability"]
    assert len(table) == 150


def test_rows_go_to_stdout_and_figures_do_not(here: Callable[..., Any], plants: Path) -> None:
    done = here("tabular", "cluster", plants, "--clusters", 2)
    assert done.code == 0
    assert len(list(csv.reader(done.out.splitlines()))) == 151
    assert "cluster 1:" in done.err


def test_json_holds_every_figure(here: Callable[..., Any], plants: Path) -> None:
    done = here("tabular", "cluster", plants, "--most", 4, "-o", "out.csv", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["rows"] == "out.csv"
    assert sum(c["size"] for c in found["clusters"]) == found["written"] == 150
    assert {m["key"] for m in found["measures"]} == {"stability", "gain", "silhouette", "certainty"}
    assert set(found["bic"]) <= {"diag", "full"}
    assert found["verdict"]["word"]


def test_a_dry_run_says_how_columns_would_be_taken_and_writes_nothing(
    here: Callable[..., Any], plants: Path, tmp_path: Path
) -> None:
    done = here("tabular", "cluster", plants, "-o", "out.csv", "--dry-run")
    assert done.code == 0
    assert "3 categories" in done.out
    assert "left out: an identifier" in done.out
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("place", [("-o", "out.csv"), ()], ids=["file", "stdout"])
def test_cells_that_a_saved_clustering_cannot_read_are_said(
    place: tuple[str, ...], here: Callable[..., Any], plants: Path, tmp_path: Path
) -> None:
    assert here("tabular", "cluster", plants, "--clusters", 3, "--save", "g.genapps", "-o", "out.csv").code == 0
    lines = plants.read_text().splitlines()
    lines[1:4] = ["tiny,20,green,a", "n/a,x,white,b", ",60,green,c"]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    done = here("tabular", "cluster", "new.csv", "--model", "g.genapps", *place)
    assert done.code == 0, done.err
    for line in (
        "column 'size': no number in 2 cells, such as 'tiny': taken as unknown",
        "column 'height': no number in 1 cell, such as 'x': taken as unknown",
        "column 'color': a category that was never seen in 2 cells, such as 'green': taken as unknown",
        "column 'id': left out (an identifier)",
    ):
        assert line in done.err.splitlines()
    done = here("tabular", "cluster", plants, "--model", "g.genapps", *place)
    assert "taken as unknown" not in done.err


def test_no_threads_are_all_threads(here: Callable[..., Any], plants: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    asked: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    done = here("tabular", "cluster", plants, "--clusters", 2, "--threads", 0, "-o", "out.csv")
    assert done.code == 0, done.err
    assert set(asked) == {3}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--clusters", "151"), 2, "cannot make 151 clusters of 150 rows"),
        (("--clusters", "many"), 2, "or auto"),
        (("--clusters", "0"), 2, "at least 1"),
        (("--model", "none.genapps"), 2, "no such file"),
        (("--model", "x.genapps", "--clusters", "3"), 2, "leave out --clusters"),
        (("--save", "g.bin"), 2, ".genapps"),
        (("-o", "plants.csv"), 2, "would overwrite"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: tuple[str, ...], code: int, says: str, here: Callable[..., Any], plants: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    done = here("tabular", "cluster", plants, *words)
    assert done.code == code
    assert says in done.err.strip().splitlines()[-1]
    assert "Traceback" not in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_model_that_makes_rows_is_no_clustering(here: Callable[..., Any], plants: Path) -> None:
    assert here("tabular", "fit", plants, "--family", "gmm", "-o", "m.genapps").code == 0
    done = here("tabular", "cluster", plants, "--model", "m.genapps", "-o", "out.csv")
    assert done.code == 3
    assert "a model that makes rows, not a clustering" in done.err


@pytest.mark.parametrize("name", ["empty", "ragged", "missing"])
def test_bad_tables_are_refused(name: str, bad: Callable[[str], Any], here: Callable[..., Any]) -> None:
    table = bad(name)
    done = here("tabular", "cluster", table.path, "-o", "out.csv")
    assert done.code == table.exit_code
    assert table.says in done.err
