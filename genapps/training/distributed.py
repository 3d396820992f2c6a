"""Several processes at one fit: each takes its share of every batch, and what they find is added up.

Plain `torch.distributed`, begun by `torchrun` or by the caller. Alone, every function here is the identity.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributed as dist


def start(backend: str | None = None) -> bool:
    """Join the processes that torchrun began, if it did; True where there are several.

    backend: nccl on GPUs and gloo on CPUs where it is None.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return False
    if not dist.is_initialized():
        if torch.cuda.is_available() and backend != "gloo":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))  # what "cuda" means from here on
        dist.init_process_group(backend or ("nccl" if torch.cuda.is_available() else "gloo"))
    return True


def leave() -> None:
    """Part from the other processes once all of them are here: from then on each is alone."""
    if dist.is_available() and dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def rank() -> int:
    """This process's number, 0 for one alone."""
    return dist.get_rank() if _several() else 0


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if _several() else 1


def share(rows: Tensor) -> Tensor:
    """This process's part of the row numbers (B,)."""
    return rows[rank() :: count()] if _several() else rows


def average(gradients: Iterable[Tensor | None], weight: float) -> None:
    """Replace gradients of this process's mean loss by those of the whole batch's; `weight`: its share of the batch."""
    if not _several():
        return
    for gradient in gradients:
        if gradient is not None:
            gradient.mul_(weight)
            dist.all_reduce(gradient)


def total(tensors: Iterable[Tensor]) -> None:
    """Replace each tensor by its sum over the processes."""
    if _several():
        for tensor in tensors:
            dist.all_reduce(tensor)


def anywhere(flag: bool) -> bool:
    """Whether the flag is up in any process: decisions must be the same in all of them."""
    return largest(float(flag)) > 0 if _several() else flag


def largest(value: float) -> float:
    """The largest of the processes' values."""
    if not _several():
        return value
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    found = torch.tensor(value, dtype=torch.double, device=device)
    dist.all_reduce(found, op=dist.ReduceOp.MAX)
    return float(found)


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
