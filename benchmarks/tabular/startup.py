"""How long the command takes to say something: CPU seconds of help, version and completion, median of several runs.

python benchmarks/tabular/startup.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from record import RESULTS, command, machine, run_measured, stamp, write

LIMIT_S = 0.15
HEAVY = ("numpy", "torch", "pandas", "sklearn", "rdkit", "sdv", "pyod", "librosa")
CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    "--help": (["--help"], {}),
    "tabular --help": (["tabular", "--help"], {}),
    "tabular synthesize --help": (["tabular", "synthesize", "--help"], {}),
    "--version": (["--version"], {}),
    "completion of a command": (
        [],
        {"_GENAPPS_COMPLETE": "bash_complete", "COMP_WORDS": "genapps tab", "COMP_CWORD": "1"},
    ),
    "completion of an option": (
        [],
        {"_GENAPPS_COMPLETE": "bash_complete", "COMP_WORDS": "genapps tabular synthesize --ou", "COMP_CWORD": "3"},
    ),
}
LOADED = """import sys, runpy
try: runpy.run_path(sys.argv[0], run_name="__main__")
finally: print("|".join(sys.modules), file=sys.stderr)"""


def heavy(arguments: list[str], environment: dict[str, str]) -> list[str]:
    """The heavy libraries that were imported on the way."""
    script = f"import sys; sys.argv[:] = {[*command(), *arguments]!r}\n{LOADED}"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    loaded = set(done.stderr.rsplit("\n", 2)[-2].split("|"))
    return [name for name in HEAVY if name in loaded]


def main() -> None:
    """Measure every case and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULTS / "startup.json")
    options = parser.parse_args()
    cases = {}
    for name, (arguments, environment) in CASES.items():
        run_measured([*command(), *arguments], **environment)  # compiles the modules, once
        runs = sorted(run_measured([*command(), *arguments], **environment)["cpu_s"] for _ in range(options.runs))
        cases[name] = {
            "cpu_s": round(median(runs), 4),
            "least": runs[0],
            "most": runs[-1],
            "heavy_imports": heavy(arguments, environment),
        }
        print(f"{name:28s} {cases[name]['cpu_s']:.3f} s  heavy: {cases[name]['heavy_imports'] or 'none'}")
    result = {**stamp(), "machine": machine(), "protocol": f"CPU seconds of the process, median of {options.runs} runs"}
    write(options.out, {**result, "limit_cpu_s": LIMIT_S, "cases": cases})


if __name__ == "__main__":
    main()
