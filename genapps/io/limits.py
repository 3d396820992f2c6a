"""How much an input may claim before it is refused, and the checks every reader shares."""

import json
from dataclasses import dataclass
from typing import Any

from genapps.errors import InputError

MIB = 2**20
BINARY = 0.05  # share of control characters from which bytes are no text; of random ones a tenth are
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x1b\0")) + b"\x7f"

# First bytes of files that people hand over by mistake, and what to do with each.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"PK\x05\x06", "an empty zip archive", "unpack the right archive and give the file inside"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (b"ARROW1", "an Arrow or Feather file", "save it as Parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "decompress it with: zstd -d"),
    (b"BZh", "compressed with bzip2", "decompress it with: bunzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz", "decompress it with: unxz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"\x80\x04\x95", "a Python pickle, which could run code", "save the table as Parquet or CSV"),
    (b"\x80\x05\x95", "a Python pickle, which could run code", "save the table as Parquet or CSV"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"\x89PNG", "a PNG image", "give a table"),
    (b"\x89HDF", "an HDF5 file", "save the table as Parquet"),
)


@dataclass(frozen=True)
class Limits:
    """What a table may hold or expand to; beyond it the readers raise InputError."""

    max_rows: int = 200_000_000
    max_columns: int = 10_000
    max_cell_bytes: int = 1 * MIB
    max_row_bytes: int = 4 * MIB  # also the block of a CSV, hence its largest possible row
    max_expansion: int = 200  # decoded bytes for one on disk
    free_bytes: int = 64 * MIB  # any file may expand to this much
    max_json_depth: int = 64

    def allowed(self, stored: int) -> int:
        """How many decoded bytes a file of `stored` bytes may claim."""
        return max(self.free_bytes, self.max_expansion * stored)


DEFAULT = Limits()


def recognize(head: bytes) -> tuple[str, str] | None:
    """What a file that starts with `head` is and the remedy, if it is of a known kind that is no table and no model."""
    for magic, kind, remedy in _SIGNATURES:
        if head.startswith(magic):
            return kind, remedy
    return None


def controls(data: bytes) -> float:
    """The share of control characters that no text holds, above BINARY in binary data.

    NUL bytes are not counted: a rotated log may begin with a gap of them, and half of UTF-16 is NUL.
    """
    data = data.replace(b"\0", b"")
    return (len(data) - len(data.translate(None, _CONTROL))) / max(len(data), 1)


def check_columns(name: str, columns: list[str], limits: Limits) -> None:
    """Raise InputError for too many columns or for two of one name."""
    if len(columns) > limits.max_columns:
        raise InputError(
            f"{name}: {len(columns):,} columns, more than the {limits.max_columns:,} allowed; keep the columns you need"
        )
    seen: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        if column in seen:
            raise InputError(
                f"{name}: columns {seen[column]} and {position} are both named {column!r}; rename one of them"
            )
        seen[column] = position


def parse_json(text: str | bytes, name: str, limits: Limits = DEFAULT) -> Any:
    """Parse JSON whose nesting is bounded; InputError says what is wrong with it, prefixed by `name`."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise InputError(f"{name}: JSON nested deeper than {limits.max_json_depth} levels") from None
    except ValueError as error:  # bad syntax, bad UTF-8, or an integer of thousands of digits
        told = "a whole number of thousands of digits" if "set_int_max_str_digits" in str(error) else error
        raise InputError(f"{name}: not valid JSON ({told})") from None
    check_depth(value, name, limits)
    return value


def check_depth(value: Any, name: str, limits: Limits) -> None:
    """Raise InputError if a parsed JSON value nests deeper than the limit; the walk itself does not recurse."""
    level = [value]
    for _ in range(limits.max_json_depth):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise InputError(f"{name}: JSON nested deeper than {limits.max_json_depth} levels")
