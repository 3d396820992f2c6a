"""Shards come in order and the same, whoever makes them; what dies is said, and nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genapps.errors import UsageError
from genapps.io.shards import SHARD_ROWS, map_shards, shard_counts, shard_seeds


def test_counts_add_up() -> None:
    for rows in (0, 1, SHARD_ROWS - 1, SHARD_ROWS, SHARD_ROWS + 1, 10 * SHARD_ROWS):
        counts = shard_counts(rows)
        assert sum(counts) == rows
        assert all(count == SHARD_ROWS for count in counts[:-1])
        assert all(0 < count <= SHARD_ROWS for count in counts)


def test_seeds_differ_by_seed_and_by_shard() -> None:
    states = {tuple(shard_seeds(seed, shard).generate_state(4)) for seed in range(20) for shard in range(20)}
    assert len(states) == 400


def test_one_worker_stays_in_this_process_and_starts_work_once() -> None:
    built = []

    def factory(offset: int) -> object:
        built.append(offset)
        return lambda shard, rows: (os.getpid(), shard + offset, rows)

    made = list(map_shards(factory, (10,), [5, 5, 2]))  # type: ignore[arg-type]
    assert made == [(os.getpid(), 10, 5), (os.getpid(), 11, 5), (os.getpid(), 12, 2)]
    assert built == [10]
    assert list(map_shards(factory, (10,), [], workers=4)) == []  # type: ignore[arg-type]


def test_no_worker_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="--workers 0"):
        next(map_shards(lambda: lambda shard, rows: rows, (), [1], workers=0))


_MODULE = """
import os, sys, time
import numpy as np
from genapps.errors import GenappsError, InputError
from genapps.io.shards import map_shards, shard_counts, shard_seeds

def draw(seed):
    def work(shard, rows):
        time.sleep(0.02 if shard % 3 == 0 else 0)  # shards end out of order
        return shard, np.random.default_rng(shard_seeds(seed, shard)).integers(1000, size=rows)
    return work

def slow(folder):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    def work(shard, rows):
        time.sleep(600)
    return work

def counted(folder):
    def work(shard, rows):
        open(os.path.join(folder, f"made-{shard}"), "w").close()
        return shard
    return work

def large(_):
    return lambda shard, rows: np.zeros(4_000_000)  # takes a while to be handed over

def dies(_):
    return lambda shard, rows: os._exit(3) if shard == 2 else shard

def fails(_):
    def work(shard, rows):
        raise InputError(f"shard {shard} is bad")
    return work

def cannot_start(_):
    raise InputError("no model here")
"""


Script = Callable[[str], list[str]]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """The command that runs code under a main guard, with the functions above to hand to workers."""
    (tmp_path / "shard_work.py").write_text(_MODULE)

    def write(code: str) -> list[str]:
        guarded = "from shard_work import *\nif __name__ == '__main__':\n" + textwrap.indent(code, "    ")
        (tmp_path / "runner.py").write_text(guarded)
        return [sys.executable, str(tmp_path / "runner.py")]

    return write


def _run(script: Script, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(script(code), capture_output=True, text=True, timeout=300)


def test_the_same_rows_in_order_whatever_the_workers(script: Script) -> None:
    done = _run(
        script,
        "made = {w: list(map_shards(draw, (7,), shard_counts(1003, 50), workers=w)) for w in (1, 2, 3)}\n"
        "for w in (2, 3):\n"
        "    assert [s for s, _ in made[w]] == list(range(21))\n"
        "    assert all((a == b).all() for (_, a), (_, b) in zip(made[1], made[w], strict=True))\n"
        "print(sum(len(a) for _, a in made[3]))",
    )
    assert (done.stdout, done.stderr) == ("1003\n", "")


def test_workers_do_not_run_far_ahead(script: Script, tmp_path: Path) -> None:
    done = _run(
        script,
        f"it = map_shards(counted, ({str(tmp_path)!r},), [1] * 100, workers=2)\n"
        "assert [next(it) for _ in range(3)] == [0, 1, 2]\n"
        "time.sleep(1)\n"
        "it.close()",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert 3 <= len(list(tmp_path.glob("made-*"))) <= 3 + 4


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("dies", "GenappsError: a worker process died"),
        ("fails", "InputError: shard 0 is bad"),
        ("cannot_start", "InputError: no model here"),
    ],
)
def test_a_failure_in_a_worker_is_said_and_ends_all(script: Script, factory: str, says: str) -> None:
    done = _run(
        script,
        f"try:\n    list(map_shards({factory}, (0,), [1] * 20, workers=2))\n"
        "except GenappsError as error:\n    print(f'{type(error).__name__}: {error}')\n"
        "import multiprocessing\nassert multiprocessing.active_children() == []",
    )
    assert done.stdout.startswith(says)
    assert done.stderr == ""


def test_leaving_while_a_large_result_is_handed_over_ends(script: Script) -> None:
    done = _run(
        script,
        "for pause in (0, 0.02, 0.05):\n"
        "    it = map_shards(large, (0,), [1] * 20, workers=2)\n"
        "    next(it)\n"
        "    time.sleep(pause)\n"
        "    it.close()\n"
        "import multiprocessing\nassert multiprocessing.active_children() == []",
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_parent(script: Script, tmp_path: Path, sign: signal.Signals) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    code = f"list(map_shards(slow, ({str(folder)!r},), [1] * 9, workers=2))"
    with subprocess.Popen(script(code), stderr=subprocess.PIPE, text=True, start_new_session=True) as parent:
        _until(lambda: len(list(folder.iterdir())) == 2)
        pids = [int(path.name) for path in folder.iterdir()]
        if sign == signal.SIGINT:
            os.killpg(parent.pid, sign)  # as a terminal does
        else:
            parent.kill()
        assert parent.stderr
        errors = parent.stderr.read()  # ends when the last worker has let go of it
        parent.wait(120)
        _until(lambda: not any(_alive(pid) for pid in pids))
        assert errors.count("Traceback") == (sign == signal.SIGINT)  # the parent's own, none of a worker's


def _until(done: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
