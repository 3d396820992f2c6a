"""A collection of images that are read one at a time, whatever holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genapps.errors import InputError, UsageError
from genapps.io.folders import NO_UTF8, listed, utf8
from genapps_image.reading.arrays import as_images, idx_labels, read_idx, read_npz, read_parquet
from genapps_image.reading.decoding import LIMITS, SUFFIXES, ImageLimits, decode
from genapps_image.reading.folder import labels_of, parts_of
from genapps_image.records import Bytes, Picture, Skipped, Unreadable

Read = Callable[[int], tuple[Bytes, str, tuple[str, ...]]]
_SETS = (".npz", ".npy", ".parquet")


@dataclass(frozen=True)
class Pictures:
    """Images by number. Iterating reads each once, in order; memory holds one at a time.

    where: what was given. names, labels: (N,) of each; labels None where there are no classes. others: files that are
    no images by their content's first look (texts, tables), told apart so that they are listed.
    """

    where: str
    names: Sequence[str]
    read: Read
    labels: Sequence[str] | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Picture | Skipped]:
        return (self.one(i) for i in range(len(self)))

    def one(self, i: int) -> Picture | Skipped:
        """Image i, or why it is none."""
        try:
            pixels, kind, notes = self.read(i)
        except Unreadable as error:
            return Skipped(self.names[i], str(error))
        return Picture(self.names[i], pixels, self.labels[i] if self.labels is not None else None, kind, notes)

    def take(self, indices: Sequence[int]) -> Pictures:
        """Those of these numbers, in that order."""
        kept = list(indices)
        labels = None if self.labels is None else [self.labels[i] for i in kept]
        return replace(self, names=[self.names[i] for i in kept], read=lambda i: self.read(kept[i]), labels=labels)

    @property
    def classes(self) -> list[str]:
        """The classes, sorted; numbers by their value."""
        found = set(self.labels or ())
        return sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def open_pictures(path: str | Path, limits: ImageLimits = LIMITS) -> Pictures:
    """The images of a folder, of one file, or of a set (IDX, NPZ, NPY, Parquet).

    In a folder, classes are its subfolders, unless those are parts of a set such as train and test. Raises UsageError
    for a path that is not there, InputError for a folder without files or a set that cannot be read.
    """
    place = Path(path)
    if not utf8(str(path)):
        raise UsageError(f"{os.fsencode(path).decode('utf-8', 'backslashreplace')}: {NO_UTF8}")
    if place.is_dir():
        return _of_folder(place, limits)
    if not place.exists():
        raise UsageError(f"{path}: no such file or folder")
    suffix = place.suffix.lower()
    if suffix in _SETS:
        return _of_set(place, suffix, limits)
    if "idx" in place.name.lower() and suffix not in SUFFIXES:
        return _of_idx(place)
    return Pictures(str(path), [place.name], lambda _: _read_file(place, limits))


def _of_folder(folder: Path, limits: ImageLimits) -> Pictures:
    names: list[str] = []
    faults: dict[int, str] = {}
    for name, fault in listed(folder):
        if fault:
            faults[len(names)] = fault
        names.append(name)
    if not names:
        raise InputError(f"{folder}: no files in it")
    images = [name for i, name in enumerate(names) if Path(name).suffix.lower() in SUFFIXES and i not in faults]
    labels = labels_of(images)
    if labels is not None and len(images) < len(names):
        tops = set(labels)
        labels = [name.partition("/")[0] if name.partition("/")[0] in tops else "" for name in names]
    parts = parts_of(images)
    note = f"{', '.join(parts)} are taken for parts of a set, not for classes; give one of them" if parts else ""

    def read(i: int) -> tuple[Bytes, str, tuple[str, ...]]:
        if i in faults:
            raise Unreadable(faults[i])
        return _read_file(folder / names[i], limits)

    return Pictures(str(folder), names, read, labels, note)


def _read_file(path: Path, limits: ImageLimits) -> tuple[Bytes, str, tuple[str, ...]]:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Unreadable("no regular file")
        if size == 0:
            raise Unreadable("empty file")
        if size > limits.bytes:
            raise Unreadable(f"{size:,} bytes, more than the {limits.bytes:,} allowed")
        with path.open("rb") as file:
            return decode(file, limits)
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from None


def _of_set(path: Path, suffix: str, limits: ImageLimits) -> Pictures:
    if suffix != ".parquet":
        values, labels = read_npz(path)
        return _of_array(path, as_images(values, path), labels)
    encoded, labels = read_parquet(path)

    def read(i: int) -> tuple[Bytes, str, tuple[str, ...]]:
        if not encoded[i]:
            raise Unreadable("empty cell")
        return decode(encoded[i], limits)

    return Pictures(str(path), _numbers(len(encoded)), read, labels)


def _of_idx(path: Path) -> Pictures:
    images = as_images(read_idx(path), path)
    return _of_array(path, images, idx_labels(path, len(images)))


def _of_array(path: Path, images: Bytes, labels: list[str] | None) -> Pictures:
    kind = f"array, {'RGB' if images.shape[3] == 3 else 'RGBA' if images.shape[3] == 4 else 'grey'}"
    return Pictures(str(path), _numbers(len(images)), lambda i: (np.array(images[i]), kind, ()), labels)


def _numbers(count: int) -> list[str]:
    return [str(i) for i in range(1, count + 1)]
