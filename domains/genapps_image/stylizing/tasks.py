"""Paint photographs, one by one or by what was learnt once, and measure what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.training import order as randomness
from genapps.training.settings import Event
from genapps_image.placing import placed
from genapps_image.reading.pictures import open_pictures
from genapps_image.records import Bytes, Picture, Skipped
from genapps_image.showing import fitted
from genapps_image.stylizing.color import like, luminance, recolored
from genapps_image.stylizing.matching import Look, painted
from genapps_image.stylizing.model import StyleModel
from genapps_image.stylizing.objective import structure_kept, style_distance
from genapps_image.stylizing.pictures import LEAST, alpha_kept, numbers, pixels_of, read_styles
from genapps_image.stylizing.training import RECIPE, learn, steps_only
from genapps_image.writing import write_image

Tick = Callable[[str, int, int], None]  # what is done, how much of it, of how much
MOST_LEARNT = 500  # photographs, evenly over a larger folder
LEARNT_SIZE = 384  # pixels of the longer side of each
_PURPOSE = 31
_SHOWN, _SHOWN_SIDE = 12, 320  # pictures that are kept to be shown, and their longer side


@dataclass(frozen=True)
class Order:
    """What is asked for. photos: a folder, a file or a set, None to learn only. styles: files, mixed evenly.

    size: pixels of the longer side of a result and of the styles. train: a folder of photographs to learn the style on,
    for `save`; model: what was learnt. steps: of painting, or of learning with train; budget: seconds of learning.
    """

    photos: str | None
    output: str | None = None
    styles: tuple[str, ...] = ()
    strength: float = 0.7
    keep_color: bool = False
    size: int = 512
    steps: int | None = None
    budget: float | None = None
    width: int = 16
    seed: int = 0
    device: str = "auto"
    train: str | None = None
    model: str | None = None
    save: str | None = None


@dataclass(frozen=True)
class Measured:
    """One result. style: patch distance to the styles; photo, colors: of the photograph as it was, and of it with
    nothing but the styles' colors; kept: correlation of structure with the photograph, 1 where all of it is kept."""

    name: str
    style: float
    photo: float
    colors: float
    kept: float


@dataclass(frozen=True)
class Shown:
    """A photograph and what became of it, small enough for a page."""

    name: str
    photo: Bytes
    made: Bytes
    measured: Measured


@dataclass(frozen=True)
class Outcome:
    """What came of it. within: patch distance of a style's halves, which are of one style, where known.

    shown: the first photographs; styles: the styles, as small.
    """

    measured: list[Measured]
    within: float | None
    written: list[str]
    skipped: list[Skipped]
    notes: list[str]
    learnt: dict[str, Any] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    styles: list[Bytes] = field(default_factory=list)

    @property
    def mean(self) -> Measured | None:
        """The mean of each figure over photographs."""
        if not self.measured:
            return None
        means = (fmean(getattr(one, name) for one in self.measured) for name in ("style", "photo", "colors", "kept"))
        return Measured(f"mean of {len(self.measured)}", *means)

    def lines(self) -> list[str]:
        """The figures, each beside its controls."""
        mean = self.mean
        if mean is None:
            return []
        many = f", mean of {len(self.measured)}" if len(self.measured) > 1 else ""
        controls = f"photograph {mean.photo:.3f}, its colors changed only {mean.colors:.3f}"
        within = "" if self.within is None else f", halves of the style {self.within:.3f}"
        return [
            f"distance to the style{many}: {mean.style:.3f} ({controls}{within})",
            f"structure kept{many}: {mean.kept:.2f} (1: all of the photograph's, 0: none)",
        ]

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "measured": [asdict(one) for one in self.measured],
            "within_style": self.within,
            "learnt": self.learnt,
            "written": self.written,
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
            "notes": self.notes,
        }


def stylize(order: Order, *, tick: Tick | None = None, progress: Callable[[Event], None] | None = None) -> Outcome:
    """Do all of it. Raises UsageError for what cannot be asked, InputError where no picture can be used."""
    _check(order)
    styles: Sequence[Tensor] = read_styles(order.styles, order.size)
    model, notes = None, list[str]()
    if order.model is not None:
        model = StyleModel.load(order.model)
        styles = model.styles
    elif order.train is not None:
        model, notes = _learnt(order, styles, tick, progress)
        if order.save is not None:
            model.save(order.save)
    found = Outcome([], None, [], [], notes)
    if order.photos is not None:
        found = _all(order, styles, model, tick)
    if order.photos is not None and not found.written:
        first = found.skipped[0]
        raise InputError(f"{order.photos}: no photograph that can be used; {first.name}: {first.reason}")
    within = fmean(_within(style) for style in styles) if found.measured else None
    card = {} if model is None else dict(model.card)
    small = [fitted(pixels_of(style), _SHOWN_SIDE) for style in styles[:_SHOWN]]
    return replace(found, within=within, notes=notes, learnt=card, styles=small)


