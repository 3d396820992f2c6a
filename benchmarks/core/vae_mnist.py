"""The bound of a variational autoencoder on binarised MNIST, under the protocol of `mnist.py`.

Printed beside each other: the bound by one sample (ELBO), by 64, and by 512 on the first 1,000 test images; each is
below the log-likelihood and none is it. The other families' figures lie in rbm_mnist.json and ar_mnist.json.

`--body ladder` is a hierarchy of latents (vae_ladder_mnist.json). A sample of it costs several times one of the
plain one, so that its bound by 64 is that of the first 1,000 test images only, and that by 512 is left out.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from genapps.models.vae import VAE
from genapps.spaces import Pixels
from genapps.training import Event, TrainingConfig

OPTIONS = {
    "mlp": {"latent": 40, "hidden": 512, "body": "mlp", "binarize": True},
    "ladder": {"latent": 32, "hidden": 256, "body": "ladder", "groups": 1, "depth": 1, "binarize": True},
}
STEPS = {"mlp": 6000, "ladder": 2300}
FEW = 1000  # test images whose bound is taken by many samples


def main() -> None:
    """Fit, score, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--body", choices=list(OPTIONS), default="mlp")
    parser.add_argument("--steps", type=int, help="unset: about five minutes of a core")
    parser.add_argument("--judge", choices=["test", "held-out"], default="test")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="a smoke run: few steps, nothing written")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images = mnist.train_images()[:, None]
    if options.judge == "held-out" or options.quick:
        held = mnist.binarised(images[-mnist.HELD_OUT :], torch.Generator().manual_seed(mnist.SEED))
        images = images[: -mnist.HELD_OUT]
    else:
        held = mnist.test_binary()[:, None]
    steps = 20 if options.quick else options.steps or STEPS[options.body]
    shape, ladder = OPTIONS[options.body], options.body == "ladder"
    training = TrainingConfig(max_steps=steps, epochs=1000, patience=1000, check_steps=500, device=options.device)
    curve: list[dict[str, float]] = []
    started = time.process_time()

    def tell(event: Event) -> None:
        if event.validation is not None:
            spent = round(time.process_time() - started, 1)
            curve.append({"step": event.step, "cpu_s": spent, "held_out_negative_elbo": round(event.validation, 3)})
            print(curve[-1], file=sys.stderr, flush=True)

    model = VAE(space=Pixels(1, 28, 28, 2), **shape).fit(images, training=training, progress=tell)
    seconds = time.process_time() - started
    few, many = (held[:200], held[:100]) if options.quick else (held, held[:FEW])
    row: dict[str, Any] = {
        "name": "vae, ladder" if ladder else "vae",
        "fit_cpu_s": round(seconds, 1),
        "elbo": round(float(model.iwae(few, 1).double().mean()), 3),
    }
    if not ladder:
        row["iwae_64"] = round(float(model.iwae(few, 64).double().mean()), 3)
        row["iwae_512_first_1000"] = round(float(model.iwae(many, 512).double().mean()), 3)
    else:
        row["iwae_64_first_1000"] = round(float(model.iwae(many, 64).double().mean()), 3)
        row["group_divergences"] = [round(float(value), 3) for value in model.group_divergences_]
    row["curve"] = curve
    print({name: value for name, value in row.items() if name != "curve"})
    if not options.quick and options.judge == "test":
        settings = {"steps": steps, "options": shape, "device": options.device, "unit": "nats an image"}
        write("vae_ladder_mnist" if ladder else "vae_mnist", [row], {**settings, "protocol": __doc__})


if __name__ == "__main__":
    main()
