"""A collection of clips that are read one at a time, whatever folder or files hold them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from genapps.errors import InputError, UsageError
from genapps.io.folders import NO_UTF8, PARTS, labels_of, listed, parts_of, utf8
from genapps_audio.reading.decoding import SUFFIXES, read_clip
from genapps_audio.reading.limits import LIMITS, AudioLimits
from genapps_audio.records import Clip, Skipped, Unreadable

_PARTS = PARTS | {"audio", "wav", "wavs", "clips", "sounds", "recordings"}


@dataclass(frozen=True)
class Clips:
    """Clips by number. Iterating reads each once, in order; memory holds one at a time.

    where: what was given. names: (N,) of each, below its folder. paths: (N,) files. labels: (N,), or None where there
    are no classes. rate, mono: what each is brought to. faults: why files cannot be read, by number, known from their
    names. note: what should be known of the whole.
    """

    where: str
    names: Sequence[str]
    paths: Sequence[Path]
    labels: Sequence[str] | None = None
    rate: int | None = None
    mono: bool = False
    limits: AudioLimits = LIMITS
    faults: dict[int, str] = field(default_factory=dict)
    note: str = ""
    _failed: dict[int, Skipped] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Clip]:
        """The clips that can be read; the others stand in `skipped` afterwards."""
        for i in range(len(self)):
            one = self.one(i)
            if isinstance(one, Clip):
                yield one

    def one(self, i: int) -> Clip | Skipped:
        """Clip i, or why it is none."""
        try:
            if i in self.faults:
                raise Unreadable(self.faults[i])
            label = self.labels[i] if self.labels is not None else None
            return read_clip(
                self.paths[i], rate=self.rate, mono=self.mono, limits=self.limits, name=self.names[i], label=label
            )
        except Unreadable as error:
            return self._failed.setdefault(i, Skipped(self.names[i], str(error)))

    @property
    def skipped(self) -> list[Skipped]:
        """The files that could not be read so far, in order."""
        return [self._failed[i] for i in sorted(self._failed)]

    def take(self, indices: Sequence[int]) -> Clips:
        """Those of these numbers, in that order."""
        kept = list(indices)
        return replace(
            self,
            names=[self.names[i] for i in kept],
            paths=[self.paths[i] for i in kept],
            labels=None if self.labels is None else [self.labels[i] for i in kept],
            faults={k: self.faults[i] for k, i in enumerate(kept) if i in self.faults},
            _failed={},
        )

    @property
    def classes(self) -> list[str]:
        """The classes, sorted; numbers by their value."""
        found = set(self.labels or ()) - {""}
        return sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))


def open_clips(
    paths: str | Path | Sequence[str | Path],
    *,
    rate: int | None = None,
    mono: bool = False,
    limits: AudioLimits = LIMITS,
) -> Clips:
    """The clips of a folder, of one file, or of several of these one after the other.

    In a folder, classes are its subfolders, unless those are parts of a set such as train and test; several sources
    have classes where each has. Nothing is opened yet. Raises UsageError for a path that is not there, InputError for
    a folder without files.
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    found = [_open(one, rate, mono, limits) for one in given]
    if len(found) == 1:
        return found[0]
    prefix = [f"{str(one.where).rstrip('/')}/" if Path(one.where).is_dir() else "" for one in found]
    offsets = [sum(len(one) for one in found[:k]) for k in range(len(found))]
    return Clips(
        ", ".join(one.where for one in found),
        [start + name for start, one in zip(prefix, found, strict=True) for name in one.names],
        [path for one in found for path in one.paths],
        None if any(one.labels is None for one in found) else [label for one in found for label in one.labels or ()],
        rate,
        mono,
        limits,
        {k + i: fault for k, one in zip(offsets, found, strict=True) for i, fault in one.faults.items()},
        "; ".join(one.note for one in found if one.note),
    )


def _open(path: str | Path, rate: int | None, mono: bool, limits: AudioLimits) -> Clips:
    place = Path(path)
    if not utf8(str(path)):
        raise UsageError(f"{os.fsencode(path).decode('utf-8', 'backslashreplace')}: {NO_UTF8}")
    if not place.exists():
        raise UsageError(f"{path}: no such file or folder")
    if not place.is_dir():
        return Clips(str(path), [place.name], [place], None, rate, mono, limits)
    names: list[str] = []
    faults: dict[int, str] = {}
    for name, fault in listed(place):
        if fault:
            faults[len(names)] = fault
        names.append(name)
    if not names:
        raise InputError(f"{path}: no files in it")
    sounds = [name for i, name in enumerate(names) if Path(name).suffix.lower() in SUFFIXES and i not in faults]
    labels = labels_of(sounds, _PARTS)
    if labels is not None and len(sounds) < len(names):
        tops = set(labels)
        labels = [name.partition("/")[0] if name.partition("/")[0] in tops else "" for name in names]
    parts = parts_of(sounds, _PARTS)
    note = f"{', '.join(parts)} are taken for parts of a set, not for classes; give one of them" if parts else ""
    return Clips(str(path), names, [place / name for name in names], labels, rate, mono, limits, faults, note)
