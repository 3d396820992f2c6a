"""`score` and `filter` from file to file: rows are read as a stream, judged, and written as they come."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps.io.writers import TableWriter, output_format
from genapps.wording import counted
from genapps_molecule.reading.columns import SAMPLE
from genapps_molecule.reading.files import Written, read_texts
from genapps_molecule.reading.kinds import kinds_of, typed
from genapps_molecule.reading.lines import UNKNOWN
from genapps_molecule.reading.writing import MoleculeWriter, molecule_format
from genapps_molecule.report import Sheet, show_screened
from genapps_molecule.screening.judging import Judged, Order, judge, molecule_of, whole
from genapps_molecule.screening.naming import WRITTEN, Naming, named

_TOLD = 10  # offenders that are told one by one
_KINDS = 12  # reasons that are told with their counts
_DECIMALS = 4
_TWIN = "the same as row"
NO_KINDS: Mapping[str, int] = {}


@dataclass(frozen=True)
class Places:
    """Where results go."""

    rows: str
    dropped: Path | None = None
    three_d: bool = False
    seed: int = 0
    report: Path | None = None


@dataclass
class Screened:
    """How many rows were read, could not be read, were written; the reasons with their counts, the first offenders."""

    read: int = 0
    broken: int = 0
    kept: int = 0
    alerted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    offenders: list[tuple[int, str, str]] = field(default_factory=list)
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    flat: int = 0
    garbled: int = 0  # rows with bytes that are no text
    first_garbled: int = 0
    unit: str = "line"
    said: tuple[str, ...] = ()  # of the columns and the file
    keeps_written: bool | None = None  # whether SMILES stand as they were written, too; not known before the first lot
    rewritten: int = 0  # SMILES that are canonical now, and do not
    first_rewritten: int = 0

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {
            "rows": self.read,
            "unreadable": self.broken,
            "kept": self.kept,
            "with_alerts": self.alerted,
            "reasons": dict(self.reasons.most_common()),
            "means": {name: total / count for name, (total, count) in self.sums.items() if count},
            "not_embedded": self.flat,
            "notes": list(self.said),
        }

    def lines(self) -> Iterator[str]:
        """What a person is told."""
        yield f"{self.read:,} rows, {self.broken:,} of them could not be read; {self.kept:,} molecules written"
        for reason, count in self.reasons.most_common(_KINDS):
            yield f"{count:>9,}  {reason}"
        if len(self.reasons) > _KINDS:
            yield f"{'':>9}  and {len(self.reasons) - _KINDS:,} other reasons"

    def notes(self) -> Iterator[str]:
        """What is to be known of the columns, and the first rows that could not be read, by line."""
        yield from self.said
        for row, text, reason in self.offenders:
            line = " ".join(text.split())
            shown = f" {line[:60]}{'...' if len(line) > 60 else ''}:" if line else ""
            yield f"{self.unit} {row:,}:{shown} {reason}"
        if self.broken > len(self.offenders):
            yield f"and {self.broken - len(self.offenders):,} more; all with --dropped FILE.csv"
        if self.garbled:
            rows = f"{counted(self.garbled, 'row')}, first in {self.unit} {self.first_garbled:,}"
            yield f"not UTF-8 text in {rows}: what is unknown is written as {UNKNOWN}; try --encoding latin-1"
        if self.rewritten:
            yield (
                f"{self.rewritten:,} SMILES are written canonically now, first in {self.unit} {self.first_rewritten:,};"
                " those of the first rows were canonical, so there is no column for them"
            )
        if self.flat:
            yield f"{self.flat:,} molecules found no place in space and are drawn flat"


def screen(
    source: str | Path,
    places: Places,
    order: Order,
    *,
    column: str | None = None,
    encoding: str | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Screened:
    """Judge every row of a file and write those that are wanted; of an order that chooses none, all of them.

    Raises UsageError and InputError as reading, writing and the order's parts do, InputError where no row at all is a
    molecule.
    """
    records = {".sdf", ".sd", ".mol", ".parquet", ".pq", ".json"} & {suffix.lower() for suffix in Path(source).suffixes}
    found = Screened(unit="record" if records else "line")
    with ExitStack() as stack:
        rows = read_texts(source, column=column, encoding=encoding, progress=progress, others=True)
        stack.callback(rows.close)  # type: ignore[attr-defined]
        head = list(islice(rows, SAMPLE))
        order, naming = named(order, head)
        found.said = (*naming.notes, *_not_zipped(source))
        kinds = _kinds(source, column, encoding, naming) if _keeps_kinds(places.rows) else {}
        lots = judge(map(naming, chain(head, rows)), order, workers)
        stack.callback(lots.close)  # type: ignore[attr-defined]  # ends the processes before the file is closed
        writer = stack.enter_context(MoleculeWriter(places.rows, three_d=places.three_d, seed=places.seed))
        dropped = None if places.dropped is None else stack.enter_context(TableWriter(places.dropped))
        sheet = None if places.report is None else Sheet()
        last: Judged | None = None
        seen: dict[str, int] = {}
        others: dict[str, None] = {}
        written: dict[str, None] = {}
        for lot in lots:
            last = lot
            if order.unique:
                _refuse_twins(lot, seen)
            _count(found, lot)
            others = others or dict.fromkeys(name for said in lot.others for name in said)
            _keep_written(found, lot)
            written = {WRITTEN: None} if found.keeps_written else {}
            _write(writer, lot, order, {**written, **others}, kinds)
            if dropped is not None:
                dropped.write(_dropped(lot))
            if sheet is not None:
                sheet.add(_columns(lot, order, np.flatnonzero([not reason for reason in lot.reasons]), others))
        if found.read == 0:
            raise InputError(f"{source}: only a header line, no rows")
        if found.read == found.broken:
            first = found.offenders[0] if found.offenders else (1, "", "empty")
            raise InputError(
                f"{source}: no row is a molecule; {found.unit} {first[0]:,}: {_quoted(first[1])}{first[2]}"
            )
        if last is not None and writer.rows == 0:
            writer.write([], _columns(last, order, np.zeros(0, np.int64), {**written, **others}, kinds))
        found.flat = writer.flat
    if places.report is not None and sheet is not None:
        show_screened(places.report, sheet, found, order, str(source))
    return found


def _not_zipped(source: str | Path) -> Iterator[str]:
    """Whether a file is called as if it was compressed."""
    if Path(source).suffix.lower() == ".gz" and Path(source).is_file():
        with Path(source).open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                yield f"{source} is no gzip file, whatever its name says; it was read as it is"


def _quoted(text: str) -> str:
    return f"{text[:80]!r}: " if text else ""


def _keeps_kinds(target: str) -> bool:
    """Whether a target says of its columns what they hold."""
    return molecule_format(target) == "table" and output_format(target)[0] in ("parquet", "jsonl")


def _kinds(source: str | Path, column: str | None, encoding: str | None, naming: Naming) -> dict[str, int]:
    """What the other columns hold, by all of their cells: a first look at the rows. Of a pipe, that each is text."""
    if not Path(source).is_file():
        return {}
    rows = read_texts(source, column=column, encoding=encoding, others=True)
    return kinds_of(row.others for row in map(naming, rows) if isinstance(row, Written))


def _kind(lot: Judged, row: int) -> str:
    """A reason without what tells one row from another, so that it can be counted."""
    reason = lot.reasons[row]
    if lot.broken[row]:
        return _without_figures(re.sub(r" \(the record begins.*", "", reason))
    if lot.alerts[row]:
        return lot.alerts[row].partition("; ")[0]
    return "the same as another row" if reason.startswith(_TWIN) else reason.rpartition(", ")[2]


def _without_figures(reason: str) -> str:
    """A reason as it is for all rows: limits stay, what the row has goes."""
    if limited := re.fullmatch(r"[\d,]+ (.+), where ([\d,]+)(.*) are the most", reason):
        what, most, more = limited.groups()
        return f"more than {most} {what}{more}"
    if "were expected" in reason:
        return "another number of cells than the header has"
    return re.sub(r"\d[\d,.]*", "…", reason)


def _count(found: Screened, lot: Judged) -> None:
    found.read += len(lot)
    found.broken += sum(lot.broken)
    found.kept += len(lot) - sum(map(bool, lot.reasons))
    found.alerted += sum(map(bool, lot.alerts))
    found.reasons.update(_kind(lot, row) for row, reason in enumerate(lot.reasons) if reason)
    room = _TOLD - len(found.offenders)
    broken = [row for row, bad in enumerate(lot.broken) if bad]
    found.offenders += [(lot.rows[row], lot.smiles[row], lot.reasons[row]) for row in broken[:room]]
    said = zip(lot.rows, lot.smiles, lot.names, lot.others, strict=True)
    unknown = [row for row, *texts, more in said if any(UNKNOWN in text for text in (*texts, *more, *more.values()))]
    found.first_garbled = found.first_garbled or next(iter(unknown), 0)
    found.garbled += len(unknown)
    for name, values in lot.figures.items():
        known = values[~np.isnan(values)]
        total, count = found.sums.get(name, (0.0, 0))
        found.sums[name] = total + float(known.sum()), count + len(known)


def _keep_written(found: Screened, lot: Judged) -> None:
    """Put the SMILES as they were written among the other columns, where those of the first lot are not canonical."""
    texts = zip(lot.rows, lot.smiles, lot.written, strict=True)
    rewritten = [row for row, smiles, text in texts if smiles != text]
    if found.keeps_written is None:
        found.keeps_written = bool(rewritten)
    if found.keeps_written:
        for said, text in zip(lot.others, lot.written, strict=True):
            said[WRITTEN] = text
    elif rewritten:
        found.first_rewritten = found.first_rewritten or rewritten[0]
        found.rewritten += len(rewritten)


def _refuse_twins(lot: Judged, seen: dict[str, int]) -> None:
    """Give a reason to each molecule that came before; `seen` holds the rows by their texts."""
    for row, smiles in enumerate(lot.smiles):
        if not lot.reasons[row] and (first := seen.setdefault(smiles, lot.rows[row])) != lot.rows[row]:
            lot.reasons[row] = f"{_TWIN} {first:,}"


def _write(writer: MoleculeWriter, lot: Judged, order: Order, others: Iterable[str], kinds: Mapping[str, int]) -> None:
    """A table has all rows of a score, those that could not be read with their reason; SMI and SDF have molecules."""
    table = molecule_format(writer.target) == "table"
    wanted = [not reason or (table and not order.choose) for reason in lot.reasons]
    rows = np.flatnonzero(wanted)
    if len(rows):
        mols = [] if table or writer.kind == "smi" else [molecule_of(lot.smiles[row]) for row in rows]
        writer.write(mols, _columns(lot, order, rows, others, kinds))


def _columns(
    lot: Judged, order: Order, rows: NDArray[np.int64], others: Iterable[str], kinds: Mapping[str, int] = NO_KINDS
) -> dict[str, Sequence[Any] | NDArray[Any]]:
    """What is written: the molecule and its name, the columns of the input, figures, alerts, the reason.

    The columns of the input are what `kinds` say they hold, else texts.
    """
    columns: dict[str, Sequence[Any] | NDArray[Any]] = {"smiles": [lot.smiles[row] for row in rows]}
    columns["name"] = [lot.names[row] or None for row in rows]
    for name in others:
        cells = [lot.others[row].get(name) or None for row in rows]
        columns[name] = typed(cells, kinds[name]) if name in kinds else cells
    for name, values in lot.figures.items():
        columns[name] = _cells(name, values[rows])
    if not order.choose:
        if order.filters:
            columns["alerts"] = [lot.alerts[row] or None for row in rows]
        columns["reason"] = [lot.reasons[row] or None for row in rows]
    return columns


def _cells(name: str, values: NDArray[np.float64]) -> Any:
    """A column of a table: counts as whole numbers, others rounded; what is not known is missing."""
    import pyarrow as pa

    if whole(name):
        return pa.array(values, from_pandas=True).cast(pa.int64())
    return np.round(values, _DECIMALS)


def _dropped(lot: Judged) -> Any:
    import pyarrow as pa

    rows = [row for row, reason in enumerate(lot.reasons) if reason]
    return pa.table(
        {
            "row": pa.array([lot.rows[row] for row in rows], pa.int64()),
            "smiles": pa.array([lot.smiles[row] for row in rows], pa.string()),
            "name": pa.array([lot.names[row] or None for row in rows], pa.string()),
            "reason": pa.array([lot.reasons[row] for row in rows], pa.string()),
        }
    )
