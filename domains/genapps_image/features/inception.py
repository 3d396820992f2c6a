"""Inception v3 as the distance that is called FID takes it, by weights that a person has.

Its layers are those of Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016, table 1 and
figures 5 to 7, in the variant of TensorFlow's graph of 2015-12-05, which Heusel et al. (2017) defined FID by and which
pytorch-fid and torch-fidelity follow: averages over neighbors leave out the padding, the last block (Mixed_7c) takes
their largest instead, epsilon is 0.001, and there are 1,008 classes. Tensors are named as in pytorch-fid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from genapps.errors import InputError, UsageError
from genapps_image.features.base import Extractor, to_rgb
from genapps_image.features.given import read_given

SIDE = 299  # pixels of the side as the network sees it
FEATURES, CLASSES = 2048, 1008
_EPSILON = 1e-3
Kernel = tuple[int, int]  # rows, columns
Pool = Literal["", "average", "largest", "smaller"]  # of 3 x 3 pixels; "smaller" is the largest at every second pixel
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Layer:
    """A convolution without bias, batch normalization, and what is above 0 of it; padded to keep its size, or not."""

    name: str
    channels: int
    kernel: Kernel = (1, 1)
    stride: int = 1
    padded: bool = True


@dataclass(frozen=True)
class Branch:
    """Layers one after the other, after a pool; `ends` are beside each other, at the end."""

    layers: tuple[Layer, ...]
    ends: tuple[Layer, ...] = ()
    before: Pool = ""


Block = tuple[Branch, ...]  # beside each other


def _across(name: str, *steps: tuple[int, Kernel]) -> tuple[Layer, ...]:
    return tuple(Layer(f"{name}_{k}", channels, kernel) for k, (channels, kernel) in enumerate(steps, 1))


def _smaller(name: str, channels: int) -> Layer:
    return Layer(name, channels, (3, 3), stride=2, padded=False)


def _figure_5(pooled: int) -> Block:
    return (
        Branch((Layer("branch1x1", 64),)),
        Branch(_across("branch5x5", (48, (1, 1)), (64, (5, 5)))),
        Branch(_across("branch3x3dbl", (64, (1, 1)), (96, (3, 3)), (96, (3, 3)))),
        Branch((Layer("branch_pool", pooled),), before="average"),
    )


def _figure_6(inner: int) -> Block:
    lying, standing = (1, 7), (7, 1)
    twice = ((inner, (1, 1)), (inner, standing), (inner, lying), (inner, standing), (192, lying))
    return (
        Branch((Layer("branch1x1", 192),)),
        Branch(_across("branch7x7", (inner, (1, 1)), (inner, lying), (192, standing))),
        Branch(_across("branch7x7dbl", *twice)),
        Branch((Layer("branch_pool", 192),), before="average"),
    )


def _figure_7(before: Pool) -> Block:
    def ends(name: str) -> tuple[Layer, Layer]:
        return Layer(f"{name}a", 384, (1, 3)), Layer(f"{name}b", 384, (3, 1))

    return (
        Branch((Layer("branch1x1", 320),)),
        Branch(_across("branch3x3", (384, (1, 1))), ends("branch3x3_2")),
        Branch(_across("branch3x3dbl", (448, (1, 1)), (384, (3, 3))), ends("branch3x3dbl_3")),
        Branch((Layer("branch_pool", 192),), before=before),
    )


_TO_768: Block = (
    Branch((_smaller("branch3x3", 384),)),
    Branch((*_across("branch3x3dbl", (64, (1, 1)), (96, (3, 3))), _smaller("branch3x3dbl_3", 96))),
    Branch((), before="smaller"),
)
_TO_1280: Block = (
    Branch((*_across("branch3x3", (192, (1, 1))), _smaller("branch3x3_2", 320))),
    Branch(
        (*_across("branch7x7x3", (192, (1, 1)), (192, (1, 7)), (192, (7, 1))), _smaller("branch7x7x3_4", 192)),
    ),
    Branch((), before="smaller"),
)
_STEM: tuple[Layer | Pool, ...] = (
    _smaller("Conv2d_1a_3x3", 32),
    Layer("Conv2d_2a_3x3", 32, (3, 3), padded=False),
    Layer("Conv2d_2b_3x3", 64, (3, 3)),
    "smaller",
    Layer("Conv2d_3b_1x1", 80),
    Layer("Conv2d_4a_3x3", 192, (3, 3), padded=False),
    "smaller",
)
BLOCKS: dict[str, Block] = {
    "Mixed_5b": _figure_5(32),
    "Mixed_5c": _figure_5(64),
    "Mixed_5d": _figure_5(64),
    "Mixed_6a": _TO_768,
    "Mixed_6b": _figure_6(128),
    "Mixed_6c": _figure_6(160),
    "Mixed_6d": _figure_6(160),
    "Mixed_6e": _figure_6(192),
    "Mixed_7a": _TO_1280,
    "Mixed_7b": _figure_7("average"),
    "Mixed_7c": _figure_7("largest"),
}


def shapes() -> Shapes:
    """The shape of every tensor by its name."""
    found: Shapes = {}
    channels = 3
    for step in _STEM:
        if isinstance(step, Layer):
            found |= _layer_shapes(step.name, step, channels)
            channels = step.channels
    for name, block in BLOCKS.items():
        after = 0
        for branch in block:
            inner = channels
            for layer in branch.layers:
                found |= _layer_shapes(f"{name}.{layer.name}", layer, inner)
                inner = layer.channels
            for layer in branch.ends:
                found |= _layer_shapes(f"{name}.{layer.name}", layer, inner)
            after += sum(layer.channels for layer in branch.ends) or inner
        channels = after
    return {**found, "fc.weight": (CLASSES, channels), "fc.bias": (CLASSES,)}


def _layer_shapes(name: str, layer: Layer, channels: int) -> Shapes:
    told = {f"{name}.bn.{part}": (layer.channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.conv.weight": (layer.channels, channels, *layer.kernel), **told}


class Inception(Extractor):
    """2,048 features, the mean of the last block over the image, seen at 299 x 299; and logits of 1,008 classes.

    path: a safetensors file of the weights, as `genapps_image.features.given` reads it. digest: the SHA-256 of their
    numbers, which tells two sets of weights apart. Raises UsageError and InputError for a file without them.
    """

    name = "inception"

    def __init__(self, path: str | Path) -> None:
        given = read_given(path, shapes())
        self.digest, self._fc = given.digest, given.tensors["fc.weight"]
        self._net = folded(given.tensors)

    @property
    def distances(self) -> tuple[str, str]:
        """The names that are these features' alone."""
        return "FID", "KID"

    def settings(self) -> dict[str, int | float | str]:
        """The side in pixels at which images are looked at, and whose weights these are."""
        return {"side": SIDE, "weights_sha256": self.digest}

    def logits(self, features: Tensor) -> Tensor:
        """Logits (N, 1008) of features (N, 2048), without the bias, as the Inception score has always taken them.

        Salimans et al., "Improved Techniques for Training GANs", 2016: their program multiplies by the weights only.
        """
        with torch.inference_mode():
            return F.linear(features, self._fc)

    def _seen_pixels(self, height: int, width: int) -> int:
        return max(SIDE * SIDE, height * width)

    def _features(self, images: Tensor) -> Tensor:
        seen = (stretched(to_rgb(images), SIDE) - 128) / 128
        rows = self._net.through(seen).mean((2, 3))
        if not bool(torch.isfinite(rows).all()):
            raise InputError("the weights of Inception lead beyond all numbers: they are not the published ones")
        return rows

    def _maps(self, images: Tensor) -> list[Tensor]:
        raise UsageError("features inception are of whole images; lite0 and self have maps")


