"""Hidden Markov models beside hmmlearn: time of a Baum-Welch iteration, and the same likelihood after five.

    python benchmarks/core/hmm.py [--quick] [--device cuda]

All contenders take turns in one process, on one thread, on the same frames from the same start: 16 states with
diagonal covariances of 8 variables. Time: process CPU time of an E-step and an M-step, the least of the repeats.
hmmlearn is timed with its default recursions on logarithms and with its own "scaling". With `--device cuda` only our
rows of the card are measured, in wall-clock time after the card is done; those of the processor stay as they are.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from keep import read, write  # noqa: E402

from genapps.batches import Ragged  # noqa: E402
from genapps.models.hmm.chain import Chain  # noqa: E402
from genapps.models.hmm.emissions.gaussian import Gaussian  # noqa: E402
from genapps.models.hmm.learning import Parameters, chunks, expect, maximize  # noqa: E402
from genapps.models.hmm.topology import structure  # noqa: E402

STATES, WIDTH, ITERATIONS = 16, 8, 5
WORKS = {"1000 sequences of 200": (1000, 200), "1 sequence of 100,000": (1, 100_000)}
# How many times as fast as hmmlearn's default and its "scaling", by our type of numbers.
ASKED = {
    "1000 sequences of 200": {"float64": (15.0, 2.5), "float32": (40.0, 6.0)},
    "1 sequence of 100,000": {"float64": (12.0, 2.5)},
}

Step = Callable[[], float]  # an iteration; gives the log-likelihood before it
Contender = Callable[[], Step]  # begins anew


def frames_of(count: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames (count * length, D) of a chain that mostly stays, and starting means (K, D)."""
    rng = np.random.default_rng(0)
    moves = rng.dirichlet(np.full(STATES, 0.5), STATES) * 0.2 + np.eye(STATES) * 0.8
    cumulated = moves.cumsum(1)
    means, scales = rng.normal(0, 2, (STATES, WIDTH)), rng.uniform(0.5, 1.5, (STATES, WIDTH))
    states = np.zeros((count, length), int)
    states[:, 0] = rng.integers(0, STATES, count)
    for t in range(1, length):
        passed = (rng.random(count)[:, None] > cumulated[states[:, t - 1]]).sum(1)
        states[:, t] = passed.clip(0, STATES - 1)
    frames = means[states] + rng.normal(size=(count, length, WIDTH)) * scales[states]
    return frames.reshape(-1, WIDTH), means + rng.normal(0, 0.5, means.shape)


def start_moves() -> np.ndarray:
    return np.full((STATES, STATES), 0.3 / STATES) + np.eye(STATES) * 0.7


def hmmlearn(implementation: str, frames: np.ndarray, means: np.ndarray, lengths: list[int]) -> Contender:
    from hmmlearn.hmm import GaussianHMM

    def begin() -> Step:
        model = GaussianHMM(
            STATES, "diag", init_params="", implementation=implementation, min_covar=0, covars_prior=0, covars_weight=1
        )
        model.n_features = WIDTH
        model.startprob_, model.transmat_ = np.full(STATES, 1 / STATES), start_moves()
        model.means_, model.covars_ = means.copy(), np.full((STATES, WIDTH), 2.0)
        model._check()

        def step() -> float:
            statistics, log_prob = model._do_estep(frames, lengths)
            model._do_mstep(statistics)
            return float(log_prob)

        return step

    return begin


def ours(dtype: torch.dtype, device: str, frames: np.ndarray, means: np.ndarray, lengths: list[int]) -> Contender:
    place = torch.device(device)
    data = chunks(Ragged(torch.from_numpy(frames).to(dtype), torch.tensor(lengths)), device=place)
    shape = structure(STATES, "ergodic", least=1e-30 if dtype == torch.double else 1e-12).to(place)

    def begin() -> Step:
        chain = Chain(torch.full((STATES,), 1 / STATES).double(), torch.from_numpy(start_moves()))
        emission = Gaussian(torch.from_numpy(means), torch.full((STATES, WIDTH), 2.0).double())
        models = [Parameters(chain, emission).to(place)]

        def step() -> float:
            sums = expect(models[0], data)
            models[0] = maximize(shape, models[0], sums)
            return sums.log_prob

        return step

    return begin


def measure(contenders: dict[str, Contender], repeats: int, cuda: bool) -> dict[str, dict[str, Any]]:
    """Milliseconds of an iteration and the log-likelihood after so many, the contenders taking turns."""
    clock = time.perf_counter if cuda else time.process_time
    found: dict[str, dict[str, Any]] = {name: {"milliseconds": float("inf")} for name in contenders}
    for _ in range(repeats):
        for name, begin in contenders.items():
            step = begin()
            for _ in range(ITERATIONS + 1):
                began = clock()
                found[name]["log_likelihood"] = step()
                if cuda:
                    torch.cuda.synchronize()
                found[name]["milliseconds"] = min(found[name]["milliseconds"], 1e3 * (clock() - began))
    return found


def rows_of(work: str, found: dict[str, dict[str, Any]], device: str) -> list[dict[str, Any]]:
    """A row a contender: its time, its likelihood and, for ours, how many times as fast it is and was to be."""
    rows = []
    for name, figures in found.items():
        row = {"work": work, "contender": name, "device": device, **figures}
        if "hmmlearn log" in found and name.startswith("genapps"):
            row["times"] = [found[f"hmmlearn {peer}"]["milliseconds"] / figures["milliseconds"] for peer in PEERS]
            row["asked"] = ASKED[work].get(name.split()[1])
            truth = found["hmmlearn log"]["log_likelihood"]
            row["relative_difference"] = abs(figures["log_likelihood"] / truth - 1)
        rows.append(row)
        print(row, flush=True)
    return rows


PEERS = ("log", "scaling")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the frames; writes nothing")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cuda, rows = arguments.device == "cuda", []
    for work, (count, length) in WORKS.items():
        if arguments.quick:
            count, length = max(count // 100, 1), min(length, 1000)
        frames, means = frames_of(count, length)
        lengths = [length] * count
        contenders: dict[str, Contender] = {}
        if not cuda:
            contenders = {f"hmmlearn {peer}": hmmlearn(peer, frames, means, lengths) for peer in PEERS}
        for dtype in (torch.float64, torch.float32):
            name = f"genapps {str(dtype).partition('.')[2]}"
            contenders[name] = ours(dtype, arguments.device, frames, means, lengths)
        rows += rows_of(work, measure(contenders, arguments.repeats, cuda), arguments.device)
    if not arguments.quick:
        kept = [row for row in read("hmm").get("rows", []) if row["device"] != arguments.device]
        said = {"states": STATES, "variables": WIDTH, "iterations": ITERATIONS, "repeats": arguments.repeats}
        how = "process CPU milliseconds of an iteration on one thread, least of the repeats; cuda: wall clock"
        write("hmm", rows + kept, {**said, "how": how, "times": "as fast as hmmlearn's log, and as its scaling"})


if __name__ == "__main__":
    main()
