"""Write a file whole or not at all: beside the target, flushed to the disk, then renamed over it."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from genapps.errors import GenappsError, UsageError

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def partial_path(path: str | Path) -> Path:
    """Where the unfinished file lies while `path` is written: `.NAME.partial` in the same folder."""
    path = Path(path)
    return path.with_name(f".{path.name}.partial")


def check_apart(written: Iterable[str | Path | None], read: Iterable[str | Path | None] = ()) -> None:
    """Refuse what would be written over what is read, or over another result; `-` and nothing are neither."""
    taken = {Path(place).resolve(): "the input" for place in read if place is not None and str(place) != "-"}
    for place in written:
        if place is not None and str(place) != "-":
            if before := taken.get(Path(place).resolve()):
                raise UsageError(f"{place}: would overwrite {before}; choose another name")
            taken[Path(place).resolve()] = "another result"


def check_target(path: str | Path) -> None:
    """Refuse a target that could not be written, so that a long run fails before it starts.

    Raises UsageError for a directory or a folder that does not exist, GenappsError where permission is missing.
    """
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"{path}: is a directory; name a file in it")
    folder = target.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"{path}: the folder {folder} does not exist; make it with: mkdir -p '{folder}'")
    blocked = target if target.exists() else folder
    if not os.access(blocked, os.W_OK) or not os.access(folder, os.X_OK):
        raise GenappsError(f"{path}: no permission to write {blocked}; choose another place or change its permissions")


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A binary handle whose contents become `path` when the block ends well; after any error the old file is intact.

    The bytes go to `partial_path(path)`, which is also the handle's name, are flushed to the disk and renamed. A killed
    run leaves only that file, and the next run replaces it. A link is followed; a device or pipe is written directly.
    Raises UsageError and GenappsError as `check_target` does, and GenappsError for a full disk or a second writer.
    """
    check_target(path)
    target = Path(path).resolve()
    with write_errors(path):
        if Path(path).exists() and not Path(path).is_file():  # as it was named: a pipe behind /dev/stdout has no path
            with Path(path).open("wb") as device:
                yield device
            return
        partial = partial_path(target)
        partial.unlink(missing_ok=True)
        with partial.open("xb+") as handle:
            try:
                yield handle
                _publish(handle, partial, target)
            except BaseException:
                _discard(handle, partial)
                raise


@contextlib.contextmanager
def write_errors(path: str | Path) -> Iterator[None]:
    """Turn the system's refusals while `path` is written into GenappsError; a closed pipe stays BrokenPipeError."""
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.errno is None or _elsewhere(error, Path(path)):
            raise
        if error.errno in _FULL:
            raise GenappsError(f"{path}: disk full while writing it; free some space and run again") from error
        raise GenappsError(f"{path}: could not be written ({error.strerror}); choose another place") from error


def _elsewhere(error: OSError, path: Path) -> bool:
    # A failed write names no file, a failed open does: what the caller opens meanwhile is not ours to explain.
    return error.filename is not None and Path(error.filename).name not in {path.name, partial_path(path).name}


def _publish(handle: BinaryIO, partial: Path, target: Path) -> None:
    handle.flush()
    if not _still_ours(handle, partial):
        raise GenappsError(f"{target}: another process is writing the same file; run one at a time")
    if target.exists():
        partial.chmod(stat.S_IMODE(target.stat().st_mode))
    os.fsync(handle.fileno())
    partial.replace(target)
    _sync_folder(target.parent)


def _still_ours(handle: BinaryIO, partial: Path) -> bool:
    # Two runs share the partial name; the later one unlinks and makes its own, which the earlier must not publish.
    try:
        return os.path.samestat(os.fstat(handle.fileno()), partial.stat())
    except FileNotFoundError:
        return False


def _discard(handle: BinaryIO, partial: Path) -> None:
    if _still_ours(handle, partial):
        partial.unlink(missing_ok=True)
    # Bytes still buffered cannot reach a full disk: closing now keeps that second failure from hiding the first.
    with contextlib.suppress(OSError):
        handle.close()


def _sync_folder(folder: Path) -> None:
    # The rename itself lasts only once the folder is on the disk; some file systems refuse to sync folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