def stretched(images: Tensor, side: int) -> Tensor:
    """Floats (N, C, H, W) at (side, side) by the bilinear rule of TensorFlow's graph, which no later one follows.

    Pixel k is read at k * H / side, the corner of a pixel and not its middle, and nothing is averaged where an image
    shrinks (tensorflow/core/kernels/image_resizer_state.h, neither align_corners nor half_pixel_centers).
    """
    for axis in (2, 3):
        size = images.shape[axis]
        place = torch.arange(side, dtype=torch.float32) * (size / side)
        low = place.long().clamp_max(size - 1)
        share = (place - low).view(-1, *[1] * (3 - axis))
        first, second = (images.index_select(axis, at) for at in (low, (low + 1).clamp_max(size - 1)))
        images = first + (second - first) * share
    return images


@dataclass(frozen=True)
class Network:
    """The layers, each as the kernel and bias that it and its normalization are together, by their names."""

    parts: Mapping[str, tuple[Tensor, Tensor]]

    def through(self, x: Tensor) -> Tensor:
        """(N, 2048, H', W') of images (N, 3, H, W) from -1 to 1, of at least 75 pixels a side."""
        for step in _STEM:
            x = self._layer(x, "", step) if isinstance(step, Layer) else pooled(x, step)
        for name in BLOCKS:
            x = self.block(name, x)
        return x

    def block(self, name: str, x: Tensor) -> Tensor:
        """What comes out of a block, its branches' channels one after the other."""
        return torch.cat([part for branch in BLOCKS[name] for part in self._branch(x, f"{name}.", branch)], 1)

    def _branch(self, x: Tensor, begin: str, branch: Branch) -> Iterator[Tensor]:
        x = pooled(x, branch.before)
        for layer in branch.layers:
            x = self._layer(x, begin, layer)
        yield from ([self._layer(x, begin, end) for end in branch.ends] if branch.ends else [x])

    def _layer(self, x: Tensor, begin: str, layer: Layer) -> Tensor:
        rows, columns = layer.kernel
        padding = (rows // 2, columns // 2) if layer.padded else (0, 0)
        return F.relu(F.conv2d(x, *self.parts[begin + layer.name], layer.stride, padding))


def pooled(x: Tensor, how: Pool) -> Tensor:
    """(N, C, H, W) by neighborhoods of 3 x 3."""
    if how == "average":
        return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    if how == "largest":
        return F.max_pool2d(x, 3, stride=1, padding=1)
    return F.max_pool2d(x, 3, stride=2) if how == "smaller" else x


def folded(tensors: Mapping[str, Tensor]) -> Network:
    """The network of named tensors."""
    parts = {}
    for name in (one.removesuffix(".conv.weight") for one in tensors if one.endswith(".conv.weight")):
        scale = tensors[f"{name}.bn.weight"] / (tensors[f"{name}.bn.running_var"] + _EPSILON).sqrt()
        bias = tensors[f"{name}.bn.bias"] - tensors[f"{name}.bn.running_mean"] * scale
        parts[name] = tensors[f"{name}.conv.weight"] * scale[:, None, None, None], bias
    return Network(parts)
