"""Made images measured: every figure beside the same of held-out real images and of the trivial baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from genapps.metrics.bins import bins
from genapps.metrics.reaching import NEIGHBORS, Reach, reach
from genapps.report.measured import Control, Finding, Measured
from genapps_image.evaluation.baseline import gaussian_pixels
from genapps_image.evaluation.classes import ClassShare, class_shares
from genapps_image.evaluation.copies import ALLOWED, Copies, copies, nearest
from genapps_image.evaluation.distances import Interval, frechet, kernel_distance
from genapps_image.evaluation.inception_score import SPLITS, InceptionScore, inception_score
from genapps_image.evaluation.verdict import Kernel, verdict
from genapps_image.features import Extractor
from genapps_image.features.inception import Inception
from genapps_image.features.pixels import Pixels

THOUSAND = 1000.0  # kernel distances are told in thousandths
_CELLS = 100
_PER_CELL = 10  # reference images below which cells are fewer
_PUBLISHED = 2048  # images below which an Inception distance is unlike those that are published
_FEW = 500  # images below which shares and distances hardly settle
Side = Literal["made", "real", "floor"]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Sides:
    """Images (N, C, H, W) of bytes of one size; `made`, `held_out` and the baseline are equally many.

    reference: what the made ones should be like. labels: (N,) the classes of those, if any.
    """

    reference: Tensor
    held_out: Tensor
    made: Tensor
    classes: tuple[str, ...] = ()
    labels: Tensor | None = None


@dataclass(frozen=True)
class Search:
    """What copies are looked for in, and for: small images (N, C, h, w) of bytes.

    training: all that the model may have been given. beside: (K,) the numbers of those that `unseen` are compared with,
    which says how near is usual; all, where unseen images are not among them.
    """

    training: Tensor
    made: Tensor
    unseen: Tensor
    beside: Tensor | None = None

    @property
    def others(self) -> Tensor:
        """The training images that unseen ones are compared with."""
        return self.training if self.beside is None else self.training[self.beside]


@dataclass(frozen=True)
class Judged:
    """Every figure with its controls.

    intervals: of the kernel distance, for each side. classes: how much of each was made. copied: which made images are
    near copies. floor: images (n, C, H, W) of the trivial baseline. distances: what the Fréchet and the kernel distance
    are called. scores: the Inception score of each side, where the features are Inception's.
    """

    extractor: str
    settings: dict[str, int | float | str]
    n: int
    measures: tuple[Measured, ...]
    intervals: dict[Side, Interval]
    classes: tuple[ClassShare, ...]
    copied: Copies
    floor: Tensor
    finding: Finding
    notes: tuple[str, ...] = field(default=())
    distances: tuple[str, str] = ("FD", "KD")
    scores: dict[Side, InceptionScore] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Every figure as plain JSON."""
        scores = {"inception_scores": {side: asdict(one) for side, one in self.scores.items()}} if self.scores else {}
        return {
            "extractor": {"name": self.extractor, **self.settings},
            "n": self.n,
            "verdict": {"level": self.finding.level, "word": self.finding.word, "text": self.finding.text},
            "measures": [measure.to_json() for measure in self.measures],
            "kernel_distance_intervals": {side: [one.low, one.high] for side, one in self.intervals.items()},
            **scores,
            "classes": [asdict(one) | {"is_missing": one.is_missing} for one in self.classes],
            "copies": {
                "share": self.copied.share,
                "unseen": self.copied.unseen,
                "certain": self.copied.certain,
                "exact": self.copied.exact,
                "limit": self.copied.limit,
            },
            "notes": list(self.notes),
        }


def judge(
    sides: Sides, search: Search, extractor: Extractor, *, seed: int = 0, progress: Progress = lambda _: None
) -> Judged:
    """Measure made images. Raises InputError for fewer than about ten images of a side."""
    generator = torch.Generator().manual_seed(seed)
    floor = gaussian_pixels(sides.reference, len(sides.made), generator)
    compared: dict[Side, Tensor] = {"made": sides.made, "real": sides.held_out, "floor": floor}
    progress("features of real images")
    reference = extractor.features(sides.reference)
    features: dict[Side, Tensor] = {}
    for side, images in compared.items():
        progress(f"features of {_WORDS[side]} images" if side != "floor" else f"features of {_WORDS[side]}")
        features[side] = extractor.features(images)
    scores: dict[Side, InceptionScore] = {}
    if isinstance(extractor, Inception):
        scores = {side: inception_score(extractor.logits(rows)) for side, rows in features.items()}
    progress("distances")
    far = {side: frechet(reference, rows) for side, rows in features.items()}
    kernel = {side: kernel_distance(reference, rows).scaled(THOUSAND) for side, rows in features.items()}
    progress("neighbors")
    reached = {side: reach(reference, rows) for side, rows in features.items()}
    classes = _by_class(sides, reference, features, reached)
    progress("bins")
    cells = _bins(sides.reference, compared)
    progress("copies")
    near = {"made": nearest(search.made, search.training), "unseen": nearest(search.unseen, search.others)}
    copied = copies(near["made"], near["unseen"])
    floored = copies(nearest(_small(floor, search.training), search.training), near["unseen"])
    n = len(sides.made)
    measures = (
        *_measures(extractor, n, len(sides.reference), far, kernel, reached, cells),
        *_scoring(scores, n),
        _copying(copied, floored.share, len(search.made), len(search.training)),
    )
    found = verdict(
        measures,
        Kernel(kernel["made"], kernel["real"], "fd" if min(n, len(reference)) > reference.shape[1] else "kd"),
        classes,
        copied,
    )
    return Judged(
        extractor.name,
        extractor.settings(),
        n,
        measures,
        kernel,
        classes,
        copied,
        floor,
        found,
        tuple(_cautions(n, len(sides.reference), reference.shape[1], extractor)),
        extractor.distances,
        scores,
    )


