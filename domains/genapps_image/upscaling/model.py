"""A network that has learnt to enlarge, as it is used and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps.io.artifact import read_artifact, write_artifact
from genapps_image.codec import image_of, to_channels
from genapps_image.records import Bytes
from genapps_image.tiles import tiled
from genapps_image.upscaling.network import Shape, Upscaler
from genapps_image.upscaling.patches import centered, to_bytes, turned, unturned
from genapps_image.upscaling.shrinking import enlarged, to_pixels, to_tensor

DOMAIN, TASK = "image", "upscale"
FACTORS = (2, 3, 4)
MOST_PIXELS = 256_000_000  # of one result
_MOST_WIDTH, _MOST_BLOCKS = 512, 64  # that a file may declare


@dataclass(frozen=True)
class UpscaleModel:
    """Enlarges images by one factor.

    card: plain JSON: what it was learnt from, how, and what it reaches. marks: of the images it was learnt from.
    """

    network: Upscaler
    family: str
    card: Mapping[str, Any] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()

    @property
    def factor(self) -> int:
        """Times larger, on each side."""
        return self.network.shape.factor

    def upscale(self, pixels: Bytes, *, ensemble: bool = True, tile: int = 192) -> Bytes:
        """(factor H, factor W, C) of pixels (H, W, C), C from 1 to 4.

        ensemble: the mean over the eight ways an image can lie (Timofte et al. 2016, "Seven ways to improve
        example-based single image super resolution", section 3.2): better, and eight times the time. tile: side, in
        pixels of the small image, of the pieces it is done in; the result does not depend on it. Alpha is enlarged by
        the bicubic filter, and so is color by a model that learnt grey images. Raises UsageError for more than
        256,000,000 pixels.
        """
        height, width, channels = pixels.shape
        if height * width * self.factor**2 > MOST_PIXELS:
            raise UsageError(
                f"{width} x {height} pixels: {self.factor} times larger is more than {MOST_PIXELS:,} pixels"
            )
        alpha = channels in (2, 4)
        body = pixels[:, :, :-1] if alpha else pixels
        found = self._body(body, ensemble, tile)
        return np.concatenate([found, enlarged(pixels[:, :, -1:], self.factor)], 2) if alpha else found

    def _body(self, pixels: Bytes, ensemble: bool, tile: int) -> Bytes:
        """The same without alpha."""
        known = self.network.shape.channels
        if pixels.shape[2] == known:
            return self._run(pixels, ensemble, tile)
        if known == 3:
            return to_channels(self._run(to_channels(pixels, 3), ensemble, tile), 1)
        return _recolored(pixels, self.factor, lambda grey: self._run(grey, ensemble, tile))

    def _run(self, pixels: Bytes, ensemble: bool, tile: int) -> Bytes:
        groups = ((0, 2, 4, 6), (1, 3, 5, 7)) if ensemble else ((0,),)  # each of one shape, and so one batch

        def work(images: Tensor) -> Tensor:
            small, found = centered(images), []
            for turns in groups:
                large = self.network(torch.cat([turned(small, turn) for turn in turns]))
                found += [unturned(one, turn) for one, turn in zip(large, turns, strict=True)]
            return to_bytes(torch.stack(found).mean(0, keepdim=True))

        with torch.no_grad():
            shape = self.network.shape
            image = tiled(work, to_tensor(pixels), tile=tile, overlap=shape.reach, factor=shape.factor)
        return to_pixels(image)

    def save(self, path: str | Path) -> None:
        """Write one `.genapps` file, complete or not at all."""
        tensors = {f"network/{name}": weight.detach().numpy() for name, weight in self.network.state_dict().items()}
        header = {"domain": DOMAIN, "task": TASK, "family": self.family, "network": asdict(self.network.shape)}
        write_artifact(path, tensors, {**header, "card": dict(self.card), "marks": sorted(self.marks)})

    @classmethod
    def load(cls, path: str | Path) -> UpscaleModel:
        """What `save` wrote. Raises InputError for a file that is damaged, or another kind of model."""
        artifact = read_artifact(path, finite=True)
        header = artifact.header
        if header.get("domain") != DOMAIN or header.get("task") != TASK:
            raise InputError(f"{path}: holds no upscaler; genapps image upscale FOLDER --save writes one")
        shape = _shape(path, header.get("network"))
        network = Upscaler(shape, torch.Generator())
        restore(network, {name.removeprefix("network/"): value for name, value in artifact.tensors.items()}, path)
        marks = header.get("marks")
        known = frozenset(str(one) for one in marks) if isinstance(marks, list) else frozenset()
        card = header.get("card")
        return cls(network.eval(), str(header.get("family")), card if isinstance(card, dict) else {}, known)


def restore(network: torch.nn.Module, tensors: Mapping[str, Any], path: str | Path) -> None:
    """Put weights into a network. Raises InputError unless they are just its own, of its shapes, and finite."""
    wanted = network.state_dict()
    fits = set(wanted) == set(tensors) and all(tuple(tensors[n].shape) == tuple(w.shape) for n, w in wanted.items())
    if not fits or not all(tensors[n].dtype == np.float32 and np.isfinite(tensors[n]).all() for n in wanted):
        raise InputError(f"{path}: its weights do not fit the network it declares; fit it again")
    network.load_state_dict({name: torch.from_numpy(tensors[name]) for name in wanted})


def _shape(path: str | Path, declared: Any) -> Shape:
    names = {"factor", "channels", "width", "blocks"}
    if not isinstance(declared, dict) or set(declared) != names or not all(type(declared[n]) is int for n in names):
        raise InputError(f"{path}: says nothing of its network; fit it again")
    shape = Shape(**declared)
    within = shape.factor in FACTORS and shape.channels in (1, 3) and 1 <= shape.width <= _MOST_WIDTH
    if not within or not 0 <= shape.blocks <= _MOST_BLOCKS:
        raise InputError(f"{path}: declares a network that no version writes; fit it again")
    return shape


def _recolored(pixels: Bytes, factor: int, grey: Callable[[Bytes], Bytes]) -> Bytes:
    """Luminance by `grey`, color by the bicubic filter."""
    light, *colors = (np.asarray(part, np.uint8)[:, :, None] for part in image_of(pixels).convert("YCbCr").split())
    parts = [grey(light), *(enlarged(part, factor) for part in colors)]
    return np.asarray(Image.merge("YCbCr", [image_of(part) for part in parts]).convert("RGB"), np.uint8)
