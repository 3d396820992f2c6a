"""Asking for help costs next to nothing: no heavy library is imported."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from importlib.util import find_spec

import pytest

HEAVY = [
    "numpy",
    "torch",
    "pandas",
    "sklearn",
    "scipy",
    "pyarrow",
    "polars",
    "rdkit",
    "sdv",
    "pyod",
    "librosa",
    "jinja2",
]
CHEAP = [
    ["--help"],
    ["--version"],
    ["completion", "bash"],
    ["config", "--help"],
    ["datasets", "list"],
    ["tabular", "--help"],
    ["tabular", "synthesize", "--help"],
    ["tabular", "sample", "--help"],
    ["tabular", "syntesize"],
    ["logs", "--help"],
    ["logs", "templates", "--help"],
    ["timeseries", "--help"],
]
PROBE = """
import json, sys
from genapps.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_after(*words: str, env: dict[str, str] | None = None) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize("words", CHEAP, ids=" ".join)
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    code, names = modules_after(*words)
    assert code == (2 if words[-1] == "syntesize" else 0)
    assert names.isdisjoint(HEAVY)
    assert "genapps.cli.root" in names  # the probe did look at the command's own process


@pytest.mark.parametrize("words", ["genapps ", "genapps tabular ", "genapps tabular synthesize --"])
def test_completion_imports_nothing_heavy(words: str) -> None:
    env = {
        "_GENAPPS_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    code, names = modules_after(env=env)
    assert code == 0
    assert names.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["tabular", "--help"], ["completion", "bash"]], ids=" ".join
)
def test_cpu_time(words: list[str]) -> None:
    # Click alone is most of it on any machine, so twice Click's own is a bound that no slow or busy machine breaks;
    # numpy alone would. The figure in seconds is in benchmarks/.
    command = min(cpu_seconds("-m", "genapps", *words) for _ in range(5))
    click = min(cpu_seconds("-c", "import click, click.shell_completion") for _ in range(5))
    assert command <= 2 * click


def cpu_seconds(*words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_the_list_names_real_libraries() -> None:
    # A name misspelt here would be "not imported" for ever.
    installed = {name for name in HEAVY if find_spec(name)}
    assert {"numpy", "torch", "pandas", "sklearn", "scipy", "pyarrow", "polars", "jinja2"} <= installed
    assert all(re.fullmatch(r"[a-z0-9]+", name) for name in HEAVY)
