"""A family learnt from images: what `genapps image fit` does once the images are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.config import resolve
from genapps.models import build, family_class
from genapps.models.base import Family
from genapps.spaces import Pixels
from genapps.training import distributed
from genapps.training.device import choose_device
from genapps.training.settings import Event, TrainingConfig
from genapps_image.codec import Batch, Codec
from genapps_image.generation.recipes import ALONE, FEWEST_OF_A_CLASS, Recipe, recipe_for
from genapps_image.generation.watching import Course
from genapps_image.model import ImageModel

TRAINING = "training."  # what the keys of its settings begin with
_NEAR = 32  # of 255: how near to black or white a pixel of a drawing is
_SHARE = 0.8  # of pixels as near as that: a picture in black and white


@dataclass(frozen=True)
class Study:
    """How a family learns, beside what.

    settings: key=value over the recipe, those of the training with "training." before them. levels: 2 for black and
    white, 256 for bytes, None for what the images are. snapshot: called with the model as it stands, now and then.
    checkpoint: where a run is kept; resume: go on from there.
    """

    settings: tuple[str, ...] = ()
    budget: float | None = None
    seed: int = 0
    device: str = "auto"
    levels: int | None = None
    progress: Callable[[Event], None] | None = None
    snapshot: Callable[[Callable[[], ImageModel], Event], None] | None = None
    checkpoint: Path | None = None
    resume: bool = False
    notes: list[str] = field(default_factory=list)


def fit(batch: Batch, codec: Codec, family: str = "autoregressive", study: Study | None = None) -> ImageModel:
    """Learn from images, with their classes where there are some.

    Families that learn no labels become one model a class, each with its share of the budget. Raises UsageError for an
    unknown family or setting.
    """
    study = study or Study()
    images, began = batch.images, time.process_time()
    classes = tuple(batch.classes) if batch.labels is not None else ()
    counts = torch.bincount(batch.labels, minlength=len(classes)) if batch.labels is not None else torch.zeros(0)
    separate = family in ALONE and len(classes) > 1
    if separate and int(counts.min()) < FEWEST_OF_A_CLASS:
        study.notes.append(
            f"a class has fewer than {FEWEST_OF_A_CLASS} images, so the {family} learns all images without classes"
        )
        classes, separate = (), False
    if family in ALONE and len(classes) == 1:
        classes = ()
    device = "cpu" if choose_device(study.device).type == "cpu" else "gpu"
    levels = study.levels or levels_of(images, family)
    count = int(counts.min()) if separate else len(images)
    networks = [
        value.strip() for key, _, value in (text.partition("=") for text in study.settings) if key.strip() == "network"
    ]
    side = max(codec.height, codec.width)
    recipe = recipe_for(family, count, side, device, levels, networks[-1] if networks else "")
    labels = batch.labels if classes and not separate else None
    shares = tuple((counts / counts.sum()).tolist()) if classes else ()
    draws = torch.Generator().manual_seed(study.seed)
    shown = recipe.view.learnt(images, draws)
    parts: list[Family] = []
    course = Course()
    for k in range(len(classes) if separate else 1):
        rows = (
            (batch.labels == k).nonzero()[:, 0] if separate and batch.labels is not None else torch.arange(len(shown))
        )
        run = _Run(codec, recipe, study, (k, len(classes)) if separate else (0, 1), classes, shares, course)
        parts.append(run.fit(shown[rows], labels))
    card = {
        "images": len(images),
        "counts": {name: int(n) for name, n in zip(classes, counts.tolist(), strict=False)},
        "seconds": round(time.process_time() - began, 1),
        "seed": study.seed,
        "options": dict(recipe.options),
        "settings": list(study.settings),
        "course": {**course.to_json(), "final": getattr(parts[0].engine, "variety_", {})},
    }
    return ImageModel(codec, family, tuple(parts), recipe.view, classes, shares, card)


@dataclass(frozen=True)
class _Run:
    """The fit of one part: number `place[0]` of `place[1]`."""

    codec: Codec
    recipe: Recipe
    study: Study
    place: tuple[int, int]
    classes: tuple[str, ...]
    shares: tuple[float, ...]
    course: Course

    def fit(self, shown: Tensor, labels: Tensor | None) -> Family:
        study, (number, of) = self.study, self.place
        options, training = settings_of(self.recipe, self.codec, study)
        path = None if study.checkpoint is None else Path(f"{study.checkpoint}{f'.{number}' if of > 1 else ''}")
        done = None if path is None else Path(f"{path}.done.genapps")
        family = self.recipe.family
        if study.resume and done is not None and done.exists():
            return family_class(family).load(done)
        model = build(family, self.recipe.view.space(self.codec), random_state=study.seed, **options)
        model.fit(
            shown,
            labels=labels,
            training=training,
            budget=None if study.budget is None else study.budget / of,
            progress=lambda event: self._tell(event, model),
            checkpoint=path,
            resume=study.resume and path is not None,
        )
        if done is not None and of > 1 and distributed.rank() == 0:
            model.save(done)
        return model

    def _tell(self, event: Event, model: Family) -> None:
        self.course(event)
        if self.study.progress is not None:
            self.study.progress(event)
        if self.study.snapshot is not None and self.place[1] == 1:
            self.study.snapshot(lambda: self._as_it_stands(model), event)

    def _as_it_stands(self, model: Family) -> ImageModel:
        """A model of the weights of the moment, apart from those in training."""
        engine: Any = model._engine
        tensors, settings = engine.state()
        apart = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
        config = {"config": {name: getattr(engine.config, name) for name in engine.config.__dataclass_fields__}}
        part = type(model).from_state(engine.space, apart, {**config, **settings})
        return ImageModel(self.codec, self.recipe.family, (part,), self.recipe.view, self.classes, self.shares)


def settings_of(recipe: Recipe, codec: Codec, study: Study) -> tuple[dict[str, Any], TrainingConfig]:
    """Options of the family and of its training: the recipe's, with what was set over them.

    Raises UsageError for an unknown key.
    """
    config: Any = family_class(recipe.family).engine_class(Pixels).Config
    given: Sequence[str] = study.settings
    of_training = [text.removeprefix(TRAINING) for text in given if text.startswith(TRAINING)]
    of_family = [text for text in given if not text.startswith(TRAINING)]
    own = [f"{name}={value}" for name, value in recipe.options.items()]
    made = resolve(config, None, [*own, *of_family])
    own = [f"{name}={value}" for name, value in recipe.training.items()]
    training = resolve(TrainingConfig, None, [*own, f"device={study.device}", *of_training])
    return {name: getattr(made, name) for name in made.__dataclass_fields__}, training


def levels_of(images: Tensor, family: str) -> int:
    """2 where all pixels are black or white, or for an RBM where most are nearly so; else 256."""
    most = images[torch.linspace(0, len(images) - 1, min(len(images), 2000)).long()]
    if bool(((most == 0) | (most == 255)).all()):
        return 2
    near = float(((most < _NEAR) | (most > 255 - _NEAR)).float().mean())
    return 2 if family == "rbm" and near >= _SHARE else 256
