"""`genapps tabular detect` as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    kind = draw.integers(0, 2, 300)
    lines = ["age,city"] + [f"{20 + 30 * k + draw.normal():.1f},{'Rom' if k else 'Wien'}" for k in kind]
    (tmp_path / "clean.csv").write_text("\n".join(lines) + "\n")
    lines[7] = "20.0,Rom"
    (tmp_path / "new.csv").write_text("\n".join(lines[:101]) + "\n")
    return tmp_path


def test_rows_are_judged_explained_and_kept(here: Callable[..., Any], shop: Path) -> None:
    done = here("tabular", "detect", "new.csv", "--train", "clean.csv", "-o", "out.csv", "--save", "n.genapps")
    assert done.code == 0, done.err
    assert "asked: a false alarm in 100 normal rows" in done.out
    lines = (shop / "out.csv").read_text().splitlines()
    assert lines[0] == "age,city,anomaly_score,anomaly_p_value,is_anomaly,anomaly_reason"
    assert lines[7].startswith("20.0,Rom,") and ",true," in lines[7] and "expected" in lines[7]
    assert len(lines) == 101 and lines[1].endswith(",false,")
    again = here("tabular", "detect", "new.csv", "--model", "n.genapps", "--json", "-o", "b.csv", "--fail-on-anomaly")
    assert again.code == 10
    assert 7 in [found["row"] for found in json.loads(again.out)["anomalies"]]
    assert (shop / "b.csv").read_bytes() == (shop / "out.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--train", "none.csv"), 2, "none.csv"),
        (("--family", "gnn"), 2, "unknown detector"),
        (("--false-alarm-rate", "0"), 2, "between 0 and 1"),
        (("--model", "new.csv"), 3, "new.csv"),
        (("--model", "n.genapps", "--train", "clean.csv"), 2, "leave out --train"),
        (("-o", "new.csv"), 2, "would overwrite"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: tuple[str, ...], code: int, says: str, here: Callable[..., Any], shop: Path
) -> None:
    done = here("tabular", "detect", "new.csv", *words)
    assert done.code == code, done.err
    assert says in done.err.strip().splitlines()[-1]


@pytest.mark.parametrize("name", ["empty", "ragged", "missing"])
def test_bad_tables_are_refused(name: str, bad: Callable[[str], Any], here: Callable[..., Any]) -> None:
    table = bad(name)
    done = here("tabular", "detect", table.path, "-o", "out.csv")
    assert done.code == table.exit_code
    assert table.says in done.err
