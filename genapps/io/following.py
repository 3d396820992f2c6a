"""Lines as they come: from standard input, or from a file that grows and is rotated, as `tail -F` follows it.

A half-written line is waited for. A file that is renamed and made anew is read to its end first; one that is cut to
nothing is begun again. `Place` says where the next line begins, so that a later run goes on there, be the file rotated
in between or not.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import stat
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genapps.errors import InputError
from genapps.io.source import open_file

STDIN = "-"
LONGEST = 1 << 20  # bytes of a line at most
_CHUNK = 1 << 16
_SEEN = 256  # bytes before a place by which a file is known again
_SHORTEST, _LAZIEST = 0.001, 0.05  # seconds between two looks at a file that does not grow
_MARK = r"[-._](?:\d[-\d._T:]*|old|bak|prev)"  # what the name of a rotated file has in addition


@dataclass(frozen=True)
class Place:
    """Where the next line begins: bytes into which file, after how many lines of it.

    before: the last bytes before it, as hex. beside: inodes of the rotated files that were there already, where few
    bytes are known of the file itself.
    """

    offset: int = 0
    line: int = 0
    device: int = 0
    inode: int = 0
    before: str = ""
    beside: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """Whole lines without their ends, in order. start: byte at which the first begins, or -1 where it does not matter.

    first: number of the line before it. fresh: whether a file begins with it. cut: whether the last line has no end.
    left_out: bytes at the end of the last line that are not in it, since it is too long.
    """

    lines: list[bytes]
    start: int
    first: int
    fresh: bool = False
    cut: bool = False
    left_out: int = 0


class Splitter:
    """Bytes in, whole lines out; of a line of more than `longest` bytes that many, with `shorten`, or none: counted."""

    def __init__(self, offset: int = 0, line: int = 0, longest: int = LONGEST, shorten: bool = False) -> None:
        self.offset, self.line = offset, line  # where the first line not handed out begins
        self.longest, self.shorten = longest, shorten
        self.dropped = 0
        self.fresh = not offset
        self._parts: list[bytes] = []
        self.waiting = 0  # bytes of the unfinished line, kept or not

    def feed(self, data: bytes) -> Iterator[Batch]:
        """The lines that are whole now."""
        head, newline, rest = data.partition(b"\n")
        if not newline:
            self._hold(data)
            return
        if self.waiting:
            self._hold(head)
            yield from self._end()
            data = rest
        *lines, last = data.split(b"\n")
        start, first, fresh = self.offset, self.line, self.fresh
        if lines and max(map(len, lines)) > self.longest:
            for line in lines:
                self._hold(line)
                yield from self._end()
        elif lines:
            self.offset += sum(map(len, lines)) + len(lines)
            self.line += len(lines)
            self.fresh = False
            yield Batch(lines, start, first, fresh)
        self._hold(last)

    def finish(self) -> Iterator[Batch]:
        """What is left when nothing more can come: a line without an end."""
        if self.waiting:
            for batch in self._end(0):
                yield replace(batch, cut=True)

    def _hold(self, data: bytes) -> None:
        room = self.longest - self.waiting
        self.waiting += len(data)
        if len(data) <= room:
            self._parts.append(data)
        elif self.shorten:
            self._parts.append(data[: max(room, 0)])
        else:
            self._parts.clear()

    def _end(self, newline: int = 1) -> Iterator[Batch]:
        line, size = b"".join(self._parts), self.waiting
        start, first, fresh = self.offset, self.line, self.fresh
        self._parts.clear()
        self.waiting = 0
        self.offset += size + newline
        self.line += 1
        self.fresh = False
        if len(line) < size and not self.shorten:
            self.dropped += 1
        else:
            yield Batch([line], start, first, fresh, left_out=size - len(line))


class Lines:
    """What comes from standard input (`-`) or a file, in batches of whole lines.

    follow: go on at the end of the file and wait for more. place: go on there. longest, shorten: as `Splitter` has
    them. `notes` holds what was met, in sentences, for the caller to take away. Raises UsageError where the file cannot
    be opened.
    """

    def __init__(
        self,
        source: str,
        *,
        follow: bool = False,
        place: Place | None = None,
        keep_cut: bool = False,
        longest: int = LONGEST,
        shorten: bool = False,
    ) -> None:
        self.source, self.follow = source, follow
        self._cuts = longest, shorten
        self.notes: deque[str] = deque(maxlen=100)
        self._keep_cut = keep_cut  # a line without an end at the end of the input is left for the next run
        self._path = Path(source)
        self._splitter = Splitter(0, 0, *self._cuts)
        self._data, self._end = b"", 0  # what was read last, and where it ends
        self._seen = b""  # the last bytes before it
        self._before = b""  # the last bytes before the first line that was not handed out when it was read
        self._file = 0
        self._known = (0, 0)
        # Whether what was read cannot be read again.
        self.pipe = source == STDIN or _is_pipe(self._path)
        if place is not None and not self.pipe:
            self._resume(place)
        elif source != STDIN:
            self._open(self._path)
        if place is not None and self.pipe:
            self._splitter.line = place.line

    def place(self, batch: Batch | None = None, lines: int = 0) -> Place:
        """Where the first line begins that was not handed out, or the one after the first `lines` of a batch."""
        offset, line = self._splitter.offset, self._splitter.line
        if batch is not None:
            offset, line = batch.start + sum(map(len, batch.lines[:lines])) + lines, batch.first + lines
            offset += batch.left_out if lines == len(batch.lines) else 0
        before = self._bytes_before(offset)
        beside = () if len(before) == _SEEN or self.pipe else tuple(p.stat().st_ino for p in _rotated(self._path))
        return Place(offset, line, *self._known, before.hex(), beside)

    @property
    def oversized(self) -> int:
        """How many lines were too long."""
        return self._splitter.dropped

    def batches(self, patience: float = 0.25) -> Iterator[Batch | None]:
        """Batches until the end; None now and then while nothing comes, so that the caller can do something else."""
        yield from self._piped(patience) if self.pipe else self._grown(patience)

    def _piped(self, patience: float) -> Iterator[Batch | None]:
        while True:
            if not select.select([self._file], [], [], patience)[0]:
                yield None
                continue
            data = os.read(self._file, _CHUNK)
            if not data:
                break
            yield from self._splitter.feed(data)
        yield from self._splitter.finish()

    def _grown(self, patience: float) -> Iterator[Batch | None]:
        wait, idle = _SHORTEST, 0.0
        while True:
            data = os.read(self._file, _CHUNK)
            if data:
                if self._was_rewritten(len(data)):
                    yield from self._restart("was cut and written anew")
                    continue
                wait, idle = _SHORTEST, 0.0
                self._before = self._bytes_before(self._splitter.offset)
                self._seen = (self._seen + self._data)[-_SEEN:]
                self._data, self._end = data, self._end + len(data)
                yield from self._splitter.feed(data)
                continue
            gone = self._rotation()
            if gone:
                yield from gone
                continue
            if not self.follow:
                break
            time.sleep(wait)
            idle, wait = idle + wait, min(wait * 2, _LAZIEST)
            if idle >= patience:
                idle = 0.0
                yield None
        if not self._keep_cut:
            yield from self._splitter.finish()

    def _open(self, path: Path, offset: int = 0, line: int = 0) -> None:
        # A descriptor of our own: the file object may go, and what it buffers with it.
        with open_file(path, 0) as file:
            self._file = os.dup(file.fileno())
        status = os.fstat(self._file)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path}: is a directory; name a file in it")
        self._known = status.st_dev, status.st_ino
        self._data, self._end, self._seen = b"", offset, b""
        dropped = self._splitter.dropped
        self._splitter = Splitter(offset, line, *self._cuts)
        self._splitter.dropped = dropped
        if offset:
            self._seen = os.pread(self._file, min(offset, _SEEN), max(offset - _SEEN, 0))
            os.lseek(self._file, offset, os.SEEK_SET)
        self._before = self._seen

    def _bytes_before(self, offset: int) -> bytes:
        """The last bytes before a place in what was read last, or the first line not handed out before it."""
        within = offset - (self._end - len(self._data))
        return (self._seen + self._data[:within])[-_SEEN:] if within > 0 else self._before

    def _was_rewritten(self, size: int) -> bool:
        """Whether other bytes stand now before the `size` ones that were read last."""
        seen = (self._seen + self._data)[-_SEEN:]
        start = os.lseek(self._file, 0, os.SEEK_CUR) - size - len(seen)
        return start < 0 or os.pread(self._file, len(seen), start) != seen

    def _rotation(self) -> Iterator[Batch] | None:
        """What is to be done where the file is not the one that stands under its name any more."""
        try:
            now = self._path.stat()
        except OSError:
            return None
        size = os.fstat(self._file).st_size
        if (now.st_dev, now.st_ino) == self._known:
            if size < os.lseek(self._file, 0, os.SEEK_CUR):
                return self._restart("was cut short and is read from its start")
            return None
        if size > os.lseek(self._file, 0, os.SEEK_CUR):  # written to meanwhile: that first
            return iter(())
        return self._restart("was rotated; going on with the new file")

    def _restart(self, why: str) -> Iterator[Batch]:
        yield from self._splitter.finish()
        following = _after(self._path, self._known)
        os.close(self._file)
        self.notes.append(f"{self.source} {why}")
        self._open(following)

    def _resume(self, place: Place) -> None:
        found = _find(self._path, place)
        if found == self._path:
            self._open(found, place.offset, place.line)
        elif found is None:
            self.notes.append(
                f"{self.source} was rotated and what was read last is gone: records between may be missing"
            )
            self._open(self._path)
        else:
            self.notes.append(f"{self.source} was rotated; going on in {found.name}")
            self._open(found, place.offset, place.line)


def _is_pipe(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _rotated(path: Path) -> list[Path]:
    """The files beside it that it may have been rotated to, the oldest first."""
    try:
        mark = re.compile(f"{re.escape(path.name)}{_MARK}|{re.escape(path.stem)}{_MARK}{re.escape(path.suffix)}")
        beside = [other for other in path.parent.iterdir() if mark.fullmatch(other.name) and other.is_file()]
        return sorted(beside, key=lambda other: (other.stat().st_mtime_ns, other.name))
    except OSError:
        return []


def _after(path: Path, known: tuple[int, int]) -> Path:
    """The file that was begun after the one that is known: there may have been two rotations since the last look."""
    rotated = _rotated(path)
    with contextlib.suppress(OSError):
        for place, other in enumerate(rotated[:-1]):
            status = other.stat()
            if (status.st_dev, status.st_ino) == known:
                return rotated[place + 1]
    return path


def _find(path: Path, place: Place) -> Path | None:
    """The file that was read, or a copy of it, wherever it was rotated to.

    Where many bytes before the place are known, they tell. Where few are, as after a header, a new file may begin with
    the same ones: then a renamed file is known by its inode, and a copy by not having been there before.
    """
    before = bytes.fromhex(place.before)
    holds = {}
    for candidate in [path, *_rotated(path)]:
        with contextlib.suppress(OSError), candidate.open("rb") as file:
            file.seek(place.offset - len(before))
            if file.read(len(before)) == before:
                status = os.fstat(file.fileno())
                holds[candidate] = (status.st_dev, status.st_ino) == (place.device, place.inode), status.st_ino
    told = len(before) == _SEEN
    if path in holds and told:
        return path
    renamed = [other for other, (same, _) in holds.items() if same and other != path]
    copied = [other for other, (_, inode) in holds.items() if other != path and (told or inode not in place.beside)]
    itself = [path] if path in holds and holds[path][0] else []
    return next(iter([*renamed, *copied, *itself]), None)
