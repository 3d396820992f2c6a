"""Pieces of files and folders: all that can be read, and a list of what cannot."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from genapps.errors import InputError, UsageError
from genapps_music.reading.files import read_scores
from genapps_music.reading.limits import DEFAULT, Limits
from genapps_music.score import Score, Skipped, Unreadable

# Folders that say what pieces are for, not what they are.
PARTS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"))


@dataclass(frozen=True)
class Scores(Sequence[Score]):
    """The pieces that could be read, by the names of their files, and what could not be."""

    scores: tuple[Score, ...]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    @overload
    def __getitem__(self, at: int) -> Score: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Score, ...]: ...
    def __getitem__(self, at: int | slice) -> Score | tuple[Score, ...]:
        return self.scores[at]

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, sorted; empty where there are none."""
        return tuple(sorted({score.label for score in self.scores if score.label is not None}))


def open_scores(paths: str | Path | Iterable[str | Path], limits: Limits = DEFAULT) -> Scores:
    """The pieces of a file, of a folder with all below it, or of several of those, sorted by name.

    A name is the path below the folder; where several paths are given, the path as given stands before it. A folder
    whose files all lie in subfolders has these as classes, unless one is named after a part of a set, such as train.
    Raises UsageError where a path does not exist, InputError where no piece could be read.
    """
    places = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    scores: list[Score] = []
    skipped: list[Skipped] = []
    for place in dict.fromkeys(places):
        if not place.exists():
            raise UsageError(f"{place}: no such file or folder")
        found, left = _of(place, str(place) if len(places) > 1 else "", limits)
        scores += found
        skipped += left
    if not scores:
        raise InputError(_nothing(places, skipped))
    return Scores(tuple(scores), tuple(skipped))


def _of(place: Path, above: str, limits: Limits) -> tuple[list[Score], list[Skipped]]:
    scores: list[Score] = []
    skipped: list[Skipped] = []
    names = _names(place) if place.is_dir() else [place.name]
    classes = _classes(names) if place.is_dir() else {}
    for name in names:
        told = str(Path(above) / name) if above and place.is_dir() else above or name
        try:
            _check_name(told)
            pieces, left = read_scores(place / name if place.is_dir() else place, limits)
        except Unreadable as error:
            skipped.append(Skipped(_shown(told), str(error)))
        except OSError as error:
            skipped.append(Skipped(_shown(told), error.strerror or type(error).__name__))
        else:
            cut = len(Path(name).name)
            scores += [replace(one, name=told + one.name[cut:], label=classes.get(name)) for one in pieces]
            skipped += [Skipped(told + one.name[cut:], one.reason) for one in left]
    return scores, skipped


def _names(folder: Path) -> list[str]:
    """Paths of files below a folder, with "/" between, sorted; hidden ones are passed over, links to folders too."""
    names = []
    for above, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inner = Path(above).relative_to(folder)
        names += [(inner / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(names)


def _classes(names: list[str]) -> dict[str, str]:
    tops = {name: name.partition("/")[0] if "/" in name else "" for name in names}
    found = set(tops.values())
    return {} if "" in found or {top.lower() for top in found} & PARTS else tops


def _check_name(name: str) -> None:
    if _shown(name) != name:
        raise Unreadable("its name is not UTF-8; rename it")


def _shown(name: str) -> str:
    """The name as text; bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _nothing(places: list[Path], skipped: list[Skipped]) -> str:
    where = ", ".join(map(str, places[:3])) + (" ..." if len(places) > 3 else "")
    if not skipped:
        return f"{where}: no files; give MIDI, MusicXML, ABC or piano-roll files"
    first = skipped[0]
    return (
        f"{where}: no piece could be read; {first.name}: {first.reason}"
        if len(skipped) == 1
        else f"{where}: none of {len(skipped):,} files could be read; {first.name}: {first.reason}"
    )
