"""Which mix is right for these images: by what a small classifier makes of images that it was not shown.

Only images that are free to be learnt from take part; those that the gain is measured on are none of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps_image.augmentation.classifying import ClassifierConfig, learn, probabilities
from genapps_image.augmentation.enlarging import enlarged
from genapps_image.augmentation.mixes import MIXES, SAFE, TRIED, Mix

FEWEST = 20  # images below which nothing can be told
_FOLDS = 3
_POOL = 2_000  # images that a trial learns from
_QUICK = ClassifierConfig(steps=150)
_SURE = 1.0  # standard errors by which a bolder mix must be better than the one before it


@dataclass(frozen=True)
class Trial:
    """What a mix came to. accuracy: share of held-out images that were named rightly; loss: mean surprise in nats.

    better: by how much less the surprise is than of the mix that was best before it, and the standard error of that.
    """

    mix: str
    accuracy: float
    loss: float
    better: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class Choice:
    """The mix that is taken, why, and what was tried."""

    mix: Mix
    reason: str
    trials: tuple[Trial, ...] = ()


def choose_mix(
    images: Tensor,
    labels: Tensor | None,
    classes: int,
    seed: int,
    *,
    tried: Sequence[str] = TRIED,
    config: ClassifierConfig = _QUICK,
    progress: Callable[[str], None] | None = None,
) -> Choice:
    """The mix for images (N, C, H, W) of bytes of classes (N,), by cross-validation.

    Mixes are tried from the most careful to the boldest, and a bolder one must be better than the best before it by
    more than chance: a flip that makes another digit of a digit is not taken because it did no harm that was seen.
    """
    safe = MIXES[SAFE]
    if labels is None or classes < 2:
        return Choice(safe, "there are no classes to judge a mix by, so the careful one is taken")
    rows = folds(labels, _FOLDS, seed)
    usable = torch.bincount(labels, minlength=classes)
    if len(images) < FEWEST or int((usable >= _FOLDS).sum()) < 2:
        return Choice(safe, f"{len(images)} images are too few to judge a mix by, so the careful one is taken")
    found: list[Trial] = []
    best, best_losses = safe, torch.zeros(0)
    for name in tried:
        if progress is not None:
            progress(name)
        accuracy, losses = _judged(images, labels, classes, MIXES[name], rows, seed, config)
        if not found:
            best, best_losses = MIXES[name], losses
            found.append(Trial(name, accuracy, float(losses.mean())))
            continue
        gap = best_losses - losses
        better, error = float(gap.mean()), float(gap.std()) / math.sqrt(len(gap))
        found.append(Trial(name, accuracy, float(losses.mean()), better, error))
        if better > _SURE * error:
            best, best_losses = MIXES[name], losses
    reason = (
        f"no bolder mix surprises a small classifier less by more than chance, on {len(images):,} images it was not "
        "shown (cross-validation, lower is better)"
    )
    return Choice(best, reason, tuple(found))


def folds(labels: Tensor, count: int, seed: int) -> Tensor:
    """The part (N,) of each image, 0 to count - 1: each class is spread over all."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.zeros(len(labels), dtype=torch.long)
    start = 0
    for label in labels.unique().tolist():
        rows = (labels == label).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=generator)]
        parts[rows] = (torch.arange(len(rows)) + start) % count
        start += len(rows)
    return parts


def _judged(
    images: Tensor, labels: Tensor, classes: int, mix: Mix, parts: Tensor, seed: int, config: ClassifierConfig
) -> tuple[float, Tensor]:
    """The accuracy, and the surprise (N,) at each image by the classifier that was not shown it."""
    losses, right = torch.zeros(len(images)), 0
    copies = max(1, min(25, min(_POOL, config.steps * config.batch) // len(images)))
    new = enlarged(images, mix, copies, seed).unflatten(0, (len(images), copies))
    for part in range(_FOLDS):
        shown, held = (parts != part).nonzero()[:, 0], (parts == part).nonzero()[:, 0]
        pool = torch.cat([images[shown], new[shown].flatten(0, 1)])
        named = torch.cat([labels[shown], labels[shown].repeat_interleave(copies)])
        chances = probabilities(learn(pool, named, classes, seed, config), images[held])
        losses[held] = -chances.gather(1, labels[held][:, None])[:, 0].clamp_min(1e-6).log()
        right += int((chances.argmax(1) == labels[held]).sum())
    return right / len(images), losses
