"""`label`: many images, few of them labelled, and the labels of the others with how sure they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.training.device import choose_device
from genapps.training.settings import Event
from genapps.wording import counted
from genapps_image.codec import Codec, gather
from genapps_image.generation.tasks import preset_of
from genapps_image.labelling.judging import Doubt, Estimate, doubts, estimate, matched_temperature, tempered
from genapps_image.labelling.known import Asked
from genapps_image.labelling.learning import (
    REHEARSED,
    Effort,
    Rehearsed,
    class_logs,
    learn,
    rehearse,
    usual_steps,
    view_for,
)
from genapps_image.labelling.model import Labeller
from genapps_image.records import Skipped

Read = Callable[[int, int], None]


@dataclass(frozen=True)
class Shown:
    """Images that could be read. images: (N, C, H, W) bytes; names: (N,); labels: (N,) by number, -1 where unknown."""

    images: Tensor
    names: list[str]
    labels: Tensor
    skipped: list[Skipped]


@dataclass(frozen=True)
class Row:
    """One image. label: its class, as it was given where `known`; chance: how likely that is, None where no model that
    was not shown the label was asked. second: the likeliest other class. note: what speaks against a known label."""

    name: str
    label: str
    chance: float | None
    known: bool
    second: str
    second_chance: float | None
    note: str = ""


@dataclass(frozen=True)
class Labelled:
    """The rows, in the order of the images, what judged them, and how right it is where that can be told."""

    rows: tuple[Row, ...]
    labeller: Labeller
    estimate: Estimate | None
    doubted: tuple[Row, ...]
    skipped: list[Skipped]
    notes: list[str]


def teach(
    asked: Asked,
    *,
    size: int | tuple[int, int] | None = None,
    effort: Effort | None = None,
    needs_others: bool = True,
    reading: Read | None = None,
    tell: Callable[[str, Event], None] | None = None,
) -> Labelled:
    """Learn from all images and the labels that are known, and label the others.

    A part of the time goes into rehearsals, in which known labels are held out: they say how right the labels are, how
    sure of them one may be, and which known ones are doubted. size: (height, width) or a side, chosen if not given.
    needs_others: whether it is an error that all images have a label. Raises InputError for fewer than two classes.
    """
    effort, began = effort or Effort(), time.process_time()
    device = "cpu" if choose_device(effort.device).type == "cpu" else "gpu"
    classes = _classes(asked.labels)
    _check(asked, asked.labels, needs_others)
    preset = preset_of(asked.pictures, device, "vae", size)
    images = read(asked, preset.codec, classes, reading)
    _check(asked, [classes[k] if k >= 0 else "" for k in images.labels.tolist()], needs_others)
    view = view_for(images.images)
    if effort.steps is None and effort.budget is None:
        effort = replace(effort, steps=usual_steps(len(images.images)))
    learnt = images.images, images.labels, preset.codec, view
    rehearsed = rehearse(*learnt, effort.part(REHEARSED), tell)
    rest = effort if rehearsed is None else effort.part(1 - REHEARSED)
    family = learn(*learnt, rest, None if tell is None else lambda event: tell("learning", event))
    logs = class_logs(family, images.images, view)
    known = images.labels >= 0
    found = None if rehearsed is None else estimate(rehearsed.logs, images.labels[rehearsed.rows])
    asked_of = logs if bool(known.all()) else logs[~known]
    heat = 1.0 if found is None else matched_temperature(asked_of, (found.right + 1) / (found.held_out + 2))
    counts = torch.bincount(images.labels[known], minlength=len(classes)).tolist()
    card = {
        "images": len(images.images),
        "known": dict(zip(classes, counts, strict=True)),
        "seconds": round(time.process_time() - began, 1),
        "seed": effort.seed,
        "reasons": list(preset.reasons[:1]) if size is None else [],
        "estimate": None if found is None else told(found, classes),
    }
    labeller = Labeller(preset.codec, family, view, tuple(classes), heat, card)
    rows = _rows(images, labeller.classes, tempered(logs, heat), rehearsed, found)
    notes = [*asked.notes, *_warnings(classes, counts, found)]
    return Labelled(rows, labeller, found, _doubted(rows), images.skipped, notes)


def use(asked: Asked, labeller: Labeller, reading: Read | None = None) -> Labelled:
    """Label images by what was learnt before; labels that are known are kept, and say how right the others are."""
    images = read(asked, labeller.codec, labeller.classes, reading)
    logs = class_logs(labeller.family, images.images, labeller.view)
    known = (images.labels >= 0).nonzero()[:, 0]
    held = Rehearsed(known, logs[known])
    found = estimate(held.logs, images.labels[known]) if len(known) else None
    rows = _rows(images, labeller.classes, tempered(logs, labeller.temperature), held, found)
    return Labelled(rows, labeller, found, _doubted(rows), images.skipped, list(asked.notes))


def read(asked: Asked, codec: Codec, classes: Sequence[str], reading: Read | None = None) -> Shown:
    """All images that can be read, in the codec's size. Raises InputError where there are none."""

    def each() -> Any:
        for done, one in enumerate(asked.pictures, 1):
            if reading is not None and done % 50 == 0:
                reading(done, len(asked.pictures))
            yield one

    batch = gather(each(), codec)
    number = {name: k for k, name in enumerate(classes)}
    labels = dict(zip(asked.pictures.names, asked.labels, strict=True))
    numbers = torch.tensor([number.get(labels[name], -1) for name in batch.names])
    return Shown(batch.images, batch.names, numbers, batch.skipped)


