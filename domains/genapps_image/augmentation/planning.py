"""Which files come out of which image: a list that chance decides by the seed alone, not by who works it off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CHUNK = 24  # files that are made of one image without reading it again


@dataclass(frozen=True)
class Wanted:
    """One file that is to be made of an image. key: what chance depends on, or the steps themselves, as written before.

    file: below the folder of images. key None: the image itself.
    """

    file: str
    key: tuple[int, ...] | None = None
    steps: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Share:
    """What comes out of one class: images there are, and those to be made by transforms and by a model."""

    real: int
    classical: int
    generated: int


def shares(counts: Mapping[str, int], per_class: int, generated: float) -> dict[str, Share]:
    """How many of each kind make `per_class` of each class; a class that has as many already keeps them all."""
    found = {}
    for name, count in counts.items():
        more = max(0, per_class - count)
        made = round(more * generated)
        found[name] = Share(count, more - made, made)
    return found


def plan(
    usable: Mapping[str, Sequence[int]],
    folders: Mapping[str, str],
    parts: Mapping[str, Share],
    seed: int,
    suffix: str,
) -> Iterator[tuple[int, str, list[Wanted]]]:
    """(image, class, files) in chunks: each image itself, and as many transforms of it as of any other of its class."""
    for place, (name, rows) in enumerate(usable.items()):
        copies = np.full(len(rows), parts[name].classical // max(len(rows), 1))
        rest = parts[name].classical - int(copies.sum())
        copies[np.random.default_rng((seed, 1, place)).permutation(len(rows))[:rest]] += 1
        for i, count in zip(rows, copies.tolist(), strict=True):
            head = folders[name] + "/" if folders[name] else ""
            wanted = [Wanted(f"{head}real_{i + 1:05d}{suffix}")]
            wanted += [Wanted(f"{head}classical_{i + 1:05d}_{k + 1:04d}{suffix}", (seed, i, k)) for k in range(count)]
            for start in range(0, len(wanted), CHUNK):
                yield i, name, wanted[start : start + CHUNK]


def folders_of(classes: Sequence[str]) -> dict[str, str]:
    """A folder for each class: its name, as far as it may be one, and no two alike."""
    found: dict[str, str] = {}
    for name in classes:
        plain = "".join("_" if letter in '/\\:*?"<>|' or ord(letter) < 32 else letter for letter in name).strip(" .")
        plain = plain[:80] or "_" if name else ""
        taken = {folder.casefold() for folder in found.values()}
        folder, number = plain, 2
        while folder.casefold() in taken:
            folder, number = f"{plain}_{number}", number + 1
        found[name] = folder
    return found
