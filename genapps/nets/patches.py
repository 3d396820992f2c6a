"""Images patch by patch: a transformer over patches, and within each patch a masked network pixel by pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps.nets.transformer import Cache, Transformer, drop


def to_patches(images: Tensor, patch: int) -> Tensor:
    """Images (N, C, H, W) to patches (N, T, K) in raster order, pixels in raster order, channels innermost.

    Where the sides are no multiples of `patch`, the right and the bottom are filled up with zeros. K = patch² C.
    """
    height, width = (-(-side // patch) for side in images.shape[2:])
    images = functional.pad(images, (0, width * patch - images.shape[3], 0, height * patch - images.shape[2]))
    count, channels = images.shape[:2]
    split = images.reshape(count, channels, height, patch, width, patch)
    return split.permute(0, 2, 4, 3, 5, 1).reshape(count, height * width, patch * patch * channels)


def to_images(patches: Tensor, patch: int, shape: tuple[int, int, int]) -> Tensor:
    """The inverse of `to_patches` for images of shape (C, H, W)."""
    channels, height, width = shape
    rows, columns = -(-height // patch), -(-width // patch)
    split = patches.view(len(patches), rows, columns, patch, patch, channels).permute(0, 5, 1, 3, 2, 4)
    return split.reshape(len(patches), channels, rows * patch, columns * patch)[:, :, :height, :width].contiguous()


class PatchNet(nn.Module):
    """What is to be known of each pixel, given the pixels before it: (B, T, K) to (B, T, K, outputs).

    A patch is seen by the transformer as its neighbours that are known by then (the one before it, and the ones above),
    and its own pixels by a masked network of one hidden layer (Germain et al. 2015, "MADE"), which also sees those
    neighbours as they are: what is near and exact need not pass through the transformer.

    columns: patches in a row of the image. classes: how many; class 0 stands for an unknown one.
    """

    def __init__(
        self,
        patches: int,
        columns: int,
        pixels: int,
        outputs: int,
        *,
        width: int,
        layers: int,
        heads: int,
        head: int,
        dropout: float,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.back = sorted({1, columns - 1, columns, columns + 1} - {0})  # neighbours, as steps back in raster order
        self.patches, self.dropout = patches, dropout
        seen = len(self.back) * pixels
        self.look = fresh(nn.Linear, seen, width, generator=generator)
        self.place = nn.Parameter(torch.randn(patches, width, generator=generator) * 0.02)
        self.classes = nn.Parameter(torch.randn(classes, width, generator=generator) * 0.02)
        self.trunk = Transformer(width, layers, heads, dropout=dropout, rotary=False, generator=generator)
        self.head = MaskedHead(width + seen, pixels, head, outputs, generator)

    def forward(
        self, patches: Tensor, labels: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """What is to be known of the pixels of patches (B, T, K); labels: (B,) classes; generator: of dropout."""
        near = self.neighbours(patches)
        hidden = self.trunk(drop(self.read(near, 0, labels), self.dropout, generator), None, generator)
        return self.head(self.head.context(torch.cat([hidden, near], -1)), patches)  # type: ignore[no-any-return]

    def step(self, patches: Tensor, at: int, labels: Tensor | None, cache: Cache) -> Tensor:
        """The head's context (B, hidden) for patch `at`, the next one for the cache; patches (B, T, K) up to it."""
        near = torch.cat([patches[:, at - k] if at >= k else torch.zeros_like(patches[:, 0]) for k in self.back], -1)
        hidden = self.trunk(self.read(near[:, None], at, labels), cache)
        context: Tensor = self.head.context(torch.cat([hidden[:, 0], near], -1))
        return context

    def neighbours(self, patches: Tensor) -> Tensor:
        """The patches so many steps back, side by side, zeros before the first: (B, T, K) to (B, T, neighbours K)."""
        steps = patches.shape[1]
        return torch.cat([functional.pad(patches, (0, 0, k, 0))[:, :steps] for k in self.back], -1)

    def read(self, near: Tensor, begin: int, labels: Tensor | None) -> Tensor:
        """The transformer's input (B, T, C) for the patches from `begin` on."""
        x = self.look(near) + self.place[begin : begin + near.shape[1]]
        return x if labels is None else x + self.classes[labels][:, None]  # type: ignore[no-any-return]


class MaskedHead(nn.Module):
    """One hidden layer in which a unit of degree d sees the pixels before d, and pixel k sees the units up to degree k.

    So pixel k's outputs depend on the pixels before it and on the context alone (Germain et al. 2015, section 3).
    """

    def __init__(self, context: int, pixels: int, hidden: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.pixels, self.outputs = pixels, outputs
        self.context = fresh(nn.Linear, context, hidden, generator=generator)
        self.inside = fresh(nn.Linear, pixels, hidden, generator=generator, bias=False)
        self.out = fresh(nn.Linear, hidden, pixels * outputs, generator=generator, gain=0.0)
        degree = torch.arange(hidden) * pixels // hidden  # (hidden,): 0 .. K - 1, each about equally often
        order = torch.arange(pixels)
        self.sees: Tensor
        self.tells: Tensor
        self.register_buffer("sees", (order < degree[:, None]).float(), persistent=False)
        tells = (degree <= order[:, None]).float()  # (K, hidden)
        self.register_buffer("tells", tells.repeat_interleave(outputs, 0), persistent=False)

    def forward(self, context: Tensor, pixels: Tensor) -> Tensor:
        """(..., hidden) contexts and (..., K) pixels to (..., K, outputs)."""
        sees, tells = self.sees.to(self.inside.weight.dtype), self.tells.to(self.out.weight.dtype)
        hidden = functional.gelu(context + functional.linear(pixels, self.inside.weight * sees))
        outputs = functional.linear(hidden, self.out.weight * tells, self.out.bias)
        return outputs.view(*outputs.shape[:-1], self.pixels, self.outputs)

    def pixel(self, context: Tensor, pixels: Tensor, k: int) -> Tensor:
        """The same for pixel k alone, (..., outputs), of the units that it sees: drawing goes pixel by pixel."""
        units = -(-(k + 1) * self.inside.out_features // self.pixels)  # those of degree k and less come first
        seen = self.inside.weight[:units, :k] * self.sees[:units, :k].to(self.inside.weight.dtype)
        hidden = functional.gelu(context[..., :units] + functional.linear(pixels[..., :k], seen))
        own = slice(k * self.outputs, (k + 1) * self.outputs)
        return functional.linear(hidden, self.out.weight[own, :units], self.out.bias[own])
