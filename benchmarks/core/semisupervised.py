"""MNIST with 100 labels: a semi-supervised autoencoder beside the same classifier on the labelled images alone.

All 60,000 training images are seen, ten of each digit with their label; the error is that of the 10,000 test images,
every pixel rounded to black or white. The method is M2 (Kingma et al. 2014) with convolutions, whose classifier must
also say of a strongly moved image what it is sure of for a slightly moved one (Sohn et al. 2020, FixMatch). Published:
M2 11.97 %, M1+M2 3.33 % (Kingma et al. 2014, table 1). The settings were chosen by the error of the last 10,000
training images (`--judge held-out`), the test images were looked at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import mnist
import torch
from keep import write
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from genapps.models.vae import VAE
from genapps.spaces import Pixels
from genapps.training import Event, TrainingConfig

OPTIONS = {"latent": 16, "hidden": 128, "channels": 16, "consistency": 20.0, "summed": 0.15, "binarize": True}
PER_CLASS = 10


def chosen(labels: Tensor, seed: int) -> Tensor:
    """The numbers of ten rows of each class."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for digit in range(10):
        rows = (labels == digit).nonzero()[:, 0]
        parts.append(rows[torch.randperm(len(rows), generator=generator)[:PER_CLASS]])
    return torch.cat(parts)


def error(model: VAE, images: Tensor, labels: Tensor) -> float:
    """The share of images taken for another digit."""
    return float((model.predict((images > 127).to(torch.uint8)) != labels).float().mean())


def run(images: Tensor, labels: Tensor, judge: tuple[Tensor, Tensor], steps: int, seed: int, device: str) -> list[Any]:
    """Both contenders with the labels of one seed."""
    rows = chosen(labels, seed)
    scarce = torch.full_like(labels, -1)
    scarce[rows] = labels[rows]
    few = TrainingConfig(max_steps=max(steps // 5, 1), epochs=100_000, validation_share=0.0, device=device)
    many = TrainingConfig(max_steps=steps, epochs=1000, patience=1000, check_steps=500, device=device)
    contenders = {
        "100 labelled images alone": (images[rows], labels[rows], few),
        "100 labels and all images": (images, scarce, many),
    }
    found = []
    for name, (data, told, training) in contenders.items():
        started = time.process_time()
        model = VAE(space=Pixels(1, 28, 28, 2), random_state=seed, **OPTIONS)
        model.fit(data, labels=told, training=training, progress=tell)
        seconds = time.process_time() - started
        found.append({"name": name, "seed": seed, "error": error(model, *judge), "fit_cpu_s": round(seconds, 1)})
        print(found[-1], flush=True)
    return found


def tell(event: Event) -> None:
    """Progress on stderr."""
    if event.validation is not None or event.message:
        print(
            event.step, event.total, round(event.seconds), event.validation, event.message, file=sys.stderr, flush=True
        )


def main() -> None:
    """Parse, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--judge", choices=["test", "held-out"], default="test")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="a smoke run: few steps, nothing written")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images, labels = mnist.train_images()[:, None], mnist.train_labels()
    if options.judge == "held-out" or options.quick:
        last = mnist.HELD_OUT
        judge, images, labels = (images[-last:], labels[-last:]), images[:-last], labels[:-last]
    else:
        judge = (mnist.test_images()[:, None], mnist.test_labels())
    steps = 20 if options.quick else options.steps
    rows = [row for seed in range(options.seeds) for row in run(images, labels, judge, steps, seed, options.device)]
    if not options.quick and options.judge == "test":
        settings = {"labels": 10 * PER_CLASS, "steps": steps, "options": OPTIONS, "device": options.device}
        published = {"M2": 0.1197, "M1+M2": 0.0333, "source": "Kingma et al. 2014, table 1"}
        write("semisupervised", rows, {**settings, "published_error": published, "protocol": __doc__})


if __name__ == "__main__":
    main()
