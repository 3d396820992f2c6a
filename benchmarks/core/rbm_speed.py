"""One epoch of persistent contrastive divergence beside scikit-learn's BernoulliRBM, and likelihoods after equal time.

Both learn 784 -> 128 units from 60,000 rows in float32, batches of 100, PCD-1, in this process on one thread; CPU time,
the least of the repeats, ours with all that `fit` does but holding rows out. The likelihood is by annealed importance
sampling with the same code for both, after as much CPU time as scikit-learn takes for `--epochs`.

    python benchmarks/core/rbm_speed.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import mnist
import numpy as np
import torch
from keep import write
from torch import Tensor

from genapps.models.rbm import RBM
from genapps.models.rbm.energy import Parameters, Path
from genapps.models.rbm.layout import Layout
from genapps.models.rbm.partition import estimate_log_z
from genapps.spaces import Categorical, Columns
from genapps.training import TrainingConfig

HIDDEN, BATCH = 128, 100
SPACE = Columns((Categorical(2),) * 784)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="6,000 rows, one repeat, a short annealing")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, what = data(6_000 if options.quick else 60_000)
    train, held_out = rows[: -len(rows) // 10], rows[-len(rows) // 10 :]
    repeats = 1 if options.quick else options.repeats
    fit_ours(rows[:500], 1)  # the first optimizer of a process imports half of torch, the first fit of theirs scipy
    fit_theirs(rows[:500], 1)
    theirs = min(fit_theirs(rows, 1)[0] for _ in range(repeats))
    mine = min(fit_ours(rows, 1)[0] for _ in range(repeats))
    figures: list[dict[str, Any]] = [
        {"work": "one epoch", "contender": "scikit-learn", "cpu_s": round(theirs, 3)},
        {"work": "one epoch", "contender": "genapps", "cpu_s": round(mine, 3), "times": round(theirs / mine, 2)},
    ]
    steps = 200 if options.quick else 2_000
    spent, peer = fit_theirs(train, options.epochs)
    epochs = max(int(options.epochs * theirs / mine), 1)
    own_spent, own = fit_ours(train, epochs)
    for name, seconds, model, passes in (
        ("scikit-learn", spent, peer, options.epochs),
        ("genapps", own_spent, own, epochs),
    ):
        nats, error = likelihood(model, train, held_out, steps)
        row = {"work": "likelihood of held-out rows", "contender": name, "cpu_s": round(seconds, 2), "epochs": passes}
        figures.append({**row, "nats_a_row": round(nats, 2), "error": round(error, 2)})
    for figure in figures:
        print(figure)
    settings = {"data": what, "hidden": HIDDEN, "batch": BATCH, "dtype": "float32", "repeats": repeats}
    write("rbm_speed" + ("_quick" if options.quick else ""), figures, {**settings, "annealing_steps": steps})


def data(rows: int) -> tuple[Tensor, str]:
    """Bits (N, 784) uint8: MNIST's training images, or prototypes with noise where it is not there."""
    generator = torch.Generator().manual_seed(0)
    if mnist.folder() is not None:
        return mnist.binarised(mnist.train_images()[:rows], generator).flatten(1), "MNIST, binarised once"
    prototypes = torch.rand(10, 784, generator=generator) < 0.3
    chosen = prototypes[torch.randint(10, (rows,), generator=generator)]
    return (chosen ^ (torch.rand(rows, 784, generator=generator) < 0.1)).to(torch.uint8), "10 prototypes, 10 % flips"


def fit_theirs(rows: Tensor, epochs: int) -> tuple[float, Parameters]:
    """CPU seconds and the machine of scikit-learn, with a rate of 0.05."""
    from sklearn.neural_network import BernoulliRBM

    floats = rows.numpy().astype(np.float32)
    peer = BernoulliRBM(HIDDEN, learning_rate=0.05, batch_size=BATCH, n_iter=epochs, random_state=0)
    start = time.process_time()
    peer.fit(floats)
    spent = time.process_time() - start
    learnt = (peer.components_.T, peer.intercept_visible_, peer.intercept_hidden_)
    weights, visible, hidden = (torch.tensor(array, dtype=torch.double) for array in learnt)
    return spent, Parameters(Layout(SPACE), weights, visible, hidden, torch.zeros(0, dtype=torch.double))


def fit_ours(rows: Tensor, epochs: int) -> tuple[float, Parameters]:
    """CPU seconds and the machine of genapps: as many chains as rows in a batch, plain SGD."""
    small = BATCH if len(rows) < 50_000 else BATCH // 2  # the loop doubles batches of large tables
    training = TrainingConfig(
        epochs=epochs,
        batch_size=small,
        optimizer="sgd",
        learning_rate=0.1,
        beta1=0.0,
        min_steps=0,
        max_steps=1_000_000,
        ema=0.99,
        validation_share=0.0,
        device="cpu",
    )
    model = RBM(HIDDEN, n_chains=BATCH, space=SPACE)
    start = time.process_time()
    model.fit(rows, training=training)
    return time.process_time() - start, model.engine.machine.model().double()


@torch.no_grad()
def likelihood(model: Parameters, train: Tensor, rows: Tensor, steps: int) -> tuple[float, float]:
    """Mean log-likelihood of rows (N, 784) in nats, and the standard error of its constant."""
    marginal = torch.logit(train.double().mean(0).clamp(1e-4, 1 - 1e-4))
    path = Path.between(marginal, torch.zeros(0, dtype=torch.double), model)
    found = estimate_log_z(path, steps, 100, torch.Generator().manual_seed(0))
    return -float(model.free_energy(rows.double()).mean()) - found.log_z, found.error


if __name__ == "__main__":
    main()
