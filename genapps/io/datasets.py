"""The catalogue of data sets: what each is, whose it is, and how a downloaded file becomes a table."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genapps.errors import InputError, MissingExtra, UsageError
from genapps.suggest import did_you_mean

HERE = Path(__file__)
# In a wheel the catalogue lies beside this file; in a checkout in datasets/, where people look for it.
PLACES = (HERE.with_name("catalogue.toml"), HERE.parents[2] / "datasets" / "catalogue.toml")


@dataclass(frozen=True)
class Dataset:
    """One entry of the catalogue.

    `sha256` is of the file at `source`, or of the shipped one; empty where it is not known. `columns` are the
    names that a file without a header line lacks.
    """

    name: str
    title: str
    rows: int
    target: str
    license: str
    citation: str
    source: str
    reader: str
    sha256: str = ""
    shipped: str = ""  # file in an installed package: package/folder/name
    columns: tuple[str, ...] = ()


def catalogue() -> tuple[Dataset, ...]:
    """Every data set, in the catalogue's order."""
    import tomllib

    place = next(place for place in PLACES if place.is_file())
    entries: dict[str, dict[str, Any]] = tomllib.loads(place.read_text("utf-8"))
    return tuple(
        Dataset(name=name, **{**entry, "columns": tuple(entry.get("columns", ()))}) for name, entry in entries.items()
    )


def find(name: str) -> Dataset:
    """The data set of that name; UsageError with the one probably meant if there is none."""
    entries = {entry.name: entry for entry in catalogue()}
    if name not in entries:
        raise UsageError(f"no data set is called {name!r}.{did_you_mean(name, entries)} See genapps datasets list")
    return entries[name]


def shipped_file(shipped: str) -> Path:
    """Where a file of an installed package lies ("package/folder/name"); the package is not imported.

    Raises MissingExtra when the package is not there.
    """
    package, _, inside = shipped.partition("/")
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingExtra(package, package.removeprefix("genapps_"))
    return Path(found.submodule_search_locations[0]) / inside


def fetch(dataset: Dataset, file: Path | None = None) -> bytes:
    """The table as CSV with a header line, from the shipped file or from the downloaded `file`.

    Raises UsageError saying where to download it when no file is given and none is shipped, InputError when the file is
    not the one that the catalogue describes.
    """
    if file is None and not dataset.shipped:
        raise UsageError(
            f"{dataset.name} does not come with genapps: download {dataset.source}, "
            f"then genapps datasets get {dataset.name} --from FILE -o {dataset.name}.csv"
        )
    path = file or shipped_file(dataset.shipped)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"{path}: no such file") from error
    if dataset.sha256 and hashlib.sha256(data).hexdigest() != dataset.sha256:
        raise InputError(f"{path}: not the file that the catalogue describes (its SHA-256 differs); download it again")
    table = READERS[dataset.reader](data, dataset)
    rows = table.count(b"\n") - 1
    if rows != dataset.rows:
        raise InputError(f"{path}: {rows:,} rows where {dataset.name} has {dataset.rows:,}; download it again")
    return table


def _read_csv(data: bytes, dataset: Dataset) -> bytes:
    """A file that is the table already."""
    return data


def _read_bare(data: bytes, dataset: Dataset) -> bytes:
    """A UCI file: no header line, blanks after commas, "?" for missing, "|" before remarks, a dot after classes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(dataset.columns)
    for number, row in enumerate(csv.reader(io.StringIO(data.decode("latin-1")), skipinitialspace=True), 1):
        if not row or row[0].startswith("|"):
            continue
        if len(row) != len(dataset.columns):
            raise InputError(f"line {number}: {len(row)} values where {dataset.name} has {len(dataset.columns)}")
        writer.writerow(["" if value == "?" else value for value in [*row[:-1], row[-1].removesuffix(".")]])
    return out.getvalue().encode()


READERS: dict[str, Callable[[bytes, Dataset], bytes]] = {"csv": _read_csv, "bare": _read_bare}
