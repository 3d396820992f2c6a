"""The lines of a text, however it is encoded and however long they are, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator

from genapps.errors import InputError
from genapps.io.limits import MIB
from genapps.io.source import Source, known_encoding

UNKNOWN = "\ufffd"  # what stands for bytes that are no text
LONGEST_LINE = 4 * MIB  # characters; what is longer is cut there
Progress = Callable[[int, int], None]


def decoder_of(head: bytes, encoding: str | None = None) -> io.IncrementalNewlineDecoder:
    """What makes text of bytes with this beginning.

    Without an encoding it is UTF-8, or UTF-16 by its mark, and what is neither becomes UNKNOWN; with one, bytes that it
    has not raise UnicodeError. Raises UsageError for an encoding that there is not.
    """
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    name = known_encoding(encoding) if encoding is not None else "utf-16" if wide else "utf-8"
    name = "utf-8-sig" if name == "utf-8" else name
    decoder = codecs.getincrementaldecoder(name)(errors="replace" if encoding is None else "strict")
    return io.IncrementalNewlineDecoder(decoder, translate=True)


def lines_of(source: Source, progress: Progress | None = None, encoding: str | None = None) -> Iterator[str]:
    """Each line without its end; `progress` takes the bytes that were read and how many there are.

    Raises as `decoder_of`, and InputError where the text is not of the encoding that is named.
    """
    decoder, stream, rest = decoder_of(source.head, encoding), source.stream(), ""
    count = 0
    while True:
        block = stream.read(MIB)
        try:
            text = decoder.decode(block, not block)
        except UnicodeError as error:
            before = error.object[: error.start].count(b"\n") if isinstance(error, UnicodeDecodeError) else 0
            where = f"{source.name}: line {count + before + 1:,}"
            raise InputError(f"{where}: not {str(encoding).upper()} text; give the right one with --encoding") from None
        *lines, rest = (rest + text).split("\n")
        count += len(lines)
        yield from lines
        if progress is not None:
            progress(source.file.tell(), source.size)
        if not block:
            break
        rest = rest[:LONGEST_LINE]
    if rest:
        yield rest


def cells_of(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """The cells of each row of CSV with the line it begins on, or in words why a line has none.

    A quote that is never closed costs its own line only: what follows is then read line by line.
    """
    kept: list[str] = []
    reader = csv.reader(_keeping(lines, kept), delimiter=delimiter, strict=True)
    line = 0
    while True:
        kept.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield from ((line + i, _alone(text, delimiter)) for i, text in enumerate(kept, 1))
        else:
            yield line + 1, cells
        line += len(kept)


def _keeping(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    for text in lines:
        kept.append(text)
        yield f"{text}\n"


def _alone(text: str, delimiter: str) -> list[str] | str:
    """The cells of a line whose quotes do not hold."""
    try:
        return next(csv.reader([text], delimiter=delimiter, quoting=csv.QUOTE_NONE), [])
    except csv.Error:
        return f"a cell longer than {csv.field_size_limit():,} characters"
