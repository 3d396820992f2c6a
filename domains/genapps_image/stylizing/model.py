"""A network that has learnt a style, as it is used and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_image.stylizing.network import REACH, Stylizer
from genapps_image.tiles import tiled
from genapps_image.upscaling.model import restore

DOMAIN, TASK = "image", "stylize"
TILE = 256
_MOST_WIDTH = 256  # that a file may declare


@dataclass(frozen=True)
class StyleModel:
    """Paints photographs in one style. card: plain JSON: what it was learnt from, how strongly, and what it reaches."""

    network: Stylizer
    card: Mapping[str, Any] = field(default_factory=dict)

    @torch.no_grad()
    def paint(self, image: Tensor, *, tile: int = TILE) -> Tensor:
        """(3, H, W) bytes to the same, in pieces of `tile` pixels, a multiple of 4 that does not show."""
        transfer = self.network.palette.transfer(_centered(image))
        grain = torch.randint(256, (1, *image.shape[1:]), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)

        def work(pieces: Tensor) -> Tensor:
            photos, noise = _centered(pieces[:, :3]), _centered(pieces[:, 3:])
            made: Tensor = self.network(photos, transfer(photos), noise)
            return ((made + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)

        return tiled(work, torch.cat([image, grain]), tile=tile, overlap=REACH)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        tensors = {f"network/{name}": weight.detach().numpy() for name, weight in self.network.state_dict().items()}
        header = {"domain": DOMAIN, "task": TASK, "family": "feed-forward", "width": self.network.width}
        write_artifact(path, tensors, {**header, "card": dict(self.card)})

    @classmethod
    def load(cls, path: str | Path) -> StyleModel:
        """What `save` wrote. Raises InputError for a file that is damaged, or another kind of model."""
        artifact = read_artifact(path)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: holds no style; genapps image stylize --train FOLDER --save writes one")
        width = header.get("width")
        if type(width) is not int or not 1 <= width <= _MOST_WIDTH:
            raise InputError(f"{path}: declares a network that no version writes; learn the style again")
        network = Stylizer(width, torch.Generator())
        restore(network, {name.removeprefix("network/"): value for name, value in artifact.tensors.items()}, path)
        card = header.get("card")
        return cls(network.eval(), card if isinstance(card, dict) else {})


def _centered(image: Tensor) -> Tensor:
    """Bytes as numbers between -1 and 1."""
    return image.float() / 127.5 - 1
