"""A training run frozen between two steps, in memory (to go back to) or on disk (to go on from)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.io.artifact import read_artifact, to_bytes
from genapps.io.atomic import replacing

_GROUPS = ("weights", "average", "best", "moment1", "moment2")


@dataclass(frozen=True)
class Checkpoint:
    """Weights, their average, the best average, the optimizer's two moments, and the plain numbers of the run."""

    tensors: Mapping[str, dict[str, Tensor]]
    numbers: Mapping[str, Any]

    @classmethod
    def of(cls, state: Any, weights: Mapping[str, Tensor], moments: Sequence[Mapping[str, Tensor]]) -> Checkpoint:
        """A copy of everything; `moments` are the optimizer's entries in the order of the weights, {} before a step."""

        def copy(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor.detach().clone() for name, tensor in named.items()}

        zero = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        first = {n: m.get("exp_avg", zero[n]) for n, m in zip(weights, moments, strict=True)}
        second = {n: m.get("exp_avg_sq", zero[n]) for n, m in zip(weights, moments, strict=True)}
        groups = (weights, state.average, state.best, first, second)
        numbers = {
            "step": state.step,
            "total": state.total,
            "best_loss": state.best_loss if state.history else None,
            "waited": state.waited,
            "rollbacks": state.rollbacks,
            "seconds": state.seconds,
            "history": [list(entry) for entry in state.history],
            "optimizer_steps": [int(m["step"]) if "step" in m else 0 for m in moments],
        }
        return cls({name: copy(group) for name, group in zip(_GROUPS, groups, strict=True)}, numbers)

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.tensors["weights"]

    def state(self, state_type: Any) -> Any:
        """The run's `State`, rebuilt from copies so that this checkpoint stays as it is."""
        numbers = dict(self.numbers)
        numbers.pop("optimizer_steps")
        numbers["best_loss"] = float("inf") if numbers["best_loss"] is None else numbers["best_loss"]
        numbers["history"] = [(int(step), float(loss)) for step, loss in numbers["history"]]
        copies = {name: {n: t.clone() for n, t in self.tensors[name].items()} for name in ("average", "best")}
        return state_type(**numbers, **copies)

    def restore_moments(self, optimizer: torch.optim.Optimizer, weights: Mapping[str, Tensor]) -> None:
        """Put the optimizer back where it was."""
        for (name, weight), steps in zip(weights.items(), self.numbers["optimizer_steps"], strict=True):
            if steps == 0:
                optimizer.state.pop(weight, None)
                continue
            optimizer.state[weight] = {
                "step": torch.tensor(float(steps), device=weight.device),
                "exp_avg": self.tensors["moment1"][name].clone().to(weight.device),
                "exp_avg_sq": self.tensors["moment2"][name].clone().to(weight.device),
            }


def write_checkpoint(path: Path, checkpoint: Checkpoint, fingerprint: str) -> None:
    """Write atomically; the file before it stays until this one is whole."""
    arrays: dict[str, np.ndarray] = {
        f"{group}/{name}": tensor.cpu().numpy()
        for group, named in checkpoint.tensors.items()
        for name, tensor in named.items()
    }
    with replacing(path) as handle:
        handle.write(to_bytes(arrays, {"checkpoint": dict(checkpoint.numbers), "fingerprint": fingerprint}))


def read_checkpoint(path: Path, fingerprint: str) -> Checkpoint:
    """Read a checkpoint. Raises InputError for a damaged file, or one of other data or settings."""
    artifact = read_artifact(path)
    if "checkpoint" not in artifact.header:
        raise InputError(f"{path}: not a checkpoint; remove it, or leave --resume out")
    if artifact.header["fingerprint"] != fingerprint:
        raise InputError(
            f"{path}: checkpoint of other data or settings; give the same ones, or leave --resume out to start anew"
        )
    tensors: dict[str, dict[str, Tensor]] = {group: {} for group in _GROUPS}
    for key, array in artifact.tensors.items():
        group, _, name = key.partition("/")
        tensors[group][name] = torch.from_numpy(array)
    return Checkpoint(tensors, artifact.header["checkpoint"])
