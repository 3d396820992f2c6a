"""What every benchmark writes beside its figures: when, which commit, what kind of machine. Never whose."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1"
)


def one_thread() -> dict[str, str]:
    """The environment of a measured process: one thread, and compiled modules kept as in any ordinary installation."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **ONE_THREAD}


def today() -> str:
    """The date, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def commit() -> str:
    """The short hash of the checked-out commit, "-dirty" where tracked code differs, "unknown" outside a checkout.

    Results and the pages made of them do not count: a run of several measures writes them as it goes.
    """
    head = _git("rev-parse", "--short", "HEAD")
    written = (":(exclude)benchmarks/*/results/*", ":(exclude)docs/benchmarks")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *written)
    return (head + ("-dirty" if changed else "")) or "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def machine() -> dict[str, Any]:
    """The machine's class: cores, processor model, memory."""
    model = platform.processor() or platform.machine()
    gigabytes = None
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), model)
        total = Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0]
        gigabytes = round(int(total) / 2**20)
    return {"cores": os.cpu_count(), "processor": model, "memory_gb": gigabytes, "python": platform.python_version()}


def stamp() -> dict[str, Any]:
    """Date and commit."""
    return {"date": today(), "commit": commit()}


def peak_mb() -> float:
    """Peak resident memory of this process in MiB.

    Read from the kernel's high-water mark where there is one: `ru_maxrss` starts at the size of the process that
    launched this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_seconds() -> float:
    """CPU seconds of this process and of its finished children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def command() -> list[str]:
    """The installed `genapps` beside this interpreter."""
    return [str(Path(sys.executable).with_name("genapps"))]


def run_measured(arguments: list[str], **environment: str) -> dict[str, float]:
    """Run a command to its end with one thread: its CPU seconds, wall seconds and peak resident memory in MiB.

    The peak is the kernel's figure for a child, which starts at the size of this process: keep this process small.
    Raises RuntimeError where the command fails.
    """
    began = time.perf_counter()
    settings = {**one_thread(), **environment}
    process = subprocess.Popen(arguments, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read().decode() if process.stderr else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed with exit code {process.returncode}: {said[-500:]}")
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 4),
        "wall_s": round(time.perf_counter() - began, 4),
        "memory_mb": round(used.ru_maxrss / 1024, 1),
    }


def write(path: Path, result: dict[str, Any]) -> None:
    """Write the result as JSON that diffs well, and the page that shows it if it is one of the committed results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {os.path.relpath(path)}")
    if path.resolve().parent == RESULTS:
        from table import main

        main()


def read(path: Path) -> dict[str, Any]:
    """What was written before, or nothing."""
    return json.loads(path.read_text()) if path.exists() else {}
