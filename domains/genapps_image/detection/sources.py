"""Which images are good and which are judged, folders as MVTec AD lays them out among them, and images by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps_image.codec import Codec, to_channels
from genapps_image.reading.decoding import LIMITS, SUFFIXES, decode
from genapps_image.reading.pictures import Pictures, open_pictures
from genapps_image.records import Bytes, Picture, Skipped, Unreadable

GOOD = frozenset(("good", "normal", "ok"))  # folders of test images without a fault
SMALL = 48  # pixels of the longest side up to which images are judged as a whole
_CACHED = 256 * 2**20  # bytes of decoded good images that are kept while they are learnt
_TRUTH = ("ground_truth", "groundtruth")


@dataclass(frozen=True)
class Truth:
    """What is known of images that are judged: the folder of each says its kind, a mask beside them where it is odd.

    masks: the folder of masks, KIND/NAME_mask.png or KIND/NAME.png; None where there is none.
    """

    masks: Path | None

    def kind(self, name: str) -> str:
        """The kind of fault, "good" for none."""
        top = name.partition("/")[0]
        return "good" if top.lower() in GOOD else top

    def mask(self, name: str, height: int, width: int) -> NDArray[np.bool_] | None:
        """(H, W) where the image is odd; none of a good one is. None where that is not known.

        A mask of another size and the same shape is brought to that of the image.
        """
        if self.kind(name) == "good":
            return np.zeros((height, width), bool)
        if self.masks is None:
            return None
        stem = (self.masks / name).with_suffix("")
        for path in (stem.with_name(f"{stem.name}{end}{suffix}") for end in ("_mask", "") for suffix in SUFFIXES):
            if path.is_file():
                try:
                    with path.open("rb") as file:
                        found = to_channels(decode(file, LIMITS)[0], 1)[:, :, 0] > 0
                except (Unreadable, OSError):
                    return None
                return _fitted(found, height, width)
        return None


def _fitted(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_] | None:
    """By the nearest pixels; None where its sides are in another proportion."""
    tall, wide = mask.shape
    if abs(tall * width - wide * height) > 0.02 * max(tall * width, wide * height):
        return None
    rows, columns = (np.arange(side) * known // side for side, known in ((height, tall), (width, wide)))
    fitted: NDArray[np.bool_] = mask[np.ix_(rows, columns)]
    return fitted


@dataclass(frozen=True)
class Asked:
    """What is learnt and what is judged; either may be None."""

    good: Pictures | None
    new: Pictures | None
    truth: Truth | None = None


def asked(paths: tuple[str, ...], *, model: bool) -> Asked:
    """GOOD NEW, or one folder with train and test in it as MVTec AD has them; with a model NEW, or nothing but GOOD.

    Raises UsageError for what cannot be meant, and as `open_pictures` does.
    """
    if not 1 <= len(paths) <= 2 or (model and len(paths) == 2):
        raise UsageError("give GOOD and NEW: two folders of images; with --model only NEW")
    if len(paths) == 2:
        good, new = _part(paths[0], "train"), _part(paths[1], "test")
        return Asked(open_pictures(good), *_judged(new))
    only = paths[0]
    if model:
        return Asked(None, *_judged(_part(only, "test")))
    if (Path(only) / "train").is_dir() and (Path(only) / "test").is_dir():
        return Asked(open_pictures(_part(only, "train")), *_judged(Path(only) / "test"))
    return Asked(open_pictures(only), None)


def _part(path: str, name: str) -> Path:
    """The part of a folder that has train and test in it, else the path itself."""
    folder = Path(path)
    return folder / name if (folder / "train").is_dir() and (folder / "test").is_dir() else folder


def _judged(path: Path) -> tuple[Pictures, Truth | None]:
    pictures = open_pictures(path)
    tops = {name.partition("/")[0].lower() if "/" in name else "" for name in pictures.names}
    if not path.is_dir() or "" in tops or not tops & GOOD:
        return pictures, None
    masks = next((path.parent / name for name in _TRUTH if (path.parent / name).is_dir()), None)
    return pictures, Truth(masks)


@dataclass
class Looked:
    """What a first look at all good images found; memory holds as many of them as may be kept."""

    usable: list[int] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    kept: dict[int, Bytes] = field(default_factory=dict, repr=False)

    @property
    def small(self) -> bool:
        """Whether all images are small enough to be judged as a whole."""
        return max(max(size) for size in self.sizes) <= SMALL


def look(pictures: Pictures, watch: Callable[[str, int, int], None] | None = None) -> Looked:
    """Read each image once."""
    found, room = Looked(), _CACHED
    for i, one in enumerate(pictures):
        if isinstance(one, Skipped):
            found.skipped.append(one)
            continue
        found.usable.append(i)
        found.sizes[one.pixels.shape[:2]] += 1
        found.channels[one.pixels.shape[2]] += 1
        room -= one.pixels.nbytes
        if room > 0:
            found.kept[i] = one.pixels
        if watch is not None:
            watch("reading good images", i + 1, len(pictures))
    return found


@dataclass(frozen=True)
class Shape:
    """How images become tensors: grey or color, and one size where they are judged as a whole, else their own."""

    channels: int
    size: tuple[int, int] | None

    @classmethod
    def of(cls, found: Looked, whole: bool) -> Shape:
        """Color where any good image has it; the size that most have, at most 48 pixels a side."""
        channels = 1 if set(found.channels) <= {1, 2} else 3
        height, width = found.sizes.most_common(1)[0][0]
        scale = min(1.0, SMALL / max(height, width))
        return cls(channels, (round(height * scale), round(width * scale)) if whole else None)

    def tensor(self, pixels: Bytes) -> Tensor:
        """(C, H, W) bytes of pixels (H, W, any)."""
        if self.size is not None:
            coded = Codec(*self.size, self.channels).encode(Picture("", pixels))
        else:
            coded = to_channels(pixels, self.channels).transpose(2, 0, 1)
        return torch.from_numpy(np.array(coded, np.uint8))


@dataclass(frozen=True)
class Shelf:
    """The good images by number, as `Shape` makes them."""

    pictures: Pictures
    found: Looked
    shape: Shape

    def __len__(self) -> int:
        return len(self.found.usable)

    def __getitem__(self, i: int) -> Tensor:
        place = self.found.usable[i]
        pixels = self.found.kept.get(place)
        if pixels is None:
            one = self.pictures.one(place)
            if isinstance(one, Skipped):
                raise InputError(f"{one.name}: could be read at first and not again ({one.reason})")
            pixels = one.pixels
        return self.shape.tensor(pixels)

    def name(self, i: int) -> str:
        """What the image is called."""
        return self.pictures.names[self.found.usable[i]]
