"""Tables come from files, pipes and standard input alike; what cannot be opened is said in one line."""

from __future__ import annotations

import gzip
import io
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genapps.errors import InputError, UsageError
from genapps.io.tables import iter_tables, read_table


def _parquet() -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"a": ["1"], "b": ["x"]}), target)
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,x\n",
        b"a;b\n1;x\n",
        b'{"a": "1", "b": "x"}\n',
        b' [{"a": "1", "b": "x"}]',
        gzip.compress(b"a,b\n1,x\n", mtime=0),
        gzip.compress(b'{"a": "1", "b": "x"}', mtime=0),
        _parquet(),
    ],
)
def test_standard_input_and_pipes_tell_their_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    expected = {"a": ["1"], "b": ["x"]}
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert read_table("-").to_pydict() == expected
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert next(iter_tables(pipe)).to_pydict() == expected
    writer.join()


def test_faults_on_standard_input_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a,b\n1\n")))
    with pytest.raises(InputError, match=r"^stdin: line 2: expected 2 cells, found 1"):
        read_table("-")


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("a\n1\n")
    with pytest.raises(UsageError, match=r"costumers\.csv: no such file; did you mean .*customers\.csv\?"):
        read_table(tmp_path / "costumers.csv")
    with pytest.raises(UsageError, match=r"zzz: no such file$"):
        read_table(tmp_path / "zzz")
    with pytest.raises(UsageError, match=r"no such file$"):
        read_table(tmp_path / "no" / "t.csv")
    with pytest.raises(UsageError, match="is a directory"):
        read_table(tmp_path)
    with pytest.raises(UsageError, match="is a device"):
        read_table("/dev/zero")
    with pytest.raises(UsageError, match="cannot be opened"):
        read_table("x" * 5_000)
    with pytest.raises(UsageError):
        next(iter_tables(tmp_path / "customers.csv" / "t.csv"))


def test_no_permission(tmp_path: Path, unprivileged: Callable[[], None]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    path.chmod(0)
    code = (
        "import sys; from genapps.errors import GenappsError; from genapps.io.source import open_source\n"
        "from genapps.io.limits import DEFAULT\n"
        "try:\n    open_source(sys.argv[1], DEFAULT).__enter__()\n"
        "except GenappsError as error:\n    print(error)\n    sys.exit(error.exit_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300, preexec_fn=unprivileged
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"{path}: no permission to read it; ")


_PEAK = """
import sys
from pathlib import Path
from genapps.io.limits import Limits
from genapps.io.tables import iter_tables, read_table
small_blocks = Limits(max_row_bytes=2**18)  # so that what is read ahead is all there after few rows
if sys.argv[2] == "all":
    rows = read_table(sys.argv[1]).num_rows
else:
    rows = sum(table.num_rows for table in iter_tables(sys.argv[1], limits=small_blocks))
status = Path("/proc/self/status").read_text()
print(rows, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def _peak(path: Path, how: str) -> tuple[int, int]:
    """Rows read and the most MiB the reading process ever held."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path), how], capture_output=True, text=True, timeout=300, check=True
    )
    rows, mib = map(int, done.stdout.split())
    return rows, mib


def _rows(path: Path, rows: int) -> None:
    draw = random.Random(3)
    lines = "".join(",".join(f"word {draw.randrange(999)}" for _ in range(15)) + "\n" for _ in range(1_000))
    with path.open("w") as file:
        file.write(",".join(f"column {column}" for column in range(15)) + "\n")
        for _ in range(rows // 1_000):
            file.write(lines)


@pytest.mark.slow
def test_a_million_rows_fit_in_700_mib(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    _rows(path, 1_000_000)
    rows, mib = _peak(path, "all")
    assert rows == 1_000_000
    assert mib < 700


@pytest.mark.slow
def test_a_stream_takes_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    _rows(small, 300_000)
    _rows(large, 1_500_000)
    (_, base), (rows, peak) = _peak(small, "stream"), _peak(large, "stream")
    assert rows == 1_500_000
    assert peak < base * 1.15
    pq.write_table(read_table(large), large.with_suffix(".parquet"))
    assert _peak(large.with_suffix(".parquet"), "stream")[1] < 300
