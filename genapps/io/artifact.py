"""One file for one model, `NAME.genapps`: safetensors whose JSON header says what the tensors are.

The header carries a SHA-256 over the whole file with the digest's own 64 characters read as zeros, so that any damaged
byte is noticed before a tensor is used. It detects damage, not forgery. Nothing in such a file is ever executed.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import genapps
from genapps.errors import GenappsError, InputError, UsageError
from genapps.io.atomic import replacing
from genapps.io.limits import MIB, parse_json, recognize

FORMAT_VERSION = 1
SUFFIX = ".genapps"
MAX_BYTES = 8 * 1024 * MIB

_KEY = "genapps"
_NO_DIGEST = "0" * 64
_MAX_HEADER = 16 * MIB
_INLINE = 256 * 1024  # header entries with a longer JSON text lie in the file as bytes
_MOVED = "header/"
_DTYPES = "?bhilqBHILQefd"


@dataclass(frozen=True)
class Artifact:
    """A model file's contents: the header (JSON values) and the named tensors, a tree by `/` in their names."""

    header: dict[str, Any]
    tensors: dict[str, np.ndarray]


def told_version(header: Mapping[str, Any]) -> str:
    """ ", written by genapps 0.3" where a file is of another version than this one, for a message that refuses it."""
    version = header.get("genapps_version")
    return "" if version in (None, genapps.__version__) else f", written by genapps {str(version)[:20]}"


