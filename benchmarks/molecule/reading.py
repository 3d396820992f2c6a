"""How fast files of molecules are read: 1.6 million tokenised as a stream, properties and alerts of 10,000, the screen.

    python benchmarks/molecule/reading.py [--quick] [--only tokenise|score|screen]

Each part runs in a process of its own, so that its peak of memory is its own. Processor seconds are of all processes;
on a loaded machine they are what an idle one would take, its own clock is not. Asked: 60 s and 1,024 MiB for
tokenising, 30 s for properties and filters, and the same hits with the screen and without.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from keep import read as before
from keep import write
from molecules import FILES, folder, read

LOT = 65_536  # texts that are encoded at once
FILTERS = "pains,brenk,mcf"


def main() -> None:
    """Measure, and write results/reading.json; what is not measured keeps the rows that it had."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sixteenth of the rows")
    parser.add_argument("--only", choices=["tokenise", "score", "screen"], help="one part")
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        tokenise(Path(sys.stdin.readline().strip()), 100_000 if options.quick else 2_000_000)
        return
    root = folder()
    if root is None:
        print("skipped all: no folder molecule in $GENAPPS_DATA")
        return
    few = 625 if options.quick else 10_000
    parts: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "tokenise": lambda: [tokenised(root / FILES["moses"], options.quick)],
        "score": lambda: [scored(few, threads) for threads in (1, 2)],
        "screen": lambda: [screen(few // 10)],
    }
    load = round(os.getloadavg()[0], 1)
    found = [row | {"load": load} for name, part in parts.items() if options.only in (None, name) for row in part()]
    measured = {row["what"] for row in found}
    kept = [row for row in before("reading").get("rows", []) if row["what"] not in measured]
    write("reading", sorted([*found, *kept], key=lambda row: list(parts).index(row["what"])), {"filters": FILTERS})


def tokenised(path: Path, quick: bool) -> dict[str, Any]:
    """The file of 1.6 million molecules, in a process of its own."""
    command = [sys.executable, __file__, "--inner", *(["--quick"] if quick else [])]
    return apart("tokenise", command, str(path))


def scored(n: int, threads: int) -> dict[str, Any]:
    """The whole command, from start to end."""
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "zinc.smi"
        source.write_text("\n".join(islice(read("zinc"), 0, n * 20, 20)) + "\n")
        command = [sys.executable, "-m", "genapps", "molecule", "score", str(source), "--filters", FILTERS, "-q"]
        row = apart("score", [*command, "--threads", str(threads), "-o", str(Path(place) / "out.csv")])
        lines = (Path(place) / "out.csv").read_text().splitlines()
    return row | {"threads": threads, "n": len(lines) - 1}


def apart(what: str, command: list[str], given: str = "") -> dict[str, Any]:
    """Run a command, and say how long it took and how much memory it had; what it prints is `name=number` words."""
    wall = time.perf_counter()
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.close()
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)  # its own peak, not that of all there were
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    wall = time.perf_counter() - wall
    row: dict[str, Any] = {
        "what": what,
        "seconds": round(wall, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": used.ru_maxrss // 1024,
        **{name: float(number) for name, number in (word.split("=") for word in printed.split())},
    }
    print(row, flush=True)
    return row


def tokenise(path: Path, most: int) -> None:
    """Read a file twice: for its vocabulary, and for the codes, which are kept."""
    from genapps_molecule.language.smiles import Vocabulary
    from genapps_molecule.reading.files import Written, read_texts

    def texts() -> Any:
        return (one.text for one in islice(read_texts(path), most) if isinstance(one, Written))

    begun = time.process_time()
    vocabulary = Vocabulary.of(texts())
    stream, kept = texts(), []
    while lot := list(islice(stream, LOT)):
        kept.append(vocabulary.encode(lot))
    seconds = time.process_time() - begun
    first = list(islice(texts(), 1000))
    assert vocabulary.decode(vocabulary.encode(first)) == first
    molecules, codes = sum(len(one.lengths) for one in kept), sum(len(one.values) for one in kept)
    print(f"molecules={molecules} codes={codes} without_start={seconds:.1f}")


def screen(n: int) -> dict[str, Any]:
    """Alerts of n molecules of ZINC with the screen and without: how many differ, and what each takes."""
    from rdkit import Chem

    from genapps_molecule.chemistry import read_smiles
    from genapps_molecule.traits.alerts import Alerts

    alerts = Alerts.named(["pains", "mcf"])
    mols = [read_smiles(text) for text in islice(read("zinc"), 7, 7 + 20 * n, 20)]
    begun = time.process_time()
    found = [alerts.hits(mol) for mol in mols]
    screened = time.process_time() - begun
    begun = time.process_time()
    full = [Chem.AddHs(mol) for mol in mols]
    plain = [list(dict.fromkeys(name for one in alerts.screened for name in one.plain(mol))) for mol in full]
    row = {
        "what": "screen",
        "n": n,
        "alerts": sum(map(len, plain)),
        "molecules_that_differ": sum(a != b for a, b in zip(found, plain, strict=True)),
        "screened_processor_seconds": round(screened, 2),
        "plain_processor_seconds": round(time.process_time() - begun, 2),
    }
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
