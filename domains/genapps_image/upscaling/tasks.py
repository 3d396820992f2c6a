"""Learn to enlarge a folder's images, judge it on those held out, and enlarge them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genapps.errors import InputError, UsageError
from genapps.training.settings import Event
from genapps_image.placing import placed
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Skipped
from genapps_image.upscaling.judging import Judged, judge, mean
from genapps_image.upscaling.model import FACTORS, UpscaleModel
from genapps_image.upscaling.network import Shape
from genapps_image.upscaling.patches import MOST_HELD_OUT, Patches, Piece, collect, divide
from genapps_image.upscaling.training import FAMILIES, RECIPE, SIDE, learn, steps_only
from genapps_image.writing import write_image

Tick = Callable[[str, int, int], None]  # what is done, how much of it, of how much
_FEW = 4  # images to learn from, below which it is said


@dataclass(frozen=True)
class Order:
    """What is asked for. images: a folder, a file or a set. output: a folder or file, None to learn only.

    factor: 2, 3 or 4; 2 if not given. budget: seconds of learning; steps: instead of it. held_out: share of the images
    that are judged by. model: a file of what was learnt before, instead of learning. save: where to keep what is
    learnt.
    """

    images: str
    output: str | None = None
    factor: int | None = None
    family: str = "regression"
    budget: float | None = None
    steps: int | None = None
    held_out: float = 0.2
    ensemble: bool = True
    tile: int = 192
    width: int = 32
    blocks: int = 6
    seed: int = 0
    device: str = "auto"
    model: str | None = None
    save: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it. judged: each held-out image, or where `again` each image given to a model that was learnt
    before; written: files; notes: sentences for people."""

    factor: int
    family: str
    judged: list[Judged]
    written: list[str]
    skipped: list[Skipped]
    notes: list[str]
    learnt: dict[str, Any] = field(default_factory=dict)
    again: bool = False

    def lines(self) -> list[str]:
        """The table that is always printed: every figure beside bicubic's."""
        if not self.judged:
            return []
        all_of = mean(self.judged)
        what = "given image" if self.again else "held-out image"
        count = f"{len(self.judged)} {what}{'s' if len(self.judged) > 1 else ''}"
        head = f"{count}, x{self.factor}"
        rows = [
            ("PSNR, dB", "psnr", ".2f"),
            ("SSIM", "ssim", ".4f"),
            ("perceptual distance (0: none)", "perceptual", ".4f"),
            ("feature distance, lite0", "features", ".4f"),
            ("sharpness (1: as the original)", "sharpness", ".2f"),
        ]
        table = [f"{head:<32}{'bicubic':>10}{self.family:>12}"]
        for title, name, form in rows:
            pair = getattr(all_of.bicubic, name), getattr(all_of.learnt, name)
            if None not in pair:
                table.append(f"{title:<32}{pair[0]:>10{form}}{pair[1]:>12{form}}")
        return [*table, self.verdict]

    @property
    def verdict(self) -> str:
        """One sentence."""
        gain = mean(self.judged).gain
        better = sum(row.gain > 0 for row in self.judged)
        if gain <= 0 and self.family == "gan" and self.sharper:
            return f"{-gain:.2f} dB below bicubic: sharper, but farther from the original pixel by pixel"
        if gain <= 0:
            return f"no better than bicubic ({gain:+.2f} dB): more images, sharper ones, or a longer --budget may help"
        return f"{gain:+.2f} dB over bicubic; better on {better} of {len(self.judged)}"

    @property
    def sharper(self) -> bool:
        """Whether slopes are nearer to the originals' than the bicubic filter's are."""
        both = mean(self.judged)
        return abs(both.learnt.sharpness - 1) < abs(both.bicubic.sharpness - 1)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {
            "factor": self.factor,
            "family": self.family,
            "degradation": "bicubic, Pillow",
            "mean": mean(self.judged).to_json() if self.judged else None,
            "held_out": [row.to_json() for row in self.judged],
            "learnt": self.learnt,
            "written": self.written,
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
            "notes": self.notes,
        }


def upscale(order: Order, *, tick: Tick | None = None, progress: Callable[[Event], None] | None = None) -> Outcome:
    """Do all of it. Raises UsageError for what cannot be asked, InputError where no image can be used."""
    _check(order)
    pictures = open_pictures(order.images)
    if order.model is None:
        model, judged, notes = _learnt(order, pictures, tick, progress)
        if order.save is not None:
            model.save(order.save)
    else:
        model = UpscaleModel.load(order.model)
        judged, notes = _judged_again(order, model, pictures, tick)
    written, skipped = _written(order, model, pictures, tick) if order.output is not None else ([], [])
    if order.output is not None and not written:
        raise InputError(f"{order.images}: no image that can be enlarged; {skipped[0].name}: {skipped[0].reason}")
    return Outcome(
        model.factor, model.family, judged, written, skipped, notes, dict(model.card), order.model is not None
    )


