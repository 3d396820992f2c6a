"""Gaussian mixtures beside scikit-learn: CPU time of an EM iteration, peak memory, and the same likelihood at its end.

    python benchmarks/core/gmm.py [--quick] [--device cuda]

Each contender works in a process of its own, on one thread, on the same rows from the same start. Time: process CPU
time of an E-step and an M-step, the least of some repeats. Memory: the peak resident set of a process that does nothing
but read the rows and call `fit`; likelihood: after that fit's five iterations (float32: two, and three in float64).
With `--device cuda` the rows of the card are measured instead, beside the time that the card needs to read the rows and
to do the two matrix products at the rates that it reaches in a copy and in a product.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
from keep import read, write  # noqa: E402

WORKS = {
    "full 1M x 8, K=32": (1_000_000, 8, 32, "full"),
    "full 200k x 16, K=16": (200_000, 16, 16, "full"),
    "diag 1M x 8, K=32": (1_000_000, 8, 32, "diag"),
}
ASKED = {
    "full 1M x 8, K=32": {"float64": 10.0, "float32": 20.0, "memory": 1 / 3},
    "full 200k x 16, K=16": {"float64": 2.5, "float32": 5.0},
    "diag 1M x 8, K=32": {"float64": 3.5, "float32": 9.0},
}
CONTENDERS = ("scikit-learn float64", "genapps float64", "genapps float32", "scikit-learn float32")
ITERATIONS, REPEATS, TIMED, REG = 5, 4, 1, 1e-6  # of a fit; timings, and iterations in each


def rows_of(work: str, quick: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows (N, D) of overlapping Gaussians at an offset, each column of variance 1, and starting means (K, D)."""
    count, width, components, _ = WORKS[work]
    count = count // 50 if quick else count
    rng = np.random.default_rng(0)
    means = rng.normal(0, 3, (components, width))
    shapes = rng.normal(0, 1, (components, width, width)) / width**0.5 + np.eye(width) / 2
    states = rng.integers(0, components, count)
    rows = np.empty((count, width))
    for state in range(components):
        mine = states == state
        rows[mine] = means[state] + rng.normal(size=(mine.sum(), width)) @ shapes[state].T
    rows = (rows - rows.mean(0)) / rows.std(0) + 5
    return rows, rows[rng.choice(count, components, replace=False)]


