"""Patch autoregressive model on binarised MNIST: test nats an image, by how long it learnt.

Each number of steps is a run of its own, whose learning rate ends with it. Seconds are CPU seconds of the process, on
one thread, for all that `fit` does: on a quiet machine 2,000 steps take two minutes. The shape of the network was
chosen on the last 10,000 training images, which `--held-out` keeps aside and judges instead of the test images. The
figures in the results learnt from 59,000 images; the other 1,000 say which of the averaged weights to keep.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import mnist
import torch
from keep import read, write

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from genapps.models import Autoregressive
from genapps.spaces import Pixels
from genapps.training import Event, TrainingConfig

SPACE = Pixels(1, 28, 28, 2)
SHAPE: dict[str, Any] = {"hidden": 128, "layers": 3, "heads": 4, "patch": 7, "head": 784, "binarize": True}
BATCH, RATE = 32, 3e-3  # the loop doubles the batch of a large table: 64


def fit(grey: torch.Tensor, steps: int, device: str) -> tuple[Autoregressive, float]:
    """The model after so many steps, and the CPU seconds (on a GPU: seconds) that they took."""
    training = TrainingConfig(
        epochs=1_000_000, max_steps=steps, batch_size=BATCH, learning_rate=RATE, validation_share=0.0167, device=device
    )
    clock = time.process_time if device == "cpu" else time.perf_counter

    def tell(event: Event) -> None:
        if event.validation is not None:
            print(f"step {event.step} of {event.total}: held out {event.validation:.2f}", flush=True)

    model = Autoregressive(space=SPACE, random_state=1, **SHAPE)
    start = clock()
    model.fit(grey, training=training, progress=tell)
    return model, clock() - start


def main() -> None:
    """Run what is asked for, and keep the rows that were measured before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[2000, 7500, 15_000], help="a run for each")
    parser.add_argument("--held-out", action="store_true", help="judge on training images kept aside; writes nothing")
    parser.add_argument("--quick", action="store_true", help="a smoke run of half a minute; writes nothing")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    grey, test = mnist.train_images()[:, None], mnist.test_binary()[:, None]
    if args.held_out:
        grey, kept = grey[: -mnist.HELD_OUT], grey[-mnist.HELD_OUT :]
        test = mnist.binarised(kept, torch.Generator().manual_seed(0))
    rows = []
    for steps in [100] if args.quick else args.steps:
        model, seconds = fit(grey, steps, args.device)
        found = model.log_prob(test)
        nats = -found.values.double()
        error = float(nats.std() / len(nats) ** 0.5)
        rows.append(
            {
                "steps": steps,
                "seconds": round(seconds, 1),
                "nats": round(float(nats.mean()), 3),
                "standard_error": round(error, 3),
                "kind": found.kind,
                "parameters": sum(weight.numel() for weight in model.engine.network.parameters()),
                "device": args.device,
            }
        )
        print(rows[-1], flush=True)
        if not args.quick and not args.held_out:
            keep(rows, args.device)


def keep(rows: list[dict[str, Any]], device: str) -> None:
    """Write the rows in place of those with the same steps and device."""
    new = {(row["steps"], row["device"]) for row in rows}
    old = [row for row in read("ar_mnist").get("rows", []) if (row["steps"], row["device"]) not in new]
    settings = {
        **SHAPE,
        "batch_size": 2 * BATCH,
        "learning_rate": RATE,
        "threads": 1,
        "test": "10,000 images, fixed bits",
    }
    write("ar_mnist", sorted(old + rows, key=lambda row: (row["device"], row["steps"])), settings)


if __name__ == "__main__":
    main()
