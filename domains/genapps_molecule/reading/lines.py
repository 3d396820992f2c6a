"""The lines of a text, however it is encoded and however long they are, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator

from genapps.io.limits import MIB
from genapps.io.source import Source

LONGEST_LINE = 4 * MIB  # characters; what is longer is cut there
Progress = Callable[[int, int], None]


def decoder_of(head: bytes) -> io.IncrementalNewlineDecoder:
    """What makes text of bytes with this beginning: UTF-8, or UTF-16 by its mark; what is neither becomes U+FFFD."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")(errors="replace")
    return io.IncrementalNewlineDecoder(decoder, translate=True)


def lines_of(source: Source, progress: Progress | None = None) -> Iterator[str]:
    """Each line without its end; `progress` takes the bytes that were read and how many there are."""
    decoder, stream, rest = decoder_of(source.head), source.stream(), ""
    while True:
        block = stream.read(MIB)
        *lines, rest = (rest + decoder.decode(block, not block)).split("\n")
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
