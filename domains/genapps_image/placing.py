"""Where results go, so that nothing that is read is lost: files, and folders that keep the names of what went in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

from genapps.errors import UsageError
from genapps.io.atomic import check_target
from genapps.io.folders import files_of
from genapps.io.placing import check_files, check_folder
from genapps.report.files import check_figures, check_page
from genapps_image.reading.pictures import Pictures
from genapps_image.writing import WRITTEN

Place = Callable[[str], Path]

__all__ = [
    "check_figures",
    "check_files",
    "check_folder",
    "check_page",
    "check_place",
    "check_suffix",
    "placed",
    "several_in",
]


def check_place(output: str | Path, where: str | Path, several: bool) -> None:
    """Refuse a result that could not be written, or would go over what is read, before any work is done.

    several: whether `where` holds more than one image. Raises UsageError.
    """
    place = Path(output)
    if not several and place.suffix and not place.is_dir():
        check_suffix(place)
        check_files([place], [where])
        check_target(place)
        return
    if several and place.suffix.lower() in WRITTEN:
        raise UsageError(f"{output}: one file for several images; name a folder: -o {place.with_suffix('')}/")
    check_folder(output, [where], new=False)


def several_in(where: str | Path) -> bool:
    """Whether a folder holds more than one file; a file, which may be a set, is not looked into."""
    return Path(where).is_dir() and len(list(islice(files_of(where), 2))) > 1


def check_suffix(place: Path) -> None:
    """Refuse a format that is not written. Raises UsageError."""
    if place.suffix.lower() not in WRITTEN:
        raise UsageError(f"{place}: {place.suffix!r} is no format that is written; there are: {', '.join(WRITTEN)}")


def placed(output: str | Path, pictures: Pictures) -> Place:
    """The file for each image by its name: `output` itself for one image, else its name below that folder.

    What is not written in its own format becomes PNG; two names that would become one are kept apart. Folders are made
    as they are needed. Raises UsageError where one file is named for several images, as a set in one file may hold.
    """
    base = Path(output)
    if len(pictures) > 1 and base.suffix.lower() in WRITTEN:
        raise UsageError(f"{output}: one file for {len(pictures):,} images; name a folder: -o {base.with_suffix('')}/")
    if len(pictures) == 1 and base.suffix and not base.is_dir():
        return lambda _: base
    taken: dict[str, str] = {}

    def place(name: str) -> Path:
        path = Path(name)
        wanted = path if path.suffix.lower() in WRITTEN else path.with_name(path.name.replace(".", "_") + ".png")
        if taken.setdefault(str(wanted), name) != name:
            wanted = wanted.with_name(f"{path.name.replace('.', '_')}_{wanted.suffix[1:]}{wanted.suffix}")
        target = base / wanted
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    return place
