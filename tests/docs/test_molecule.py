"""The Python of the page on molecules runs, block by block in one process, on a few molecules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "molecule.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
# The same with less to do: fewer calls, counts rather than a network, a small list to compare with.
FEWER = {
    "calls=200": "calls=30",
    'fit_family("rbm", smiles)': 'fit_family("ngram", smiles)',
    'evaluate("proposed.csv", fcd': 'evaluate("proposed.csv", reference="mine.csv", training="mine.csv", fcd',
    'judged["SNN/Test"]': 'judged["SNN/reference"]',
}
TEXTS = [f"{head}{ring}" for head in ("C", "CC", "CO", "CN", "FC") for ring in ("c1ccccc1", "C1CCNCC1", "c1ccncc1")]


@pytest.mark.slow
def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    assert len(BLOCKS) >= 7
    for name in ("mine", "proposed"):
        rows = [f"{text},{len(text) / 4}" for text in TEXTS]
        (tmp_path / f"{name}.csv").write_text("\n".join(["smiles,pIC50", *rows]) + "\n")
    (tmp_path / "large.smi").write_text("\n".join(TEXTS) + "\n")
    code = "\n".join(BLOCKS)
    for whole, part in FEWER.items():
        assert whole in code, whole
        code = code.replace(whole, part)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {"hits.html", "best.csv", "fragments.genapps"} <= {path.name for path in tmp_path.iterdir()}
    assert "R1" in code and "[" in done.stdout
