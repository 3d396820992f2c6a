"""Files as `genapps timeseries` meets them: refused in one line with the remedy, or read, and what was done is said."""

from __future__ import annotations

import csv
import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SAMPLE = Path(__file__).parents[2] / "domains" / "genapps_timeseries" / "samples" / "machine.csv"


def test_bad_tables_are_refused_in_one_line(bad_table: Any, here: Callable[..., Any]) -> None:
    done = here("timeseries", "detect", bad_table.path)
    assert done.code == bad_table.exit_code
    assert bad_table.says in done.err
    assert done.err.startswith("genapps: ")
    assert done.err.count("\n") == 1
    assert not done.out


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("time,x\n2024-01-01,1\n", 3, "needs at least"),
        ("name,color\n" + "a,red\n" * 50, 3, "no column of numbers"),
        ("time,x\n" + "".join(f"2024-01-01 00:{k:02},\n" for k in range(60)), 3, "'x' holds no number"),
        ("time\n" + "".join(f"2024-01-01 00:{k:02}\n" for k in range(60)), 3, "only the time"),
        ("\x07\x01\x02\x7f\n" * 50, 3, "no column of numbers"),
    ],
)
def test_what_is_no_series(text: str, code: int, says: str, here: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(text)
    done = here("timeseries", "detect", "s.csv", "-o", "scores.csv")
    assert (done.code, done.err.count("\n")) == (code, 1), done.err
    assert says in done.err
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--time", "tiem"), "Did you mean 'time'?"),
        (("--group-by", "hosts"), "--group-by hosts: there is no such column"),
        (("--ignore-column", "pressur"), "Did you mean 'pressure'?"),
        (("--channel", "temprature"), "Did you mean 'temperature'?"),
        (("--train", "yesterday"), "--train yesterday: no such file"),
        (("--train", "2025-01-01"), "0 rows of the 4,026 would be normal"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(
    option: tuple[str, str], says: str, here: Callable[..., Any]
) -> None:
    done = here("timeseries", "detect", SAMPLE, *option)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert says in done.err


def small(folder: Path, rows: int = 700) -> Path:
    """A series of one channel with what is odd in files: disorder, a copy, a gap, words, a comma for a point."""
    draw = np.random.default_rng(3)
    lines = [
        f"{stamp.astype('datetime64[D]').item():%d.%m.%Y} {str(stamp)[11:16]};{value}"
        for stamp, value in zip(
            np.datetime64("2024-03-01T00:00") + np.arange(rows) * np.timedelta64(15, "m"),
            [f"{value:.3f}".replace(".", ",") for value in 20 + draw.normal(size=rows)],
            strict=True,
        )
    ]
    lines[10], lines[11] = lines[11], lines[10]
    lines[30] = lines[30].split(";")[0] + ";fault"
    del lines[40:43]
    lines.insert(100, lines[99])
    path = folder / "odd.csv"
    path.write_text("\n".join(["when;load", *lines]) + "\n")
    return path


def test_what_was_met_is_said_and_every_row_comes_back(here: Callable[..., Any], tmp_path: Path) -> None:
    path = small(tmp_path)
    done = here("timeseries", "detect", path.name, "-o", "scores.csv")
    assert done.code == 0, done.err
    for says in (
        "time is read from 'when' (stamps, day first",
        ", a row every 15 min",
        "read with decimal commas: 'load'",
        "1 cell of 'load' is no number ('fault') and taken as unknown",
        "time goes back 1 time; rows are sorted by time",
        "1 row with the stamp of another row: each stamp is judged once, by the mean",
        "1 gap in time: 3 missing rows are judged as unknown",
    ):
        assert says in done.err
    given = [line.split(";")[0] for line in path.read_text().splitlines()[1:]]
    with (tmp_path / "scores.csv").open(newline="") as file:
        assert [row["when" if "when" in row else "time"] for row in csv.DictReader(file)] == given


def test_standard_input_and_gzip_are_the_same_series(
    command: Callable[..., subprocess.CompletedProcess[str]], here: Callable[..., Any], tmp_path: Path
) -> None:
    path = small(tmp_path)
    (tmp_path / "odd.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert here("timeseries", "detect", "odd.csv.gz", "-o", "a.csv").code == 0
    with path.open("rb") as file:
        piped = command("timeseries", "detect", "-", "-o", "b.csv", stdin=file)
    assert piped.returncode == 0, piped.stderr
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
