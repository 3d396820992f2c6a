"""Where a table's bytes come from: a file, a pipe or standard input, compressed or not, in whatever encoding."""

import codecs
import contextlib
import difflib
import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genapps.errors import GenappsError, InputError, UsageError
from genapps.io.atomic import write_errors
from genapps.io.limits import BINARY, MIB, Limits, controls, recognize

_BOM = codecs.BOM_UTF8
_HEAD = 1 * MIB
_NO_TEXTS = frozenset(("idna", "punycode", "raw-unicode-escape", "unicode-escape"))  # codecs of names and literals


@dataclass(frozen=True)
class Source:
    """An input that can be read from its start as often as needed, one reader at a time.

    `name` is for messages, `suffix` the lower-case suffix without `.gz`, `size` the bytes stored, `head` the first
    decoded ones.
    """

    name: str
    suffix: str
    file: BinaryIO
    size: int
    compressed: bool
    head: bytes
    limits: Limits

    def stream(self) -> BinaryIO:
        """The decoded bytes from the start; InputError while reading if they expand too far."""
        self.file.seek(0)
        return _Expanded(self) if self.compressed else self.file  # type: ignore[return-value]

    def text(self, encoding: str | None) -> "CheckedText":
        """The same as UTF-8, checked on the way."""
        return CheckedText(self, encoding)


Version = tuple[str, int, int] | None


def version(path: str | Path) -> Version:
    """What tells a file of now from the same one written again, for those who keep what they made of it.

    None where there is no such file.
    """
    try:
        found = Path(path).resolve()
        about = found.stat()
    except (OSError, ValueError):  # ValueError: no name that a file can have
        return None
    return str(found), about.st_mtime_ns, about.st_size


@contextlib.contextmanager
def open_source(
    source: str | Path, limits: Limits, needed: str = "a table needs a header line and rows"
) -> Iterator[Source]:
    """Open a path, or `-` for standard input, and refuse what no table can come from; `needed` is told of an empty one.

    Raises UsageError for a path that does not exist or is a directory, GenappsError where reading is not permitted,
    InputError for an empty file or one of a kind that is recognized as something else.
    """
    with contextlib.ExitStack() as stack:
        name, suffixes, file = _opened(source, stack)
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        compressed = file.read(2) == b"\x1f\x8b"
        suffix = next((s for s in reversed(suffixes) if s != ".gz"), "")
        opened = Source(name, suffix, file, size, compressed, b"", limits)
        head = opened.stream().read(_HEAD)
        _refuse_others(name, head, needed)
        yield Source(name, suffix, file, size, compressed, head, limits)


def _opened(source: str | Path, stack: contextlib.ExitStack) -> tuple[str, list[str], BinaryIO]:
    if str(source) == "-":
        return "stdin", [], _spooled(sys.stdin.buffer, "stdin", stack)
    path = Path(source)
    file = stack.enter_context(open_file(path))
    if path.is_char_device() or path.is_block_device():
        raise UsageError(f"{path}: is a device; name a file, or give - to read standard input")
    if not path.is_file():
        file = _spooled(file, str(path), stack)
    return str(path), [suffix.lower() for suffix in path.suffixes[-2:]], file


def open_file(path: Path, buffering: int = -1) -> BinaryIO:
    """A file to read bytes from. Raises UsageError or GenappsError where it cannot be opened, with the remedy."""
    try:
        return path.open("rb", buffering)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file{_similar(path)}") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a directory; name a file in it") from None
    except PermissionError:
        raise GenappsError(f"{path}: no permission to read it; change its permissions, e.g. chmod u+r") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened ({error.strerror})") from None


def _spooled(pipe: BinaryIO, name: str, stack: contextlib.ExitStack) -> BinaryIO:
    """A pipe's bytes on disk, since Parquet is read from its end and JSON twice; memory stays flat."""
    file: BinaryIO = stack.enter_context(contextlib.closing(tempfile.TemporaryFile()))  # noqa: SIM115
    with write_errors(f"the temporary copy of {name}"):
        shutil.copyfileobj(pipe, file, MIB)
    return file