def _measures(
    extractor: Extractor,
    n: int,
    reference: int,
    far: dict[Side, float],
    kernel: dict[Side, Interval],
    reached: dict[Side, Reach],
    cells: dict[Side, float],
) -> list[Measured]:
    (fd, kd), name = extractor.distances, extractor.name
    size = f"{n:,} images of each kind beside {reference:,} real ones"
    balls = f"features {name}, {NEIGHBORS} nearest neighbors, {size}"
    spans = ", ".join(f"{word} {kernel[side].low:.1f} to {kernel[side].high:.1f}" for side, word in _WORDS.items())
    return [
        _row("fd", fd, "lower", far, n, f"Fréchet distance of features {name}, {size}"),
        _row(
            "kd",
            f"{kd} x 1000",
            "lower",
            {side: one.value for side, one in kernel.items()},
            n,
            f"unbiased kernel distance of features {name}, {size}; 95 %: {spans}",
            "below 0 means about 0",
        ),
        _row("precision", "precision", "higher", {side: one.precision for side, one in reached.items()}, n, balls),
        _row("density", "density", "higher", {side: one.density for side, one in reached.items()}, n, balls),
        _row("recall", "recall", "higher", {side: one.recall for side, one in reached.items()}, n, balls),
        _row("coverage", "coverage", "higher", {side: one.coverage for side, one in reached.items()}, n, balls),
        _row(
            "bins",
            "bins that differ",
            "lower",
            cells,
            n,
            f"share of {_cells(reference)} cells of whitened pixels whose shares differ, two-sided test at 5 %, {size}",
            "0.05 is chance",
        ),
    ]


def _scoring(scores: dict[Side, InceptionScore], n: int) -> list[Measured]:
    if not scores:
        return []
    spread = ", ".join(f"{word} {scores[side].deviation:.2f}" for side, word in _WORDS.items())
    protocol = f"Inception score, mean over {SPLITS} parts of {n:,} images; standard deviation over them: {spread}"
    return [_row("is", "IS", "higher", {side: one.mean for side, one in scores.items()}, n, protocol)]


def _copying(copied: Copies, floor: float, n: int, training: int) -> Measured:
    protocol = (
        f"{n:,} made images among {training:,} training ones, small pixels, as they are and mirrored: nearer to one"
        f" than {1 - ALLOWED:.0%} of unseen real images come"
    )
    controls = (Control("ceiling", "Held-out real", copied.unseen), Control("floor", "Gaussian pixels", floor))
    return Measured("copies", "near copies", "lower", copied.share, controls, n, protocol)


_WORDS: dict[Side, str] = {"made": "made", "real": "held-out", "floor": "Gaussian pixels"}


def _row(
    key: str,
    name: str,
    better: Literal["higher", "lower"],
    values: dict[Side, float],
    n: int,
    protocol: str,
    note: str = "",
) -> Measured:
    controls = (
        Control("ceiling", "Held-out real", values["real"]),
        Control("floor", "Gaussian pixels", values["floor"]),
    )
    return Measured(key, name, better, values["made"], controls, n, protocol, note)


def _bins(reference: Tensor, compared: dict[Side, Tensor]) -> dict[Side, float]:
    """Shares of cells that differ; pixels are whitened first, as the authors of the measure do."""
    whitened = Pixels.learn(reference)
    train = whitened.features(reference)
    count = _cells(len(reference))
    return {side: bins(train, whitened.features(rows), count=count).share for side, rows in compared.items()}


def _cells(reference: int) -> int:
    return max(2, min(_CELLS, reference // _PER_CELL))


def _by_class(
    sides: Sides, reference: Tensor, features: dict[Side, Tensor], reached: dict[Side, Reach]
) -> tuple[ClassShare, ...]:
    if sides.labels is None or len(sides.classes) < 2:
        return ()
    both = features["made"], features["real"]
    return class_shares(
        sides.classes, sides.labels, reference, both, (reached["made"].covered, reached["real"].covered)
    )


def _small(images: Tensor, like: Tensor) -> Tensor:
    from genapps_image.features.base import resized

    return resized(images.float(), like.shape[2], like.shape[3]).round().to(torch.uint8)


def _cautions(n: int, reference: int, width: int, extractor: Extractor) -> list[str]:
    found, name, least = [], extractor.distances[0], min(n, reference)
    if least < _FEW:
        found.append(f"{least:,} images: shares and distances of fewer than {_FEW} hardly settle")
    if least <= width:
        found.append(f"{name} of {width:,} features from {n:,} images is mostly error: read it beside held-out")
    if extractor.name == "self":
        found.append("features self are learnt on these real images: their figures compare within this run alone")
    if isinstance(extractor, Inception):
        if least < _PUBLISHED:
            found.append(
                f"{name} and IS of {least:,} images do not compare with published ones, of 10,000 or 50,000; --most"
                " takes more"
            )
        found.append(
            f"{name}, KID and IS are by weights of yours, SHA-256 of their numbers {extractor.digest}; whether they are"
            " the published ones is not known here"
        )
    return found
