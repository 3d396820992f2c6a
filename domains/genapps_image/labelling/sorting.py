"""Images sorted into a folder for each class: copies of the files, or PNG files of what a set holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from genapps.errors import InputError
from genapps.io.atomic import replacing
from genapps_image.labelling.tasks import Row
from genapps_image.reading.pictures import Pictures
from genapps_image.records import Skipped
from genapps_image.writing import write_image

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


def sort_into(
    folder: str | Path,
    pictures: Pictures,
    rows: Sequence[Row],
    least: float,
    files: Callable[[str], Path | None],
    watch: Callable[[int, int], None] | None = None,
) -> int:
    """Copy each image into the folder of its class, and say how many.

    least: images whose label is less probable than that, and not known, stay out. files: where an image's file is, None
    for one of a set, which is written as PNG. Raises InputError where two classes would have one folder.
    """
    base, taken, done = Path(folder), set[Path](), 0
    homes = _homes(sorted({row.label for row in rows}))
    number = {name: i for i, name in enumerate(pictures.names)}
    for row in rows:
        if not row.known and (row.chance or 0.0) < least:
            continue
        source = files(row.name)
        name = Path(row.name).name if source is not None else f"{Path(row.name).name}.png"
        target = _free(base / homes[row.label] / name, taken)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source is not None:
            with source.open("rb") as file, replacing(target) as copy:
                while block := file.read(1 << 20):
                    copy.write(block)
        else:
            one = pictures.one(number[row.name])
            if isinstance(one, Skipped):
                continue
            write_image(target, one.pixels)
        done += 1
        if watch is not None and done % 50 == 0:
            watch(done, len(rows))
    return done


def _homes(classes: Sequence[str]) -> dict[str, str]:
    """A folder's name for each class."""
    homes = {name: _NOT_IN_NAMES.sub("_", name).strip(". ") or "_" for name in classes}
    if len(set(homes.values())) < len(homes):
        raise InputError("--copy-to: two classes would have the same folder; rename one of them")
    return homes


def _free(path: Path, taken: set[Path]) -> Path:
    """The path, or one beside it where another image of that name was put."""
    wanted, k = path, 2
    while wanted in taken:
        wanted, k = path.with_stem(f"{path.stem}_{k}"), k + 1
    taken.add(wanted)
    return wanted
