"""New values for some cells of a delimited text file, or further columns: every other byte stays as it is."""

import contextlib
import gzip
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import pyarrow as pa

from genapps.io.atomic import replacing
from genapps.io.delimited import DELIMITERS

_BOM = "\ufeff"
_TEXT = {"", ".csv", ".tsv", ".tab", ".txt"}


def replace_cells(
    source: str | Path,
    target: str | Path,
    columns: Sequence[str],
    cells: Mapping[str, pa.ChunkedArray],
    rows: int,
    encoding: str | None = None,
) -> bool:
    """Copy `source` to `target` (`-` is stdout) with new text in the cells that are not null in `cells`, by column.

    Quotes, line ends, byte-order mark and encoding are kept. Returns False, and writes nothing, where the file is not
    delimited text with these columns and this number of rows. Raises as `atomic.replacing` does.
    """
    text, delimiter = _told(source, columns, rows, encoding)
    if not delimiter:
        return False
    places = {k: cells[name].to_pylist() for k, name in enumerate(columns) if name in cells}
    with _target(target, encoding) as out:
        copied = 0
        for row, record in enumerate(_records(text, delimiter, len(columns)), start=-1):
            for k, (start, end) in enumerate(record):
                new = places[k][row] if row >= 0 and k in places else None
                if new is not None:
                    out.write(text[copied:start] + _quoted(new, delimiter))
                    copied = end
        out.write(text[copied:])
    return True


def append_cells(
    source: str | Path,
    target: str | Path,
    columns: Sequence[str],
    added: Mapping[str, pa.ChunkedArray],
    rows: int,
    encoding: str | None = None,
) -> bool:
    """Copy `source` to `target` (`-` is stdout) with further columns of text behind its own; null is an empty cell.

    As `replace_cells` does in everything else.
    """
    text, delimiter = _told(source, columns, rows, encoding)
    if not delimiter:
        return False
    cells = [[name, *values.to_pylist()] for name, values in added.items()]
    with _target(target, encoding) as out:
        copied = 0
        for row, end in enumerate(_ends(text, delimiter, len(columns))):
            out.write(text[copied:end] + "".join(delimiter + _quoted(column[row], delimiter) for column in cells))
            copied = end
        out.write(text[copied:])
    return True


def _told(source: str | Path, columns: Sequence[str], rows: int, encoding: str | None) -> tuple[str, str | None]:
    """A file's text and its delimiter, None where it is not delimited text with these columns and so many rows."""
    text = _read(Path(source), encoding)
    delimiter = text and next((mark for mark in DELIMITERS if _header(text, mark) == list(columns)), None)
    if not text or not delimiter or sum(1 for _ in _ends(text, delimiter, len(columns))) != rows + 1:
        return text, None
    return text, delimiter


def _ends(text: str, delimiter: str, columns: int) -> Iterator[int]:
    """Where each record ends; without quotes, which is usual, that is where its line does."""
    if '"' in text or columns == 1:
        return (record[-1][1] for record in _records(text, delimiter, columns))
    return (line.end() for line in re.finditer(r"[^\r\n]+", text))


def _read(path: Path, encoding: str | None) -> str:
    if path.suffix.lower().removesuffix(".gz") not in _TEXT and path.suffix.lower() != ".gz":
        return ""
    with path.open("rb") as file:
        data = file.read()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode(encoding or "utf-8")


def _header(text: str, delimiter: str) -> list[str]:
    record = next(_records(text, delimiter, None), [])
    names = [text[start:end] for start, end in record]
    names[:1] = [names[0].removeprefix(_BOM)] if names else []
    return [name[1:-1].replace('""', '"') if name.startswith('"') and name.endswith('"') else name for name in names]


def _records(text: str, delimiter: str, columns: int | None) -> Iterator[list[tuple[int, int]]]:
    """Where the cells of each record start and end; in a table of one column a blank line is a record."""
    mark = re.escape(delimiter)
    field = re.compile(rf'\ufeff?(?:"(?:[^"]|"")*"[^{mark}\r\n]*|[^{mark}\r\n]*)({mark}|\r\n|\n|\r|\Z)')
    blank = re.compile(r"[\r\n]*")
    place = 0
    record: list[tuple[int, int]] = []
    while place < len(text) or record:
        if columns != 1 and not record:
            place = blank.match(text, place).end()  # type: ignore[union-attr]
            if place == len(text):
                return
        found = field.match(text, place)
        assert found is not None  # every alternative may be empty
        record.append((place, found.start(1)))
        place = found.end()
        if found[1] != delimiter:
            yield record
            record = []


def _quoted(value: str | None, delimiter: str) -> str:
    if value is None:
        return ""
    if value and not any(mark in value for mark in (delimiter, '"', "\r", "\n")):
        return value
    return '"' + value.replace('"', '""') + '"'


@contextlib.contextmanager
def _target(target: str | Path, encoding: str | None) -> Iterator[TextIO]:
    if str(target) == "-":
        sys.stdout.flush()
        yield from _text(sys.stdout.buffer, encoding)
        return
    with replacing(target) as handle:
        if str(target).lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=handle, mode="wb", filename="", mtime=0) as packed:
                yield from _text(cast(BinaryIO, packed), encoding)
        else:
            yield from _text(handle, encoding)


def _text(handle: BinaryIO, encoding: str | None) -> Iterator[TextIO]:
    wrapped = io.TextIOWrapper(handle, encoding=encoding or "utf-8", newline="")
    yield wrapped
    wrapped.flush()
    wrapped.detach()
