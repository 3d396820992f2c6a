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

MOST_BYTES = 2 * 2**30  # of the pixels of one file, when unpacked
_MOST_LABELS = 2**28  # bytes of its labels
_BLOCK = 2**24  # bytes that are unpacked, or brought to 8 bits, at a time
_HEADER = 2**14  # bytes within which an NPY header ends
_DIMENSIONS = 8
_PIXELS, _NAMES = "buif", "buifSU"  # kinds of numpy's types that images, and labels, may have
_IDX = {8: np.uint8, 9: np.int8, 11: np.int16, 12: np.int32, 13: np.float32, 14: np.float64}
_IMAGES = ("images", "image", "x_train", "x", "data", "arr_0")
_LABELS = ("labels", "label", "y_train", "y", "targets", "target", "arr_1")


def read_idx(path: Path, most: int = MOST_BYTES) -> NDArray[Any]:
    """An IDX array of `most` bytes, compressed or not. Raises InputError where it is none, not whole, or longer."""
    with path.open("rb") as file, contextlib.ExitStack() as stack:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _idx(path, stack.enter_context(gzip.open(file)) if packed else file, most)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cut short or damaged ({error})") from None


def _idx(path: Path, stream: Any, most: int) -> NDArray[Any]:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX or not 1 <= head[3] <= 4:
        raise InputError(f"{path}: no IDX file")
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise InputError(f"{path}: cut short within its header")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    kind = np.dtype(_IDX[head[2]]).newbyteorder(">")
    values = _filled(stream, shape, kind, path, most).reshape(shape)
    if stream.read(1):
        raise InputError(f"{path}: holds more bytes than the {values.nbytes:,} that its header declares; write it anew")
    return values.astype(kind.newbyteorder("="), copy=False)


def _filled(stream: Any, shape: Sequence[int], kind: np.dtype[Any], path: Path, most: int) -> NDArray[Any]:
    """So many values (prod(shape),) of a stream, unpacked block by block into their own memory, no byte beyond them."""
    size = math.prod(shape) * kind.itemsize
    if size > most:
        raise InputError(
            f"{path}: declares an array of {size:,} bytes, more than the {most:,} that are read; "
            "split it, or give a folder of images"
        )
    if not size:
        raise InputError(f"{path}: declares an array without values")
    data, done = np.empty(size, np.uint8), 0
    while done < size:
        part = stream.read(min(size - done, _BLOCK))
        if not part:
            raise InputError(f"{path}: cut short: {done:,} of {size:,} bytes")
        data[done : done + len(part)] = np.frombuffer(part, np.uint8)
        done += len(part)
    return data.view(kind)


def idx_labels(path: Path, count: int) -> list[str] | None:
    """The labels beside an IDX file of so many images, by MNIST's names."""
    name = path.name
    for images, labels in (("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1"), ("images", "labels")):
        beside = path.with_name(name.replace(images, labels))
        if images in name and beside != path and beside.exists():
            return _texts(read_idx(beside, _MOST_LABELS), count, beside)
    return None


def _texts(labels: NDArray[Any], count: int, path: Path) -> list[str]:
    """One text an image; counted before they are made, as a text is larger than a number."""
    if labels.size != count:
        raise InputError(f"{path}: {count:,} images and {labels.size:,} labels")
    return [str(label) for label in labels.reshape(-1).tolist()]


def read_npz(path: Path) -> tuple[NDArray[Any], list[str] | None]:
    """Images and labels of an NPZ, or images of an NPY. Raises InputError for none, or more than is read."""
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                return _array(file, path, MOST_BYTES, _PIXELS), None
        with zipfile.ZipFile(path) as held:
            names = {Path(name).stem: name for name in held.namelist() if name.endswith(".npy")}
            key = next((key for key in _IMAGES if key in names), None)
            if key is None:
                there = ", ".join(list(names)[:10]) or "nothing"
                raise InputError(f"{path}: no array named {' or '.join(_IMAGES[:3])}; there are: {there}")
            with held.open(names[key]) as member:
                images = _array(member, path, MOST_BYTES, _PIXELS)
            label = next((label for label in _LABELS if label in names), None)
            if label is None:
                return images, None
            with held.open(names[label]) as member:
                labels = _array(member, path, _MOST_LABELS, _NAMES)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: cut short or damaged ({error})") from None  # or encrypted, or packed in another way
    return images, _texts(labels, len(images) if images.ndim else 1, path)


def _array(file: Any, path: Path, most: int, kinds: str) -> NDArray[Any]:
    """One NPY array of one of these kinds: its header tells its size before anything of it is unpacked."""
    head = io.BytesIO(file.read(_HEADER))
    try:
        first = npy.read_magic(head) == (1, 0)
        read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
        shape, by_columns, kind = read(head)
    except Exception:  # numpy's parser of damaged headers raises anything, in words that name its own parts
        raise InputError(f"{path}: no array that can be read: its header is damaged, or none of NPY") from None
    if kind.kind not in kinds or len(shape) > _DIMENSIONS or min(shape, default=0) < 0:
        raise InputError(
            f"{path}: no array that can be read: it holds {kind.name} of {len(shape)} dimensions; "
            f"give {'bytes, or numbers from 0 to 1' if kinds == _PIXELS else 'labels that are numbers or texts'}"
        )
    file.seek(head.tell())
    values = _filled(file, shape, kind, path, most)
    return values.reshape(shape[::-1]).T if by_columns else values.reshape(shape)


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
    pixels = np.empty(values.shape, np.uint8)
    step = max(1, _BLOCK // (4 * math.prod(values.shape[1:])))
    for i in range(0, len(values), step):
        pixels[i : i + step] = np.round(values[i : i + step].astype(np.float32) * scale)
    return pixels


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
