"""The files of a folder, and which of them form classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Folders that say what images are for, not what they show.
PARTS = frozenset(
    (
        *("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"),
        *("good", "normal", "ok", "mask", "masks", "ground_truth", "groundtruth", "labels", "annotations"),
        *("images", "image", "imgs", "real", "fake", "new"),
    )
)
_HIDDEN = frozenset((".ds_store", "thumbs.db", "desktop.ini"))


def files_of(folder: str | Path) -> Iterator[str]:
    """Paths below the folder, with "/" between, sorted within each folder; links are followed, but no loop twice.

    Hidden files and folders are passed over. A folder is read as it comes to it, so that one of many files costs their
    names.
    """
    yield from _walk(str(folder), "", set())


def _walk(folder: str, above: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    try:
        about = Path(folder).stat()
        if (about.st_dev, about.st_ino) in seen:
            return
        seen.add((about.st_dev, about.st_ino))
        with os.scandir(folder) as found:
            entries = sorted((entry.name, entry.is_dir()) for entry in found if not _hidden(entry.name))
    except OSError:
        return  # a folder that may not be read holds nothing that could be learnt
    for name, is_folder in entries:
        if not is_folder:
            yield above + name
    for name, is_folder in entries:
        if is_folder:
            yield from _walk(f"{folder}/{name}", f"{above}{name}/", seen)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


def labels_of(names: list[str]) -> list[str] | None:
    """The class of each file: the folder it is in, where all are in folders and none of those is a part of a set.

    None where there are no classes.
    """
    tops = [name.partition("/")[0] if "/" in name else "" for name in names]
    if not names or "" in tops or {top.lower() for top in tops} & PARTS:
        return None
    return tops


def parts_of(names: list[str]) -> list[str]:
    """The folders at the top that are parts of a set, such as train and test."""
    return sorted({name.partition("/")[0] for name in names if "/" in name and name.partition("/")[0].lower() in PARTS})
