"""Where results go, so that nothing that is read is lost: files, and folders that keep the names of what went in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from genapps.errors import GenappsError, UsageError
from genapps.io.atomic import check_apart, check_target
from genapps.io.folders import files_of
from genapps.report.files import check_report
from genapps_image.reading.pictures import Pictures
from genapps_image.writing import WRITTEN

Place = Callable[[str], Path]
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


def check_page(report: str | Path | None) -> None:
    """Refuse a report that is not .html, or could not be written. Raises as `genapps.report.files.check_report`."""
    check_report(report)
    if report is not None and Path(report).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{report}: the report is an HTML page; name it .html")


def check_figures(output: str | Path | None) -> None:
    """Refuse a file for figures that is not .json, such as an image's, or could not be written. Raises UsageError."""
    if output is None or str(output) == "-":
        return
    place = Path(output)
    device = place.exists() and not place.is_file() and not place.is_dir()
    if place.suffix.lower() != ".json" and not place.is_dir() and not device:
        raise UsageError(f"{output}: the figures are written as JSON; name it .json")
    check_target(place)


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
