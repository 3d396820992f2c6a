"""Sets of images in one file: IDX as MNIST has it, NPZ and NPY of numpy, Parquet with encoded images."""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from genapps.errors import InputError
from genapps_image.records import Bytes

MOST_BYTES = 4 * 2**30  # of one array
_IDX = {8: np.uint8, 9: np.int8, 11: np.int16, 12: np.int32, 13: np.float32, 14: np.float64}
_IMAGES = ("images", "image", "x_train", "x", "data", "arr_0")
_LABELS = ("labels", "label", "y_train", "y", "targets", "target", "arr_1")


def read_idx(path: Path) -> NDArray[Any]:
    """An IDX array, compressed or not. Raises InputError where it is none, or not whole."""
    with path.open("rb") as file, contextlib.ExitStack() as stack:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _idx(path, stack.enter_context(gzip.open(file)) if packed else file)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cut short or damaged ({error})") from None


def _idx(path: Path, stream: Any) -> NDArray[Any]:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX or not 1 <= head[3] <= 4:
        raise InputError(f"{path}: no IDX file")
    shape = tuple(int(size) for size in np.frombuffer(stream.read(4 * head[3]), ">u4"))
    kind = np.dtype(_IDX[head[2]]).newbyteorder(">")
    size = math.prod(shape) * kind.itemsize
    if len(shape) != head[3] or size > MOST_BYTES:
        raise InputError(f"{path}: declares an array of {size:,} bytes, more than is read")
    data = stream.read(size)
    if len(data) < size:
        raise InputError(f"{path}: cut short: {len(data):,} of {size:,} bytes")
    return np.frombuffer(data, kind).reshape(shape).astype(kind.newbyteorder("="), copy=False)


def idx_labels(path: Path) -> list[str] | None:
    """The labels beside an IDX file of images, by MNIST's names."""
    name = path.name
    for images, labels in (("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1"), ("images", "labels")):
        beside = path.with_name(name.replace(images, labels))
        if images in name and beside != path and beside.exists():
            return [str(label) for label in read_idx(beside).tolist()]
    return None


def read_npz(path: Path) -> tuple[NDArray[Any], list[str] | None]:
    """Images and labels of an NPZ, or images of an NPY. Raises InputError where there are none."""
    if path.suffix.lower() == ".npy":
        with path.open("rb") as file:
            return _array(file, path), None
    try:
        with zipfile.ZipFile(path) as held:
            names = {Path(name).stem: name for name in held.namelist() if name.endswith(".npy")}
            key = next((key for key in _IMAGES if key in names), None)
            if key is None:
                there = ", ".join(list(names)[:10]) or "nothing"
                raise InputError(f"{path}: no array named {' or '.join(_IMAGES[:3])}; there are: {there}")
            for name in (names[key], *(names[k] for k in _LABELS if k in names)):
                if held.getinfo(name).file_size > MOST_BYTES:
                    raise InputError(f"{path}: {name} declares more than {MOST_BYTES:,} bytes")
            images = _array(io.BytesIO(held.read(names[key])), path)
            label = next((label for label in _LABELS if label in names), None)
            labels = None if label is None else _array(io.BytesIO(held.read(names[label])), path).reshape(-1).tolist()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise InputError(f"{path}: cut short or damaged ({error})") from None
    return images, None if labels is None else [str(one) for one in labels]


def _array(file: Any, path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: no array that can be read ({error})") from None
    return found


def as_images(values: NDArray[Any], path: Path) -> Bytes:
    """(N, H, W, C) bytes from (N, H, W), (N, H, W, C) or (N, C, H, W) of bytes, or of numbers from 0 to 1 or to 255."""
    if values.ndim == 4 and values.shape[-1] not in (1, 2, 3, 4) and values.shape[1] in (1, 2, 3, 4):
        values = values.transpose(0, 2, 3, 1)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[-1] not in (1, 2, 3, 4) or 0 in values.shape:
        raise InputError(f"{path}: an array of shape {values.shape} holds no images; give (N, H, W) or (N, H, W, C)")
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):
        raise InputError(f"{path}: pixels from {low:g} to {high:g}; give bytes, or numbers from 0 to 1")
    scale = 255.0 if high <= 1 and values.dtype.kind in "fb" else 1.0
    return np.round(values.astype(np.float32) * scale).astype(np.uint8)


def read_parquet(path: Path) -> tuple[Sequence[bytes], list[str] | None]:
    """Encoded images and labels of a Parquet file: a column of bytes, or of {bytes, path} as Hugging Face writes it."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: no Parquet file that can be read ({str(error)[:120]})") from None
    images = None
    for field in table.schema:
        column = table[field.name]
        if pyarrow.types.is_struct(field.type) and any(inner.name == "bytes" for inner in field.type):
            column = pyarrow.compute.struct_field(column, "bytes")
        if pyarrow.types.is_binary(column.type) or pyarrow.types.is_large_binary(column.type):
            images = [bytes(one) if one is not None else b"" for one in column.to_pylist()]
            break
    if images is None:
        raise InputError(f"{path}: no column of encoded images; there are: {', '.join(table.column_names[:10])}")
    name = next((name for name in table.column_names if name.lower() in (*_LABELS, "class")), None)
    return images, None if name is None else [str(one) for one in table[name].to_pylist()]
