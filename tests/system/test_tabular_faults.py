"""What happens to `genapps tabular` when it is interrupted, killed, out of disk or forbidden to write."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LONG = 300.0  # seconds that something may take to happen on a busy machine
SLOW = (  # a training of some seconds that writes a checkpoint at every check and never stops early
    "--set", "autoregressive.hidden=8", "--set", "training.epochs=100", "--set", "training.min_steps=400",
    "--set", "training.patience=100000", "--set", "training.checkpoint_seconds=0",
    "--threads", "1",
)  # fmt: skip


def write_table(path: Path, rows: int = 300, seed: int = 0) -> Path:
    draw = np.random.default_rng(seed)
    kinds = draw.choice(["a", "b", "c"], rows)
    lines = [f"{x},{x + y},{kind}" for (x, y), kind in zip(draw.integers(0, 50, (rows, 2)), kinds, strict=True)]
    path.write_text("\n".join(["x,y,kind", *lines]) + "\n")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mixture of such a table, learnt once."""
    from genapps.cli import main

    folder = tmp_path_factory.mktemp("fitted")
    table = write_table(folder / "table.csv")
    assert main(["tabular", "fit", str(table), "--family", "gmm", "-o", str(folder / "fitted.genapps")]) == 0
    return folder / "fitted.genapps"


@pytest.fixture
def model(here: Callable[..., Any], table: Path, tmp_path: Path, fitted: Path) -> Path:
    return Path(shutil.copy(fitted, tmp_path / "fitted.genapps"))


@contextmanager
def started(folder: Path, *words: object) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "genapps", *map(str, words)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LONG
    while not happened():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def weights(path: Path) -> dict[str, np.ndarray]:
    from genapps.io.artifact import read_artifact

    return {name: array for name, array in read_artifact(path).tensors.items() if name.startswith("model/")}


