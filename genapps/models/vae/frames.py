"""Sequences of rows: dilated convolutions over time, a length drawn from the latents, one likelihood a variable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.vae.core import Inputs, VariationalNet
from genapps.models.vae.engine import VAEConfig, Variational, check_longest
from genapps.nets.heads import Heads
from genapps.nets.mlp import fresh
from genapps.nets.scaling import Scaling
from genapps.spaces import Frames
from genapps.training import Recipe

_MOST_STEPS = 100_000  # each length is a code of its own
_WAVES = 8  # sines and cosines that tell the decoder where it is


@dataclass(frozen=True)
class FrameConfig(VAEConfig):
    """The network's shape."""

    hidden: int = field(default=64, metadata={"help": "channels of a convolution", "least": 1})
    depth: int = field(default=4, metadata={"help": "convolutions, each reaching twice as far", "least": 1})


class Convolutions(nn.Module):
    """(B, T, C) to (B, T, C): residual convolutions with dilations 1, 2, 4 and so on; padding is and stays 0."""

    def __init__(self, channels: int, depth: int, generator: torch.Generator) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(depth))
        self.layers = nn.ModuleList(
            fresh(nn.Conv1d, channels, channels, 3, padding=2**i, dilation=2**i, generator=generator)
            for i in range(depth)
        )

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """mask: (B, T, 1), 1 for real steps."""
        for norm, layer in zip(self.norms, self.layers, strict=True):
            update = layer((functional.gelu(norm(hidden)) * mask).transpose(1, 2))
            hidden = hidden + update.transpose(1, 2)
        return hidden * mask


