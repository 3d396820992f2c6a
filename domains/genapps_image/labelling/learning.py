"""Classes learnt from few labels and many images: autoencoders that know classes (M2), one to use, others to judge by.

Kingma et al. 2014, "Semi-supervised learning with deep generative models"; Sohn et al. 2020, "FixMatch": what it is
sure of for an image slightly moved it must say of the same image strongly changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genapps.models import build
from genapps.models.base import Family
from genapps.spaces import Pixels
from genapps.training.settings import Event, TrainingConfig
from genapps_image.augmentation.trials import folds
from genapps_image.codec import Codec
from genapps_image.generation.fitting import levels_of
from genapps_image.generation.views import View
from genapps_image.labelling.judging import FEWEST, FOLDS

_JUDGING = 0.3  # of the effort goes into models that are only judged by
_CHECK = 500  # steps between checks of the held-out bound
_MIDDLE = 127  # of 255: beyond it a pixel of a drawing is white

Tell = Callable[[str, Event], None]


@dataclass(frozen=True)
class Effort:
    """How long is learnt. steps: of all models together, None for what images are worth; budget: seconds, instead."""

    steps: int | None = None
    budget: float | None = None
    seed: int = 0
    device: str = "auto"

    def part(self, share: float) -> Effort:
        """So large a share of it."""
        return replace(
            self,
            steps=None if self.steps is None else max(1, round(share * self.steps)),
            budget=None if self.budget is None else share * self.budget,
        )


def view_for(images: Tensor) -> View:
    """Black and white where images (N, C, H, W) are drawings of one channel, else bytes."""
    drawing = images.shape[1] == 1 and levels_of(images, "rbm") == 2
    return View(2, grey=True) if drawing else View(256)


def shown(images: Tensor, view: View) -> Tensor:
    """Images (N, C, H, W) of bytes as they are asked about."""
    return (images > _MIDDLE).to(torch.uint8) if view.levels == 2 else images


def usual_steps(count: int) -> int:
    """Steps that so many images are worth, of all models together."""
    return min(3300, max(1800, 40 * count // 128))


def options_for(codec: Codec, view: View) -> dict[str, Any]:
    """The network's settings: for drawings those of benchmarks/core/semisupervised.py, for others a wider one.

    The bound of bytes is many more nats than that of bits, and what is learnt of classes must not drown in it. Nothing
    is drawn from the model, so its latents need no mixture.
    """
    size = codec.height * codec.width
    shift = max(1, round(min(codec.height, codec.width) / 14))
    if view.levels == 2:
        weight = max(1.0, size / 784)
        return {
            "latent": 16, "hidden": 128, "channels": 16, "consistency": 20.0 * weight, "classify": 20.0 * weight,
            "summed": 0.15, "shift": shift, "binarize": True, "prior": "normal",
        }  # fmt: skip
    weight = max(1.0, codec.channels * size / 784) * 10
    return {
        "latent": 32, "hidden": 192, "channels": 24, "consistency": 20.0 * weight, "classify": 20.0 * weight,
        "summed": 0.1, "shift": shift, "prior": "normal",
    }  # fmt: skip


def learn(
    images: Tensor, labels: Tensor, codec: Codec, view: View, effort: Effort, tell: Callable[[Event], None] | None
) -> Family:
    """An autoencoder that knows classes, of images (N, C, H, W) of bytes and labels (N,), -1 where unknown."""
    space = Pixels(codec.channels, codec.height, codec.width, view.levels)
    model = build("vae", space, random_state=effort.seed, **options_for(codec, view))
    training = TrainingConfig(
        max_steps=effort.steps or usual_steps(len(images)),
        epochs=100_000,
        patience=1000,
        check_steps=_CHECK,
        device=effort.device,
    )
    draws = torch.Generator().manual_seed(effort.seed)
    budget = effort.budget
    model.fit(view.learnt(images, draws), labels=labels, training=training, budget=budget, progress=tell)
    return model


@torch.no_grad()
def class_logs(model: Family, images: Tensor, view: View) -> Tensor:
    """Log-probabilities (N, C) of the classes of images (N, C, H, W) of bytes."""
    parts = [model.engine.class_log_prob(shown(part, view)) for part in images.split(4096)]
    return torch.cat(parts).double()


@dataclass(frozen=True)
class Held:
    """What models made of known labels that they were not shown. rows: (n,) of the images; logs: (n, C)."""

    rows: Tensor
    logs: Tensor


def learn_judged(
    images: Tensor, labels: Tensor, codec: Codec, view: View, effort: Effort, tell: Tell | None = None
) -> tuple[Family, Held | None]:
    """A model shown all known labels (N,), -1 where unknown, and what lesser ones make of labels they are not shown.

    Three lesser ones share a part of the effort, each without a third of the labels; a label that is the only one of
    its class is always shown. Where fewer than ten labels could be judged there are none, and nothing is known of how
    right the model is.
    """
    counts = torch.bincount(labels[labels >= 0])
    rows = ((labels >= 0) & (counts[labels.clamp_min(0)] > 1)).nonzero()[:, 0]
    if len(rows) < FEWEST:
        return learn(images, labels, codec, view, effort, _told(tell, "learning")), None
    part = folds(labels[rows], FOLDS, effort.seed)
    logs = torch.zeros(len(rows), len(counts), dtype=torch.double)
    for fold in range(FOLDS):
        own = part == fold
        known = labels.clone()
        known[rows[own]] = -1
        lesser = replace(effort.part(_JUDGING / FOLDS), seed=effort.seed + 1 + fold)
        judge = learn(images, known, codec, view, lesser, _told(tell, f"judging, {fold + 1} of {FOLDS}"))
        logs[own] = class_logs(judge, images[rows[own]], view)
    model = learn(images, labels, codec, view, effort.part(1 - _JUDGING), _told(tell, "learning"))
    return model, Held(rows, logs)


def _told(tell: Tell | None, what: str) -> Callable[[Event], None] | None:
    return None if tell is None else lambda event: tell(what, event)