def _check(order: Order) -> None:
    if order.family not in FAMILIES:
        raise UsageError(f"no family {order.family!r} here; there are: {', '.join(FAMILIES)}")
    if order.factor is not None and order.factor not in FACTORS:
        raise UsageError(f"--factor {order.factor}: there are {', '.join(map(str, FACTORS))}")
    if order.output is None and order.save is None:
        raise UsageError("name where the images go with -o, or where the model goes with --save")
    if order.model is not None and order.save is not None:
        raise UsageError("--save keeps what is learnt, and with --model nothing is; leave one of them out")


def _learnt(
    order: Order, pictures: Pictures, tick: Tick | None, progress: Callable[[Event], None] | None
) -> tuple[UpscaleModel, list[Judged], list[str]]:
    """A model, how good it is, and what should be known of that."""
    factor = order.factor or 2
    pieces, _ = collect(pictures, factor, seed=order.seed, progress=_ticking(tick, "reading"))
    found = divide(pieces, factor, share=order.held_out, seed=order.seed)
    patches = Patches([piece.pixels for piece in found.learnt], factor, SIDE)
    recipe = replace(RECIPE, budget=order.budget or RECIPE.budget, device=order.device)
    recipe = steps_only(recipe, order.steps) if order.steps is not None else recipe
    shape = Shape(factor, pieces[0].pixels.shape[2], order.width, order.blocks)
    network, steps = learn(patches, shape, family=order.family, recipe=recipe, seed=order.seed, progress=progress)
    card = {
        "images": len(found.learnt),
        "patches": len(patches),
        "steps": steps,
        "seed": order.seed,
        "degradation": "bicubic, Pillow",
    }
    model = UpscaleModel(network, order.family, card, frozenset(piece.mark for piece in found.learnt))
    judged = _judged(order, model, found.held_out, tick)
    measured = {"held_out": len(judged), "mean": mean(judged).to_json()}
    notes = []
    if found.halves:
        few = "one image is" if len(judged) == 1 else f"{len(judged)} images are"
        notes.append(f"{few} too few to hold one out: the right quarter of each was not learnt, and is judged")
    elif len(found.learnt) < _FEW:
        notes.append(f"learnt from {len(found.learnt)} images only")
    return replace(model, card={**card, **measured}), judged, notes


def _judged_again(
    order: Order, model: UpscaleModel, pictures: Pictures, tick: Tick | None
) -> tuple[list[Judged], list[str]]:
    """How good a model is on the images of another folder: on those it was not learnt from."""
    try:
        pieces, _ = collect(pictures, model.factor, seed=order.seed, progress=_ticking(tick, "reading"))
    except InputError:
        return [], ["not judged: no image here is large enough to be made small and large again"]
    fresh = [piece for piece in pieces if piece.mark not in model.marks][:MOST_HELD_OUT]
    if not fresh:
        return [], ["not judged: the model was learnt from these very images"]
    return _judged(order, model, fresh, tick), []


def _judged(order: Order, model: UpscaleModel, pieces: Sequence[Piece], tick: Tick | None) -> list[Judged]:
    images, names = [piece.pixels for piece in pieces], [piece.name for piece in pieces]
    ticking = _ticking(tick, "judging")
    return judge(model, images, names, ensemble=order.ensemble, tile=order.tile, progress=ticking)


def _written(
    order: Order, model: UpscaleModel, pictures: Pictures, tick: Tick | None
) -> tuple[list[str], list[Skipped]]:
    place = placed(str(order.output), pictures)
    written, skipped = [], []
    for done, one in enumerate(pictures, 1):
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        try:
            large = model.upscale(one.pixels, ensemble=order.ensemble, tile=order.tile)
        except UsageError as error:
            skipped.append(Skipped(one.name, str(error)))
            continue
        target = place(Path(one.name).name if len(pictures) == 1 else one.name)
        write_image(target, large)
        written.append(str(target))
        if tick is not None:
            tick("enlarging", done, len(pictures))
    return written, skipped


def _ticking(tick: Tick | None, what: str) -> Callable[[int, int], None] | None:
    return None if tick is None else lambda done, total: tick(what, done, total)
