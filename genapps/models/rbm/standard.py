"""Numbers in units of their own: a machine sees them with mean 0 and deviation 1, whatever their offset and scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genapps.spaces import Columns, Constraint

_CHUNK = 65_536


@dataclass(frozen=True)
class Standard:
    """shift, scale: (D,) float64 of each variable; 0 and 1 where it is categorical."""

    shift: Tensor
    scale: Tensor
    real: Tensor  # (D,) which variables are numbers

    @classmethod
    def fit(cls, data: Tensor, space: Columns) -> Standard:
        """From rows (N, D); unknown entries are left out, and a constant column keeps its unit."""
        real = torch.tensor([size == 0 for size in space.sizes], dtype=torch.bool)
        shift, scale = torch.zeros(len(real), dtype=torch.double), torch.ones(len(real), dtype=torch.double)
        for j in real.nonzero()[:, 0].tolist():
            values = data[:, j].double()
            values = values[~torch.isnan(values)]
            if len(values):
                shift[j] = values[0] + (values - values[0]).mean()  # the offset must not cost digits
                deviation = (values - shift[j]).square().mean().sqrt()
                if deviation > 1e-12 * values.abs().max():
                    scale[j] = deviation
        return cls(shift, scale, real)

    def apply(self, data: Tensor) -> Tensor:
        """Rows (N, D) with standardised numbers, float32; codes as they are."""
        if not bool(self.real.any()):
            return data
        parts = [((part.double() - self.shift) / self.scale).float() for part in data.split(_CHUNK)]
        return torch.cat(parts) if parts else data.float()

    def undo(self, rows: Tensor) -> Tensor:
        """Rows (N, D) in the data's own units: float32 where no digit of the offset is lost by it, else float64."""
        if not bool(self.real.any()):
            return rows
        own = rows.double() * self.scale + self.shift
        fine = bool((self.shift.abs() < 1e3 * self.scale).all())
        return own.float() if fine else own

    def given(self, constraint: Constraint) -> Constraint:
        """A constraint whose interval is in standardised units."""
        if constraint.interval is None:
            return constraint
        number = next(j for j in constraint.variables if bool(self.real[j]))
        low, high = ((x - float(self.shift[number])) / float(self.scale[number]) for x in constraint.interval)
        return replace(constraint, interval=(low, high))

    def all_given(self, given: Sequence[Constraint]) -> list[Constraint]:
        """`given` of each."""
        return [self.given(constraint) for constraint in given]

    def log_scales(self, known: Tensor | None) -> Tensor:
        """What a density (N,) or () loses by the change of units: the sum of log scales over known numbers (N, D)."""
        logs = self.scale.log()
        return logs.sum() if known is None else (known * logs).sum(1)

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], space: Columns) -> Standard:
        """The inverse of `state`."""
        real = torch.tensor([size == 0 for size in space.sizes], dtype=torch.bool)
        return cls(tensors["standard/shift"], tensors["standard/scale"], real)

    def state(self) -> dict[str, Tensor]:
        """Tensors by name."""
        return {"standard/shift": self.shift, "standard/scale": self.scale}
