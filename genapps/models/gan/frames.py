"""Sequences of rows made from noise: convolutions over time, each step's variables as in a table row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import UsageError
from genapps.models.gan.adversary import GAME, AdversarialConfig, Adversary, Pair
from genapps.models.gan.convolutions import GridCritic, GridGenerator
from genapps.models.gan.layout import Layout
from genapps.spaces import Constraint, Frames
from genapps.training import Recipe

_LENGTHS = 10_000  # lengths kept to draw from
_MOST_NUMBERS = 50_000_000  # in the longest sequence's point times the channels


@dataclass(frozen=True)
class FramesConfig(AdversarialConfig):
    """The networks' shapes."""

    channels: int = field(default=48, metadata={"help": "channels of the finer grid; twice that of the coarser"})
    depth: int = field(default=1, metadata={"help": "residual blocks at each size of both networks", "least": 0})
    sharpness: float = field(
        default=2.0, metadata={"help": "inverse temperature of the gradient through drawn codes", "above": 0}
    )


class FramesGAN(Adversary):
    """A GAN of sequences at their longest's length; lengths are drawn from the data's and told to both networks.

    A point (T, W + 1) is each step's row as in `Layout`, zero behind the end, and 1 where the sequence goes on.
    """

    Config: ClassVar[type] = FramesConfig
    RECIPE: ClassVar[Recipe] = replace(GAME, epochs=200, max_steps=4000, check_steps=250)

    def __init__(self, space: Frames, config: FramesConfig) -> None:
        super().__init__(space, config)
        self.layout = Layout(space.row)
        if space.longest * max(self.layout.width, 1) * config.channels > _MOST_NUMBERS:
            raise UsageError("sequences too long for a GAN of this size; cut them into windows, or try --family hmm")
        self.lengths = torch.zeros(0, dtype=torch.long)

    def _prepare(self, data: Ragged) -> None:
        self.layout = Layout(self.space.row)
        self.layout.learn(data.values)
        self.lengths = data.lengths[:_LENGTHS].clone()

    def _move(self, device: torch.device) -> None:
        self.layout.to(device)

    def _new_pair(self, classes: int, generator: torch.Generator) -> Pair:
        c, sides = self.config, (self.space.longest,)
        return Pair(
            GridGenerator(c.latent, sides, c.channels, c.depth, self.layout.offset, classes, generator, guides=1),
            GridCritic(self.layout.width + 1, sides, c.channels, c.depth, classes, generator),
        )

    def _points(self, data: Ragged) -> Tensor:
        mask = torch.arange(self.space.longest) < data.lengths[:, None]
        points = torch.zeros(*mask.shape, self.layout.width + 1)
        points[mask] = torch.cat([self.layout.point(data.values), torch.ones(len(data.values), 1)], 1)
        return points

    def _outputs(self, noise: Tensor, classes: Tensor | None, like: Tensor | None) -> Tensor:
        assert like is not None
        outputs: Tensor = self._fitted().generator(noise, classes, like[..., -1][:, None])
        return outputs.mT  # (B, T, outputs)

    def _shapes(self, n: int) -> Tensor:
        lengths = self.lengths[torch.arange(n) % len(self.lengths)]
        return (torch.arange(self.space.longest) < lengths[:, None])[..., None].float()

    def _dressed(self, outputs: Tensor, like: Tensor, draws: torch.Generator) -> Tensor:
        alive = like[..., -1:]
        made = self.layout.made(self.layout.plain(outputs.flatten(0, 1)), draws, self.config.sharpness)
        return torch.cat([made.view(*outputs.shape[:2], -1) * alive, alive], 2)

    def _scores(self, points: Tensor, classes: Tensor | None) -> Tensor:
        return super()._scores(points.mT, classes)

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Ragged:
        """Draw n sequences, their lengths as in the data; labels (n,), temperature: variance of the noise."""
        if given:
            raise UsageError("a GAN of sequences takes no conditions; ask for a class with labels, or try --family hmm")
        lengths = self.lengths[torch.randint(len(self.lengths), (n,), generator=generator)]
        mask = torch.arange(self.space.longest) < lengths[:, None]
        points = self._drawn(n, generator, labels, temperature, mask[..., None].float())
        return Ragged(self.layout.rows(points[mask][:, :-1]), lengths)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        tensors, settings = super().state()
        named = {f"layout.{name}": tensor for name, tensor in self.layout.state_dict().items()}
        return {**tensors, **named, "lengths": self.lengths}, settings

    def _restore_statistics(self, tensors: Mapping[str, Tensor]) -> None:
        self.layout.restore({name.removeprefix("layout."): t for name, t in tensors.items() if name[:7] == "layout."})
        self.lengths = tensors["lengths"]
