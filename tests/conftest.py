"""What many tests share: the command, run as a user runs it."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Where no bytecode may be kept, each of the many processes that tests start would compile all of torch anew.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Run:
    """Run `genapps WORDS...` in a process of its own, in an empty folder; gives the finished process."""

    def run(*words: object, env: dict[str, str] | None = None, **settings: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "genapps", *map(str, words)],
            **{  # type: ignore[arg-type]
                "cwd": tmp_path,
                "env": {**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
                "capture_output": True,
                "text": True,
                "encoding": "utf-8",
                "timeout": 300,
                **settings,
            },
        )

    return run


@pytest.fixture
def unprivileged() -> Callable[[], None]:
    """A preexec_fn for subprocess after which file permissions count even for root."""
    if os.geteuid() != 0:
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)
    drop, read, overriding, searching = 24, 23, 1, 2  # PR_CAPBSET_DROP, PR_CAPBSET_READ and the two capabilities
    if libc.prctl(read, 8, 0, 0, 0) != 1:  # CAP_SETPCAP
        pytest.skip("root that may not give up its powers: no file is ever forbidden here")

    def give_up() -> None:
        for capability in (overriding, searching):
            if libc.prctl(drop, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl")

    return give_up


@pytest.fixture
def full_disk() -> Callable[[int], Callable[[], None]]:
    """A preexec_fn for subprocess after which no file can grow beyond the given number of bytes."""
    import resource

    return lambda size: lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
