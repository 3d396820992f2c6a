"""How many 28 x 28 images a second each family draws.

    python benchmarks/image/sampling.py [--quick] [--only FAMILY] [--threads 1]

What a model has learnt does not change how long it draws, so each learns 1,000 digits for a moment, by the preset of
the whole set. Asked: 100 images a second from the autoregressive family on two cores. The rate by CPU time is what the
work costs, whatever else the machine does; the rate by the clock is what one waited.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import keep
import torch
from sets import CODEC, images

from genapps.models import FAMILIES
from genapps_image.generation.fitting import Study, fit
from genapps_image.generation.recipes import recipe_for

SHORT = ("training.max_steps=5", "training.min_steps=5", "training.epochs=1000")
LEARNT = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few images; nothing is written")
    parser.add_argument("--only", choices=sorted(FAMILIES), help="one family")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-n", type=int, default=500, help="images of each draw")
    asked = parser.parse_args()
    n = 50 if asked.quick else asked.n
    batch = images("mnist", most=200 if asked.quick else LEARNT)
    rows: list[dict[str, Any]] = []
    for family in [asked.only] if asked.only else FAMILIES:
        for levels in (2, 256) if family in ("autoregressive", "vae") else (256,):
            options = recipe_for(family, 60_000, 28, "cpu", levels).options
            own = tuple(f"{name}={value}" for name, value in options.items() if name != "binarize")
            few = ("max_iter=2", "n_components=12") if family in ("gmm", "hmm") else SHORT
            torch.set_num_threads(1)
            model = fit(batch, CODEC, family, Study(settings=(*own, *few), levels=levels, device="cpu"))
            rows.append({"family": family, "levels": model.view.levels, "threads": asked.threads, "n": n})
            rows[-1] |= pace(model, n, asked.threads)
            print(*(f"{key} {value}" for key, value in rows[-1].items()), sep="  ", flush=True)
    if not asked.quick and not asked.only:
        keep.write("sampling", rows, {"n": n, "learnt": LEARNT, "size": "28 x 28"})


def pace(model: Any, n: int, threads: int) -> dict[str, float]:
    """Images a second by the clock and by CPU time of one draw of n."""
    torch.set_num_threads(threads)
    clock, cpu = time.perf_counter(), time.process_time()
    model.sample(n, generator=torch.Generator().manual_seed(0))
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    return {
        "images_a_second": round(n / clock, 1),
        "images_a_cpu_second": round(n / cpu, 1),
        "cpu_seconds": round(cpu, 2),
    }


if __name__ == "__main__":
    main()
