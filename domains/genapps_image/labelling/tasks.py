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
from genapps_image.labelling.judging import Doubt, Estimate, doubts, estimate, fitted_temperature, tempered
from genapps_image.labelling.known import Asked
from genapps_image.labelling.learning import Effort, learn_judged, usual_steps, view_for
from genapps_image.labelling.model import Labeller, prints
from genapps_image.records import Skipped

Read = Callable[[int, int], None]
_MOST_CLASSES = 1000


@dataclass(frozen=True)
class Shown:
    """Images that could be read. images: (N, C, H, W) bytes; names, labels: (N,), "" where a label is not known."""

    images: Tensor
    names: list[str]
    labels: list[str]
    skipped: list[Skipped]

    def numbers(self, classes: Sequence[str]) -> Tensor:
        """The labels (N,) by number, -1 where they are not known."""
        number = {name: k for k, name in enumerate(classes)}
        return torch.tensor([number.get(label, -1) for label in self.labels])


@dataclass(frozen=True)
class Judged:
    """Known labels beside what models made of them that were not shown them.

    rows: (n,) of the images. labels: (n,) by number. chances: (n, C).
    """

    rows: Tensor
    labels: Tensor
    chances: Tensor


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

    Each of three lesser models is not shown a third of the known labels, so what it makes of these says how right
    labels are at least, how sure of them one may be, and which known ones are doubted; the model that labels the others
    is shown all of them.
    size: (height, width) or a side, chosen if not given. needs_others: whether it is an error that all images have a
    label. Raises InputError for fewer than two classes.
    """
    effort, began = effort or Effort(), time.process_time()
    _check(asked.pictures.where, asked.labels, needs_others)
    device = "cpu" if choose_device(effort.device).type == "cpu" else "gpu"
    preset = preset_of(asked.pictures, device, "vae", size)
    shown = read(asked, preset.codec, reading)
    _check(asked.pictures.where, shown.labels, needs_others)
    classes = classes_of(shown.labels)
    labels, view = shown.numbers(classes), view_for(shown.images)
    if effort.steps is None and effort.budget is None:
        effort = replace(effort, steps=usual_steps(len(labels)))
    model, held = learn_judged(shown.images, labels, preset.codec, view, effort, tell)
    heat = 1.0 if held is None else fitted_temperature(held.logs, labels[held.rows])
    judged = None if held is None else Judged(held.rows, labels[held.rows], tempered(held.logs, heat))
    found = None if judged is None else estimate(judged.chances, judged.labels)
    counts = torch.bincount(labels[labels >= 0], minlength=len(classes)).tolist()
    card = {
        "images": len(labels),
        "known": dict(zip(classes, counts, strict=True)),
        "seconds": round(time.process_time() - began, 1),
        "steps": effort.steps,
        "seed": effort.seed,
        "reasons": list(preset.reasons[:1]) if size is None else [],
        "estimate": None if found is None else told(found, classes),
    }
    labeller = Labeller(
        preset.codec, model, view, tuple(classes), heat, card, frozenset(prints(shown.images[labels >= 0]))
    )
    rows = _rows(shown, labeller, labels, judged)
    notes = [*asked.notes, *_warnings(classes, counts, found)]
    return Labelled(rows, labeller, found, _doubted(rows), shown.skipped, notes)


def use(asked: Asked, labeller: Labeller, reading: Read | None = None) -> Labelled:
    """Label images by what was learnt before; labels that are known are kept, and say how right the others are where
    they were not learnt from."""
    shown = read(asked, labeller.codec, reading)
    labels = shown.numbers(labeller.classes)
    own = torch.tensor(
        [
            label >= 0 and one in labeller.learnt
            for label, one in zip(labels.tolist(), prints(shown.images), strict=True)
        ]
    )
    known = ((labels >= 0) & ~own).nonzero()[:, 0]
    judged = Judged(known, labels[known], labeller.chances(shown.images[known])) if len(known) else None
    found = None if judged is None else estimate(judged.chances, judged.labels)
    rows, notes = _rows(shown, labeller, labels, judged), list(asked.notes)
    if bool(own.any()):
        notes.append(
            f"{counted(int(own.sum()), 'known label')} of the model's own, which say nothing of how right it is"
        )
    return Labelled(rows, labeller, found, _doubted(rows), shown.skipped, notes)


def read(asked: Asked, codec: Codec, reading: Read | None = None) -> Shown:
    """All images that can be read, in the codec's size. Raises InputError where there are none."""

    def each() -> Any:
        for done, one in enumerate(asked.pictures, 1):
            if reading is not None and done % 50 == 0:
                reading(done, len(asked.pictures))
            yield one

    batch = gather(each(), codec)
    labels = dict(zip(asked.pictures.names, asked.labels, strict=True))
    return Shown(batch.images, batch.names, [labels[name] for name in batch.names], batch.skipped)


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


def classes_of(labels: Sequence[str]) -> list[str]:
    """The classes among labels, sorted; numbers by their value."""
    found = {label for label in labels if label}
    return sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def _check(where: str, labels: Sequence[str], needs_others: bool) -> None:
    """Refuse what nothing can be learnt from. Raises InputError."""
    counts = Counter(labels)
    others = counts.pop("", 0)
    if not counts:
        raise InputError(
            f"{where}: no image has a label; put some into a subfolder for each class, or name them in a table: "
            "--labels known.csv"
        )
    if len(counts) == 1:
        only = next(iter(counts))
        raise InputError(f"{where}: all known labels are {only!r}; at least two classes are needed to tell them apart")
    if len(counts) > _MOST_CLASSES:
        raise InputError(f"{where}: {len(counts):,} different labels, more than {_MOST_CLASSES:,}; are these classes?")
    if needs_others and not others:
        raise InputError(
            f"{where}: all {counted(len(labels), 'image')} have a label; put those without one into the subfolder "
            "unlabeled, give them by --unlabeled, or --save what is learnt for later"
        )


def _rows(shown: Shown, labeller: Labeller, labels: Tensor, judged: Judged | None) -> tuple[Row, ...]:
    """A row an image: known ones by what models made of them that were not shown the label, where there are any."""
    classes, chances, asked = labeller.classes, labeller.chances(shown.images), labels < 0
    doubted: dict[int, Doubt] = {}
    if judged is not None:
        chances[judged.rows], asked[judged.rows] = judged.chances, True
        doubted = {one.row: one for one in doubts(judged.chances, judged.labels, judged.rows)}
    named = torch.where(labels >= 0, labels, chances.argmax(1))
    likely = chances.gather(1, named[:, None])[:, 0]
    rest = chances.scatter(1, named[:, None], -1.0).max(1)
    columns = (shown.names, named, labels >= 0, asked, likely, rest.indices, rest.values)
    rows = []
    for i, (name, label, known, told, chance, second, rest_chance) in enumerate(
        zip(*map(_listed, columns), strict=True)
    ):
        note = f"probably {classes[doubted[i].other]}" if i in doubted else ""
        if told:
            rows.append(Row(name, classes[label], chance, known, classes[second], rest_chance, note))
        else:
            rows.append(Row(name, classes[label], None, known, "", None))
    return tuple(rows)


def _listed(column: Any) -> list[Any]:
    return column.tolist() if isinstance(column, Tensor) else column


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
    elif found.low <= found.majority:
        said.append("not surely better than always naming the commonest class: give more labels, or more time")
    return said
