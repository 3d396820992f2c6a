"""The lines of a log, whatever the file holds: text, one line in memory at a time, and what was odd in it."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from genapps.errors import InputError, UsageError
from genapps.io.limits import MIB, controls, recognize
from genapps.io.source import open_file
from genapps.wording import counted

LINE_LIMIT = 65_536  # bytes of a line that are kept
HEAD = 256 * 1024
GARBAGE = 0.3  # share of bytes that are no text, from which a line or a file is none
SAMPLE_LINES = 1000
_JUDGED = 512
_BUFFER = 1 * MIB
_COLORS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Oddities:
    """What reading met: numbers of lines, and of those that could not be taken as they were."""

    lines: int = 0
    blank: int = 0
    bad_bytes: int = 0  # lines with bytes that are no UTF-8, put as �
    nul: int = 0  # lines that held NUL bytes, left out
    cut: int = 0  # lines longer than the limit
    garbage: int = 0  # lines that are no text
    garbage_bytes: int = 0
    first: dict[str, int] = field(default_factory=dict)  # the first line of each kind

    def notes(self) -> Iterator[str]:
        """A sentence for each kind of oddity."""
        said = {
            "bad_bytes": "with bytes that are not UTF-8, read as �",
            "nul": "with NUL bytes, which were left out",
            "cut": f"longer than {LINE_LIMIT:,} bytes, of which the rest was left out",
            "garbage": f"of no text ({counted(self.garbage_bytes, 'byte')}), left out",
        }
        for kind, words in said.items():
            count = getattr(self, kind)
            if count:
                first = f"; the first is line {self.first[kind]:,}" if count > 1 else f": line {self.first[kind]:,}"
                yield f"{counted(count, 'line')} {words}{first}"

    def meet(self, kind: str) -> None:
        """Count one more of a kind, at the current line."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.first.setdefault(kind, self.lines)

    def text(self, raw: bytes) -> str:
        """The text of a line, without its end; empty for one that holds nothing, or is no text."""
        if len(raw) > LINE_LIMIT:
            raw = self.shortened(raw)
        try:
            text = raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            return self.careful(raw)
        return text if text and text.isprintable() and not text.isspace() else self.careful(raw)

    def shortened(self, raw: bytes) -> bytes:
        """The beginning of a line that is too long."""
        self.meet("cut")
        return raw[:LINE_LIMIT]

    def careful(self, raw: bytes) -> str:
        """A line that is not plainly printable: blank, colored, tabbed, damaged, or no text at all (empty then)."""
        raw = raw.removeprefix(codecs.BOM_UTF8) if self.lines == 1 else raw
        if not raw.strip():
            self.blank += 1
            return ""
        if b"\0" in raw:
            self.meet("nul")
            raw = raw.replace(b"\0", b"")
            if not raw.strip():
                return ""
        if _strangeness(raw) > GARBAGE:
            self.meet("garbage")
            self.garbage_bytes += len(raw.rstrip(b"\r\n"))
            return ""
        text = raw.decode(errors="replace")
        if "\ufffd" in text and b"\xef\xbf\xbd" not in raw and not (self.cut and text.endswith("\ufffd")):
            self.meet("bad_bytes")
        return _COLORS.sub("", text).strip("\r\n")

    def judge(self, name: str, size: int, given: int) -> None:
        """Raise InputError, after the last line, for what was no text for the most part.

        size: bytes of all lines; given: how many lines held something.
        """
        if 2 * self.garbage_bytes > size:
            raise InputError(
                f"{name}: {counted(self.garbage_bytes, 'byte')} of {size:,} are no text; "
                "give a text file, one record a line"
            )
        if not given:
            raise InputError(f"{name}: holds no text, only blank lines; a log needs lines")


def check_head(name: str, head: bytes) -> None:
    """Raise InputError where the first bytes of a log are those of nothing that has lines."""
    if not head:
        raise InputError(f"{name}: the file is empty; a log needs lines")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{name}: the text is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8")
    known = recognize(head)
    if known:
        raise InputError(f"{name}: not a log but {known[0]}; give a text file")
    if head[8:24].startswith(b'{"__metadata__"'):
        raise InputError(f"{name}: not a log but a model file; see what it holds with: genapps model show")
    if len(head) >= _JUDGED and _strangeness(head) > GARBAGE:  # of a pipe little may have come so far
        raise InputError(f"{name}: not text but binary data; give a text file, one record a line")


