"""`fit`, `sample` and `inpaint`: from a folder or a file to a model, and back to images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.training import distributed
from genapps.training.device import choose_device
from genapps.training.settings import Event
from genapps_image.codec import Batch, gather
from genapps_image.generation.fitting import Study, fit
from genapps_image.generation.judging import Reached, judge
from genapps_image.generation.recipes import recipe_for
from genapps_image.generation.watching import remedy, summary
from genapps_image.inspecting import Found
from genapps_image.model import ImageModel
from genapps_image.presets import FEWEST, Preset, Seen, choose
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Skipped

_LOOKED = 500  # images that the preset is chosen by
_HELD = 0.1  # share of the images that is only judged on
_MOST_HELD = 1000
AUTO = "auto"


@dataclass(frozen=True)
class Fitted:
    """A model, what it was chosen by, what it reached, what could not be used, and what a person should know."""

    model: ImageModel
    preset: Preset
    reached: Reached
    skipped: list[Skipped]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "family": self.model.family,
            **self.model.codec.to_json(),
            "classes": list(self.model.classes),
            "levels": self.model.view.levels,
            "card": dict(self.model.card),
            "reasons": list(self.preset.reasons),
            "reached": self.reached.to_json(),
            "notes": self.notes,
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
        }

    def lines(self) -> list[str]:
        """For a person."""
        model, codec = self.model, self.model.codec
        color = {1: "grey", 3: "RGB", 4: "RGBA"}[codec.channels]
        classes = f", {len(model.classes)} classes" if model.classes else ""
        each = ", a model for each" if len(model.parts) > 1 else ""
        return [
            f"learnt       {model.card['images']:,} images, {codec.height} x {codec.width}, {color}{classes}{each}",
            f"family       {model.family}, {model.card['seconds']:.0f} CPU seconds",
            *(f"             {reason}" for reason in self.preset.reasons),
            *summary(model.card["course"], model.card["course"]["final"]),
            *self.reached.lines(),
        ]


def fit_images(
    path: str,
    study: Study,
    *,
    family: str | None = None,
    size: int | tuple[int, int] | None = None,
    labelled: bool = True,
    reading: Callable[[int, int], None] | None = None,
) -> Fitted:
    """Learn the images of a folder or a set. family: None or "auto" for what the preset says.

    labelled: whether subfolders are classes. Processes that share the fit part after it. Raises InputError where no
    image can be used.
    """
    family = None if family == AUTO else family
    if family is not None:
        recipe_for(family, 0, 0, "cpu", 256)  # a name that is none is refused before anything is read
    pictures = open_pictures(path)
    device = "cpu" if choose_device(study.device).type == "cpu" else "gpu"
    preset = preset_of(pictures, device, family, size)
    classes = pictures.classes if labelled else []
    batch = present(gather(_told(pictures, reading), preset.codec, classes if len(classes) > 1 else []))
    learnt, held = parted(batch, study.seed)
    model = fit(learnt, preset.codec, preset.family, study)
    distributed.leave()
    reached = judge(model, learnt.images, None if held is None else held.images, study.seed)
    notes = [*study.notes, *([pictures.note] if pictures.note else []), *remedy(model.card["course"])]
    if reached.nothing_learnt:
        notes.append("no better than independent pixels: train longer (--budget), or take another --family")
    if model.view.levels == 2:
        notes.append("learnt as black and white: greys are taken for the chance of white")
    return Fitted(model.with_card(reached=reached.to_json()), preset, reached, batch.skipped, notes)


def preset_of(
    pictures: Pictures, device: str, family: str | None = None, size: int | tuple[int, int] | None = None
) -> Preset:
    """What suits some of the images, evenly spaced. Raises InputError where none of them can be used."""
    found = Found(pictures.where)
    step = max(1, len(pictures) // _LOOKED)
    for one in pictures.take(range(0, len(pictures), step)):
        found.add(one)
    if not found.count:
        why = f"; {found.skipped[0].name}: {found.skipped[0].reason}" if found.skipped else ""
        raise InputError(f"{pictures.where}: no image that can be used{why}")
    count = len(pictures) if step > 1 else found.count
    seen = Seen(count, list(found.sizes.elements()), found.wanted_channels(), len(found.classes), device)
    return choose(seen, size=size, family=family)


def parted(batch: Batch, seed: int) -> tuple[Batch, Batch | None]:
    """Images to learn from, and images to judge by: a tenth, at most 1,000, none of fewer than 20."""
    count = len(batch.images)
    if count < FEWEST:
        return batch, None
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed + 1))
    held = min(_MOST_HELD, max(2, int(_HELD * count)))
    return take(batch, order[held:].sort().values), take(batch, order[:held].sort().values)


def present(batch: Batch) -> Batch:
    """The same with only those classes that some image has: a file that is no image may have brought a class."""
    if batch.labels is None:
        return batch
    counts = torch.bincount(batch.labels, minlength=len(batch.classes))
    kept = counts.nonzero()[:, 0].tolist()
    if len(kept) < 2:
        return replace(batch, labels=None, classes=[])
    numbers = torch.cumsum(counts > 0, 0) - 1
    return replace(batch, labels=numbers[batch.labels], classes=[batch.classes[k] for k in kept])


def take(batch: Batch, rows: Tensor) -> Batch:
    """Those of these numbers."""
    labels = None if batch.labels is None else batch.labels[rows]
    return replace(batch, images=batch.images[rows], labels=labels, names=[batch.names[i] for i in rows.tolist()])


def _told(pictures: Pictures, reading: Callable[[int, int], None] | None) -> Any:
    for done, one in enumerate(pictures, 1):
        if reading is not None and done % 50 == 0:
            reading(done, len(pictures))
        yield one


__all__ = ["Event", "Fitted", "fit_images", "parted", "present", "preset_of", "take"]