def _similar(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f"; did you mean {path.with_name(close[0])}?" if close else ""


def _refuse_others(name: str, head: bytes, needed: str) -> None:
    if not head.removeprefix(_BOM).strip():
        raise InputError(f"{name}: the file is empty; {needed}")
    known = recognize(head)
    if known:
        raise InputError(f"{name}: not a table but {known[0]}; {known[1]}")
    if head[8:24].startswith(b'{"__metadata__"'):
        raise InputError(f"{name}: not a table but a model file; see what it holds with: genapps model show {name}")


class _Expanded(io.RawIOBase):
    """A gzip stream that refuses to grow beyond what the limits allow for its size on disk."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._gzip = gzip.GzipFile(fileobj=source.file, mode="rb")
        self._left = source.limits.allowed(source.size)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        name = self._source.name
        try:
            data = self._gzip.read(MIB if size < 0 else size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{name}: the gzip file is damaged or cut short ({error}); copy it again") from None
        self._left -= len(data)
        if self._left < 0:
            times = self._source.limits.max_expansion
            raise InputError(
                f"{name}: expands to more than {times} times its size; if you trust it, decompress it first: gunzip"
            )
        return data


class CheckedText(io.RawIOBase):
    """A text source as UTF-8 bytes without byte-order mark; bad encoding and NUL bytes raise InputError with the line.

    `lines` and `quotes` count what has been read so far.
    """

    def __init__(self, source: Source, encoding: str | None) -> None:
        self.name = source.name
        self.lines = 0
        self.quotes = 0
        self._given = encoding is not None
        self._encoding = known_encoding(encoding or "utf-8")
        if not self._given and source.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{self.name}: line 1: the text is UTF-16; say so with --encoding utf-16")
        self._stream = source.stream()
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._pending = b""  # checked, not yet handed out
        self._started = False
        self._plain = self._encoding == "utf-8"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._pending:
            raw = self._stream.read(max(len(buffer), 65_536))
            self._pending = self._checked(raw)
            if not raw:
                break
        count = min(len(buffer), len(self._pending))
        buffer[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count

    def take(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end."""
        parts = []
        while size > 0 and (part := self.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def put_back(self, data: bytes) -> None:
        """Hand out `data` again before the rest."""
        self._pending = data + self._pending

    def _checked(self, raw: bytes) -> bytes:
        pending = self._decoder.getstate()[0]
        if self._plain and raw and not pending and raw.isascii():
            data = raw
        else:
            data = self._decoded(raw).encode()
        if not self._started and data:
            data = data.removeprefix(_BOM)
            self._started = True
        if b"\0" in data:
            line = self.lines + _newlines(data[: data.index(b"\0")]) + 1
            raise InputError(
                f"{self.name}: line {line}: a NUL byte, so this is not plain text; export the file again as UTF-8 text"
            )
        self.lines += _newlines(data)
        self.quotes += data.count(b'"')
        return data

    def _decoded(self, raw: bytes) -> str:
        try:
            return self._decoder.decode(raw, not raw)
        except UnicodeError as error:
            data, start = (error.object, error.start) if isinstance(error, UnicodeDecodeError) else (raw, 0)
            if controls(data) > BINARY:
                raise InputError(
                    f"{self.name}: not text but binary data; a table is CSV, JSON lines or Parquet"
                ) from None
            line = self.lines + _newlines(data[:start]) + 1
            remedy = "give the right one with --encoding" if self._given else "try --encoding latin-1"
            raise InputError(f"{self.name}: line {line}: not {self._encoding.upper()} text; {remedy}") from None


def _newlines(data: bytes) -> int:
    return data.count(b"\n") or data.count(b"\r")


def known_encoding(encoding: str) -> str:
    """The name that Python has for a text encoding. Raises UsageError where it has none, or none of whole files."""
    try:
        "".encode(encoding)  # refuses the codecs that turn bytes into bytes, too
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        name = ""
    if not name or name.replace("_", "-") in _NO_TEXTS:
        raise UsageError(f"--encoding {encoding}: no such text encoding; common ones: utf-8, latin-1, cp1252, utf-16")
    return name
