"""Sampling sequences with the preallocated cache, and without it: the same codes from the same randomness.

Without a cache every step reads the whole sequence so far again, in the fastest way there is here (one batched pass).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from keep import write
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from genapps.models import Autoregressive
from genapps.models.autoregressive.choosing import pick
from genapps.spaces import Tokens
from genapps.training import TrainingConfig

SIZE = 256


@torch.no_grad()
def with_cache(model: Autoregressive, rows: int, length: int, device: str) -> Tensor:
    """Codes (rows, length), each step read once."""
    network, g = model.engine.network.to(device), torch.Generator(device).manual_seed(0)
    labels = torch.zeros(rows, dtype=torch.long, device=device)
    cache = network.trunk.cache(rows, length + 1)
    codes = torch.zeros(rows, length, dtype=torch.long, device=device)
    outputs = network(codes[:, :0], labels, cache)
    for t in range(length):
        codes[:, t] = pick(outputs[:, -1, :SIZE], 1.0, g)
        outputs = network(codes[:, t : t + 1], labels, cache)
    return codes


@torch.no_grad()
def without_cache(model: Autoregressive, rows: int, length: int, device: str) -> Tensor:
    """The same codes, every step read again for each step after it."""
    network, g = model.engine.network.to(device), torch.Generator(device).manual_seed(0)
    labels = torch.zeros(rows, dtype=torch.long, device=device)
    codes = torch.zeros(rows, length, dtype=torch.long, device=device)
    for t in range(length):
        codes[:, t] = pick(network(codes[:, :t], labels)[:, -1, :SIZE], 1.0, g)
    return codes


def public(model: Autoregressive, rows: int, length: int, device: str) -> Tensor:
    """The same number of codes by `Autoregressive.sample`, as people call it."""
    drawn = model.sample(rows, length=length, generator=torch.Generator().manual_seed(0))
    return drawn.values.view(rows, length)  # type: ignore[no-any-return]


def seconds(work: Callable[[], Tensor], repeats: int, device: str) -> tuple[float, Tensor]:
    """The least process CPU time of so many runs (on a GPU: wall clock), and what they made."""
    best = float("inf")
    for _ in range(repeats):
        clock = time.process_time if device == "cpu" else time.perf_counter
        start = clock()
        made = work()
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, clock() - start)
    return best, made


def main() -> None:
    """Measure each architecture in each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short length; writes nothing")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows, length = 32, 32 if args.quick else 256
    shape = {"hidden": 128, "layers": 4, "heads": 4, "dropout": 0.0}
    data = torch.randint(SIZE, (64, length), generator=torch.Generator().manual_seed(0))
    found: list[dict[str, Any]] = []
    for architecture in ("transformer", "gru"):
        model = Autoregressive(space=Tokens(SIZE, length), architecture=architecture, **shape)
        model.fit(data, training=TrainingConfig(max_steps=3))
        ways = {"without cache": without_cache, "with cache": with_cache}
        if args.device == "cpu":
            ways["sample"] = public
        times, made = {}, {}
        for way, draw in ways.items():
            repeats = 1 if way == "without cache" else 3
            draw(model, rows, 8, args.device)  # warm up
            times[way], made[way] = seconds(partial(draw, model, rows, length, args.device), repeats, args.device)
        for way, spent in times.items():
            found.append(
                {
                    "architecture": architecture,
                    "way": way,
                    "seconds": round(spent, 3),
                    "codes_per_second": round(rows * length / spent),
                    "times_faster": round(times["without cache"] / spent, 2),
                    "same_codes": round(float((made[way] == made["without cache"]).double().mean()), 4),
                    "device": args.device,
                }
            )
            print(found[-1], flush=True)
    if not args.quick:
        write("cache", found, {"batch": rows, "length": length, "codes": SIZE, "threads": 1, **shape})


if __name__ == "__main__":
    main()
