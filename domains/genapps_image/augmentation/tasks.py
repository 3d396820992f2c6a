"""A set of images enlarged: looked at, a mix chosen, a generator tried, the gain measured, one folder written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.io.atomic import check_target
from genapps.io.shards import in_processes
from genapps.models import family_class
from genapps_image.augmentation.annotations import Annotated, Annotations, read_annotations, write_annotations
from genapps_image.augmentation.classifying import ClassifierConfig
from genapps_image.augmentation.copies import Nearness, near_copies, nearness
from genapps_image.augmentation.enlarging import enlarged
from genapps_image.augmentation.gain import CLASSICAL, GENERATED, Gain, measure, training_sets
from genapps_image.augmentation.generating import CHUNK, Generating, drawn_alike, drawn_of, finished, learn_generator
from genapps_image.augmentation.looking import Looked, Small, look, small
from genapps_image.augmentation.making import IMAGES, Item, Making, maker, write
from genapps_image.augmentation.masks import Masks
from genapps_image.augmentation.mixes import MIXES, SAFE, Mix, parse_mix
from genapps_image.augmentation.planning import Share, folders_of, plan, shares
from genapps_image.augmentation.trials import Choice, choose_mix, folds
from genapps_image.model import ImageModel
from genapps_image.placing import check_folder
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Skipped
from genapps_image.writing import encoded

AUTO, SHARE = "auto", 0.3
MANIFEST, FIGURES, MODEL = "manifest.jsonl", "augment.json", "generator.genapps"
FEWEST_HELD = 20  # held-out images below which a gain is not spoken of
_HELD = 4  # one image of so many is held out
_MOST_HELD = 1_000
_POOL = 5_000  # transformed images that a classifier learns from


@dataclass(frozen=True)
class Order:
    """What is asked for.

    generated: a share of the added images, or "auto": as many as measurably help. steps: of the classifier that judges,
    and three eighths of it where mixes are tried.
    """

    images: str
    output: str
    per_class: int
    boxes: str | None = None
    masks: str | None = None
    mix: str = AUTO
    generated: float | str = AUTO
    generating: Generating = field(default_factory=Generating)
    measured: bool = True
    visible: float = 0.3
    suffix: str = ".png"
    steps: int = 400
    seed: int = 0
    workers: int = 1


@dataclass
class Outcome:
    """What came of it."""

    order: Order
    looked: Looked
    choice: Choice
    parts: dict[str, Share] = field(default_factory=dict)
    gain: Gain | None = None
    nearness: Nearness | None = None
    repeats: list[tuple[str, str]] = field(default_factory=list)
    share: float = 0.0
    written: int = 0
    lost: int = 0
    annotations: str | None = None
    notes: list[str] = field(default_factory=list)
    pictures: dict[str, Tensor] = field(default_factory=dict, repr=False)
    pairs: list[tuple[Tensor, Tensor, float]] = field(default_factory=list, repr=False)


Tell = Callable[[str, int, int], None]


def augment(order: Order, tell: Tell = lambda what, done, total: None) -> Outcome:
    """Enlarge a set of images as ordered. Raises InputError for a set without images, UsageError for what cannot be."""
    if order.generated not in (AUTO, 0.0) and (order.boxes or order.masks):
        raise UsageError("generated images have no boxes and no masks; leave out --generated, or --boxes and --masks")
    fixed = None if order.mix == AUTO else parse_mix(order.mix)
    family_class(order.generating.family)  # an unknown one is refused before any work
    check_new(order.output)
    if Path(order.output).resolve().is_relative_to(Path(order.images).resolve()):
        raise UsageError(f"{order.output}: lies among the images themselves; name a folder elsewhere")
    pictures = open_pictures(order.images)
    annotations = None if order.boxes is None else read_annotations(order.boxes, pictures.names)
    masks = None if order.masks is None else Masks.of(order.masks, pictures.names)
    looked = look(pictures, annotations, masks, lambda done, total: tell("looking", done, total))
    if not looked.count:
        why = f"; {looked.skipped[0].name}: {looked.skipped[0].reason}" if looked.skipped else ""
        raise InputError(f"{order.images}: no image that can be used{why}")
    learnt = _Learnt(order, pictures, looked, tell)
    outcome, model = learnt.decide(fixed)
    if annotations is not None:
        outcome.notes += annotations.notes
    counts = {name: len(rows) for name, rows in looked.usable.items()}
    outcome.parts = shares(counts, order.per_class, outcome.share)
    with folder(order.output) as target:
        _write(target, order, outcome, model, annotations, tell)
    return outcome


class _Learnt:
    """The choices that are made before anything is written, each from small copies of the images."""

    def __init__(self, order: Order, pictures: Pictures, looked: Looked, tell: Tell) -> None:
        self.order, self.looked, self.tell = order, looked, tell
        self.classes = looked.classes
        self.small: Small = small(pictures, looked, order.seed)
        self.names = [pictures.names[i] for i in self.small.numbers]
        self.alike = near_copies(self.small.images)
        self.held = self._held_out()

    def decide(self, fixed: Mix | None) -> tuple[Outcome, ImageModel | None]:
        """The mix, the share of generated images and what both are worth."""
        images, labels, seed = self.small.images, self.small.labels, self.order.seed
        train = ~self.held
        if fixed is not None:
            choice = Choice(fixed, "it was asked for")
        elif not self.order.measured:
            choice = Choice(MIXES[SAFE], "nothing was tried, so the careful one is taken")
        else:
            own = None if labels is None else labels[train]
            quick = ClassifierConfig(steps=max(1, self.order.steps * 3 // 8))
            choice = choose_mix(
                images[train], own, len(self.classes), seed, config=quick, progress=self._said("trying")
            )
        outcome = Outcome(self.order, self.looked, choice)
        outcome.pictures["real"] = images[torch.linspace(0, len(images) - 1, min(len(images), 10)).long()]
        outcome.repeats = [(self.names[a], self.names[b]) for a, b in self.alike]
        torn = [(a, b) for a, b in self.alike if labels is not None and labels[a] != labels[b]]
        if torn:
            first, later = (self.names[k] for k in torn[0])
            many = f"; there are {len(torn):,} such pairs" if len(torn) > 1 else ""
            outcome.notes.append(f"{first} and {later} are one picture in two classes{many}")
        told = self.order.measured and self._judgeable(outcome)
        wanted = self.order.generated
        tried = wanted not in (0.0, AUTO) or (wanted == AUTO and told and not (self.order.boxes or self.order.masks))
        model = None
        if tried:
            model = self._generator(choice.mix, outcome)
        if told:
            outcome.gain = self._gain(choice.mix, model, wanted)
        self._follow(outcome, fixed)
        return outcome, model if outcome.share else None

    def _held_out(self) -> Tensor:
        """(N,) truth values: images that nothing is learnt from. Copies of one image stay on one side."""
        labels = self.small.labels
        if labels is None:
            labels = torch.zeros(len(self.small.images), dtype=torch.long)
        held = folds(labels, _HELD, self.order.seed) == 0
        for first, later in self.alike:
            held[later] = held[first]
        for name in labels.unique().tolist():
            rows = (labels == name).nonzero()[:, 0]
            if bool(held[rows].all()):  # a class must be learnt to be named
                held[rows] = False
        extra = held.nonzero()[:, 0][_MOST_HELD:]
        held[extra] = False
        return held

    def _judgeable(self, outcome: Outcome) -> bool:
        """Whether there is enough to measure a gain by."""
        if len(self.classes) < 2:
            outcome.notes.append("the gain is not measured: that takes subfolders, or labels, of two classes or more")
            return False
        if int(self.held.sum()) < FEWEST_HELD:
            outcome.notes.append(
                f"the gain is not measured: {int(self.held.sum())} held-out images are too few to see one by"
            )
            return False
        return True

    def _generator(self, mix: Mix, outcome: Outcome) -> ImageModel | None:
        """A generator that has not seen what is held out, and whether it repeats what it has seen."""
        train, labels = ~self.held, self.small.labels
        self.tell("learning to generate", 0, 0)
        images = self.small.images[train]
        model, shown = learn_generator(
            images,
            None if labels is None else labels[train],
            self.classes,
            self.small.codec,
            mix,
            self.order.seed,
            self.order.generating,
            lambda event: self.tell("learning to generate", event.step, event.total or 0),
        )
        if len(self.classes) > 1 and not model.classes:
            why = f"{model.family} cannot learn classes of so few images; name another --family"
            if self.order.generated != AUTO:
                raise UsageError(why)
            outcome.notes.append(f"nothing is generated: {why}")
            return None
        made = torch.cat(list(drawn_of(model, None, 256, self.order.seed, self.order.generating.temperature)))
        outcome.nearness = nearness(made, shown, images, self.small.images[self.held])
        outcome.pictures["generated"] = made[:30]
        if outcome.nearness is not None:
            outcome.pairs = [(made[a], shown[b], apart) for a, b, apart in outcome.nearness.pairs]
        return model

    def _gain(self, mix: Mix, model: ImageModel | None, wanted: float | str) -> Gain:
        labels, train = self.small.labels, ~self.held
        assert labels is not None
        images, named = self.small.images[train], labels[train]
        shown = min(_POOL, self.order.steps * ClassifierConfig.batch)  # more would not be looked at
        copies = max(1, min(self.order.per_class, shown // len(images)))
        new = enlarged(images, mix, copies, self.order.seed)
        made, share = None, SHARE if wanted == AUTO else float(wanted)
        if model is not None:
            each = max(1, round(len(new) * share / len(self.classes)))
            made = drawn_alike(model, self.classes, each, mix, self.order.seed, self.order.generating.temperature)
        pools = training_sets(images, named, new, copies, made, share)
        held = self.held
        return measure(
            pools,
            self.small.images[held],
            labels[held],
            len(self.classes),
            self.order.seed,
            config=ClassifierConfig(steps=self.order.steps),
            progress=self._said("measuring"),
        )

    def _said(self, what: str) -> Callable[[str], None]:
        return lambda name: self.tell(f"{what} {name}", 0, 0)

    def _follow(self, outcome: Outcome, fixed: Mix | None) -> None:
        """Do what was measured, wherever it was not said what to do."""
        gain, wanted = outcome.gain, self.order.generated
        classical, generated = (None if gain is None else gain.arm(name) for name in (CLASSICAL, GENERATED))
        hurts = fixed is None and classical is not None and classical.hurts
        if hurts:
            why = "transforms made held-out images harder to name, so images are repeated as they are"
            outcome.choice = Choice(MIXES["none"], why, outcome.choice.trials)
        helps = generated is not None and generated.helps and not hurts  # which it may only make good again
        outcome.share = float(wanted) if wanted != AUTO else SHARE if helps else 0.0
        size = (self.small.codec.height, self.small.codec.width)
        if outcome.share and set(self.looked.sizes) != {size}:
            outcome.notes.append(f"generated images are {size[1]} x {size[0]} pixels: what is learnt in minutes")


# Writing --------------------------------------------------------------------------------------------------------------


def _write(
    target: Path, order: Order, outcome: Outcome, model: ImageModel | None, annotations: Annotations | None, tell: Tell
) -> None:
    looked = outcome.looked
    folders = folders_of(list(looked.usable))
    making = Making(order.images, order.masks, str(target), outcome.choice.mix.chances, order.visible)
    items: Iterator[Item] = (
        (i, name, wanted, looked.boxes.get(i, ()))
        for i, name, wanted in plan(looked.usable, folders, outcome.parts, order.seed, order.suffix)
    )
    total = sum(part.real + part.classical + part.generated for part in outcome.parts.values())
    boxes: list[Annotated] = []
    with (target / MANIFEST).open("w", encoding="utf-8") as manifest:
        for found in _made(making, items, min(order.workers, looked.count)):
            if isinstance(found, Skipped):
                looked.skipped.append(found)
                continue
            for one in found:
                manifest.write(json.dumps(one.row, ensure_ascii=False) + "\n")
                outcome.written += 1
                outcome.lost += one.row.get("boxes_lost", 0)
                if annotations is not None:
                    boxes.append(one.boxes)
            tell("writing", outcome.written, total)
        if model is not None:
            model.save(target / MODEL)
            for row in _write_generated(target, order, outcome, model, folders):
                manifest.write(json.dumps(row, ensure_ascii=False) + "\n")
                outcome.written += 1
                tell("writing", outcome.written, total)
    if annotations is not None:
        place = write_annotations(target, annotations.kind, annotations.categories, boxes)
        outcome.annotations = place.name
    from genapps_image.augmentation.report import write_report

    write_report(target, outcome)


def _made(making: Making, items: Iterator[Item], workers: int) -> Iterator[Any]:
    if workers > 1:
        yield from in_processes(maker, (making,), items, workers)
        return
    make = maker(making)
    for item in items:
        yield make(*item)


def _write_generated(
    target: Path, order: Order, outcome: Outcome, model: ImageModel, folders: dict[str, str]
) -> Iterator[dict[str, Any]]:
    how = order.generating
    for number, (name, part) in enumerate(outcome.parts.items()):
        head, count = (folders[name] + "/" if folders[name] else ""), 0
        for chunk, images in enumerate(
            drawn_of(model, name if model.classes else None, part.generated, order.seed, how.temperature)
        ):
            for k, pixels in enumerate(model.codec.decode(images)):
                count += 1
                file = f"{IMAGES}/{head}generated_{count:05d}{order.suffix}"
                new, steps = finished(pixels, outcome.choice.mix, (number, chunk, k), order.seed)
                write(target / file, encoded(new, order.suffix))
                about = {"file": file, "kind": "generated", "label": name or None, "source": MODEL}
                drawn = {"seed": [order.seed, chunk, k], "temperature": how.temperature, "chunk_size": CHUNK}
                yield {**about, **drawn, "steps": [step.to_json() for step in steps]}


def check_new(output: str) -> None:
    """Refuse a folder that holds something, so that nothing of it is mixed with what is made. As `check_folder`."""
    check_folder(output, [])


@contextmanager
def folder(output: str) -> Iterator[Path]:
    """A folder beside `output` that becomes it when all is well, and is gone when it is not."""
    check_new(output)
    target = Path(output).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    check_target(target.with_name(f".{target.name}.target"))
    partial = target.with_name(f".{target.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
