"""What is in a collection of images: formats, sizes, classes, copies, what cannot be used, and the preset for it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from genapps.wording import counted
from genapps_image.codec import image_of, to_channels
from genapps_image.presets import Preset, Seen, choose
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Bytes, Picture, Skipped

_ALIKE = 3  # bits of 64 by which two near copies may differ
_LEAST_SIDE = 64  # pixels below which images of one kind have too few bits to tell copies from likeness
_MOST_PRINTS = 20_000  # images that are looked through for near copies


@dataclass
class Found:
    """What was seen of a collection, added up image by image: memory does not grow with their pixels."""

    where: str
    kinds: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    channels: Counter[int] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    copies: list[tuple[str, str]] = field(default_factory=list)
    prints: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    seen: dict[bytes, str] = field(default_factory=dict, repr=False)

    @property
    def count(self) -> int:
        """Images that can be used."""
        return sum(self.kinds.values())

    def add(self, one: Picture | Skipped) -> None:
        """Take one image, or what is none, into account."""
        if isinstance(one, Skipped):
            self.skipped.append(one)
            return
        self.kinds[one.kind] += 1
        self.sizes[one.pixels.shape[:2]] += 1
        self.channels[one.pixels.shape[2]] += 1
        self.notes.update(one.notes)
        if one.label is not None:
            self.classes[one.label] += 1
        key = hashlib.blake2b(one.pixels.tobytes() + bytes(str(one.pixels.shape), "ascii"), digest_size=16).digest()
        if key in self.seen:
            self.copies.append((self.seen[key], one.name))
        else:
            self.seen[key] = one.name
            if len(self.prints) < _MOST_PRINTS and min(one.pixels.shape[:2]) >= _LEAST_SIDE:
                self.prints.append(difference_hash(one.pixels))
                self.names.append(one.name)

    def near_copies(self) -> list[tuple[str, str]]:
        """Pairs of images that are not the same but hardly differ, by their difference hashes, beyond flat images."""
        rows = np.array(self.prints, np.uint64)
        found = []
        for i in range(len(rows) - 1):
            apart = np.bitwise_count(rows[i + 1 :] ^ rows[i])
            found += [(self.names[i], self.names[i + 1 + j]) for j in np.flatnonzero(apart <= _ALIKE).tolist()]
            if len(found) > 1_000:
                break
        return found

    def wanted_channels(self) -> int:
        """1 where all images are grey, 4 where some of them have alpha that matters, else 3."""
        if set(self.channels) <= {1}:
            return 1
        return 4 if self.channels[4] + self.channels[2] > self.count / 2 else 3

    def preset(self, device: str = "cpu") -> Preset | None:
        """What `fit` would choose; None where there is no image."""
        if not self.count:
            return None
        sizes = list(self.sizes.elements())
        return choose(Seen(self.count, sizes, self.wanted_channels(), len(self.classes), device))


def inspect(pictures: Pictures, *, progress: Callable[[int, int], None] | None = None) -> Found:
    """Look at every image once."""
    found = Found(pictures.where)
    for done, one in enumerate(pictures, 1):
        found.add(one)
        if progress is not None and done % 20 == 0:
            progress(done, len(pictures))
    return found


def difference_hash(pixels: Bytes) -> int:
    """64 bits: whether each pixel of a grey 8 x 9 one is darker than the next (Krawetz 2013)."""
    small = image_of(to_channels(pixels, 1)).resize((9, 8), Image.Resampling.BOX)
    grey = np.asarray(small, np.int16)
    bits = (grey[:, 1:] > grey[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def to_json(found: Found, device: str = "cpu") -> dict[str, Any]:
    """Every figure."""
    preset, near = found.preset(device), found.near_copies()
    return {
        "where": found.where,
        "images": found.count,
        "kinds": dict(found.kinds.most_common()),
        "sizes": {f"{height} x {width}": n for (height, width), n in found.sizes.most_common(50)},
        "channels": {str(k): n for k, n in found.channels.most_common()},
        "classes": dict(sorted(found.classes.items())),
        "notes": dict(found.notes.most_common()),
        "copies": [list(pair) for pair in found.copies[:1000]],
        "near_copies": [list(pair) for pair in near],
        "skipped": [{"name": one.name, "reason": one.reason} for one in found.skipped],
        "preset": None if preset is None else {
            **preset.codec.to_json(), "family": preset.family, "reasons": list(preset.reasons)
        },
    }  # fmt: skip


def lines(found: Found, device: str = "cpu") -> list[str]:
    """The same for a person."""
    heights, widths = ([pair[k] for pair in found.sizes] for k in (0, 1))
    said = [f"images      {found.count:,}"]
    if found.count:
        alone = len(found.sizes) == 1
        sizes = f"{heights[0]} x {widths[0]}" if alone else (
            f"{len(found.sizes):,} different, {min(heights)} x {min(widths)} to {max(heights)} x {max(widths)}"
        )  # fmt: skip
        said += [f"kinds       {_listed(found.kinds)}", f"sizes       {sizes} (height x width)"]
    if found.classes:
        said.append(f"classes     {_listed(found.classes, 12)}")
    said += [f"note        {text}: {counted(n, 'image')}" for text, n in found.notes.most_common()]
    if found.copies:
        first, second = found.copies[0]
        said.append(f"copies      {len(found.copies):,}, such as {first} and {second}")
    if near := found.near_copies():
        said.append(f"near copies {len(near):,}, such as {near[0][0]} and {near[0][1]}")
    if found.skipped:
        said.append(f"skipped     {len(found.skipped):,}")
    preset = found.preset(device)
    if preset is not None:
        codec = preset.codec
        color = {1: "grey", 3: "RGB", 4: "RGBA"}[codec.channels]
        said.append(f"preset      {preset.family}, {codec.height} x {codec.width}, {color}")
        said += [f"            {reason}" for reason in preset.reasons]
    return said


def _listed(counts: Counter[str], most: int = 6) -> str:
    told = ", ".join(f"{name} {n:,}" for name, n in counts.most_common(most))
    return told + (f" and {len(counts) - most:,} more" if len(counts) > most else "")
