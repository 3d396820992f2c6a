"""Room for arrays: the same to whoever uses it, in memory or in a file, and never more memory than a chunk."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from genapps.io.room import Growing, release, room


@given(st.lists(st.lists(st.floats(allow_nan=False), max_size=5), max_size=6), st.integers(0, 80))
def test_growing_is_concatenation(chunks: list[list[float]], limit: int) -> None:
    column = Growing(limit=limit)
    for chunk in chunks:
        column.append(np.array(chunk))
    assert column.array().tolist() == [value for chunk in chunks for value in chunk]


def test_what_is_not_wanted_is_let_go() -> None:
    column = Growing(limit=0)
    column.append(np.arange(3.0))
    column.close()  # else the file would be warned of, and a warning is an error here
    del column


@pytest.mark.parametrize("limit", [0, 10**6])
def test_room_is_zero_can_be_written_and_leaves_no_file(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = room((3, 4), np.int64, limit=limit)
    assert made.shape == (3, 4)
    assert not made.any()
    made[1, 2] = 7
    release(made)
    release(made[:, 1:].T)
    assert made.sum() == made[1, 2] == 7
    assert not list(tmp_path.iterdir())


def test_what_is_released_takes_no_memory() -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    program = (
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from genapps.io.room import room, release\n"
        "held = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4096\n"
        "made, before = room(2**24), held()\n"
        "made += 1; full = held(); release(made); after = held()\n"
        "print(full - before > 2**25, after - before < 2**22, made.sum() == 2**24)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3


def test_release_of_a_plain_array_is_nothing() -> None:
    plain: NDArray[np.float64] = np.arange(3.0)
    release(plain)
    assert plain.tolist() == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_a_full_disk_is_an_error_and_not_the_end_of_the_process() -> None:
    program = (
        "import resource, signal\n"
        "from genapps.io.room import room\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "try:\n    room(2**24)\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "OSError"
