"""A network that has learnt a style, as it is used and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.errors import InputError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_image.stylizing.network import REACH, Stylizer
from genapps_image.stylizing.pictures import LEAST, numbers, pixels_of
from genapps_image.tiles import tiled
from genapps_image.upscaling.model import restore

DOMAIN, TASK = "image", "stylize"
TILE = 256
_MOST_WIDTH = 256  # that a file may declare


@dataclass(frozen=True)
class StyleModel:
    """Paints photographs in one style.

    card: plain JSON: what it was learnt from, how strongly. styles: (1, 3, h, w) between -1 and 1, to measure by.
    """

    network: Stylizer
    card: Mapping[str, Any] = field(default_factory=dict)
    styles: tuple[Tensor, ...] = ()

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
        tensors |= {f"style/{k}": pixels_of(style) for k, style in enumerate(self.styles)}
        header = {"domain": DOMAIN, "task": TASK, "family": "feed-forward", "width": self.network.width}
        write_artifact(path, tensors, {**header, "card": dict(self.card)})

    @classmethod
    def load(cls, path: str | Path) -> StyleModel:
        """What `save` wrote. Raises InputError for a file that is damaged, or another kind of model."""
        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: holds no style; genapps image stylize --train FOLDER --save writes one")
        width = header.get("width")
        if type(width) is not int or not 1 <= width <= _MOST_WIDTH:
            raise InputError(f"{path}: declares a network that no version writes; learn the style again")
        network = Stylizer(width, torch.Generator())
        weights = {name: tensor for name, tensor in artifact.tensors.items() if not name.startswith("style/")}
        restore(network, {name.removeprefix("network/"): value for name, value in weights.items()}, path)
        pixels = [tensor for name, tensor in sorted(artifact.tensors.items()) if name not in weights]
        if not pixels or not all(_is_style(one) for one in pixels):
            raise InputError(f"{path}: holds no pictures of its style; learn the style again")
        card = header.get("card")
        return cls(network.eval(), card if isinstance(card, dict) else {}, tuple(map(numbers, pixels)))


def _centered(image: Tensor) -> Tensor:
    """Bytes as numbers between -1 and 1."""
    return image.float() / 127.5 - 1


def _is_style(pixels: np.ndarray[Any, Any]) -> bool:
    """Whether these are pixels (H, W, 3) as `read_styles` gives them."""
    return pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and min(pixels.shape[:2]) >= LEAST
