"""Images that a model makes for a training set: learnt from copies moved a little, drawn class by class, transformed.

A model that learns from images by a bold mix draws its noise and cuts as mush, so it is shown gentle copies, and the
mix goes over what it draws: on ten images a class of Fashion-MNIST that turned a loss into a gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps_image.augmentation.enlarging import enlarged, transformed
from genapps_image.augmentation.mixes import MIXES, SAFE, Mix
from genapps_image.augmentation.steps import Step
from genapps_image.codec import Batch, Codec
from genapps_image.generation.fitting import Study, fit
from genapps_image.model import ImageModel
from genapps_image.records import Bytes

FAMILY = "gmm"
CHUNK = 64  # images that are drawn at once, by a seed of their own
_LEARNT = 3_000  # images that a generator is shown: transformed copies fill up what there is
# Steps where no time is given: the same on every machine, and a minute at most on thumbnails.
_STEPS = {"vae": 400, "gan": 1500, "autoregressive": 300, "rbm": 1500}


@dataclass(frozen=True)
class Generating:
    """How a generator learns. budget: seconds, instead of steps; settings: key=value over its recipe."""

    family: str = FAMILY
    budget: float | None = None
    settings: tuple[str, ...] = ()
    device: str = "auto"
    temperature: float = 1.0

    @property
    def all_settings(self) -> tuple[str, ...]:
        """Settings with the number of steps, where neither a time nor such a number is given."""
        steps = _STEPS.get(self.family)
        own = () if steps is None or self.budget is not None else (f"training.max_steps={steps}",)
        return (*own, *self.settings)


def learn_generator(
    images: Tensor,
    labels: Tensor | None,
    classes: list[str],
    codec: Codec,
    mix: Mix,
    seed: int,
    how: Generating,
    progress: Callable[[Any], None] | None = None,
) -> tuple[ImageModel, Tensor]:
    """A model of images (N, C, H, W) of bytes and of gentle transforms of them, and all the images that it learnt from.

    Few images alone would be learnt by heart. Where `mix` was written by hand, it is that which is learnt.
    """
    copies = max(0, _LEARNT // len(images) - 1) if mix.chances else 0
    shown, named = images, labels
    if copies:
        learnt = MIXES[SAFE] if mix.name in MIXES else mix
        shown = torch.cat([images, enlarged(images, learnt, copies, seed + 1)])
        named = None if labels is None else torch.cat([labels, labels.repeat_interleave(copies)])
    batch = Batch(shown, named, [""] * len(shown), classes, [])
    study = Study(how.all_settings, how.budget, seed, how.device, progress=progress)
    return fit(batch, codec, how.family, study), shown


def drawn(model: ImageModel, label: str | None, chunk: int, count: int, seed: int, temperature: float = 1.0) -> Tensor:
    """Images (count, C, H, W) of a class: chunk number `chunk`, which depends on nothing but what is given here."""
    number = model.classes.index(label) if label in model.classes else 0
    state = np.random.SeedSequence((seed, 2, number, chunk)).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(state >> np.uint64(1)))
    # The whole chunk is drawn, so that the first images of it are the same however many are wanted.
    found = model.sample(CHUNK, label, temperature=temperature, generator=generator)
    return found[:count]


def drawn_of(model: ImageModel, label: str | None, count: int, seed: int, temperature: float = 1.0) -> Iterator[Tensor]:
    """Chunks that make `count` images of a class."""
    for chunk, start in enumerate(range(0, count, CHUNK)):
        yield drawn(model, label, chunk, min(CHUNK, count - start), seed, temperature)


def drawn_alike(
    model: ImageModel, classes: list[str], each: int, mix: Mix, seed: int, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """`each` images of every class (N, C, H, W) with the mix over them, and their classes (N,)."""
    images = torch.cat([torch.cat(list(drawn_of(model, name, each, seed, temperature))) for name in classes])
    return enlarged(images, mix, 1, seed + 2), torch.arange(len(classes)).repeat_interleave(each)


def finished(pixels: Bytes, mix: Mix, place: tuple[int, ...], seed: int) -> tuple[Bytes, list[Step]]:
    """A drawn image (H, W, C) with the mix over it, and what was done; place: its class, chunk and number."""
    return transformed(pixels, mix, (seed, 3, *place))
