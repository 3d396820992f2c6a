"""Gated convolutions pixel by pixel on binarised MNIST: test nats after about four CPU minutes, beside patches.

The protocol is that of ar_mnist.py: exact test nats on fixed bits, CPU seconds of the process for all that `fit` does,
on one thread. Choices are made with `--held-out`, which keeps the last 10,000 training images aside and judges on the
first 1,000 of them. Images a CPU second are those of one draw of 250.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import ar_mnist
import mnist
import torch
from keep import read, write

from genapps.models import Autoregressive
from genapps.training import TrainingConfig

CHOSEN: dict[str, Any] = {"channels": 16, "blocks": 6}
BATCH, RATE = 8, 4e-3  # the loop doubles the batch of a large table: 16


def fit(grey: torch.Tensor, steps: int, shape: dict[str, Any], rate: float) -> tuple[Autoregressive, float]:
    """The model after so many steps, and the CPU seconds that they took."""
    training = TrainingConfig(
        epochs=1_000_000, max_steps=steps, batch_size=BATCH, learning_rate=rate, validation_share=0.004, device="cpu"
    )
    model = Autoregressive(space=ar_mnist.SPACE, random_state=1, network="convolutions", binarize=True, **shape)
    start = time.process_time()
    model.fit(grey, training=training)
    return model, time.process_time() - start


def main() -> None:
    """One run, judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--channels", type=int, default=CHOSEN["channels"])
    parser.add_argument("--blocks", type=int, default=CHOSEN["blocks"])
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--held-out", action="store_true", help="judge on training images kept aside; writes nothing")
    parser.add_argument("--quick", action="store_true", help="20 steps and 100 images judged; writes nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    shape = {"channels": args.channels, "blocks": args.blocks}
    grey, test = mnist.train_images()[:, None], mnist.test_binary()[:, None]
    if args.held_out:
        grey, kept = grey[: -mnist.HELD_OUT], grey[-mnist.HELD_OUT :]
        test = mnist.binarised(kept, torch.Generator().manual_seed(0))[:1000]
    steps, test = (20, test[:100]) if args.quick else (args.steps, test)
    model, seconds = fit(grey, steps, shape, args.rate)
    start = time.process_time()
    model.sample(250)
    drawn = 250 / (time.process_time() - start)
    found = model.log_prob(test)
    nats = -found.values.double()
    row = {
        **shape,
        "steps": steps,
        "rate": args.rate,
        "seconds": round(seconds, 1),
        "nats": round(float(nats.mean()), 3),
        "standard_error": round(float(nats.std() / len(nats) ** 0.5), 3),
        "n": len(test),
        "kind": found.kind,
        "parameters": sum(weight.numel() for weight in model.engine.network.parameters()),
        "images_a_cpu_second": round(drawn, 1),
    }
    print(row, flush=True)
    if not args.quick and not args.held_out:
        old = [one for one in read("conv_mnist").get("rows", []) if one["steps"] != steps]
        settings = {"batch_size": 2 * BATCH, "threads": 1, "test": "10,000 images, fixed bits"}
        write("conv_mnist", sorted([*old, row], key=lambda one: one["steps"]), settings)


if __name__ == "__main__":
    main()
