"""Molecules from a file, row by row: SMI, CSV, TSV, SDF, JSON lines and Parquet, compressed or not, or standard input.

What cannot be read is a row with its reason, never the end of the run; only a file that is no text, no table or not
there at all is refused.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from genapps.errors import InputError, UsageError
from genapps.io.limits import BINARY, DEFAULT, controls
from genapps.io.source import Source, open_source
from genapps.wording import counted
from genapps_molecule.chemistry import KEEP, Treatment, Unreadable, canonical, read_smiles
from genapps_molecule.reading.columns import SAMPLE, is_molecule, name_column, rest_of, smiles_column
from genapps_molecule.reading.lines import UNKNOWN, Progress, cells_of, decoder_of, lines_of
from genapps_molecule.reading.sdf import fields, read_block, records_of, title
from genapps_molecule.records import Dropped, Molecule

_KINDS = {
    **dict.fromkeys((".smi", ".smiles", ".ism", ".can", ".cxsmiles"), "smi"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".sdf", ".sd", ".mol"), "sdf"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq", ".json"), "table"),
}
_BATCH = 8_192  # rows of a table that are held
_SHOWN = 200  # characters of a text that a reason is given for


@dataclass(frozen=True)
class Written:
    """A molecule as a row has it, before any chemistry: SMILES, or a record of an SDF where it is a `block`."""

    row: int
    text: str
    name: str = ""
    block: bool = False
    line: int = 0  # where the record of an SDF begins
    others: dict[str, str] = field(default_factory=dict)  # what else the row says, by column, where that is asked for


def read_molecules(
    path: str | Path,
    treatment: Treatment = KEEP,
    *,
    column: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
) -> Iterator[Molecule | Dropped]:
    """Each row of a file, "-" for standard input, as a molecule or as what was dropped and why; in bounded memory.

    `column` is the name of the column with SMILES, or its number from 1; it is found where none is given. `encoding` is
    that of a text, UTF-8 where none is given. `progress` takes bytes read and bytes in all. Raises UsageError for what
    is not there, InputError for what holds no molecules.
    """
    for written in read_texts(path, column=column, encoding=encoding, progress=progress):
        yield written if isinstance(written, Dropped) else understood(written, treatment)


def understood(written: Written, treatment: Treatment = KEEP) -> Molecule | Dropped:
    """The molecule of a row, or why there is none."""
    try:
        if written.block:
            mol = read_block(written.text, treatment)
        else:
            mol = read_smiles(written.text, treatment)
        smiles = canonical(mol)
        if treatment.rings == "drop" and "%" in smiles:
            raise Unreadable("needs ring numbers of two digits")
        return Molecule(written.row, smiles, mol, written.name, "" if written.block else written.text)
    except Unreadable as error:
        where = f" (the record begins at line {written.line:,})" if written.block else ""
        return Dropped(written.row, _shown(written.name if written.block else written.text), f"{error}{where}")


def read_texts(
    path: str | Path,
    *,
    column: str | None = None,
    encoding: str | None = None,
    progress: Progress | None = None,
    others: bool = False,
) -> Iterator[Written | Dropped]:
    """The same rows before any chemistry: nothing is parsed, so that millions are read in seconds.

    `others`: with what else each row says, in the columns that the first rows have.
    """
    with open_source(path, DEFAULT, "give a SMILES a line, or a table with a column of them") as source:
        kind = _kind(source, column, encoding)
        _refuse_binary(source, kind, encoding)
        if kind == "table":
            yield from _of_table(source, column, encoding, progress, others)
            return
        lines = lines_of(source, progress, encoding)
        if kind == "smi":
            yield from _of_lines(source, lines, column)
        elif kind == "sdf":
            yield from _of_sdf(lines, others)
        elif kind == "jsonl":
            yield from _of_objects(source, lines, column, others)
        else:
            yield from _of_cells(source, lines, column, others)


def _kind(source: Source, column: str | None, encoding: str | None) -> str:
    """What an input is: by its first bytes where they say it, then by its name, then by its first line."""
    if source.head.startswith(b"PAR1"):
        return "table"
    if kind := _KINDS.get(source.suffix):
        return kind
    try:
        head = decoder_of(source.head, encoding).decode(source.head)
    except UnicodeError:
        head = ""  # the first reading of the lines tells where
    first = head.lstrip().partition("\n")[0]
    if head.lstrip().startswith("{"):
        return "jsonl"
    if head.lstrip().startswith("[{"):
        return "table"
    if "\nM  END" in head or "V2000\n" in head or "V3000\n" in head:
        return "sdf"
    tabbed = "\t" in first and (
        (column or "").strip().lower() in first.lower().split("\t") or "smiles" in first.lower()
    )
    return "csv" if any(mark in first for mark in ",;") or tabbed else "smi"


def _refuse_binary(source: Source, kind: str, encoding: str | None) -> None:
    """Raise InputError where the first bytes are no text; of a table its reader does."""
    if kind == "table" or encoding is not None or source.head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return
    if controls(source.head) > BINARY and UNKNOWN in source.head.decode("utf-8", "replace"):
        raise InputError(f"{source.name}: not text but binary data; molecules come as SMILES, CSV, SDF or Parquet")


def _is_heading(text: str) -> bool:
    """Whether a first line is the name of a column: letters alone, of which some are in no SMILES without brackets."""
    return text.replace("_", "").isalpha() and bool(set(text) & set("adefghijkmqtuvwxyz"))


def _of_lines(source: Source, lines: Iterator[str], column: str | None) -> Iterator[Written | Dropped]:
    """SMILES, then after a space or tab whatever else: the name."""
    if column is not None and not column.isdigit():
        raise UsageError(f"{source.name}: lines of SMILES have no column {column!r}; give a number from 1, or none")
    place = int(column or 1) - 1
    for row, line in enumerate(lines, 1):
        if place <= 0:
            text, _, name = line.strip().replace("\t", " ").partition(" ")
        else:
            words = line.split()
            text, name = (words[place], words[0]) if place < len(words) else ("", line)
        if row == 1 and ("smiles" in text.lower() or (source.suffix not in _KINDS and _is_heading(text))):
            continue
        yield Written(row, text, name.strip())


def _of_cells(source: Source, lines: Iterator[str], column: str | None, others: bool) -> Iterator[Written | Dropped]:
    """Rows of CSV; the header may be missing."""
    first = next(lines, "")
    delimiter = "\t" if source.suffix in {".tsv", ".tab"} else max(",;\t|", key=first.count)
    rows = cells_of(chain([first], lines), delimiter)
    sample = list(islice(rows, SAMPLE))
    header = next((cells for _, cells in sample if isinstance(cells, list) and any(cells)), [])
    body = [cells for _, cells in sample if isinstance(cells, list) and cells is not header]
    place = smiles_column(source.name, header, body or [header], column)
    name = name_column(header, place)
    headless = is_molecule(header[place])
    rest = {} if headless or not others else rest_of(header, place, name)
    for row, cells in chain(sample, rows):
        if isinstance(cells, str):
            yield Dropped(row, "", cells)
        elif cells is header and not headless:
            continue
        elif not any(cell.strip() for cell in cells):
            yield Dropped(row, "", "empty")
        elif place >= len(cells) or (rest and any(cell.strip() for cell in cells[len(header) :])):
            yield _uneven(row, cells, delimiter, header)
        else:
            called = cells[name] if name is not None and name < len(cells) else ""
            said = {label: cells[i] for label, i in rest.items() if i < len(cells)}
            yield Written(row, cells[place].strip(), called.strip(), others=said)


def _uneven(row: int, cells: Sequence[str], delimiter: str, header: Sequence[str]) -> Dropped:
    return Dropped(
        row, _shown(delimiter.join(cells)), f"{counted(len(cells), 'cell')}, where {len(header)} were expected"
    )


def _of_sdf(lines: Iterator[str], others: bool) -> Iterator[Written | Dropped]:
    records = records_of(lines)
    sample = list(islice(records, SAMPLE)) if others else []
    known = dict.fromkeys(name for _, text in sample for name in fields(text))
    for row, (line, text) in enumerate(chain(sample, records), 1):
        said = {name: value for name, value in fields(text).items() if name in known} if known else {}
        yield Written(row, text, title(text), True, line, said)


def _of_objects(source: Source, lines: Iterator[str], column: str | None, others: bool) -> Iterator[Written | Dropped]:
    """Lines of JSON objects."""
    rows = ((row, _object(line), _shown(line)) for row, line in enumerate(lines, 1))
    sample = list(islice(rows, SAMPLE))
    header = list(dict.fromkeys(key for _, one, _ in sample if isinstance(one, dict) for key in one))
    body = [[_text(one.get(key)) for key in header] for _, one, _ in sample if isinstance(one, dict)]
    place = smiles_column(source.name, header, body, column)
    name = name_column(header, place)
    rest = rest_of(header, place, name) if others else {}
    for row, one, line in chain(sample, rows):
        if isinstance(one, str):
            yield Dropped(row, line, one)
        else:
            called = "" if name is None else _text(one.get(header[name]))
            said = {label: _text(one.get(label)) for label in rest}
            yield Written(row, _text(one.get(header[place])).strip(), called, others=said)


def _object(line: str) -> dict[str, object] | str:
    """The object of a line, or why there is none."""
    if not line.strip():
        return "empty"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"no JSON ({str(error)[:80]})"
    return found if isinstance(found, dict) else "no JSON object"


def _of_table(
    source: Source, column: str | None, encoding: str | None, progress: Progress | None, others: bool
) -> Iterator[Written | Dropped]:
    """Rows of Parquet or of one JSON array."""
    from genapps.io.tables import tables_of

    row, place, name = 0, -1, None
    rest: dict[str, int] = {}
    for table in tables_of(source, batch_rows=_BATCH, encoding=encoding):
        if place < 0:
            sample = table.slice(0, SAMPLE).to_pylist()
            body = [[_text(one[key]) for key in table.column_names] for one in sample]
            place = smiles_column(source.name, table.column_names, body, column)
            name = name_column(table.column_names, place)
            rest = rest_of(table.column_names, place, name) if others else {}
        texts = table.column(place).to_pylist()
        names = [""] * len(texts) if name is None else table.column(name).to_pylist()
        said = table.select(list(rest)).to_pylist() if rest else [{}] * len(texts)
        for text, called, more in zip(texts, names, said, strict=True):
            row += 1
            told = {label: _text(value) for label, value in more.items()}
            yield Written(row, _text(text).strip(), _text(called), others=told)
        if progress is not None:
            progress(source.file.tell(), source.size)


def _text(value: object) -> str:
    """A value of JSON or of a table as a cell has it; what is nested, and true and false, as JSON writes it."""
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
