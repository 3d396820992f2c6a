"""Images by a ladder: groups of latents from the whole image down to its parts, each given those above it.

The topmost group is the vector of latents that the family has everywhere: its mixture, `transform` and `decode` are of
it. Groups beneath are kept as the noise they are made from (`genapps.nets.ladder`), whose prior is standard normal, so
that every bound of the family holds as it stands; where only the vector is given they are drawn.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.models.base import Job
from genapps.models.vae.core import Explained, Inputs, divergence
from genapps.models.vae.pixel_net import PixelConfig, PixelNet
from genapps.models.vae.pixels import PixelVAE
from genapps.nets.ladder import BottomUp, Descent, Stage, TopDown, flat, folded, stages_of
from genapps.spaces import Pixels
from genapps.training import Event, Recipe, distributed
from genapps.training.order import derived

_ACTIVE = 0.05  # nats an image, in the mean, from which on a group says something of it
_ASKED = 1000  # images that the groups' divergences are taken of


class LadderNet(PixelNet):
    """The paths up and down; a code (B, L + C) has the noise of all groups beneath at its end, (B, L + C + N)."""

    def __init__(self, space: Pixels, config: PixelConfig, classes: int, generator: torch.Generator) -> None:
        super().__init__(space, config, classes, generator)
        self.stride = config.stride
        height, width = (-(-side // config.stride) for side in (space.height, space.width))
        self.stages = stages_of(height, width, config.channels, config.hidden)
        self.encoder = BottomUp(2 * space.channels, self.stages, config.stride, config.depth, generator)
        shape = (self.stages, config.stride, config.groups, config.planes)
        self.decoder = TopDown(config.latent + classes, self.planes, *shape, generator)
        self.beneath = sum(self.decoder.sizes)
        self.nats: Tensor
        self.register_buffer("nats", torch.zeros(1 + len(self.decoder.sizes)))  # mean divergence of each group

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        """What was seen at each stage, flat and side by side, the coarsest first."""
        seen = self.encoder(self.images(inputs, self.stride))
        return torch.cat([flat(part) for part in reversed(seen)], 1)

    def gist(self, read: Tensor) -> Tensor:
        return read[:, : self.stages[-1].channels]

    def outputs(self, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        vector, noise = self._parts(codes)
        return self.with_base(self.decoder(vector, noise, None).outputs)

    def explain(
        self, inputs: Inputs, read: Tensor, codes: Tensor, generator: torch.Generator, dropout: bool
    ) -> Explained:
        noise = torch.randn(len(codes), self.beneath, generator=generator, device=codes.device)
        made = self.descend(read.repeat(len(codes) // len(read), 1), codes, noise)
        likelihood = self.pixels_log_prob(inputs, self.with_base(made.outputs))
        each = divergence(made.mean, made.log_deviation).split(self.decoder.sizes, 1)
        groups = torch.stack([part.sum(1) for part in each], 1) if each else noise
        ratios = (0.5 * (noise.square() - made.noise.square()) + made.log_deviation).sum(1)
        return Explained(likelihood, torch.cat([codes, made.noise], 1), groups, ratios)

    def descend(self, read: Tensor, codes: Tensor, noise: Tensor) -> Descent:
        """The way down from codes (B, L + C), each group drawn from its posterior by the noise (B, N)."""
        sizes = [stage.places * stage.channels for stage in reversed(self.stages)]
        parts = zip(read.split(sizes, 1), reversed(self.stages), strict=True)
        seen = [folded(part, stage) for part, stage in parts]
        found: Descent = self.decoder(codes, noise, seen[::-1])
        return found

    def complete(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        if codes.shape[1] > self.latent + self.classes:
            return codes
        noise = torch.randn(len(codes), self.beneath, generator=generator) * math.sqrt(temperature)
        return torch.cat([codes, noise], 1)

    def groups(self) -> list[Stage]:
        """The stage of each group, the vector's first."""
        return [self.stages[-1], *(part.stage for part in self.decoder.each())]

    def _parts(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        at = self.latent + self.classes
        return codes[:, :at], codes[:, at:]


class LadderVAE(PixelVAE):
    """Images with or without levels, by a hierarchy of latents; `body="ladder"`. It takes no dropout."""

    RECIPE: ClassVar[Recipe] = replace(PixelVAE.RECIPE, batch_size=32, learning_rate=2e-3, skip=20.0)

    def fit(self, data: Tensor, validation: Tensor | None, job: Job) -> None:
        began = time.monotonic()
        super().fit(data, validation, job)
        net = self._ladder()
        net.nats.copy_(self._divergences(data if validation is None else validation, derived(job.seed, 6)))
        if job.progress is not None and distributed.rank() == 0:
            steps = int(net.step)
            job.progress(Event(steps, steps, time.monotonic() - began, message=self.told()))

    @property
    def group_divergences_(self) -> Tensor:
        """The mean KL (G,) of each group of latents from its prior, in nats an image, the topmost first."""
        return self._ladder().nats.clone()

    @property
    def active_groups_(self) -> int:
        """How many groups say something of an image: 0.05 nats or more, in the mean."""
        return int((self.group_divergences_ >= _ACTIVE).sum())

    def told(self) -> str:
        """How many groups are in use, and which are not."""
        nats, stages = self.group_divergences_, self._ladder().groups()
        idle = [f"{k + 1} ({stages[k].height}x{stages[k].width})" for k, value in enumerate(nats) if value < _ACTIVE]
        said = f"{self.active_groups_} of {len(nats)} groups of latents in use"
        return said + (f"; collapsed to their prior: {', '.join(idle)}" if idle else "")

    @torch.no_grad()
    def reconstruct(self, data: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Each row encoded to the posterior means of all groups, and drawn anew from there."""
        parts = [self._again(data[rows], generator, temperature) for rows in self._chunks(data)]
        drawn: Tensor = self._end_to_end(parts, data)
        return drawn

    def _again(self, data: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        net, (mean, _, classes) = self._ladder(), self._encoded(data)
        codes = torch.cat([mean, classes], 1)
        made = net.descend(net.read(self._inputs(data), None), codes, torch.zeros(len(data), net.beneath))
        return self._draw(torch.cat([codes, made.noise], 1), generator, temperature)

    @torch.no_grad()
    def _divergences(self, data: Tensor, generator: torch.Generator) -> Tensor:
        """The mean divergence (G,) of each group on some rows."""
        net, total = self._ladder(), torch.zeros(len(self._ladder().nats))
        rows = torch.randperm(len(data), generator=generator)[:_ASKED]
        data = self._held_rows(data[rows], generator)
        for chunk in self._chunks(data):
            part = data[chunk]
            mean, log_deviation, classes = self._encoded(part)
            codes = torch.cat([mean + log_deviation.exp() * torch.randn(mean.shape, generator=generator), classes], 1)
            inputs = self._inputs(part)
            made = net.explain(inputs, net.read(inputs, None), codes, generator, False)
            total += torch.cat([divergence(mean, log_deviation).sum(1, keepdim=True), made.divergences], 1).sum(0)
        return total / len(data)

    def _new_net(self, classes: int, generator: torch.Generator) -> LadderNet:
        return LadderNet(self.space, self.config, classes, generator)

    def _numbers_a_row(self, batch: Any) -> int:
        c, pixels = self.config, self.space.height * self.space.width
        places = pixels // c.stride**2 + 1
        return int(
            8 * c.hidden + places * (8 * c.channels + 4 * c.groups * c.planes) + 8 * self.space.channels * pixels
        )

    def _ladder(self) -> LadderNet:
        net = self._fitted()
        assert isinstance(net, LadderNet)
        return net
