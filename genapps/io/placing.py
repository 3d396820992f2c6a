"""Where results may go, so that nothing that is read is lost: files and folders, refused before any work is done."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from genapps.errors import GenappsError, UsageError
from genapps.io.atomic import check_apart

Named = str | Path | None


def check_files(written: Iterable[Named], read: Iterable[Named]) -> None:
    """Refuse files that would go over what is read, over a file in a folder that is read, or over one another.

    `-` and None are no files. Raises UsageError.
    """
    places, sources = list(written), list(read)
    check_apart(places, sources)
    folders = [Path(one).resolve() for one in sources if one is not None and Path(one).is_dir()]
    for place in places:
        if place is None or not Path(place).is_file():
            continue
        found = {Path(place).resolve(), Path(place).parent.resolve() / Path(place).name}  # a link, and where it leads
        if any(one.is_relative_to(folder) for one in found for folder in folders):
            raise UsageError(f"{place}: would overwrite a file of the input; choose another name")


def check_folder(folder: str | Path, read: Iterable[Named], *, new: bool = True, option: str = "") -> None:
    """Refuse a folder of results that is, lies in or holds what is read, or that could not be made.

    new: refuse one that holds anything, too, so that nothing is mixed or replaced. option: what named it, for the
    message. Raises UsageError, and GenappsError where permission is missing.
    """
    place, told = Path(folder).resolve(), f"{option} {folder}".strip()
    if place.exists() and not place.is_dir():
        raise UsageError(f"{told}: is a file; name a folder")
    for source in (Path(one).resolve() for one in read if one is not None):
        if source.is_dir() and place.is_relative_to(source):
            raise UsageError(f"{told}: lies in the folder that is read; choose one beside it")
        if source.is_relative_to(place):
            raise UsageError(f"{told}: holds what is read; name another folder")
    if new and place.is_dir() and any(place.iterdir()):
        raise UsageError(f"{told}: is there and is not empty; name a new folder")
    above = next(one for one in (place, *place.parents) if one.exists())
    if not above.is_dir():
        raise UsageError(f"{told}: {above} is a file, and no folder can be made in it; name another folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise GenappsError(f"{told}: no permission to write {above}; choose another place or change its permissions")
    if not place.exists():
        _try_folder(above, told)


def _try_folder(above: Path, told: str) -> None:
    """Make a folder and take it away again: some places, such as /proc, allow what they then refuse."""
    try:
        Path(tempfile.mkdtemp(prefix=".genapps-", dir=above)).rmdir()
    except OSError as error:
        raise GenappsError(
            f"{told}: no folder can be made in {above} ({error.strerror}); choose another place"
        ) from error
