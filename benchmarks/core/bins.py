"""Does a model of MNIST's digits collapse? The number of statistically different bins, of a mixture and of real digits.

    python benchmarks/core/bins.py [--quick]

Cells are found in the 60,000 grey training images by k-means; 10,000 images a model are made and counted in them
(Richardson and Weiss 2018; `genapps.metrics.bins`). The test images, counted in the same way, are what a perfect model
would reach; a single Gaussian and the mean digit are controls. Other models' images are judged by `judge(images)`.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import mnist
import torch
from keep import read, write
from torch import Tensor

from genapps.metrics.bins import bins
from genapps.models.gmm import GMM

COUNT, MADE, SEED = 100, 10_000, 0


def judge(images: Tensor, train: Tensor | None = None) -> dict[str, Any]:
    """The measure of grey images (N, 28, 28) in [0, 1] as a row of results."""
    train = mnist.train_images().float() / 255 if train is None else train
    found = bins(train.flatten(1), images.flatten(1), count=COUNT, seed=SEED)
    return {
        "different": found.different,
        "bins": len(found.train),
        "share": found.share,
        "empty": found.empty,
        "divergence": found.divergence,
    }


def contenders(quick: bool) -> dict[str, GMM]:
    """Mixtures of factor analysers of several sizes, and a single one."""
    sizes = {"mixture, 5 x 4 factors": (5, 4)} if quick else {}
    if not quick:
        sizes = {
            "one factor analyser": (1, 10),
            "mixture, 50 x 10 factors": (50, 10),
            "mixture, 100 x 10 factors": (100, 10),
        }
    return {
        name: GMM(components, n_factors=factors, max_iter=3 if quick else 25)
        for name, (components, factors) in sizes.items()
    }


def main() -> None:
    """Measure, and write results/bins.json; rows of models that other scripts added stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3,000 images and a small mixture; nothing is written")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    train = mnist.train_images().float() / 255
    test = mnist.test_images().float() / 255
    train = train[:3000] if quick else train
    rows = [
        {"model": "real: the test images", **judge(test, train)},
        {"model": "collapsed: the mean image and noise", **judge(_collapsed(train), train)},
    ]
    for name, model in contenders(quick).items():
        began = time.process_time()
        model.fit(train[:, None], generator=torch.Generator().manual_seed(SEED))
        seconds = time.process_time() - began
        made = model.sample(MADE, generator=torch.Generator().manual_seed(SEED))[:, 0].clamp(0, 1)
        row = {"model": name, "family": "gmm", **judge(made, train), "cpu_seconds": round(seconds, 1)}
        row |= {"iterations": model.n_iter_, "log_likelihood_train": model.lower_bounds_[-1]}
        row["log_likelihood_test"] = model.score(test[:, None])
        print(json.dumps(row), flush=True)
        rows.append(row)
    if not quick:
        own = {row["model"] for row in rows}
        kept = [row for row in read("bins").get("rows", []) if row["model"] not in own]
        settings = {"bins": COUNT, "made": MADE, "significance": 0.05, "pixels": "grey, 0 to 1", "threads": 1}
        write("bins", [*rows, *kept], settings)


def _collapsed(train: Tensor) -> Tensor:
    noise = torch.randn(MADE, 28, 28, generator=torch.Generator().manual_seed(SEED))
    return (train.mean(0) + 0.1 * noise).clamp(0, 1)


if __name__ == "__main__":
    main()
