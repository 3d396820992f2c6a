"""Frames of several kinds of variables: independent of one another given the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genapps.models.hmm.emissions import Emission, Statistics
from genapps.models.hmm.emissions.categorical import Categorical
from genapps.models.hmm.room import Room


@dataclass(frozen=True)
class Product:
    """parts: what emits which columns of a frame. A `Categorical` part has one column."""

    parts: tuple[Emission, ...]
    columns: tuple[tuple[int, ...], ...]

    def log_likelihood(self, values: Tensor, room: Room | None = None) -> Tensor:
        """(S, K) of frames (S, D)."""
        (part, own), *others = self._shared(values)
        result = part.log_likelihood(own, room)
        for part, own in others:
            result += part.log_likelihood(own).to(result.dtype)
        return result

    def statistics(self, values: Tensor, posterior: Tensor) -> Statistics:
        """Of all parts, each name preceded by the part's number."""
        return {
            f"{number}/{name}": value
            for number, (part, own) in enumerate(self._shared(values))
            for name, value in part.statistics(own, posterior).items()
        }

    def maximize(self, statistics: Statistics) -> Product:
        """Each part by itself."""
        return replace(self, parts=tuple(part.maximize(_of(n, statistics)) for n, part in enumerate(self.parts)))

    def begin(self, values: Tensor, posterior: Tensor, generator: torch.Generator) -> Product:
        """Each part by itself."""
        parts = tuple(part.begin(own, posterior, generator) for part, own in self._shared(values))
        return replace(self, parts=parts)

    def log_prior(self) -> float:
        """Of all parts."""
        return sum(part.log_prior() for part in self.parts)

    def draw(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Frames (S, D): integers where all parts emit codes."""
        return self._joined([part.draw(states, generator) for part in self.parts])

    def fill(self, values: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """The frames with every part's draws where they are unknown."""
        filled = self._joined([part.fill(own, states, generator) for part, own in self._shared(values)])
        return filled.to(values.dtype)

    def tempered(self, temperature: float) -> Product:
        """Every part."""
        return replace(self, parts=tuple(part.tempered(temperature) for part in self.parts))

    def tensors(self) -> dict[str, Tensor]:
        """Of all parts, each name preceded by the part's number."""
        return {f"{n}/{name}": t for n, part in enumerate(self.parts) for name, t in part.tensors().items()}

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Product:
        """The inverse of `tensors`."""
        return replace(self, parts=tuple(part.with_tensors(_of(n, tensors)) for n, part in enumerate(self.parts)))

    def to(self, device: torch.device) -> Product:
        """The same on another device."""
        return replace(self, parts=tuple(part.to(device) for part in self.parts))

    @property
    def parameters(self) -> int:
        """Of all parts."""
        return sum(part.parameters for part in self.parts)

    def _shared(self, values: Tensor) -> list[tuple[Emission, Tensor]]:
        pairs = zip(self.parts, self.columns, strict=True)
        return [(part, _own(part, values, columns)) for part, columns in pairs]

    def _joined(self, drawn: list[Tensor]) -> Tensor:
        width = sum(len(columns) for columns in self.columns)
        kind = torch.long
        for part in drawn:
            kind = torch.promote_types(kind, part.dtype)
        values = torch.empty(len(drawn[0]), width, dtype=kind)
        for part, columns in zip(drawn, self.columns, strict=True):
            values[:, list(columns)] = part.reshape(len(part), len(columns)).to(kind)
        return values


def _own(part: Emission, values: Tensor, columns: tuple[int, ...]) -> Tensor:
    if isinstance(part, Categorical):
        codes = values[:, columns[0]]
        return torch.nan_to_num(codes, nan=-1).long() if codes.is_floating_point() else codes
    return values if len(columns) == values.shape[1] else values[:, list(columns)]


def _of(part: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What belongs to a part, under its own names."""
    prefix = f"{part}/"
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
