"""Does a GAN of MNIST's digits collapse? Its number of statistically different bins, beside the mixture's.

    python benchmarks/core/gan_mnist.py [--quick] [--steps 3000] [--device cpu]

Learns the 60,000 grey training images and adds its row to results/bins.json (see bins.py). The networks, the batch and
the number of steps are what eight CPU minutes hold; no other choice was tried.
"""

from __future__ import annotations

import argparse
import json
import time

import mnist
import torch
from bins import MADE, SEED, judge
from keep import read, write

from genapps.models.gan import GAN
from genapps.spaces import Pixels
from genapps.training import Event, TrainingConfig

OPTIONS = {"latent": 64, "channels": 16, "depth": 1}
BATCH = 32  # doubled by the loop for this many rows
NAME = "GAN, residual convolutions"


def main() -> None:
    """Learn, count, and write the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 steps on 2,000 images; nothing is written")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    train = mnist.train_images()[: 2000 if given.quick else None, None]
    steps = 20 if given.quick else given.steps
    training = TrainingConfig(epochs=1000, min_steps=steps, max_steps=steps, batch_size=BATCH, device=given.device)
    messages: list[str] = []

    def tell(event: Event) -> None:
        if event.message:
            messages.append(event.message)
        if event.validation is not None:
            print(f"step {event.step}: distance {event.validation:.4f}", flush=True)

    began = time.process_time()
    model = GAN(space=Pixels(1, 28, 28, 256), **OPTIONS).fit(
        train, training=training, generator=torch.Generator().manual_seed(SEED), progress=tell
    )
    seconds = time.process_time() - began
    count = 200 if given.quick else MADE
    images = model.sample(count, generator=torch.Generator().manual_seed(SEED))[:, 0].float() / 255
    row = {"model": NAME, "family": "gan", **judge(images), "cpu_seconds": round(seconds, 1), "steps": steps}
    row |= {"device": given.device, "variety": model.variety_, "messages": messages}
    print(json.dumps(row), flush=True)
    if given.quick:
        return
    before = read("bins")
    rows = [found for found in before.get("rows", []) if found["model"] != NAME]
    write("bins", [*rows, row], before.get("settings", {}))


if __name__ == "__main__":
    main()