def _check(order: Order) -> None:
    if order.model is None and not order.styles:
        raise UsageError("name the picture whose style it is to have with --style, or what was learnt with --model")
    if order.model is not None and (order.train is not None or order.save is not None):
        raise UsageError("--model is what was learnt; --train and --save learn anew: leave one of them out")
    if order.model is not None and order.styles:
        raise UsageError("--model has a style of its own; leave --style out")
    if order.train is not None and order.strength == 0:
        raise UsageError("--strength 0 is the photograph itself: there is nothing to learn")
    if order.train is None and order.save is not None:
        raise UsageError("--save keeps what is learnt from photographs; name their folder with --train")
    if order.train is not None and order.save is None and order.photos is None:
        raise UsageError("name where what is learnt goes with --save")
    if order.photos is None and order.train is None:
        raise UsageError("name the photograph, or a folder of them")
    if (order.photos is None) != (order.output is None):
        raise UsageError(
            "name where the painted photographs go with -o" if order.output is None else "name the photographs to paint"
        )
    if order.keep_color and (order.model is not None or order.train is not None):
        raise UsageError("--keep-color is for photographs painted one by one; leave it out")


def _learnt(
    order: Order, styles: Sequence[Tensor], tick: Tick | None, progress: Callable[[Event], None] | None
) -> tuple[StyleModel, list[str]]:
    pictures = open_pictures(str(order.train))
    chosen = list(range(len(pictures)))
    if len(chosen) > MOST_LEARNT:
        generator = randomness.derived(order.seed, _PURPOSE)
        chosen = sorted(torch.randperm(len(chosen), generator=generator)[:MOST_LEARNT].tolist())
    photos, skipped = [], []
    for done, one in enumerate(pictures.take(chosen), 1):
        if isinstance(one, Picture) and min(one.pixels.shape[:2]) >= LEAST:
            photos.append(numbers(fitted(one.pixels, LEARNT_SIZE)))
        else:
            reason = one.reason if isinstance(one, Skipped) else f"smaller than {LEAST} pixels"
            skipped.append(Skipped(one.name, reason))
        if tick is not None:
            tick("reading", done, len(chosen))
    photos = [photo for photo in photos if min(photo.shape[-2:]) >= LEAST]
    if not photos:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{order.train}: no photograph to learn on{why}")
    recipe = replace(RECIPE, budget=order.budget or RECIPE.budget, device=order.device)
    recipe = steps_only(recipe, order.steps) if order.steps is not None else recipe
    network, steps = learn(
        photos, styles, order.strength, width=order.width, recipe=recipe, seed=order.seed, progress=progress
    )
    card = {"photographs": len(photos), "styles": len(styles), "strength": order.strength, "steps": steps}
    notes = [f"{len(skipped)} of the photographs to learn on could not be used"] if skipped else []
    return StyleModel(network, {**card, "seed": order.seed}, tuple(styles)), notes


def _all(order: Order, styles: Sequence[Tensor], model: StyleModel | None, tick: Tick | None) -> Outcome:
    """Every photograph painted and written; one that cannot be read costs itself only."""
    pictures = open_pictures(str(order.photos))
    place = placed(str(order.output), pictures)
    found = Outcome([], None, [], [], [])
    for k, one in enumerate(pictures):
        if isinstance(one, Skipped):
            found.skipped.append(one)
            continue
        photo = fitted(one.pixels, order.size) if model is None else one.pixels
        if min(photo.shape[:2]) < LEAST:
            found.skipped.append(Skipped(one.name, f"{photo.shape[1]} x {photo.shape[0]} pixels: too small to paint"))
            continue
        made = _one(order, photo, styles, model, None if tick is None else _within_all(tick, k, len(pictures)))
        target = place(Path(one.name).name if len(pictures) == 1 else one.name)
        write_image(target, alpha_kept(made, photo))
        found.written.append(str(target))
        found.measured.append(_measure(one.name, made, photo, styles, order))
        if len(found.shown) < _SHOWN:
            before, after = (fitted(pixels, _SHOWN_SIDE) for pixels in (photo, made))
            found.shown.append(Shown(one.name, before, after, found.measured[-1]))
    return found


def _one(
    order: Order,
    photo: Bytes,
    styles: Sequence[Tensor],
    model: StyleModel | None,
    progress: Callable[[int, int], None] | None,
) -> Bytes:
    image = numbers(photo)
    if model is not None:
        made = model.paint(torch.from_numpy(pixels_of(image)).permute(2, 0, 1))
        return made.permute(1, 2, 0).contiguous().numpy()
    look = Look(order.strength, order.keep_color, order.steps or Look.steps)
    return pixels_of(painted(image, styles, look, randomness.derived(order.seed, _PURPOSE, 1), progress))


def _measure(name: str, made: Bytes, photo: Bytes, styles: Sequence[Tensor], order: Order) -> Measured:
    """At most at the size that is painted, so that a large photograph costs no more; where color is kept, of light."""
    result, before = numbers(fitted(made, order.size)), numbers(fitted(photo, order.size))
    if order.keep_color:
        result, before = luminance(result), luminance(before)
        styles = [like(luminance(style), before) for style in styles]
    colors = recolored(before, styles, randomness.derived(order.seed, _PURPOSE, 2))
    return Measured(
        name,
        style_distance(result, styles),
        style_distance(before, styles),
        style_distance(colors, styles),
        structure_kept(result, before),
    )


def _within(style: Tensor) -> float:
    """The patch distance of the style's left half to its right one."""
    half = style.shape[-1] // 2
    return style_distance(style[..., :half], [style[..., half:]])


def _within_all(tick: Tick, before: int, count: int) -> Callable[[int, int], None]:
    return lambda done, total: tick("painting", before * total + done, count * total)
