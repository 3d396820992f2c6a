"""Weights that a person names: a safetensors file, which is numbers and their names and nothing that runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from genapps.errors import InputError, UsageError

COUNTERS = ".num_batches_tracked"  # what ends the names of tensors that training alone needs
HOW = "docs/image.md says how to make it of the published file (Inception)"
_TOLD = 3  # names in a message
_PROGRAMS = (b"PK\x03\x04", b"\x80")  # what files of torch.save begin with


@dataclass(frozen=True)
class Given:
    """Tensors by name, and the SHA-256 of their names, shapes and numbers, whatever else stood in the file."""

    tensors: dict[str, Tensor]
    digest: str


def read_given(path: str | Path, shapes: Mapping[str, tuple[int, ...]]) -> Given:
    """The tensors of these names and shapes, float32; counters of training steps may stand beside them.

    Names, shapes and kinds are compared before a number is read. Raises UsageError where there is no such file,
    InputError where it is another kind of file or holds other tensors.
    """
    place = Path(path)
    if not place.is_file():
        raise UsageError(f"{path}: no such file of weights; {HOW}")
    with place.open("rb") as file:
        begin = file.read(4)
    if begin.startswith(_PROGRAMS):
        raise InputError(f"{path}: written by torch.save, whose files can run programs, so it is not read; {HOW}")
    try:
        with safe_open(place, framework="pt") as held:
            names: list[str] = list(held.keys())
            _check(path, {name: _told(held, name) for name in names}, shapes)
            tensors = {name: held.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: no safetensors file, or a damaged one; {HOW}") from error
    wild = [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if wild:
        raise InputError(f"{path}: {_listed(wild)}: not all numbers are finite; the file is damaged, make it anew")
    return Given(tensors, digest_of(tensors))


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 in hexadecimal of float32 tensors, least byte first, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)}\n".encode())
        digest.update(tensors[name].contiguous().numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def _told(held: Any, name: str) -> tuple[tuple[int, ...], str]:
    part = held.get_slice(name)
    return tuple(part.get_shape()), part.get_dtype()


def _check(
    path: str | Path, there: Mapping[str, tuple[tuple[int, ...], str]], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    missing = [name for name in shapes if name not in there]
    if missing:
        raise InputError(f"{path}: {len(missing):,} of {len(shapes):,} tensors are missing: {_listed(missing)}; {HOW}")
    for name, shape in shapes.items():
        found, kind = there[name]
        if found != shape:
            raise InputError(f"{path}: {name} is {_sides(found)}, not {_sides(shape)}: another network's; {HOW}")
        if kind != "F32":
            raise InputError(f"{path}: {name} is of kind {kind}, not F32 (float32); convert with .float()")
    unknown = [name for name in there if name not in shapes and not name.endswith(COUNTERS)]
    if unknown:
        raise InputError(f"{path}: tensors that do not belong to it: {_listed(unknown)}; {HOW}")


def _sides(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_TOLD]) + (f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else "")
