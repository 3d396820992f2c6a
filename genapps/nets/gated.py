"""Gated convolutions that see only the pixels before each one: rows above by one stack, the row itself by another.

Source: van den Oord et al. 2016, "Conditional image generation with PixelCNN decoders", sections 2.1 to 2.3. Instead of
masks the image is moved before it is read, once: the vertical stack reads from the row above on, the horizontal one
from the pixel to the left on, and each may then look at its own place. What a place above has seen, wherever it is,
reaches a pixel through the vertical stack, so there is no blind spot. The colors of a pixel follow one another in a
masked network of one hidden layer (`genapps.nets.patches.MaskedHead`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.nets.mlp import fresh
from genapps.nets.patches import MaskedHead
from genapps.nets.transformer import drop

FIRST = 3  # pixels that the first convolutions look up and to each side
REACHES = (1, 2)  # of the layers after it, in turn: twice as far at no cost, and each pixel in between still counts


class Memory:
    """What is known of images that grow pixel by pixel: one tensor a layer.

    above: vertical features (B, C, reach, W) of the last rows. told: (B, W, C), then (B, W, 2 C), what the horizontal
    stack is told of the rows above this one. left: its features (B, reach + W, C) of this row, zeros before it begins.
    """

    def __init__(self, above: list[Tensor], left: list[Tensor]) -> None:
        self.above, self.left, self.told = above, left, list[Tensor]()

    def take(self, rows: Tensor) -> Memory:
        """The memory of those images (M,), in that order."""
        taken = Memory([part[rows] for part in self.above], [part[rows] for part in self.left])
        taken.told = [part[rows] for part in self.told]
        return taken


class GatedNet(nn.Module):
    """What is to be known of each number of images, given those before it: (B, P, H, W) to (B, P, H, W, outputs).

    Pixels come in raster order, the P planes of a pixel one after the other. shape: (P, H, W). classes: how many;
    class 0 stands for an unknown one. Each place has a bias of its own (section 2.3: conditions that know their place).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        *,
        channels: int,
        blocks: int,
        dropout: float,
        classes: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        planes, height, width = shape
        self.channels, self.dropout = channels, dropout
        self.top = fresh(nn.Conv2d, planes + 1, channels, kernel_size=(FIRST, 2 * FIRST + 1), generator=generator)
        self.side = fresh(nn.Conv2d, planes + 1, channels, kernel_size=(1, FIRST), generator=generator)
        self.place = nn.Parameter(torch.randn(2, channels, height, width, generator=generator) * 0.02)
        layers = nn.ModuleList(
            GatedLayer(channels, classes, REACHES[block % len(REACHES)], generator) for block in range(blocks)
        )
        self.layers = cast("Sequence[GatedLayer]", layers)
        self.head = MaskedHead(channels, planes, 2 * channels * (1 + planes), outputs, generator)

    def forward(self, images: Tensor, labels: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """What is to be known of images (B, P, H, W); labels: (B,) classes; generator: of dropout."""
        told = self._down(images, (0, images.shape[2]), labels, None, generator)
        hidden = self._along(images, told, generator)
        return self.head(self.head.context(hidden.movedim(1, -1)), images.movedim(1, -1)).movedim(3, 1)  # type: ignore[no-any-return]

    # -- pixel by pixel ------------------------------------------------------------------------------------------------

    def memory(self, images: Tensor) -> Memory:
        """What is known of images (B, P, H, W) before their first row."""
        count, width = len(images), images.shape[3]
        reaches = [layer.reach for layer in self.layers]
        return Memory(
            [images.new_zeros(count, self.channels, reach, width) for reach in reaches],
            [images.new_zeros(count, reach + width, self.channels) for reach in reaches],
        )

    def begin_row(self, images: Tensor, row: int, labels: Tensor | None, memory: Memory) -> None:
        """Look at the rows before `row` of images (B, P, H, W), once all of them are known: the next for the memory."""
        told = self._down(images, (row, row + 1), labels, memory, None)
        memory.told = [part[:, :, 0].transpose(1, 2).contiguous() for part in told]

    def step(self, images: Tensor, row: int, columns: tuple[int, int], memory: Memory) -> Tensor:
        """The head's contexts (B, columns, hidden) of the next columns (from, to) of the row that was begun."""
        begin, end = columns
        seen = window(images, (row, row + 1), (begin - FIRST, end - 1))[:, :, 0].unfold(2, FIRST, 1)
        x = _linear(self.side, seen.transpose(1, 2).flatten(2))
        x = x + self.place[1, :, row, begin:end].T + memory.told[0][:, begin:end]
        for layer, left, told in zip(self.layers, memory.left, memory.told[1:], strict=True):
            left[:, begin + layer.reach : end + layer.reach] = x
            x = x + layer.step(torch.stack([left[:, begin:end], x], -1).flatten(2), told[:, begin:end])
        context: Tensor = self.head.context(x)
        return context

    # -- the two stacks ------------------------------------------------------------------------------------------------

    def _down(
        self,
        images: Tensor,
        rows: tuple[int, int],
        labels: Tensor | None,
        memory: Memory | None,
        generator: torch.Generator | None,
    ) -> list[Tensor]:
        """What the horizontal stack is told at its beginning and in each layer of the rows above `rows`."""
        begin, end = rows
        width = images.shape[3]
        x = self.top(window(images, (begin - FIRST, end - 1), (-FIRST, width + FIRST)))
        x = x + self.place[0, :, begin:end].to(x.dtype)
        told = [x]
        for number, layer in enumerate(self.layers):
            if memory is None:
                seen = functional.pad(x, (0, 0, layer.reach, 0))
            else:
                seen = torch.cat([memory.above[number], x], 2)
                memory.above[number] = seen[:, :, -layer.reach :]
            x = x + drop(layer.down(seen, labels), self.dropout, generator)
            told.append(layer.tell(x, labels))
        return told

    def _along(self, images: Tensor, told: list[Tensor], generator: torch.Generator | None) -> Tensor:
        """Features (B, C, H, W) of pixels, of all that is before them."""
        height, width = images.shape[2:]
        x: Tensor = self.side(window(images, (0, height), (-FIRST, width - 1)))
        x = x + self.place[1].to(x.dtype) + told[0]
        for layer, above in zip(self.layers, told[1:], strict=True):
            x = x + drop(layer.along(functional.pad(x, (layer.reach, 0)), above), self.dropout, generator)
        return x


class GatedLayer(nn.Module):
    """One layer of both stacks: gated convolutions, told the class, and a way back that begins at 0.

    It looks `reach` rows up, as far to both sides there, and as far to the left in the row itself.
    """

    def __init__(self, channels: int, classes: int, reach: int, generator: torch.Generator) -> None:
        super().__init__()
        self.reach = reach
        twice = 2 * channels
        options: dict[str, Any] = {"dilation": reach, "generator": generator}
        self.vertical = fresh(nn.Conv2d, channels, twice, kernel_size=(2, 3), padding=(0, reach), **options)
        self.horizontal = fresh(nn.Conv2d, channels, twice, kernel_size=(1, 2), **options)
        self.across = fresh(nn.Conv2d, channels, twice, kernel_size=1, generator=generator)
        self.back_down = fresh(nn.Conv2d, channels, channels, kernel_size=1, generator=generator, gain=0.0)
        self.back_along = fresh(nn.Conv2d, channels, channels, kernel_size=1, generator=generator, gain=0.0)
        self.classes = nn.Parameter(torch.randn(classes, 2, twice, 1, 1, generator=generator) * 0.02)

    def down(self, seen: Tensor, labels: Tensor | None) -> Tensor:
        """The change of vertical features (B, C, R, W), seen from `reach` rows above them on."""
        change: Tensor = self.back_down(gate(self._told(self.vertical(seen), labels, 0)))
        return change

    def tell(self, above: Tensor, labels: Tensor | None) -> Tensor:
        """What the horizontal stack is told (B, 2 C, R, W) of vertical features (B, C, R, W)."""
        return self._told(self.across(above), labels, 1)

    def along(self, seen: Tensor, told: Tensor) -> Tensor:
        """The change of horizontal features (B, C, R, L), seen from `reach` columns before them on."""
        change: Tensor = self.back_along(gate(self.horizontal(seen) + told))
        return change

    def step(self, seen: Tensor, told: Tensor) -> Tensor:
        """`along` of pixels of a row, seen (B, L, 2 C) beside the ones `reach` before them, told (B, L, 2 C)."""
        return _linear(self.back_along, gate(_linear(self.horizontal, seen) + told, 2))

    def _told(self, x: Tensor, labels: Tensor | None, stack: int) -> Tensor:
        return x if labels is None else x + self.classes[labels, stack].to(x.dtype)


def gate(x: Tensor, channels: int = 1) -> Tensor:
    """tanh of half the first half of the channels times the sigmoid of the second; channels: their place in the shape.

    tanh(x / 2) = 2 sigmoid(x) - 1: one function for both, of numbers that lie together, takes half the time.
    """
    value, share = torch.sigmoid(x).chunk(2, channels)
    return (2 * value - 1) * share


def _linear(convolution: nn.Conv2d, seen: Tensor) -> Tensor:
    """A convolution at single places, of all that each one sees (..., numbers): it costs less to begin."""
    return functional.linear(seen, convolution.weight.flatten(1), convolution.bias)


def window(images: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """That part of images (B, P, H, W) and a plane that is 1 within them, zeros outside: (B, P + 1, rows, columns)."""
    height, width = images.shape[2:]
    cut = (-columns[0], columns[1] - width, -rows[0], rows[1] - height)
    inside = functional.pad(images.new_ones(1, 1, height, width), cut)
    part = torch.cat([functional.pad(images, cut), inside.expand(len(images), -1, -1, -1)], 1)
    return part.contiguous(memory_format=torch.channels_last)  # in which convolutions on a processor are faster
