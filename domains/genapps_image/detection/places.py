"""Features of places in an image: local filters at three scales, which need no weights, and those of a network.

The filters are those that textures were told apart by before networks were: edges in four directions, spots and long
lines brighter and darker than what is around them, colors; rectified and pooled (Malik and Perona, "Preattentive
texture discrimination with early vision mechanisms", 1990; lines as in Leung and Malik, 2001).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.errors import UsageError

FILTERS, LITE0, BOTH = "filters", "lite0", "lite0+filters"
NAMES = (FILTERS, LITE0, BOTH)
_SCALES = 3
_TURNS, _LONG, _REACH = 6, 3.0, 8  # of lines: directions, length beside width, pixels to each side
_OPPONENT = ((0.299, 0.587, 0.114), (0.5, -0.5, 0.0), (0.25, 0.25, -0.5))  # light, red - green, yellow - blue


class Places(Protocol):
    """What gives features of places. stride: pixels from one place to the next."""

    name: str
    stride: int

    def __call__(self, image: Tensor) -> Tensor:
        """(D, h, w) float32 of one image (C, H, W) of bytes, C = 1 or 3."""
        ...


def places_of(name: str = "auto") -> tuple[Places, ...]:
    """By name, each by itself; "auto" is the filters and, where its weights are installed, the network beside them.

    Neither is better everywhere: on photographs of surfaces it was the network, on drawn patterns the filters. Raises
    UsageError for another name, MissingExtra where the network's weights are not installed.
    """
    from genapps_image.features.lite0 import installed

    if name == "auto":
        name = BOTH if installed() else FILTERS
    if name == FILTERS:
        return (Filters(),)
    if name == LITE0:
        return (Network(),)
    if name == BOTH:
        return Filters(), Network()
    raise UsageError(f"no features of places are called {name!r}; there are: auto, {', '.join(NAMES)}")


class Filters:
    """A place every 4 pixels: of a grey image 7 features at each of 3 scales, of one in color 11; and 2 of lines."""

    name = FILTERS
    stride = 4

    def __call__(self, image: Tensor) -> Tensor:
        """(23 or 35, h, w)."""
        values = image[None].float() / 255
        if values.shape[1] == 3:
            values = torch.einsum("kc,nchw->nkhw", torch.tensor(_OPPONENT), values)
        size = tuple(max(1, math.ceil(side / self.stride)) for side in image.shape[1:])
        found = [_placed(_lines(values[:, :1]), size)]
        for _ in range(_SCALES):
            found.append(_placed(_responses(values), size))
            values = _halved(values)
        return averaged(torch.cat(found, 1))[0]


class Network:
    """EfficientNet-Lite0's maps at an eighth and a sixteenth of the image's size, a place every 8 pixels."""

    name = LITE0
    stride = 8

    def __init__(self) -> None:
        from genapps_image.features.lite0 import Lite0

        self._net = Lite0()

    def __call__(self, image: Tensor) -> Tensor:
        """(152, h, w)."""
        fine, coarse = (averaged(depth) for depth in self._net.maps(image[None]))
        wider = F.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, wider], 1)[0]


def averaged(maps: Tensor) -> Tensor:
    """Means over 3 x 3 places of (N, D, h, w): what is around a place belongs to it."""
    return F.avg_pool2d(F.pad(maps, (1, 1, 1, 1), mode="replicate"), 3, 1)


def _responses(values: Tensor) -> Tensor:
    """(N, D, H, W) of light (N, 1, H, W), or light and two colors (N, 3, H, W): square roots of rectified filters."""
    smooth = blurred(values, 0.7)
    around = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    across = around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :-2]
    down = around[:, :, 2:, 1:-1] - around[:, :, :-2, 1:-1]
    light = [across[:, :1], down[:, :1], (across + down)[:, :1] * 0.5**0.5, (across - down)[:, :1] * 0.5**0.5]
    spot = smooth[:, :1] - blurred(smooth[:, :1], 1.4)
    edges = [side.abs() for side in light]
    colors = [(across[:, 1:] ** 2 + down[:, 1:] ** 2).sqrt()] if values.shape[1] == 3 else []
    rectified = torch.cat([*edges, spot.clamp(min=0), (-spot).clamp(min=0), *colors], 1)
    return torch.cat([rectified.sqrt(), smooth], 1)


def _lines(light: Tensor) -> Tensor:
    """(N, 2, H, W) of light (N, 1, H, W): the strongest bright and the strongest dark line through each pixel."""
    found = F.conv2d(F.pad(light, (_REACH,) * 4, mode="replicate"), _line_kernels())
    return torch.stack([found.amax(1), (-found).amax(1)], 1).clamp(min=0).sqrt()


@cache
def _line_kernels() -> Tensor:
    """(6, 1, 17, 17): a second derivative across, three times as long as wide, in each of six directions."""
    steps = torch.arange(-_REACH, _REACH + 1, dtype=torch.float32)
    down, across = torch.meshgrid(steps, steps, indexing="ij")
    found = []
    for turn in (k * math.pi / _TURNS for k in range(_TURNS)):
        along = across * math.cos(turn) + down * math.sin(turn)
        beside = down * math.cos(turn) - across * math.sin(turn)
        kernel = (1 - beside**2) * torch.exp(-0.5 * (beside**2 + (along / _LONG) ** 2))
        kernel = kernel - kernel.mean()
        found.append(kernel / kernel.abs().sum())
    return torch.stack(found)[:, None]


def _halved(values: Tensor) -> Tensor:
    size = [max(2, (side + 1) // 2) for side in values.shape[2:]]
    return F.interpolate(values, size, mode="bilinear", antialias=True, align_corners=False)


def _placed(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    return F.interpolate(maps, size, mode="bilinear", antialias=True, align_corners=False)


def blurred(maps: Tensor, sigma: float) -> Tensor:
    """(N, C, H, W) smoothed by a Gaussian of `sigma` pixels, borders repeated."""
    reach = max(1, math.ceil(3 * sigma))
    steps = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights = weights / weights.sum()
    count, channels, height, width = maps.shape
    flat = maps.reshape(count * channels, 1, height, width)
    flat = F.conv2d(F.pad(flat, (reach, reach, 0, 0), mode="replicate"), weights.view(1, 1, 1, -1))
    flat = F.conv2d(F.pad(flat, (0, 0, reach, reach), mode="replicate"), weights.view(1, 1, -1, 1))
    return flat.reshape(maps.shape)
