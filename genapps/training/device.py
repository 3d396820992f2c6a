"""Where the arithmetic happens."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from genapps.errors import UsageError


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" takes CUDA, then Apple's MPS, then the CPU.

    Raises UsageError for a device that is not there.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    kind = name.partition(":")[0]
    if not available.get(kind, False):
        there = ", ".join(kind for kind, found in available.items() if found)
        raise UsageError(f"--device {name}: not available here; there is: {there}")
    return torch.device(name)


def products(precision: str, device: torch.device, gains: bool = True) -> AbstractContextManager[object]:
    """The context in which matrix products run in the recipe's precision.

    "auto" is bfloat16 on CUDA, and on processors that multiply it in hardware where the family `gains` by it there.
    """
    fast = device.type == "cuda" or (gains and device.type == "cpu" and torch.backends.mkldnn.is_available() and _amx())
    wanted = precision == "bfloat16" or (precision == "auto" and fast)
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def _amx() -> bool:
    """Whether this processor multiplies bfloat16 in hardware."""
    return bool(torch.cpu._is_avx512_bf16_supported())
