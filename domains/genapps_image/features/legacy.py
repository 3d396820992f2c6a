"""Tensors out of a file as PyTorch wrote them before version 1.6, read without running anything in it.

Such a file holds five pickles (a magic number, a version, the writer's sizes, the object, the order of its storages)
and then each storage: its length as 8 bytes, and its numbers. Pickles are programs. Only the operations that build a
flat dictionary of tensors are known here; a function is never looked up, its name is compared with two that are known.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError

MAGIC = 0x1950A86A20F9469CFC6C
MOST_BYTES = 2**30
_VERSION = 1001
_TYPES: dict[str, np.dtype[Any]] = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}
_VALUES = frozenset(("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "GLOBAL"))  # those that push their argument
_MARK = object()
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "MARK": lambda: _MARK,
}


@dataclass(frozen=True)
class _Storage:
    kind: str
    key: str
    size: int


@dataclass(frozen=True)
class _Plan:
    """A tensor that is still to be filled: a view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a state dict by name. Raises InputError for a file that holds anything else."""
    with Path(path).open("rb") as file:
        if Path(path).stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: more than {MOST_BYTES:,} bytes of weights")
        try:
            if _run(file) != MAGIC or _run(file) != _VERSION:
                raise ValueError("no file of weights of PyTorch")
            _run(file)  # sizes of C's types on the machine that wrote it
            plans, keys = _run(file), _run(file)
            return _filled(file, plans, keys)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError) as error:
            raise InputError(f"{path}: no plain file of weights ({str(error)[:120]})") from None


def _filled(file: BinaryIO, plans: Any, keys: Any) -> dict[str, Tensor]:
    if not (isinstance(plans, dict) and all(isinstance(plan, _Plan) for plan in plans.values())):
        raise ValueError("something other than tensors by name")
    storages = {plan.storage.key: plan.storage for plan in plans.values()}
    held = {key: _numbers(file, storages[key]) for key in keys}
    if any(math.prod(plan.shape) > plan.storage.size for plan in plans.values()):
        raise ValueError("a tensor larger than its storage")
    # A view that would reach beyond its storage is refused by torch itself.
    return {
        str(name): held[plan.storage.key].as_strided(plan.shape, plan.stride, plan.offset).clone()
        for name, plan in plans.items()
    }


def _numbers(file: BinaryIO, storage: _Storage) -> Tensor:
    size, kind = int.from_bytes(file.read(8), "little"), _TYPES[storage.kind]
    data = file.read(size * kind.itemsize) if size == storage.size else b""
    if size != storage.size or len(data) != size * kind.itemsize:
        raise ValueError(f"storage {storage.key} is cut short")
    return torch.from_numpy(np.frombuffer(data, kind).copy())


def _run(file: BinaryIO) -> Any:
    """What one pickle of plain values and tensors builds."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument)])
        elif name in _STEPS:
            _STEPS[name](stack)
        elif name == "STOP":
            return stack.pop()
        elif name != "PROTO":
            raise ValueError(f"operation {name} is not known")
    raise ValueError("cut short")


def _above_mark(stack: list[Any]) -> list[Any]:
    start = max(k for k, value in enumerate(stack) if value is _MARK)
    values = stack[start + 1 :]
    del stack[start:]
    return values


def _tuple(stack: list[Any], size: int | None = None) -> None:
    if size is None:
        values = _above_mark(stack)
    else:
        values = stack[-size:]
        del stack[-size:]
    stack.append(tuple(values))


def _items(stack: list[Any], values: list[Any]) -> None:
    stack[-1].update(zip(values[::2], values[1::2], strict=True))


def _push(stack: list[Any], *values: Any) -> None:
    stack[-1].extend(values)


def _persistent(stack: list[Any]) -> None:
    """A storage is named by ("storage", type, key, device, length, view)."""
    word, kind, key, _, size, view = stack.pop()
    if word != "storage" or kind not in _TYPES or view is not None:
        raise ValueError(f"a storage of {kind} is not known")
    stack.append(_Storage(kind, str(key), int(size)))


def _call(stack: list[Any]) -> None:
    """The two calls that a state dict is made of, as what they stand for."""
    arguments, function = stack.pop(), stack.pop()
    if function == "collections OrderedDict" and arguments == ():
        stack.append({})
    elif function == "torch._utils _rebuild_tensor_v2" and isinstance(arguments[0], _Storage):
        storage, offset, shape, stride = arguments[:4]
        stack.append(_Plan(storage, int(offset), tuple(map(int, shape)), tuple(map(int, stride))))
    else:
        raise ValueError(f"a call of {str(function)[:60]} is refused")


_STEPS: dict[str, Callable[[list[Any]], None]] = {
    "TUPLE": _tuple,
    "TUPLE1": lambda stack: _tuple(stack, 1),
    "TUPLE2": lambda stack: _tuple(stack, 2),
    "TUPLE3": lambda stack: _tuple(stack, 3),
    "SETITEM": lambda stack: _items(stack, [stack.pop(-2), stack.pop()]),
    "SETITEMS": lambda stack: _items(stack, _above_mark(stack)),
    "APPEND": lambda stack: _push(stack, stack.pop()),
    "APPENDS": lambda stack: _push(stack, *_above_mark(stack)),
    "BINPERSID": _persistent,
    "REDUCE": _call,
    "BUILD": lambda stack: stack.__delitem__(-1),  # attributes of the dictionary, which no tensor needs
}
