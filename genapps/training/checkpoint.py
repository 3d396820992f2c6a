"""A training run frozen between two steps, in memory (to go back to) or on disk (to go on from)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.io.artifact import read_artifact, to_bytes
from genapps.io.atomic import replacing

_GROUPS = ("weights", "average", "best", "buffers", "moment1", "moment2")
_MOMENTS = {"moment1": ("exp_avg", "momentum_buffer"), "moment2": ("exp_avg_sq",)}  # AdamW's names, and SGD's


@dataclass(frozen=True)
class Checkpoint:
    """Weights, their average, the best average, buffers, the optimizers' moments, and the plain numbers of the run."""

    tensors: Mapping[str, dict[str, Tensor]]
    numbers: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        state: Any,
        weights: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
        moments: Mapping[str, Mapping[str, Any]],
    ) -> Checkpoint:
        """A copy of everything; `moments`: the optimizer's entry of each "phase/weight", {} before its first step."""

        def copy(named: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: tensor.detach().clone() for name, tensor in named.items()}

        groups = {"weights": weights, "average": state.average, "best": state.best, "buffers": buffers}
        tensors = {name: copy(group) for name, group in groups.items()}
        for moment, keys in _MOMENTS.items():
            found = {name: entry.get(keys[0], entry.get(keys[-1])) for name, entry in moments.items()}
            tensors[moment] = copy({name: tensor for name, tensor in found.items() if tensor is not None})
        numbers = {
            "step": state.step,
            "total": state.total,
            "best_loss": state.best_loss if state.history else None,
            "waited": state.waited,
            "rollbacks": state.rollbacks,
            "seconds": state.seconds,
            "usual": dict(state.usual),
            "history": [list(entry) for entry in state.history],
            "optimizer_steps": {name: int(entry["step"]) for name, entry in moments.items() if "step" in entry},
        }
        return cls(tensors, numbers)

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.tensors["weights"]

    def state(self, state_type: Any) -> Any:
        """The run's `State`, rebuilt from copies so that this checkpoint stays as it is."""
        numbers = dict(self.numbers)
        numbers.pop("optimizer_steps")
        numbers["best_loss"] = float("inf") if numbers["best_loss"] is None else numbers["best_loss"]
        numbers["usual"] = dict(numbers["usual"])
        numbers["history"] = [(int(step), float(loss)) for step, loss in numbers["history"]]
        copies = {name: {n: t.clone() for n, t in self.tensors[name].items()} for name in ("average", "best")}
        return state_type(**numbers, **copies)

    def restore_moments(self, optimizer: torch.optim.Optimizer, weights: Mapping[str, Tensor]) -> None:
        """Put an optimizer back where it was; `weights` by "phase/weight"."""
        steps = self.numbers["optimizer_steps"]
        for name, weight in weights.items():
            optimizer.state.pop(weight, None)
            if name not in self.tensors["moment1"]:
                continue
            first = self.tensors["moment1"][name].clone().to(weight.device)
            if name in steps:
                second = self.tensors["moment2"][name].clone().to(weight.device)
                step = torch.tensor(float(steps[name]), device=weight.device)
                optimizer.state[weight] = {"step": step, "exp_avg": first, "exp_avg_sq": second}
            else:
                optimizer.state[weight] = {"momentum_buffer": first}


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
