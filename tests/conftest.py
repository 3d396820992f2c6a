"""What many tests share: the command, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
