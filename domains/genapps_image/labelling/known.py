"""Which labels are known: from the folders that images lie in, from a table of names, or from the set itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from genapps.errors import InputError, UsageError
from genapps.suggest import did_you_mean
from genapps.wording import counted
from genapps_image.reading.pictures import Pictures, open_pictures

UNLABELED = ("unlabeled", "unlabelled", "unknown", "unsorted", "inbox")  # subfolders that are no class
NO_LABEL = frozenset(("", "-1", "nan", "none", "null", "?"))  # what a set says of an image without one
_PARTS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation"))
_FILES = ("file", "image", "name", "filename", "path", "row", "number", "index")
_CLASSES = ("label", "class", "category", "target", "y")


@dataclass(frozen=True)
class Asked:
    """All images, and what is known of them.

    pictures: by number, their names unique. labels: (N,) the class of each, "" where it is not known. notes: what a
    person should know of how they were found. folders: what the names' beginnings stand for on the disk; None for a
    set, whose images have no files.
    """

    pictures: Pictures
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()
    folders: tuple[tuple[str, Path | None], ...] = ()

    def file_of(self, name: str) -> Path | None:
        """The file of an image, None for one of a set."""
        for begin, folder in self.folders:
            if name.startswith(begin):
                return None if folder is None else folder / name.removeprefix(begin)
        return None


def gathered(
    images: str, *, table: str | None = None, unlabeled: str | None = None, classes: Sequence[str] = ()
) -> Asked:
    """The images of IMAGES, and of a second place without labels, with what is known.

    table: a file of names and labels; without it the subfolders are classes, or the set brings its own labels.
    unlabeled: the name of a subfolder that is no class, or another folder or set. classes: those of a model; where
    there are some, no others are taken for labels. Raises UsageError for a path that is not there, InputError for what
    contradicts itself.
    """
    pictures = open_pictures(images)
    beside, inbox = _second(images, unlabeled)
    notes: list[str] = []
    if Path(images).is_dir() and table is not None:
        pictures = _without(pictures, Path(images), Path(table))
    if table is not None:
        labels = from_table(table, pictures, notes)
    elif Path(images).is_dir():
        labels = from_folders(pictures.names, images, inbox, strict=not classes)
    else:
        labels = ["" if one.strip().lower() in NO_LABEL else one for one in pictures.labels or [""] * len(pictures)]
    if classes:
        labels = _of_model(labels, classes, notes)
    own = ("", _folder(images))
    if beside is None:
        return Asked(pictures, tuple(labels), tuple(notes), (own,))
    more = open_pictures(beside)
    places = (f"{more.where.rstrip('/')}/", _folder(beside)), own
    return Asked(joined(pictures, more), (*labels, *[""] * len(more)), tuple(notes), places)


def _folder(place: str) -> Path | None:
    return Path(place) if Path(place).is_dir() else None


def from_folders(names: Sequence[str], where: str, inbox: str | None, *, strict: bool = True) -> list[str]:
    """The top folder of each name; none for what lies outside of folders or in one for images without a label.

    Raises InputError where folders are parts of a set, such as train and test, and `strict`.
    """
    free = {inbox} if inbox is not None else set(UNLABELED)
    tops = [name.partition("/")[0] if "/" in name else "" for name in names]
    parts = sorted({top for top in tops if top.lower() in _PARTS})
    if parts and strict:
        raise InputError(f"{where}: {', '.join(parts)} are parts of a set, not classes; give one of them")
    return ["" if top in free or top.lower() in free else top for top in tops]


def from_table(path: str, pictures: Pictures, notes: list[str]) -> list[str]:
    """The label (N,) of each image as a table says, "" where it says nothing.

    Two columns, file and label by their names, or else two of any names where their rows fit; a third, `known`, leaves
    out rows that say no, as what this command wrote has them. Raises InputError where no row fits, or two rows
    contradict each other.
    """
    rows, guessed = _rows(path)
    by_name, by_end = {name: i for i, name in enumerate(pictures.names)}, _ends(pictures.names)
    labels, told = [""] * len(pictures), dict[int, int]()
    missing: list[tuple[int, str]] = []
    repeated = 0
    for number, (name, label) in enumerate(rows, 1):
        if not label:
            continue
        found = _found(name, pictures.where, by_name, by_end)
        if found is None:
            missing.append((number, name))
        elif found in told and labels[found] != label:
            raise InputError(
                f"{path}: row {told[found]} says {pictures.names[found]!r} is {labels[found]!r}, "
                f"row {number} says {label!r}; leave one of them"
            )
        else:
            repeated += found in told
            labels[found], told[found] = label, number
    if missing:
        said = _missing(path, missing, pictures)
        if not told:
            raise InputError(f"{path}: needs columns file and label; there are: {guessed}" if guessed else said)
        notes.append(said)
    if not told:
        raise InputError(f"{path}: no row has a label")
    if repeated:
        notes.append(f"{path}: {counted(repeated, 'row')} said again what another row says")
    return labels


def joined(first: Pictures, second: Pictures) -> Pictures:
    """Both, one after the other; names of the second begin with where it is."""
    count, place = len(first), second.where.rstrip("/")
    names = [*first.names, *(f"{place}/{name}" for name in second.names)]
    return replace(
        first, names=names, labels=None, read=lambda i: first.read(i) if i < count else second.read(i - count)
    )


def _second(images: str, unlabeled: str | None) -> tuple[str | None, str | None]:
    """(another place, the name of a subfolder): what --unlabeled means."""
    if unlabeled is None:
        return None, None
    inside, place = Path(images) / unlabeled, Path(unlabeled)
    if "/" not in unlabeled.strip("/") and inside.is_dir():
        return None, unlabeled.strip("/")
    if place.exists() and place.resolve().parent == Path(images).resolve():
        return None, place.resolve().name
    if not place.exists():
        raise UsageError(f"--unlabeled {unlabeled}: no such file or folder, and no subfolder of {images}")
    return unlabeled, None


def _without(pictures: Pictures, folder: Path, table: Path) -> Pictures:
    """The pictures without the table itself, where it lies among them."""
    own = table.resolve()
    kept = [i for i, name in enumerate(pictures.names) if not (name.endswith(table.name) and _same(folder, name, own))]
    return pictures if len(kept) == len(pictures) else pictures.take(kept)


def _same(folder: Path, name: str, own: Path) -> bool:
    return (folder / name).resolve() == own


def _of_model(labels: list[str], classes: Sequence[str], notes: list[str]) -> list[str]:
    strange = sorted({label for label in labels if label and label not in classes})
    if strange:
        notes.append(f"{', '.join(strange[:5])}: no class of the model, so these images are taken to have no label")
    return [label if label in classes else "" for label in labels]


def _rows(path: str) -> tuple[list[tuple[str, str]], str]:
    """(name, label) of each row of a table that may be known; and its columns' names, where none says what it holds."""
    from genapps.io.tables import read_table

    table = read_table(path)
    names = [name.strip().lower() for name in table.column_names]
    file, label = _column(names, _FILES), _column(names, _CLASSES)
    if len(names) < 2:
        raise InputError(f"{path}: one column; give two, file and label")
    guessed = file is None or label is None
    if file is None or label is None:
        if len(names) > 2:
            raise InputError(f"{path}: no columns file and label; there are: {', '.join(table.column_names[:10])}")
        file, label = 0, 1
    columns = [_texts(table.column(k).to_pylist()) for k in (file, label)]
    known = _texts(table.column(names.index("known")).to_pylist()) if "known" in names else [""] * len(columns[0])
    rows = [
        (name, "" if asked.lower() in ("no", "false", "0") else one)
        for name, one, asked in zip(*columns, known, strict=True)
    ]
    return rows, ", ".join(table.column_names) if guessed else ""


