"""From two folders to figures: what is compared with what, at which size, and by which features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps_image.codec import Codec
from genapps_image.evaluation.judging import Judged, Search, Sides, judge
from genapps_image.features import extractor_of
from genapps_image.features.lite0 import installed
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Picture, Skipped

LEAST = 12  # images of a side, below which neighbors mean nothing
MOST_SIDE = 224
MOST_GIVEN = 1024  # for features that shrink images by a rule of their own
PHOTOGRAPH = 64  # pixels from which a network of photographs sees more than one learnt on the images
_SMALL = 16  # pixels of the images that are looked through for copies
_MOST_SMALL = 100_000  # of those
_MOST_BYTES = 4 * 2**30  # of the images that are measured
_LOOKED_AT = 200  # images whose sizes decide

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Pair:
    """A made image and its nearest training image, by their numbers; nearness 0 is a copy, 1 is far."""

    made: int
    training: int
    nearness: float
    is_copy: bool

    def to_json(self, found: Evaluated) -> dict[str, Any]:
        """With names for the numbers."""
        names = {"made": found.made.names[self.made], "training": found.real.names[self.training]}
        return {**names, "nearness": self.nearness, "copy": self.is_copy}


@dataclass(frozen=True)
class Evaluated:
    """What was measured, of which images, and what could not be read.

    judged: the figures. sides: the images measured, (N, C, H, W) bytes. real, made: the sources; real_rows, made_rows:
    the numbers in them of the images that copies were looked for in, and for.
    """

    real: Pictures
    made: Pictures
    real_rows: list[int]
    made_rows: list[int]
    codec: Codec
    judged: Judged
    sides: Sides
    search: Search
    skipped: list[Skipped] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Every figure, and what they were made of."""
        return {
            "real": self.real.where,
            "made": self.made.where,
            "images": {
                "reference": len(self.sides.reference),
                "held_out": len(self.sides.held_out),
                "made": len(self.sides.made),
                "training_looked_through": len(self.search.training),
            },
            "codec": self.codec.to_json(),
            **self.judged.to_json(),
            "notes": [*self.notes, *self.judged.notes],
            "skipped": [{"name": one.name, "reason": one.reason} for one in self.skipped],
            "nearest": [pair.to_json(self) for pair in self.nearest(10)],
        }

    def nearest(self, count: int) -> list[Pair]:
        """The made images that come nearest to a training image."""
        near, limit = self.judged.copied.near, self.judged.copied.limit
        return [
            Pair(self.made_rows[i], self.real_rows[int(near.index[i])], ratio, ratio <= limit)
            for i, ratio in ((int(i), float(near.ratio[i])) for i in near.ratio.argsort()[:count])
        ]


def evaluate(
    real: str,
    made: str,
    *,
    unseen: str | None = None,
    features: str = "auto",
    weights: str | None = None,
    size: int | None = None,
    most: int = 2000,
    seed: int = 0,
    progress: Progress = lambda what, done, total: None,
) -> Evaluated:
    """Judge made images beside real ones.

    real, made, unseen: folders, files or sets of images. unseen: real images that the model was not given; without
    them, as many as are measured are put aside from `real`. features: as `extractor_of` has them; auto is lite0 for
    images of 64 pixels or more, where it is installed, else self. weights: the file that inception needs. size: pixels
    of the side, by default the made images' own, at most 224, or 1,024 for inception, which shrinks images by a rule of
    its own. most: images of each kind that are measured, drawn at random; their copies are looked for in all real ones.
    Raises UsageError and InputError for what cannot be read, or is too little.
    """
    given = None if features != "inception" and weights is None else extractor_of(features, weights=weights)
    sources = [open_pictures(path) for path in (real, made, *([unseen] if unseen else []))]
    generator = torch.Generator().manual_seed(seed)
    codec, notes = _codec(sources[0], sources[1], size, MOST_SIDE if given is None else MOST_GIVEN)
    needed = sum(min(len(one), 2 * most) for one in sources) * codec.channels * codec.height * codec.width
    if needed > _MOST_BYTES:
        raise UsageError(f"{needed / 2**30:.1f} GiB of images; use a smaller --size or --most")
    notes += [f"{one.where}: {one.note}" for one in sources if one.note]
    notes += [
        f"{one.where}: copies are looked for in {_MOST_SMALL:,} of {len(one):,} images, drawn at random"
        for one in sources[:1]
        if len(one) > _MOST_SMALL
    ]
    training = _read(sources[0], codec, (2 if unseen is None else 1) * most, generator, progress)
    shown = _read(sources[1], codec, most, generator, progress)
    others = _read(sources[2], codec, most, generator, progress) if unseen else None
    sides, search = _split(training, shown, others)
    chosen = _features(features, codec)
    progress(f"features {chosen}", 0, None)
    extractor = given or extractor_of(chosen, sides.reference, sides.labels, seed=seed)
    judged = judge(sides, search, extractor, seed=seed, progress=lambda what: progress(what, 0, None))
    skipped = [one for part in (training, shown, others) if part is not None for one in part.skipped]
    return Evaluated(
        sources[0],
        sources[1],
        training.rows,
        [shown.rows[k] for k in shown.at.tolist()],
        codec,
        judged,
        sides,
        search,
        skipped,
        tuple(notes),
    )


