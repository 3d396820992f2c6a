"""RBM(500) on binarised MNIST: the test log-likelihood by annealing from both sides.

Every hyperparameter was chosen on the last 10,000 training images, held out (`--held-out`); the figure is a run on all
60,000 training images, binarised afresh at each visit, judged on the test bits of `mnist.py`. Annealed importance
sampling from independent units tends to call the likelihood too high, annealing back from the test images (RAISE, Burda
et al. 2015) too low: the truth is expected between them.

    python benchmarks/core/rbm_mnist.py [--quick] [--held-out]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mnist
import torch
from keep import write
from torch import Tensor

from genapps.models.rbm.columns import RBMConfig
from genapps.models.rbm.partition import Partition
from genapps.models.rbm.pixels import PixelsRBM
from genapps.spaces import Pixels
from genapps.training import Event, Recipe, TrainingConfig
from genapps.training.job import Job

# Centred PCD-1 with as many chains as rows a step, plain SGD whose rate falls to nothing, averaged weights.
RECIPE = Recipe(
    epochs=55,
    min_steps=0,
    max_steps=1_000_000,
    batch_size=50,  # doubled by the loop for this many rows
    optimizer="sgd",
    learning_rate=0.1,
    beta1=0.0,
    clip=50.0,
    ema=0.9998,
    validation_share=0.0,
    precision="float32",
)


class BinarisedRBM(PixelsRBM):
    """An RBM whose rows are grey values, of which a fresh draw of bits is learnt at every visit."""

    def _learn(self, rows: Tensor, draws: torch.Generator, device: torch.device) -> Tensor:
        return super()._learn(mnist.binarised(rows, draws), draws, device)

    def _new_machine(self, rows: Tensor, seed: int) -> Any:
        return super()._new_machine(mnist.binarised(rows, torch.Generator().manual_seed(seed)), seed)


def main() -> None:
    """Train, anneal, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two epochs and a short annealing")
    parser.add_argument("--held-out", action="store_true", help="judge on held-out training images; write nothing")
    parser.add_argument("--components", type=int, default=500)
    parser.add_argument("--checkpoint", type=Path, help="keep the run here, and go on from it if it is there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = replace(RECIPE, epochs=2) if options.quick else RECIPE
    grey = mnist.train_images()
    if options.held_out:
        judged = mnist.binarised(grey[-mnist.HELD_OUT :], torch.Generator().manual_seed(1))
        grey = grey[: -mnist.HELD_OUT]
    else:
        judged = mnist.test_binary()
    config = RBMConfig(n_components=options.components, n_chains=100, weight_decay=1e-4)
    engine = BinarisedRBM(Pixels(1, 28, 28, 2), config)
    job = Job(0, TrainingConfig(device="cpu"), progress=_tell, checkpoint=options.checkpoint, resume=True)
    start, wall = time.process_time(), time.perf_counter()
    engine.RECIPE = recipe  # type: ignore[misc]
    engine.fit(grey[:, None], None, job)
    row: dict[str, Any] = {
        "work": f"RBM({options.components}) on binarised MNIST",
        "judged_on": "held-out training images" if options.held_out else "test images",
        "train_cpu_s": round(time.process_time() - start, 1),
        "train_wall_s": round(time.perf_counter() - wall, 1),
    }
    row |= judge(engine, judged[:, None], 500 if options.quick else 10_000)
    print(
        f"{row['judged_on']}: {row['ais_nats']} by AIS (standard error {row['ais_error']}, ESS {row['ess']}), "
        f"{row['reverse_nats']} by reverse AIS (standard error {row['reverse_error']})"
    )
    if not options.held_out:
        what = {"recipe": asdict(recipe), "config": asdict(config), "quick": options.quick, "threads": 1}
        write("rbm_mnist" if not options.quick else "rbm_mnist_quick", [row], what)


@torch.no_grad()
def judge(engine: PixelsRBM, images: Tensor, steps: int) -> dict[str, Any]:
    """Both estimates of the mean log-likelihood in nats an image, with standard errors and what they took.

    The reverse one starts at 100 of the images, two runs each, and is of log Z, set against the free energy of all
    (`reverse_nats`) and of those 100 (`raise_nats`, the conservative estimate of Burda et al.).
    """
    start = time.process_time()
    energy = engine.anomaly_score(images, torch.Generator())
    chosen = torch.arange(0, len(images), max(len(images) // 100, 1))[:100]
    found: Partition = engine.log_partition(images[chosen], steps, 200)
    mean, own = float(energy.mean()), float(energy[chosen].mean())
    return {
        "ais_nats": round(-mean - found.log_z, 3),
        "ais_error": round(found.error, 3),
        "ess": round(found.ess, 1),
        "reverse_nats": round(-mean - found.reverse, 3),
        "reverse_error": round(found.reverse_error, 3),
        "raise_nats_of_100": round(-own - found.reverse, 3),
        "ais_nats_of_100": round(-own - found.log_z, 3),
        "spread_over_images": round(float(energy.std()) / math.sqrt(len(energy)), 3),
        "log_z": round(found.log_z, 3),
        "annealing_steps": steps,
        "annealing_runs": 200,
        "annealing_cpu_s": round(time.process_time() - start, 1),
    }


def _tell(event: Event) -> None:
    if event.step % 5000 == 0:
        print(f"step {event.step} of {event.total}, {event.seconds:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
