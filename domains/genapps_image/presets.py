"""Which family, size and settings fit a collection of images: data, so that they can be read and argued with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from genapps.errors import UsageError
from genapps.wording import counted
from genapps_image.codec import Codec

SIZES = (8, 12, 16, 20, 24, 28, 32, 48, 64, 96, 128)
FEWEST = 20  # images below which a generator has nothing to learn from


@dataclass(frozen=True)
class Seen:
    """What is known of a collection before it is learnt.

    count: images. sizes: (height, width) of each, or of a sample. channels: 1, 3 or 4. classes: how many, 0 for none.
    device: "cpu" or another.
    """

    count: int
    sizes: Sequence[tuple[int, int]]
    channels: int
    classes: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Preset:
    """What is chosen, and why: one sentence each in `reasons`."""

    codec: Codec
    family: str
    reasons: tuple[str, ...]


def choose(seen: Seen, *, size: int | tuple[int, int] | None = None, family: str | None = None) -> Preset:
    """The size and family for a collection; what is given is kept. Raises UsageError for no images."""
    if not seen.sizes:
        raise UsageError("no images to choose a size for")
    reasons = []
    if size is None:
        height, width, why = _size(seen)
        reasons.append(why)
    else:
        height, width = (size, size) if isinstance(size, int) else size
    if family is None:
        family = "autoregressive" if max(height, width) <= 40 or seen.device != "cpu" else "vae"
        reasons.append(
            f"{family}: exact and diverse at this size" if family == "autoregressive"
            else f"{family}: the quickest at {height} x {width} on a CPU; --family gan is sharper and slower"
        )  # fmt: skip
    if seen.count < FEWEST:
        reasons.append(f"only {counted(seen.count, 'image')}: what is made will be much like them")
    return Preset(Codec(height, width, seen.channels), family, tuple(reasons))


def _size(seen: Seen) -> tuple[int, int, str]:
    """All images' own size where it is one and small, else a square of the largest size that the device can learn."""
    (common, often), *_ = Counter(seen.sizes).most_common(1)
    most = 32 if seen.device == "cpu" else 64
    if often == len(seen.sizes) and max(common) <= (40 if seen.device == "cpu" else 128) and min(common) >= 8:
        return *common, f"{common[0]} x {common[1]}: the size that all images have"
    shorter = sorted(min(pair) for pair in seen.sizes)[len(seen.sizes) // 2]
    side = max(side for side in SIZES if side <= max(8, min(shorter, most)))
    return side, side, f"{side} x {side}: what the {seen.device} learns in minutes; --size changes it"