@dataclass(frozen=True)
class _Read:
    """Images of one source.

    small: all of them, (N, C, h, w) bytes; rows, labels: their numbers and classes. large: those that are measured,
    (n, C, H, W) bytes; at: (n,) where they are in `small`.
    """

    small: Tensor
    rows: list[int]
    large: Tensor
    at: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    skipped: list[Skipped]


def _read(pictures: Pictures, codec: Codec, most: int, generator: torch.Generator, progress: Progress) -> _Read:
    """All images small and some as they are measured, in one pass and in an order drawn at random."""
    small_codec = Codec(min(_SMALL, codec.height), min(_SMALL, codec.width), codec.channels, codec.fit)
    order = torch.randperm(len(pictures), generator=generator)
    wanted = set(order[: most + most // 10].tolist())  # some more than needed, as some may not be readable
    numbers = order[: max(_MOST_SMALL, len(wanted))].sort().values.tolist()
    small, rows, large, at, labels, skipped = [], [], [], [], [], []
    classes = tuple(pictures.classes)
    number = {name: k for k, name in enumerate(classes)}
    for done, i in enumerate(numbers):
        if done % 20 == 0:
            progress(f"reading {pictures.where}", done, len(numbers))
        one = pictures.one(i)
        if isinstance(one, Skipped):
            skipped.append(one)
            continue
        small.append(torch.from_numpy(small_codec.encode(one)))
        rows.append(i)
        labels.append(number.get(one.label or "", 0))
        if i in wanted:
            large.append(torch.from_numpy(codec.encode(one)))
            at.append(len(rows) - 1)
    if len(large) < LEAST:
        why = f"; {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{pictures.where}: {len(large)} images that can be used, at least {LEAST} are needed{why}")
    kept = torch.randperm(len(large), generator=generator)[:most]
    return _Read(
        torch.stack(small),
        rows,
        torch.stack(large)[kept],
        torch.tensor(at)[kept],
        torch.tensor(labels) if classes else None,
        classes,
        skipped,
    )


def _split(training: _Read, shown: _Read, others: _Read | None) -> tuple[Sides, Search]:
    """Reference, held-out and made images, the last two equally many; and what copies are looked for in."""
    if others is None:
        n = min(len(shown.large), len(training.large) // 2)
        if n < LEAST:
            raise InputError(f"{len(training.large)} real images: half of them are held out, which needs {2 * LEAST}")
        held, kept = training.large[:n], training.large[n:]
        # The model may have been given these too, so that copies are looked for among them as well.
        is_left = torch.ones(len(training.rows), dtype=torch.bool).index_fill_(0, training.at[:n], False)
        search = Search(training.small, shown.small[shown.at], training.small[training.at[:n]], is_left.nonzero()[:, 0])
    else:
        n = min(len(shown.large), len(others.large))
        held, kept = others.large[:n], training.large
        search = Search(training.small, shown.small[shown.at], others.small[others.at])
    labels = None
    if training.labels is not None:
        labels = training.labels[training.at[n if others is None else 0 :]]
    sides = Sides(kept, held, shown.large[:n], training.classes, labels)
    return sides, search


def _features(name: str, codec: Codec) -> str:
    if name != "auto":
        return name
    return "lite0" if min(codec.height, codec.width) >= PHOTOGRAPH and installed() else "self"


def _codec(real: Pictures, made: Pictures, size: int | None, most: int) -> tuple[Codec, list[str]]:
    """The size of the made images, and grey only where both are."""
    (real_sizes, real_channels), (made_sizes, made_channels) = _looked_at(real), _looked_at(made)
    channels = 1 if max(real_channels | made_channels) <= 2 and not {2, 4} & made_channels else 3
    height, width = (size, size) if size is not None else Counter(made_sizes).most_common(1)[0][0]
    if size is None and min(height, width) > most:
        scale = most / min(height, width)
        height, width = round(height * scale), round(width * scale)
    notes = []
    if set(real_sizes) | set(made_sizes) != {(height, width)}:
        notes.append(f"all images are brought to {height} x {width} pixels; --size changes it")
    return Codec(height, width, channels), notes


def _looked_at(pictures: Pictures) -> tuple[list[tuple[int, int]], set[int]]:
    """Sizes and channels of some images, spread over all."""
    step = max(1, len(pictures) // _LOOKED_AT)
    found = [one for one in _some(pictures, range(0, len(pictures), step)) if isinstance(one, Picture)]
    if not found:
        raise InputError(f"{pictures.where}: no image that can be used")
    return [(one.pixels.shape[0], one.pixels.shape[1]) for one in found], {one.pixels.shape[2] for one in found}


def _some(pictures: Pictures, numbers: Sequence[int]) -> Iterator[Picture | Skipped]:
    return (pictures.one(i) for i in numbers)
