"""The files of a folder, and which of them form classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Folders that say what files are for, not what they hold.
PARTS = frozenset(
    (
        *("train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"),
        *("good", "normal", "ok", "labels", "annotations", "real", "fake", "new"),
    )
)
NO_UTF8 = "its name is not UTF-8; rename it"
_HIDDEN = frozenset((".ds_store", "thumbs.db", "desktop.ini"))


class Listed(NamedTuple):
    """name: the path below the folder, with "/" between. fault: why it is not read; empty where it may be."""

    name: str
    fault: str = ""


def files_of(folder: str | Path) -> Iterator[str]:
    """Paths below the folder, with "/" between, sorted within each folder; links are followed, but no loop twice.

    Hidden files and folders are passed over. A folder is read as it comes to it, so that one of many files costs their
    names. What `listed` finds fault with is left out.
    """
    return (one.name for one in listed(folder) if not one.fault)


def listed(folder: str | Path) -> Iterator[Listed]:
    """The same, with those files and folders that cannot be read: their names can always be shown and written."""
    yield from _walk(str(folder), "", set())


def _walk(folder: str, above: str, seen: set[tuple[int, int]]) -> Iterator[Listed]:
    try:
        about = Path(folder).stat()
        if (about.st_dev, about.st_ino) in seen:
            return
        seen.add((about.st_dev, about.st_ino))
        with os.scandir(folder) as found:
            entries = sorted((entry.name, _is_folder(entry)) for entry in found if not _hidden(entry.name))
    except OSError as error:
        if above:
            yield Listed(above.rstrip("/"), error.strerror or type(error).__name__)
        return
    yield from (_file(above, name) for name, is_folder in entries if not is_folder)
    for name, is_folder in entries:
        if is_folder and (told := _file(above, name)).fault:
            yield told
        elif is_folder:
            yield from _walk(f"{folder}/{name}", f"{above}{name}/", seen)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, which is told when it is read
        return False


def _file(above: str, name: str) -> Listed:
    """An entry of a folder; bytes that are no UTF-8 are written out, as no table or page could hold them."""
    if utf8(name):
        return Listed(above + name)
    return Listed(above + os.fsencode(name).decode("utf-8", "backslashreplace"), NO_UTF8)


def utf8(name: str) -> bool:
    """Whether a name from the disk can be written as text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


def labels_of(names: list[str], parts: frozenset[str] = PARTS) -> list[str] | None:
    """The class of each file: the folder it is in, where all are in folders and none of those is a part of a set.

    None where there are no classes.
    """
    tops = [name.partition("/")[0] if "/" in name else "" for name in names]
    if not names or "" in tops or {top.lower() for top in tops} & parts:
        return None
    return tops


def parts_of(names: list[str], parts: frozenset[str] = PARTS) -> list[str]:
    """The folders at the top that are parts of a set, such as train and test."""
    return sorted({name.partition("/")[0] for name in names if "/" in name and name.partition("/")[0].lower() in parts})