class LogReader:
    """A log's lines with their numbers, from a file, a .gz file or standard input ("-"); use it in a `with`.

    called: what messages call it, its path if that is not given.

    Raises UsageError for a path that does not exist or is a directory, GenappsError where reading is not permitted,
    InputError for a file that is empty, damaged or no text.
    """

    def __init__(self, source: str | Path, called: str | None = None) -> None:
        self.name = called or ("stdin" if str(source) == "-" else str(source))
        self.oddities = Oddities()
        self.size = 0  # bytes stored; 0 where nobody knows
        self._source = source
        self._stack = ExitStack()
        self._raw: BinaryIO
        self._stream: BinaryIO

    def __enter__(self) -> LogReader:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def position(self) -> int:
        """How many stored bytes have been read."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):
            return 0

    def lines(self) -> Iterator[tuple[int, str]]:
        """(number, text) of each line that holds something, without its end."""
        odd, take = self.oddities, self._stream.readline
        size = given = 0
        while True:
            try:
                raw = take(LINE_LIMIT + 1)
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise InputError(
                    f"{self.name}: the gzip file is damaged or cut short after line {odd.lines:,} ({error}); "
                    "copy it again"
                ) from None
            if not raw:
                break
            odd.lines += 1
            if len(raw) > LINE_LIMIT and not raw.endswith(b"\n"):
                raw = self._shortened(raw)
            size += len(raw)
            try:
                text = raw.decode().rstrip("\r\n")
            except UnicodeDecodeError:
                text = ""
            if not text or not text.isprintable() or text.isspace():
                text = odd.careful(raw)
            if text:
                given += 1
                yield odd.lines, text
        odd.judge(self.name, size, given)

    def _open(self) -> None:
        if str(self._source) == "-":
            raw: BinaryIO = sys.stdin.buffer
        else:
            raw = self._stack.enter_context(_opened(Path(self._source)))
            self.size = Path(self._source).stat().st_size if Path(self._source).is_file() else 0
        self._raw = raw
        buffered: Any = raw if hasattr(raw, "peek") else io.BufferedReader(raw)
        if buffered.peek(2)[:2] == b"\x1f\x8b":
            unpacked = self._stack.enter_context(gzip.GzipFile(fileobj=buffered, mode="rb"))
            buffered = io.BufferedReader(unpacked, _BUFFER)
        check_head(self.name, self._peek(buffered))
        self._stream = buffered

    def _peek(self, stream: Any) -> bytes:
        try:
            return bytes(stream.peek(HEAD)[:HEAD])
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{self.name}: the gzip file is damaged or cut short ({error}); copy it again") from None

    def _shortened(self, raw: bytes) -> bytes:
        """The beginning of a long line, what follows it skipped; a gap of NUL bytes before it does not count."""
        odd, take = self.oddities, self._stream.readline
        if raw.startswith(b"\0"):
            odd.meet("nul")
            while raw.startswith(b"\0") and not raw.endswith(b"\n"):
                raw = raw.lstrip(b"\0")
                more = take(LINE_LIMIT + 1 - len(raw))
                raw += more
                if not more:
                    break
            raw = raw.lstrip(b"\0")
        if len(raw) <= LINE_LIMIT or raw.endswith(b"\n"):
            return raw
        while (more := take(_BUFFER)) and not more.endswith(b"\n"):
            pass
        return odd.shortened(raw)


def _opened(path: Path) -> BinaryIO:
    file = open_file(path, _BUFFER)
    if path.is_block_device():
        file.close()
        raise UsageError(f"{path}: is a device; name a file, or give - to read standard input")
    return file


def _strangeness(data: bytes) -> float:
    """The share of bytes that no text holds: control characters, and what is no UTF-8 though bytes of text are few.

    NUL bytes count as nothing here: a rotated log may begin with a gap of them.
    """
    wrong = 0 if data.isascii() else data.decode(errors="replace").count("\ufffd")
    return controls(data) + wrong / max(len(data) - data.count(b"\0"), 1)
