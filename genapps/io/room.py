"""Room for arrays that may be larger than memory: above a limit they lie in a file that nobody else sees."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from genapps.io.limits import MIB

LIMIT = 64 * MIB
CHUNK = 262_144  # rows that a pass over a large array takes at a time


def room(shape: int | tuple[int, ...], dtype: DTypeLike = np.float64, *, limit: int = LIMIT) -> NDArray[Any]:
    """An array of zeros; above `limit` bytes it lies in an unlinked file in the temporary folder ($TMPDIR).

    The system then pages it out and in as it needs memory, and the file is gone with the array. What reads or writes
    it should do so in chunks (of CHUNK rows, say) and may `release` it in between. Raises OSError for a full disk now
    rather than later.
    """
    size = math.prod((shape,) if isinstance(shape, int) else shape) * np.dtype(dtype).itemsize
    if size <= limit:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):  # a hole that a full disk cannot fill would end the process
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return _mapped(file, size, dtype).reshape(shape)


def release(array: NDArray[Any]) -> None:
    """Say that a large array is not needed for now, so that it takes no memory; its content stays. Small ones: nothing.

    Only arrays of `room` and `Growing`, and views of them, are known.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)  # of a shared mapping: what was written stays in the file


class Growing:
    """A column whose length is not known yet: chunks are appended, and at the end there is one array."""

    def __init__(self, dtype: DTypeLike = np.float64, *, limit: int = LIMIT) -> None:
        self._dtype = np.dtype(dtype)
        self._limit = limit
        self._chunks: list[NDArray[Any]] = []
        self._file: BinaryIO | None = None
        self._size = 0

    def append(self, chunk: NDArray[Any]) -> None:
        """Add values (n,) at the end."""
        chunk = np.ascontiguousarray(chunk, self._dtype)
        self._size += chunk.nbytes
        if self._file is None and self._size > self._limit:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
            for held in self._chunks:
                self._file.write(held.data)
            self._chunks = []
        if self._file is None:
            self._chunks.append(chunk)
        else:
            self._file.write(chunk.data)

    def close(self) -> None:
        """Let go of what was appended, where no array is wanted after all."""
        self._chunks = []
        if self._file is not None:
            self._file.close()

    def array(self) -> NDArray[Any]:
        """Everything appended, (N,); nothing can be appended afterwards."""
        if self._file is None:
            chunks, self._chunks = self._chunks, []
            return np.concatenate(chunks) if chunks else np.zeros(0, self._dtype)
        with self._file:
            self._file.flush()
            return _mapped(self._file, self._size, self._dtype)


def _mapped(file: Any, size: int, dtype: DTypeLike) -> NDArray[Any]:
    """The file as an array; the mapping outlives the file's name and handle."""
    return np.frombuffer(mmap.mmap(file.fileno(), size), dtype)