def write_artifact(path: str | Path, tensors: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
    """Write a model file atomically; equal contents give equal bytes.

    `format_version`, `genapps_version` and the digest are added here. Raises UsageError for a name without the suffix
    `.genapps`, GenappsError as `atomic.replacing` does, TypeError for what JSON or a tensor cannot hold.
    """
    check_suffix(path)
    data = to_bytes(tensors, header)
    with replacing(path) as handle:
        handle.write(data)


def check_suffix(path: str | Path) -> None:
    """Raise UsageError unless the name ends in `.genapps`."""
    if Path(path).suffix != SUFFIX:
        raise UsageError(f"{path}: a model file's name ends in {SUFFIX}; write {Path(path).stem}{SUFFIX}")


def to_bytes(tensors: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> bytes:
    """The bytes of a model file."""
    from safetensors.numpy import save

    arrays = {name: _storable(name, tensors[name]) for name in sorted(tensors)}
    card: dict[str, Any] = {"format_version": FORMAT_VERSION, "genapps_version": genapps.__version__}
    card |= {key: _plain(value, key) for key, value in header.items()} | {"format_version": FORMAT_VERSION}
    moved = []
    for key in sorted(card):
        text = _dump(card[key])
        if len(text) > _INLINE:
            arrays[_MOVED + key] = np.frombuffer(text.encode(), dtype=np.uint8)
            moved.append(key)
            del card[key]
    # The digest comes first in the file, so that nothing a header says can be taken for it.
    text = f'{{"sha256":"{_NO_DIGEST}",{_dump(card | {"moved": moved})[1:]}'
    body = save(arrays, metadata={_KEY: text})
    digest = hashlib.sha256(body).hexdigest().encode()
    place = body.index(_NO_DIGEST.encode())
    return body[:place] + digest + body[place + 64 :]


def read_artifact(path: str | Path, *, max_bytes: int = MAX_BYTES, finite: bool = False) -> Artifact:
    """Read a model file and verify its size, version, digest and structure before anything in it is used.

    finite: refuse a file with NaN or infinite numbers, too. Not all may: the rows of a table and the values of a series
    that are kept to compare others with have NaN where nothing is known. Raises UsageError for a missing file,
    InputError for one that is damaged, changed, newer, too large or no model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with _opened(path) as handle:
        size = _size(handle, path, max_bytes)
        layout = _read_layout(handle, size, path)
        handle.seek(0)
        data = handle.read(size)
    card = _card(layout, path)
    _verify(data, card["sha256"].encode(), path)
    try:
        arrays = load(data)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise _damaged(path) from error
    texts = {key: arrays.pop(_MOVED + key, None) for key in card.pop("moved")}
    for key, text in texts.items():
        if text is None:
            raise _damaged(path)
        card[key] = parse_json(text.tobytes(), str(path))
    del card["sha256"]
    if finite:
        _check_finite(arrays, path)
    return Artifact(card, {name: _writable(array) for name, array in arrays.items()})


def read_header(path: str | Path) -> dict[str, Any]:
    """The header alone, without reading the tensors and so without verifying them: for showing, not for using.

    Raises as `read_artifact` does, except that damage outside the header goes unnoticed.
    """
    with _opened(path) as handle:
        size = _size(handle, path, MAX_BYTES)
        layout = _read_layout(handle, size, path)
        card = _card(layout, path)
        start = handle.tell()
        for key in card.pop("moved"):
            try:
                low, high = layout[_MOVED + key]["data_offsets"]
            except (KeyError, TypeError, ValueError):
                raise _damaged(path) from None
            if not (isinstance(low, int) and isinstance(high, int) and 0 <= low <= high <= size - start):
                raise _damaged(path)
            handle.seek(start + low)
            card[key] = parse_json(handle.read(high - low), str(path))
    del card["sha256"]
    return card


def _opened(path: str | Path) -> BinaryIO:
    target = Path(path)
    try:
        return target.open("rb")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: is a directory; name a {SUFFIX} file in it") from None
    except PermissionError:
        raise GenappsError(f"{path}: no permission to read it") from None


def _size(handle: BinaryIO, path: str | Path, max_bytes: int) -> int:
    size = os.fstat(handle.fileno()).st_size
    if size > max_bytes:
        raise InputError(f"{path}: {size:,} bytes, more than the {max_bytes:,} a model may have")
    return size


def _read_layout(handle: BinaryIO, size: int, path: str | Path) -> dict[str, Any]:
    """The safetensors header as a dict; the handle then stands at the first tensor byte."""
    prefix = handle.read(8)
    length = int.from_bytes(prefix, "little")
    if size < 8 or not 2 <= length <= _MAX_HEADER:
        raise _no_model(path, prefix)
    text = handle.read(min(length, size - 8))
    if not text.startswith(b"{"):
        raise _no_model(path, prefix)
    if length > size - 8:
        raise InputError(f"{path}: the model file is cut short; copy it again")
    try:
        layout = parse_json(text, str(path))
    except InputError:
        raise _damaged(path) from None
    if not isinstance(layout, dict):
        raise _damaged(path)
    return layout


def _card(layout: dict[str, Any], path: str | Path) -> dict[str, Any]:
    """Our own header out of the safetensors one, its version checked first since all else may differ in a newer one."""
    metadata = layout.get("__metadata__")
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise InputError(f"{path}: a safetensors file, but not a genapps model")
    try:
        card = parse_json(text, str(path))
    except InputError:
        raise _damaged(path) from None
    if not isinstance(card, dict):
        raise _damaged(path)
    version = card.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise InputError(f"{path}: written by a newer genapps (format {version}); upgrade: pip install -U genapps")
    digest, moved = card.get("sha256"), card.get("moved")
    if version != FORMAT_VERSION or not isinstance(digest, str) or len(digest) != 64:
        raise _damaged(path)
    if not isinstance(moved, list) or not all(isinstance(key, str) for key in moved):
        raise _damaged(path)
    return card


def _verify(data: bytes, digest: bytes, path: str | Path) -> None:
    place = data.find(digest)
    if place < 0:  # spelt with escapes, so changed
        raise _damaged(path)
    view = memoryview(data)
    found = hashlib.sha256(view[:place])
    found.update(_NO_DIGEST.encode())
    found.update(view[place + 64 :])
    if found.hexdigest().encode() != digest:
        raise _damaged(path)


def _check_finite(arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{path}: what it learnt holds NaN or infinite numbers ({name[:80]}); fit the model again")


def _damaged(path: str | Path) -> InputError:
    return InputError(f"{path}: the model file is damaged or was changed after it was written; copy or fit it again")


def _no_model(path: str | Path, head: bytes) -> InputError:
    if not head:
        return InputError(f"{path}: the file is empty; a model file is written by 'fit'")
    known = recognize(head)
    kind = f" but {known[0]}" if known else ""
    return InputError(f"{path}: not a genapps model{kind}; a model file is written by 'fit' and ends in {SUFFIX}")


def _storable(name: str, array: np.ndarray) -> np.ndarray:
    if name.startswith(_MOVED):
        raise ValueError(f"tensor names under {_MOVED} are taken: {name}")
    array = np.asarray(array)
    if array.dtype.char not in _DTYPES:
        raise TypeError(f"tensor {name}: cannot store {array.dtype}")
    return np.require(array.astype(array.dtype.newbyteorder("<"), copy=False), requirements="C")


def _writable(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any, where: str) -> Any:
    """JSON's own types only, so that what is read back equals what was given."""
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"header {where}: JSON keys must be strings")
        return {key: _plain(inner, f"{where}.{key}") for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, where) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"header {where}: JSON cannot hold {type(value).__name__}")
