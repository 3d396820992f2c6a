"""Sequences of rows, numbers and codes, one row after the other: exact densities of whole sequences, ends included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.autoregressive.frame_values import FrameValues
from genapps.models.autoregressive.sequences import Drawing, SequenceConfig, SequenceEngine
from genapps.nets.mlp import fresh
from genapps.nets.scaling import Scaling
from genapps.nets.sequences import SequenceNet
from genapps.spaces import Constraint, Frames
from genapps.training import Recipe

_MOST_OUTPUTS = 1_000_000


@dataclass(frozen=True)
class FrameConfig(SequenceConfig):
    """The network's shape."""

    components: int = field(
        default=8, metadata={"help": "components of the mixture that a row is drawn from", "least": 1}
    )
    within: Literal["mixture"] = field(
        default="mixture",
        metadata={"help": "mixture: a row is drawn from components; ordered: its codes one after the other"},
    )


class FrameModel(SequenceEngine):
    """p(sequence) = the product over its rows of p(no end) p(row | class, rows before it), times p(end).

    A row's density is a mixture (`frame_values`). After the space's longest number of steps the end is certain, so that
    densities of all sequences of all lengths integrate to one. An unknown entry is left out of its row, exactly, and
    told to the network as unknown; the rest is then scored by the network's own conditionals. Classes by `labels`.
    """

    Config: ClassVar[type] = FrameConfig
    takes_unknown: ClassVar[bool] = True
    drawing: ClassVar[frozenset[str]] = frozenset({"prompt", "length"})
    RECIPE: ClassVar[Recipe] = Recipe(
        batch_size=32, learning_rate=3e-3, warmup_steps=100, beta2=0.99, ema=0.995, clip=1e3
    )

    def __init__(self, space: Frames, config: FrameConfig) -> None:
        super().__init__(space, config)
        self.values = FrameValues(space.row, config.components)
        if not space.variables or self.values.outputs > _MOST_OUTPUTS:
            raise UsageError(
                f"rows of {len(space.variables)} variables with {self.values.logits} codes are not for this family; "
                "between one variable and a smaller --set autoregressive.components"
            )

    def measure(self, data: Ragged) -> dict[str, Tensor]:
        """The scale of each number, the shares of the codes, and the share of steps that are ends."""
        rows = self._floats(data.values)
        scaling = Scaling.none(self.values.count)
        if len(self.values.numbers):
            fitted = Scaling.fit(rows[:, self.values.numbers])
            scaling.center[self.values.numbers], scaling.scale[self.values.numbers] = fitted.center, fitted.scale
        seen = self.values.read(scaling.standardise(rows))[:, 2 * len(self.values.numbers) :]
        counts = seen.double().sum(0) + 0.5
        parts = counts.split([size * len(variables) for size, variables in self.values.groups])
        shares = [
            (part.view(-1, size) / part.view(-1, size).sum(1, keepdim=True)).flatten()
            for part, (size, _) in zip(parts, self.values.groups, strict=True)
        ]
        marginals = torch.cat([torch.zeros(0), *shares])
        end = torch.tensor((len(data) + 0.5) / (len(data.values) + len(data) + 1), dtype=torch.double)
        return {**scaling.to_tensors(), "marginals": marginals, "end": end}

    def new_network(self, classes: int, generator: torch.Generator) -> SequenceNet:
        """An untrained network that says the same of every row, near its marginal distribution."""
        config = self.config
        network = SequenceNet(
            fresh(nn.Linear, self.values.features, config.hidden, generator=generator),
            self.values.outputs,
            architecture=config.architecture,
            width=config.hidden,
            layers=config.layers,
            heads=config.heads,
            dropout=config.dropout,
            classes=classes,
            generator=generator,
        )
        with torch.no_grad():
            begin = self.values.begin(self.facts["marginals"], float(self.facts["end"]), generator)
            network.tell.bias.copy_(begin)
        return network

    def inside(self, values: Tensor) -> Tensor:
        """Rows (N, D) with standardised numbers and codes as floats, NaN where unknown; float32."""
        return Scaling.from_tensors(self.facts).standardise(self._floats(values))

    def outside(self, inside: Tensor) -> Tensor:
        """Rows in the units of the data."""
        rows = Scaling.from_tensors(self.facts).restore(inside)
        return rows.round().long() if self.space.row.discrete else rows

    def features(self, inside: Tensor) -> Tensor:
        """What the network reads."""
        return self.values.read(inside)

    def _floats(self, values: Tensor) -> Tensor:
        if values.is_floating_point():
            return values
        return torch.where(values < 0, torch.nan, values.double())

    def _no_steps(self) -> Tensor:
        return torch.zeros(0, self.values.count)

    def terms(self, outputs: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Log-density (B, T + 1) of rows (B, T, D) and of the end after them, under outputs (B, T + 1, O)."""
        end = outputs[..., 0]  # (B, T + 1)
        rows = self.values.log_prob(outputs[:, :-1], inside) - functional.softplus(end[:, :-1])
        known = ~torch.isnan(inside)
        stretched = (known * Scaling.from_tensors(self.facts).to(inside.device).scale.log()).sum(-1)
        lengths = mask.sum(1, keepdim=True)
        last = -functional.softplus(-end.gather(1, lengths)).double() * (lengths < self.space.longest)
        within = functional.pad(torch.where(mask, rows.double() - stretched, 0.0), (0, 1))
        total: Tensor = within.scatter_add(1, lengths, last)
        return total

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
        prompt: Any = None,
        length: Any = None,
    ) -> Ragged:
        """Draw n sequences of rows; `Autoregressive.sample` says how."""
        return self.draw_sequences(n, given, labels, prompt, length, Drawing(temperature, generator))

    def draw(self, outputs: Tensor, may_end: Tensor, must_end: Tensor, how: Drawing) -> tuple[Tensor, Tensor]:
        """The next row (B, D) and whether the sequence ends instead (B,)."""
        end = outputs[:, 0]
        if how.temperature:
            share = torch.sigmoid(end / how.temperature)
            ended = torch.rand(len(end), generator=how.generator) < share
        else:
            ended = end > 0
        rows = self.values.draw(outputs, how.temperature, how.generator)
        return rows, must_end | (ended & may_end)