def start_of(means: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    components, width = means.shape
    whole = np.tile(np.eye(width), (components, 1, 1)) if kind == "full" else np.ones((components, width))
    return np.full(components, 1 / components), whole


def sklearn_contender(rows: np.ndarray, means: np.ndarray, kind: str) -> Any:
    from sklearn.mixture import GaussianMixture
    from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

    weights, covariances = (part.astype(rows.dtype) for part in start_of(means, kind))
    model = GaussianMixture(
        len(means), covariance_type=kind, reg_covar=REG, tol=0, max_iter=ITERATIONS, warm_start=True
    )
    model.weights_, model.means_, model.covariances_ = weights, means.astype(rows.dtype), covariances
    model.precisions_cholesky_ = _compute_precision_cholesky(covariances, kind)
    model.converged_, model.lower_bound_, model.n_features_in_ = False, -np.inf, rows.shape[1]

    def iterate() -> None:
        _, shares = model._e_step(rows)
        model._m_step(rows, shares)

    return model, iterate


def our_contender(rows: np.ndarray, means: np.ndarray, kind: str, device: str = "cpu") -> Any:
    import torch

    from genapps.models.gmm import GMM, kernels
    from genapps.models.gmm.mixture import maximize
    from genapps.training import TrainingConfig

    torch.set_num_threads(1)
    weights, covariances = start_of(means, kind)
    model = GMM.from_parameters(
        weights, means, covariances, covariance_type=kind, reg_covar=REG, tol=0, max_iter=ITERATIONS, warm_start=True
    )
    place = None if device == "cpu" else torch.device(device)
    dtype = torch.float32 if rows.dtype == np.float32 else torch.double

    def prepare() -> Any:
        """What a fit prepares once: the scale, the standardised rows, the start in their units."""
        from genapps.models.gmm.given import moved
        from genapps.models.gmm.rows import Scale

        engine, table = model.engine, torch.from_numpy(rows)
        scale = Scale.measure(iter([(table, None)]), engine.layout, dense=kind == "full", common=False)
        blocks = list(engine._blocks(table, scale, None, dtype, place))
        target = torch.device(device)
        state = {"mixture": moved(engine.mixture, engine.scale, scale).to(target)}
        prior = engine._prior_of(scale).to(target)

        def iterate() -> None:
            sums = kernels.expect(state["mixture"], blocks, dtype)
            state["mixture"] = maximize(state["mixture"], sums, prior)
            if device != "cpu":
                torch.cuda.synchronize()

        return iterate

    return model, prepare, TrainingConfig(device=device)


def work_alone(arguments: argparse.Namespace) -> dict[str, Any]:
    """One contender in this process: `task` is time, or memory and likelihood."""
    _, width, components, kind = WORKS[arguments.work]
    dtype = np.float32 if arguments.contender.endswith("float32") else np.float64
    table = np.fromfile(arguments.rows, np.float64).reshape(-1, width)
    means, rows = table[-components:].copy(), table[:-components].astype(dtype, copy=False)
    warnings.simplefilter("ignore")
    if arguments.contender.startswith("scikit-learn"):
        model, iterate = sklearn_contender(rows, means, kind)
    else:
        model, prepare, training = our_contender(rows, means, kind)
        iterate = prepare() if arguments.task == "time" else None
    if arguments.task == "time":
        return {"ms": 1e3 * least(iterate)}
    before = peak_mb()
    model.fit(rows, **({} if arguments.contender.startswith("scikit-learn") else {"training": training}))
    found = {"peak_mb": peak_mb(), "before_fit_mb": before}
    whole = np.fromfile(arguments.rows, np.float64).reshape(-1, width)[:-components]
    return found | {"log_likelihood": float(model.score(whole)), "iterations": int(model.n_iter_)}


def least(iterate: Any) -> float:
    iterate()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(TIMED):
            iterate()
        times.append((time.process_time() - began) / TIMED)
    return min(times)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def on_cpu(works: list[str], quick: bool) -> list[dict[str, Any]]:
    found = []
    for work in works:
        rows, means = rows_of(work, quick)
        results: dict[str, dict[str, Any]] = {}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.f64"
            np.concatenate([rows, means]).tofile(path)
            del rows
            for contender in CONTENDERS:
                results[contender] = {}
                for task in ("time", "memory"):
                    words = ["--work", work, "--contender", contender, "--task", task, "--rows", str(path)]
                    command = [sys.executable, str(Path(__file__).resolve()), *words]
                    done = subprocess.run(command, check=False, capture_output=True, text=True)
                    if done.returncode:
                        print(f"{work}, {contender}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                        continue
                    results[contender] |= json.loads(done.stdout.splitlines()[-1])
        peer = results["scikit-learn float64"]
        for contender, result in results.items():
            row = {"work": work, "contender": contender, **result}
            if "ms" in result:
                row["times_faster"] = peer["ms"] / result["ms"]
            if "peak_mb" in result:
                row["share_of_memory"] = result["peak_mb"] / peer["peak_mb"]
                row["log_likelihood_gap"] = result["log_likelihood"] - peer["log_likelihood"]
            kind = contender.split()[1]
            if contender.startswith("genapps"):
                row["asked_times"] = ASKED[work][kind]
            print(json.dumps(row))
            found.append(row)
    return found


def on_cuda(works: list[str], quick: bool) -> list[dict[str, Any]]:
    """An E-step on the card beside what the card can do: bytes it must read, and operations it must do."""
    import torch

    name, found = torch.cuda.get_device_name(), []
    bandwidth = _bandwidth()
    for work in works:
        count, width, components, kind = WORKS[work]
        rows, means = rows_of(work, quick)
        rows = np.tile(rows, (1 if quick else 10, 1))
        for dtype in (np.float64, np.float32):
            _, prepare, _ = our_contender(rows.astype(dtype), means, kind, "cuda")
            iterate = prepare()
            iterate()
            times = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                for _ in range(TIMED):
                    iterate()
                times.append((time.perf_counter() - began) / TIMED)
            features = 1 + width + (width * (width + 1) // 2 if kind == "full" else width)
            rate = _arithmetic(torch.from_numpy(np.empty(0, dtype)).dtype)
            memory = rows.shape[0] * width * np.dtype(dtype).itemsize / bandwidth
            arithmetic = 4 * rows.shape[0] * components * features / rate
            limit = "memory" if memory > arithmetic else "arithmetic"
            row = {"work": f"{work}, rows x {len(rows) // count or 1}", "contender": f"genapps {np.dtype(dtype).name}"}
            row |= {"device": name, "ms": 1e3 * min(times), "limit": limit, "limit_ms": 1e3 * max(memory, arithmetic)}
            row["times_the_limit"] = row["ms"] / row["limit_ms"]
            print(json.dumps(row))
            found.append(row)
    return found


def _bandwidth() -> float:
    """Bytes a second that the card reads and writes in a copy."""
    import torch

    source = torch.empty(2**28, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.numel() * 4 / _seconds(lambda: target.copy_(source))


def _arithmetic(dtype: Any) -> float:
    """Operations a second that the card does in a large matrix product of that type."""
    import torch

    a = torch.randn(8192, 8192, device="cuda", dtype=dtype)
    return 2 * 8192**3 / _seconds(lambda: a @ a)


def _seconds(action: Any) -> float:
    import torch

    best = float("inf")
    for _ in range(5):
        torch.cuda.synchronize()
        began = time.perf_counter()
        action()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best


def main() -> None:
    """Measure, and write results/gmm.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the rows; nothing is written")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--only", choices=WORKS, help="measure one line; the others stay as they were")
    for name in ("--work", "--contender", "--task", "--rows"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(work_alone(arguments)))
        return
    works = [arguments.only] if arguments.only else list(WORKS)
    cuda = arguments.device == "cuda"
    rows = on_cuda(works, arguments.quick) if cuda else on_cpu(works, arguments.quick)
    if arguments.quick:
        return
    kept = [
        row
        for row in read("gmm").get("rows", [])
        if ("device" in row) != cuda or not any(row["work"].startswith(work) for work in works)
    ]
    settings = {
        "asked": ASKED,
        "iterations": ITERATIONS,
        "timed": TIMED,
        "repeats": REPEATS,
        "reg_covar": REG,
        "threads": 1,
    }
    write("gmm", [*kept, *rows], settings)


if __name__ == "__main__":
    main()
