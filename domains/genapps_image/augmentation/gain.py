"""What an enlarged training set is worth: a small classifier that learns from it, asked about images it never saw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from genapps_image.augmentation.classifying import ClassifierConfig, learn, probabilities

REAL, CLASSICAL, GENERATED = "real", "real+classical", "real+classical+generated"
SURE = 1.645  # standard errors: one chance in twenty that a gain as large as that is luck


@dataclass(frozen=True)
class Pool:
    """A training set. images: (N, C, H, W), bytes; labels: (N,); weights: (N,) how often each is shown."""

    images: Tensor
    labels: Tensor
    weights: Tensor

    @classmethod
    def of(cls, *parts: tuple[Tensor, Tensor, float]) -> Pool:
        """Parts (images, labels, share): each part as a whole is shown as often as its share says."""
        weights = [torch.full((len(images),), share / max(len(images), 1)) for images, _, share in parts]
        return cls(torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]), torch.cat(weights))


def training_sets(
    images: Tensor, labels: Tensor, new: Tensor, copies: int, made: tuple[Tensor, Tensor] | None, share: float
) -> dict[str, Pool]:
    """What each arm learns from, in the shares that the files of an enlarged set have.

    new: (N * copies, C, H, W), `copies` transformed ones of each of images (N, C, H, W); made: generated images and
    their classes, which are `share` of what is added.
    """
    named, own = labels.repeat_interleave(copies), 1 / (1 + copies)
    found = {REAL: Pool.of((images, labels, 1.0)), CLASSICAL: Pool.of((images, labels, own), (new, named, 1 - own))}
    if made is not None:
        added = (new, named, (1 - own) * (1 - share)), (*made, (1 - own) * share)
        found[GENERATED] = Pool.of((images, labels, own), *added)
    return found


@dataclass(frozen=True)
class Arm:
    """One training set. accuracy: share of the held-out images named rightly, and its standard error over them.

    images: that it has. gain, gain_error: how much better than the arm before it, image by image.
    """

    name: str
    images: int
    accuracy: float
    error: float
    gain: float | None = None
    gain_error: float | None = None

    @property
    def helps(self) -> bool:
        """Whether the gain is more than chance."""
        return self.gain is not None and self.gain > SURE * (self.gain_error or 0.0) and self.gain > 0

    @property
    def hurts(self) -> bool:
        """Whether the loss is more than chance."""
        return self.gain is not None and -self.gain > SURE * (self.gain_error or 0.0) and self.gain < 0


@dataclass(frozen=True)
class Gain:
    """All arms, and on how many held-out images, by how many classifiers each."""

    arms: tuple[Arm, ...]
    held_out: int
    repeats: int

    def arm(self, name: str) -> Arm | None:
        """The arm of that name."""
        return next((arm for arm in self.arms if arm.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        arms = [{**asdict(arm), "helps": arm.helps} for arm in self.arms]
        return {"held_out": self.held_out, "repeats": self.repeats, "arms": arms}


def measure(
    pools: Mapping[str, Pool],
    images: Tensor,
    labels: Tensor,
    classes: int,
    seed: int,
    *,
    repeats: int = 2,
    config: ClassifierConfig | None = None,
    progress: Callable[[str], None] | None = None,
) -> Gain:
    """Learn from each training set in turn, and name held-out images (N, C, H, W) of classes (N,)."""
    arms: list[Arm] = []
    before: Tensor | None = None
    for name, pool in pools.items():
        right = torch.zeros(len(images))
        for repeat in range(repeats):
            if progress is not None:
                progress(name)
            model = learn(pool.images, pool.labels, classes, seed + repeat, config, pool.weights)
            right += (probabilities(model, images).argmax(1) == labels).float() / repeats
        arm = Arm(name, len(pool.images), float(right.mean()), _error(right))
        if before is not None:
            gap = right - before
            arm = Arm(arm.name, arm.images, arm.accuracy, arm.error, float(gap.mean()), _error(gap))
        arms.append(arm)
        before = right
    return Gain(tuple(arms), len(images), repeats)


def _error(values: Tensor) -> float:
    return float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def lines(gain: Gain) -> list[str]:
    """The arms for a person."""
    said = []
    for arm in gain.arms:
        more = ""
        if arm.gain is not None and arm.gain_error is not None:
            sure = "helps" if arm.helps else "hurts" if arm.hurts else "no gain that is sure"
            more = f"   {100 * arm.gain:+.1f} ± {100 * arm.gain_error:.1f}: {sure}"
        said.append(f"{arm.name:<26} {100 * arm.accuracy:5.1f} % of {gain.held_out:,} held-out images{more}")
    return said