def _column(names: Sequence[str], wanted: Iterable[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _texts(values: Iterable[object]) -> list[str]:
    """Cells as texts: 3.0 is 3, nothing is the empty text."""
    whole = (int(one) if isinstance(one, float) and one.is_integer() else one for one in values)
    return ["" if one is None or one != one else str(one).strip() for one in whole]


def _ends(names: Sequence[str]) -> dict[str, int | None]:
    """Images by the last part of their names; None where several end alike."""
    found: dict[str, int | None] = {}
    for i, name in enumerate(names):
        end = name.rpartition("/")[2]
        found[end] = None if end in found else i
    return found


def _found(name: str, where: str, by_name: Mapping[str, int], by_end: Mapping[str, int | None]) -> int | None:
    """The image that a row means: its path below the folder, the same from outside, or its own name alone."""
    path = str(PurePosixPath(name.replace("\\", "/")))
    if path in by_name:
        return by_name[path]
    begin = str(PurePosixPath(where.replace("\\", "/"))) + "/"
    if path.startswith(begin) and path.removeprefix(begin) in by_name:
        return by_name[path.removeprefix(begin)]
    return by_end.get(path) if "/" not in path else None


def _missing(path: str, missing: Sequence[tuple[int, str]], pictures: Pictures) -> str:
    number, name = missing[0]
    more = f" ({counted(len(missing) - 1, 'more row')} like it)" if len(missing) > 1 else ""
    if pictures.names and pictures.names[0] == "1" and pictures.names[-1] == str(len(pictures)):
        return f"{path}: row {number}: no image {name!r} in {pictures.where}; they are 1 to {len(pictures):,}{more}"
    near = did_you_mean(name, pictures.names[:20_000])
    return f"{path}: row {number}: no image {name!r} in {pictures.where}{more}.{near}"