def assert_same_weights(left: Path, right: Path) -> None:
    one, other = weights(left), weights(right)
    assert one.keys() == other.keys()
    assert len(one) > 3
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a training that nobody stopped."""
    from genapps.cli import main

    folder = tmp_path_factory.mktemp("whole")
    table = write_table(folder / "table.csv")
    assert main(["tabular", "fit", str(table), *SLOW, "-o", str(folder / "whole.genapps")]) == 0
    return folder / "whole.genapps"


# Training -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "kill", "kill -9"])
def test_a_stopped_training_resumes_to_the_same_weights(
    how: signal.Signals, table: Path, whole: Path, tmp_path: Path, here: Callable[..., Any]
) -> None:
    before = files(tmp_path)
    with started(tmp_path, "tabular", "fit", table, *SLOW, "-o", "m.genapps") as process:
        wait_for((tmp_path / "m.genapps.checkpoint").exists, process)
        os.killpg(process.pid, how)
        _, said = process.communicate(timeout=LONG)
    assert files(tmp_path) - before <= {"m.genapps.checkpoint", ".m.genapps.checkpoint.partial"}
    assert "m.genapps.checkpoint" in files(tmp_path)
    if how is not signal.SIGKILL:
        code, word = (130, "interrupted") if how is signal.SIGINT else (143, "terminated")
        assert process.returncode == code
        assert "m.genapps.checkpoint; run the same command with --resume to go on" in said
        assert said.strip().endswith(f"genapps: {word}")
        assert "Traceback" not in said
    resumed = here("tabular", "fit", table, *SLOW, "-o", "m.genapps", "--resume", "-v")
    assert resumed.code == 0, resumed.err
    assert "resumed at step" in resumed.err
    assert_same_weights(whole, tmp_path / "m.genapps")
    assert "m.genapps.checkpoint" not in files(tmp_path)


def test_a_stopped_synthesis_leaves_its_checkpoint_alone(table: Path, tmp_path: Path, here: Callable[..., Any]) -> None:
    words = (
        "tabular",
        "synthesize",
        table,
        *SLOW,
        "-n",
        50,
        "-o",
        "rows.csv",
        "--model",
        "m.genapps",
        "--report",
        "r.html",
    )
    before = files(tmp_path)
    with started(tmp_path, *words) as process:
        wait_for((tmp_path / "rows.csv.checkpoint").exists, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=LONG)
    assert files(tmp_path) - before <= {"rows.csv.checkpoint", ".rows.csv.checkpoint.partial"}
    resumed = here(*words, "--resume", "-v")
    assert resumed.code == 0, resumed.err
    assert "resumed at step" in resumed.err
    assert {"rows.csv", "m.genapps", "r.html"} <= files(tmp_path)
    assert not any("checkpoint" in name for name in files(tmp_path))


def test_a_stopped_augmentation_goes_on(table: Path, tmp_path: Path, here: Callable[..., Any]) -> None:
    """Two fits: the one of the split is stopped, and both end as they would have."""
    words = ("tabular", "augment", table, "--target", "kind", "--splits", 1, *SLOW, "-o")
    assert here(*words, "whole.csv").code == 0
    before = files(tmp_path)
    with started(tmp_path, *words, "rows.csv") as process:
        wait_for((tmp_path / "rows.csv.split1.checkpoint").exists, process)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert "kept in rows.csv.split1.checkpoint; run the same command with --resume" in said
    assert files(tmp_path) - before == {"rows.csv.split1.checkpoint"}
    resumed = here(*words, "rows.csv", "--resume", "-v")
    assert resumed.code == 0, resumed.err
    assert "resumed at step" in resumed.err
    assert (tmp_path / "rows.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not any("checkpoint" in name for name in files(tmp_path))


@pytest.fixture
def stopped(table: Path, tmp_path: Path) -> Path:
    """A checkpoint that a killed training left."""
    with started(tmp_path, "tabular", "fit", table, *SLOW, "-o", "m.genapps") as process:
        wait_for((tmp_path / "m.genapps.checkpoint").exists, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=LONG)
    return tmp_path / "m.genapps.checkpoint"


def test_a_checkpoint_serves_its_own_data_and_settings_only(
    stopped: Path, table: Path, tmp_path: Path, here: Callable[..., Any]
) -> None:
    other = here("tabular", "fit", table, *SLOW, "--seed", 1, "-o", "m.genapps", "--resume")
    assert other.code == 3
    assert "m.genapps.checkpoint: checkpoint of other data or settings" in other.err
    write_table(table, seed=9)
    other = here("tabular", "fit", table, *SLOW, "-o", "m.genapps", "--resume")
    assert other.code == 3
    assert stopped.exists()
    assert not (tmp_path / "m.genapps").exists()
    stopped.write_bytes(stopped.read_bytes()[:-100])
    damaged = here("tabular", "fit", table, *SLOW, "-o", "m.genapps", "--resume")
    assert damaged.code == 3
    assert "m.genapps.checkpoint" in damaged.err


def test_an_old_checkpoint_is_dropped_without_resume(stopped: Path, table: Path, here: Callable[..., Any]) -> None:
    quick = ("--set", "training.epochs=1", "--set", "training.min_steps=2")
    done = here("tabular", "fit", table, *quick, "-o", "m.genapps")
    assert done.code == 0, done.err
    assert "an earlier run left a checkpoint; starting anew" in done.err
    assert not stopped.exists()
    done = here("tabular", "fit", table, *quick, "-o", "m.genapps", "--resume")
    assert done.code == 0, done.err
    assert "no checkpoint to go on from" in done.err


# Writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "kill", "kill -9"])
def test_a_stopped_sampling_leaves_no_half_table(
    how: signal.Signals, workers: int, model: Path, tmp_path: Path
) -> None:
    before, partial = files(tmp_path), tmp_path / ".rows.csv.partial"
    words = ("tabular", "sample", model, "-n", "50_000_000", "--workers", workers, "-o", "rows.csv")
    with started(tmp_path, *words) as process:
        wait_for(lambda: partial.exists() and partial.stat().st_size > 0, process)
        (os.kill if how is signal.SIGTERM else os.killpg)(process.pid, how)  # kill names one process, Ctrl-C meets all
        _, said = process.communicate(timeout=LONG)
    if how is not signal.SIGKILL:
        code, word = (130, "interrupted") if how is signal.SIGINT else (143, "terminated")
        assert process.returncode == code, said
        assert said.strip().splitlines()[-1] == f"genapps: {word}"
        assert "Traceback" not in said
        assert files(tmp_path) == before
    else:
        assert files(tmp_path) - before == {".rows.csv.partial"}


def test_an_old_table_survives_a_failed_run(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("precious\n")
    partial = tmp_path / ".rows.csv.partial"
    with started(tmp_path, "tabular", "sample", model, "-n", "50_000_000", "-o", "rows.csv") as process:
        wait_for(lambda: partial.exists() and partial.stat().st_size > 0, process)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=LONG)
    assert (tmp_path / "rows.csv").read_text() == "precious\n"
    assert not partial.exists()


def test_a_full_disk_while_writing_rows(
    model: Path, tmp_path: Path, command: Callable[..., Any], full_disk: Callable[[int], Callable[[], None]]
) -> None:
    before = files(tmp_path)
    for name in ("rows.csv", "rows.parquet", "rows.csv.gz"):
        done = command("tabular", "sample", model, "-n", 400_000, "-o", name, preexec_fn=full_disk(100_000))
        assert done.returncode == 1, done.stderr
        assert f"{name}: disk full" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert files(tmp_path) == before


def test_a_full_disk_while_saving_a_model(
    table: Path, tmp_path: Path, command: Callable[..., Any], full_disk: Callable[[int], Callable[[], None]]
) -> None:
    before = files(tmp_path)
    done = command("tabular", "fit", table, "--family", "gmm", "-o", "m.genapps", preexec_fn=full_disk(1000))
    assert done.returncode == 1, done.stderr
    assert "m.genapps: disk full" in done.stderr
    assert files(tmp_path) == before


def test_a_full_disk_of_a_device(model: Path, command: Callable[..., Any]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("a system without /dev/full")
    with Path("/dev/full").open("w") as full:
        done = command(
            "tabular", "sample", model, "-n", 1000, stdout=full, stderr=subprocess.PIPE, capture_output=False
        )
    assert done.returncode == 1
    assert "disk" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_permission(
    model: Path, table: Path, tmp_path: Path, command: Callable[..., Any], unprivileged: Callable[[], None]
) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    done = command("tabular", "sample", model, "-n", 10, "-o", "locked/rows.csv", preexec_fn=unprivileged)
    assert done.returncode == 1, done.stderr
    assert "no permission" in done.stderr
    assert "locked" in done.stderr
    table.chmod(0)
    done = command("tabular", "fit", table, "-o", "m.genapps", preexec_fn=unprivileged)
    assert done.returncode == 1, done.stderr
    assert "table.csv: no permission to read it" in done.stderr
    assert not (tmp_path / "m.genapps").exists()


def test_a_reader_that_leaves_early(model: Path, tmp_path: Path) -> None:
    script = f'"{sys.executable}" -m genapps tabular sample "{model}" -n 300000 | head -n 2'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=LONG)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "x,y,kind"
    assert done.stderr == ""
