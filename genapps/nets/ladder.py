"""The two paths of a ladder: up from an image to one vector, and down again through groups of latents.

Sources: Sønderby et al. 2016, "Ladder variational autoencoders" (a deterministic path up; on the way down posterior and
prior share what was drawn before); Vahdat and Kautz 2020, "NVAE: a deep hierarchical variational autoencoder", section
3.2 (posteriors relative to the prior, soft clamps); Child 2021, "Very deep VAEs generalize autoregressive models and
can outperform them on images", figure 3 (the block, and how small it begins).

Shapes: B images; a stage has H x W places and C channels; a group has Z latents at each place. Latents are given as
*noise*, the deviations from their prior in units of its own spread: its prior is standard normal whatever came before,
and a posterior relative to the prior is simply a normal of the noise. Flat, noise is (B, H * W * Z), place by place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh

_SMALL = 7  # places a side of the coarsest stage but one, at most
_CLAMP = 5.0  # bound of log-deviations


@dataclass(frozen=True)
class Stage:
    """A resolution: places and channels."""

    height: int
    width: int
    channels: int

    @property
    def places(self) -> int:
        """How many."""
        return self.height * self.width

    @property
    def kernel(self) -> int:
        """Side of its convolutions."""
        return 3 if self.places > 1 else 1


def stages_of(height: int, width: int, channels: int, top: int) -> tuple[Stage, ...]:
    """From the finest (height x width) by halves down to one place of `top` channels; channels double up to that."""
    found = [Stage(height, width, channels)]
    while max(found[-1].height, found[-1].width) > _SMALL:
        last = found[-1]
        found.append(Stage(-(-last.height // 2), -(-last.width // 2), max(channels, min(2 * last.channels, top))))
    return (*found, Stage(1, 1, top))


def soft_clamp(raw: Tensor) -> Tensor:
    """Numbers between -5 and 5; those near 0 as they are."""
    return _CLAMP * torch.tanh(raw / _CLAMP)


class Branch(nn.Module):
    """GELU before each of three convolutions, the middle one narrower and the only one that looks around."""

    def __init__(self, inputs: int, outputs: int, stage: Stage, gain: float, generator: torch.Generator) -> None:
        super().__init__()
        middle, kernel = max(stage.channels // 2, 1), stage.kernel
        root = math.sqrt(2)
        self.into = fresh(nn.Conv2d, inputs, middle, 1, generator=generator, gain=root)
        self.around = fresh(nn.Conv2d, middle, middle, kernel, padding=kernel // 2, generator=generator, gain=root)
        self.back = fresh(nn.Conv2d, middle, outputs, 1, generator=generator, gain=gain)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        for layer in (self.into, self.around, self.back):
            hidden = layer(functional.gelu(hidden))
        return hidden


class Block(Branch):
    """A residual block; its last convolution begins the smaller the more of them lie on the path."""

    def __init__(self, stage: Stage, share: float, generator: torch.Generator) -> None:
        super().__init__(stage.channels, stage.channels, stage, share, generator)

    def forward(self, hidden: Tensor) -> Tensor:
        """The same shape (B, C, H, W)."""
        return hidden + super().forward(hidden)


class BottomUp(nn.Module):
    """Images (B, planes, H, W) to what is seen at each stage, the finest first; `depth` blocks a stage.

    stride: pixels a side of a place of the finest stage; H and W are multiples of it.
    """

    def __init__(
        self, planes: int, stages: Sequence[Stage], stride: int, depth: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        kernel = max(2 * stride - 1, 3)
        self.stem = fresh(
            nn.Conv2d, planes, stages[0].channels, kernel, stride=stride, padding=kernel // 2, generator=generator
        )
        share = 1 / math.sqrt(max(depth * len(stages), 1))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(Block(stage, share, generator) for _ in range(depth))) for stage in stages
        )
        self.down = nn.ModuleList(
            fresh(nn.Conv2d, fine.channels, coarse.channels, 3, stride=2, padding=1, generator=generator)
            for fine, coarse in itertools.pairwise(stages[:-1])
        )
        inputs = stages[-2].places * stages[-2].channels
        self.top = fresh(nn.Linear, inputs, stages[-1].channels, generator=generator)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, C, H, W) of each stage."""
        hidden = self.stem(images.contiguous(memory_format=torch.channels_last)).float()
        seen = [self.blocks[0](hidden)]
        for down, blocks in zip(self.down, self.blocks[1:], strict=False):
            seen.append(blocks(down(seen[-1]).float()))
        top = self.top(flat(seen[-1])).float()
        return [*seen, self.blocks[-1](top[:, :, None, None])]