def told(found: Estimate, classes: Sequence[str]) -> dict[str, Any]:
    """An estimate as JSON."""
    return {
        "held_out": found.held_out,
        "right": found.right,
        "accuracy": found.accuracy,
        "interval": [found.low, found.high],
        "majority": found.majority,
        "sure": found.sure,
        "sure_right": found.sure_right,
        "by_class": {
            name: {"right": right, "held_out": held}
            for name, (right, held) in zip(classes, found.by_class, strict=True)
        },
    }


def _classes(labels: Sequence[str]) -> list[str]:
    found = {label for label in labels if label}
    return sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def _check(asked: Asked, labels: Sequence[str], needs_others: bool) -> None:
    """Refuse what nothing can be learnt from. Raises InputError."""
    where, counts = asked.pictures.where, Counter(labels)
    others = counts.pop("", 0)
    if not counts:
        raise InputError(
            f"{where}: no image has a label; put some into a subfolder for each class, or name them in a table: "
            "--labels known.csv"
        )
    if len(counts) == 1:
        only = next(iter(counts))
        raise InputError(f"{where}: all known labels are {only!r}; at least two classes are needed to tell them apart")
    if needs_others and not others:
        raise InputError(
            f"{where}: all {counted(len(labels), 'image')} have a label; put those without one into the subfolder "
            "unlabeled, give them by --unlabeled, or --save what is learnt for later"
        )


def _rows(
    images: Shown, classes: Sequence[str], chances: Tensor, held: Rehearsed | None, found: Estimate | None
) -> tuple[Row, ...]:
    """A row an image: others by `chances` (N, C), known ones by models that were not shown them, where there are."""
    asked_of = chances.clone()
    judged = images.labels < 0
    doubted: dict[int, Doubt] = {}
    if held is not None and len(held.rows):
        own = tempered(held.logs, found.temperature) if found is not None else held.logs.softmax(1)
        asked_of[held.rows], judged[held.rows] = own, True
        doubted = {one.row: one for one in doubts(own, images.labels[held.rows], held.rows)}
    given = torch.where(images.labels >= 0, images.labels, asked_of.argmax(1))
    likely = asked_of.gather(1, given[:, None])[:, 0].tolist()
    rest = asked_of.scatter(1, given[:, None], -1.0).max(1)
    others, chance = rest.indices.tolist(), rest.values.tolist()
    rows = []
    for i, (name, label, is_judged) in enumerate(zip(images.names, given.tolist(), judged.tolist(), strict=True)):
        one = doubted.get(i)
        note = "" if one is None else f"probably {classes[one.other]}"
        seen = (likely[i], classes[others[i]], chance[i]) if is_judged else (None, "", None)
        rows.append(Row(name, classes[label], seen[0], int(images.labels[i]) >= 0, seen[1], seen[2], note))
    return tuple(rows)


def _doubted(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(sorted((row for row in rows if row.note), key=lambda row: -(row.second_chance or 0.0)))


def _warnings(classes: Sequence[str], counts: Sequence[int], found: Estimate | None) -> list[str]:
    single = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    said = []
    if single:
        names = ", ".join(single[:5]) + (", ..." if len(single) > 5 else "")
        said.append(f"{names}: one known label each, so how well they are told is not known")
    if found is None:
        said.append("too few known labels to hold some out: how right the others are is not known")
    return said
