"""Where the arithmetic happens."""

from __future__ import annotations

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