class FrameNet(VariationalNet):
    """Convolutions both ways between rows over time and a code."""

    def __init__(
        self, space: Frames, heads: Heads, config: FrameConfig, classes: int, generator: torch.Generator
    ) -> None:
        super().__init__(config.latent, classes, config.hidden, generator)
        self.space, self.heads, hidden = space, heads, config.hidden
        inputs = config.latent + classes
        self.into = fresh(nn.Linear, heads.features, hidden, generator=generator)
        self.encoder = Convolutions(hidden, config.depth, generator)
        self.summary = fresh(nn.Linear, 2 * hidden, hidden, generator=generator)
        self.start = fresh(nn.Linear, inputs + 2 * _WAVES + 1, hidden, generator=generator)
        self.decoder = Convolutions(hidden, config.depth, generator)
        self.last = fresh(nn.Linear, hidden, heads.width, generator=generator, gain=0.1)
        self.long = fresh(nn.Linear, inputs, space.longest + 1, generator=generator, gain=0.1)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """The heads go where the weights go."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.heads = self.heads.to(self.step.device)
        return self

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        rows, lengths = inputs
        mask = _mask(lengths, rows.shape[1])
        features = self.heads.encode(rows.flatten(0, 1)).view(*rows.shape[:2], -1)
        hidden = self.encoder(self.into(features) * mask, mask)
        mean = hidden.sum(1) / lengths.clamp_min(1)[:, None]
        top = hidden.masked_fill(mask == 0, -1e4).amax(1) * (lengths > 0)[:, None]
        return functional.gelu(self.summary(torch.cat([mean, top], 1)))

    def outputs(self, codes: Tensor, lengths: Tensor, steps: int) -> Tensor:
        """What the decoder says of each step (B, T, width of the heads)."""
        mask = _mask(lengths, steps)
        place = self._place(lengths, steps)
        hidden = self.start(torch.cat([codes[:, None].expand(-1, steps, -1), place], 2))
        return self.last(self.decoder(hidden * mask, mask)).float()  # type: ignore[no-any-return]

    def length_log_prob(self, codes: Tensor) -> Tensor:
        """Log-probabilities (B, longest + 1) of the lengths."""
        return self.long(codes).float().log_softmax(1)  # type: ignore[no-any-return]

    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        rows, lengths = inputs
        steps = rows.shape[1]
        outputs = self.outputs(codes, lengths, steps).flatten(0, 1)
        logs = self.heads.log_prob(outputs, rows.flatten(0, 1)).sum(1).view(-1, steps)
        long = self.length_log_prob(codes).gather(1, lengths[:, None])[:, 0]
        return (logs * _mask(lengths, steps)[..., 0]).sum(1) + long

    def _place(self, lengths: Tensor, steps: int) -> Tensor:
        """Where each step is (B, T, 2 * waves + 1): waves of its number, and its share of the whole."""
        step = torch.arange(steps, device=lengths.device).float()
        slowest = max(self.space.longest, 2)
        rates = math.pi * slowest ** -torch.linspace(0, 1, _WAVES, device=lengths.device)
        angles = step[:, None] * rates
        waves = torch.cat([angles.sin(), angles.cos()], 1).expand(len(lengths), -1, -1)
        share = step / lengths.clamp_min(1)[:, None]
        return torch.cat([waves, share[..., None]], 2)


class FrameVAE(Variational):
    """Sequences of rows of any length up to the longest; unknown entries are left out of the bound."""

    Config: ClassVar[type] = FrameConfig
    RECIPE: ClassVar[Recipe] = Recipe(learning_rate=3e-3, epochs=60, max_steps=5000, batch_size=64)

    def __init__(self, space: Frames, config: FrameConfig) -> None:
        if not space.variables or space.longest > _MOST_STEPS:
            raise UsageError(
                f"{space.longest} steps of {len(space.variables)} variables: a variational autoencoder takes at least "
                f"one variable and at most {_MOST_STEPS} steps; cut the sequences into shorter ones"
            )
        super().__init__(space, config)

    def _scaled(self, data: Ragged) -> Scaling | None:
        return None if self.space.row.discrete else Heads.fit(self.space.row, data.values).scaling

    def _network(self, data: Ragged | None, classes: int, generator: torch.Generator) -> FrameNet:
        heads = Heads(self.space.row, self.scaling)
        net = FrameNet(self.space, heads, self.config, classes, generator)
        if data is not None:
            net.last.bias.data.copy_(heads.marginals(data.values))
            counts = torch.bincount(data.lengths, minlength=self.space.longest + 1).double()
            counts = counts + 1 / len(counts)
            net.long.bias.data.copy_((counts / counts.sum()).log())
        return net

    def _inputs(self, batch: Ragged) -> Inputs:
        check_longest(batch, self.space.longest)
        rows, _ = batch.padded()
        if not rows.shape[1]:  # all of them empty
            rows = rows.new_zeros(len(rows), 1, rows.shape[2])
        return rows, batch.lengths

    def _numbers_a_row(self, batch: Ragged) -> int:
        longest = int(batch.lengths.max()) if len(batch) else 1
        return int(max(longest, 1) * (6 * self.config.hidden + 4 * self._net().heads.width) + self.space.longest)

    def _net(self) -> FrameNet:
        net = self._fitted()
        assert isinstance(net, FrameNet)
        return net

    def _draw(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Ragged:
        net = self._net()
        shares = (net.length_log_prob(codes) / temperature).exp()
        lengths = torch.multinomial(shares, 1, generator=generator)[:, 0]
        parts = []
        for code, length in zip(codes.split(256), lengths.split(256), strict=True):
            steps = max(int(length.max()), 1)
            parts.append(self._rows(code, length, steps, generator, temperature)[_mask(length, steps)[..., 0] > 0])
        return Ragged(torch.cat(parts), lengths)

    def _rows(
        self, codes: Tensor, lengths: Tensor, steps: int, generator: torch.Generator, temperature: float
    ) -> Tensor:
        """Rows (B, T, D) drawn from codes, padding and all."""
        net = self._net()
        outputs = net.outputs(codes, lengths, steps).flatten(0, 1)
        return net.heads.sample(outputs, generator, temperature).view(len(codes), steps, -1)

    def _fill(self, data: Ragged, codes: Tensor, generator: torch.Generator) -> Ragged:
        rows, mask = data.padded()
        unknown = rows < 0 if self.space.row.discrete else torch.isnan(rows)
        made = self._rows(codes, data.lengths, rows.shape[1], generator, 1.0)
        return Ragged(torch.where(unknown, made.to(rows.dtype), rows)[mask], data.lengths)

    def _end_to_end(self, parts: list[Ragged], data: Ragged) -> Ragged:
        whole = [data.take(torch.zeros(0, dtype=torch.long)), *parts]
        return Ragged(torch.cat([p.values for p in whole]), torch.cat([p.lengths for p in whole]))


def _mask(lengths: Tensor, steps: int) -> Tensor:
    """1 for real steps (B, T, 1)."""
    return (torch.arange(steps, device=lengths.device) < lengths[:, None])[..., None].float()