class Group(nn.Module):
    """Z latents at each place of a stage: their prior, their posterior, and what they add to the way down."""

    def __init__(self, stage: Stage, latents: int, share: float, generator: torch.Generator) -> None:
        super().__init__()
        self.stage, self.latents, c = stage, latents, stage.channels
        self.prior = Branch(c, 2 * latents + c, stage, 0.0, generator)
        self.posterior = Branch(2 * c, 2 * latents, stage, 0.0, generator)
        self.into = fresh(nn.Conv2d, latents, c, 1, generator=generator, gain=share)
        self.block = Block(stage, share, generator)

    def forward(self, hidden: Tensor, noise: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What goes on (B, C, H, W), and the noise that was taken, its mean and log-deviation, each flat.

        noise: (B, H * W * Z), standard normal. seen: (B, C, H, W) of the way up; without it the noise stays as
        it is: a draw of the prior.
        """
        prior, raw, further = self.prior(hidden).float().split([self.latents, self.latents, self.stage.channels], 1)
        noise = folded(noise, self.stage)
        mean = log_deviation = torch.zeros_like(noise)
        if seen is not None:
            mean, told = self.posterior(torch.cat([hidden, seen], 1)).float().chunk(2, 1)
            log_deviation = soft_clamp(told)
            noise = mean + log_deviation.exp() * noise
        latents = prior + soft_clamp(raw).exp() * noise
        hidden = self.block(hidden + further + self.into(latents))
        return hidden, flat(noise), flat(mean), flat(log_deviation)


@dataclass(frozen=True)
class Descent:
    """outputs: (B, outputs, H, W). noise, mean, log_deviation: (B, N) of all groups, in their order."""

    outputs: Tensor
    noise: Tensor
    mean: Tensor
    log_deviation: Tensor


class TopDown(nn.Module):
    """From one vector (B, inputs) down through `groups` groups a stage, the coarsest first, to the pixels.

    The topmost stage has one group less: the vector is drawn by who calls. outputs: numbers a pixel.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stages: Sequence[Stage],
        stride: int,
        groups: int,
        latents: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.stages, self.stride = tuple(reversed(stages)), stride
        top, second = self.stages[:2]
        share = 1 / math.sqrt(groups * len(stages))
        self.first = fresh(nn.Linear, inputs, top.channels, generator=generator)
        self.wide = fresh(nn.Linear, top.channels, second.places * second.channels, generator=generator)
        self.up = nn.ModuleList(
            fresh(nn.Conv2d, coarse.channels, fine.channels, 1, generator=generator)
            for coarse, fine in itertools.pairwise(self.stages[1:])
        )
        counts = [groups - (stage is top) for stage in self.stages]
        self.groups = nn.ModuleList(
            Group(stage, latents, share, generator)
            for stage, count in zip(self.stages, counts, strict=True)
            for _ in range(count)
        )
        self.begins = [sum(counts[:at]) for at in range(len(counts) + 1)]  # the first group of each stage
        finest = self.stages[-1].channels
        self.last = fresh(nn.Conv2d, finest, outputs * stride**2, 3, padding=1, generator=generator, gain=0.1)
        self.sizes = [part.stage.places * latents for part in self.each()]  # numbers of each group

    def each(self) -> list[Group]:
        """The groups, in the order of the noise."""
        return [part for part in self.groups if isinstance(part, Group)]

    def forward(self, vector: Tensor, noise: Tensor, seen: Sequence[Tensor] | None) -> Descent:
        """noise: (B, N). seen: of `BottomUp`; without it the noise is taken for a draw of the prior."""
        groups, parts = self.each(), noise.split(self.sizes, 1)
        taken: list[tuple[Tensor, Tensor, Tensor]] = []
        hidden = self.first(vector).float()[:, :, None, None]
        for at, stage in enumerate(self.stages):
            hidden = self._enlarged(hidden, at, stage)
            for k in range(self.begins[at], self.begins[at + 1]):
                hidden, *told = groups[k](hidden, parts[k], None if seen is None else seen[-1 - at])
                taken.append((told[0], told[1], told[2]))
        outputs = functional.pixel_shuffle(self.last(functional.gelu(hidden)).float(), self.stride)
        none = noise[:, :0]
        return Descent(outputs, *(torch.cat([none, *(told[k] for told in taken)], 1) for k in range(3)))

    def _enlarged(self, hidden: Tensor, at: int, stage: Stage) -> Tensor:
        """(B, C, H, W) of the stage before for stage number `at`."""
        if at == 0:
            return hidden
        if at == 1:
            return folded(self.wide(functional.gelu(flat(hidden))).float(), stage)
        larger = functional.interpolate(self.up[at - 2](functional.gelu(hidden)).float(), scale_factor=2)
        return larger[:, :, : stage.height, : stage.width]


def flat(hidden: Tensor) -> Tensor:
    """(B, C, H, W) to (B, H * W * C)."""
    return hidden.movedim(1, 3).flatten(1)


def folded(numbers: Tensor, stage: Stage) -> Tensor:
    """The inverse of `flat`."""
    return numbers.reshape(len(numbers), stage.height, stage.width, -1).movedim(3, 1)
