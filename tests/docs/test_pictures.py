"""The README's pictures are made by the program; where that cannot be, one line says so and nothing is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MAKE = Path(__file__).parents[2] / "docs" / "pictures" / "make.py"


def test_without_a_browser_the_pictures_stay_and_the_remedy_is_named(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in MAKE.parent.iterdir()}
    done = subprocess.run(
        [sys.executable, MAKE], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "apt install chromium" in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in MAKE.parent.iterdir()} == before
