"""One photograph painted by following the objective itself, from coarse to fine; nothing is learnt beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps_image.stylizing.color import like, luminance, recolored, with_light
from genapps_image.stylizing.objective import (
    DIRECTIONS,
    SIDE,
    along,
    directions,
    patch_distance,
    resized,
    shrunk,
    structure,
    structure_distance,
    targets,
)

RATE = 0.025
STRUCTURE = 0.01  # of the structure's say at strength 0.5, where both count
_SMALLEST = 32  # pixels of the shorter side at the coarsest scale


@dataclass(frozen=True)
class Look:
    """How it is painted. strength: 0 the photograph, 1 the style with hardly any structure kept.

    keep_color: light and dark as the style's, color as the photograph's. steps: in all; half of them at coarse scales.
    """

    strength: float = 0.7
    keep_color: bool = False
    steps: int = 150


def balance(strength: float) -> float:
    """Weight of the structure's distance beside the patches': without bound towards strength 0, none at 1."""
    return STRUCTURE * (1 - strength) / max(strength, 1e-6)


def painted(
    photo: Tensor,
    styles: Sequence[Tensor],
    look: Look,
    generator: torch.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """The photograph (1, 3, H, W) in the mixed style of the styles (1, 3, h, w), all between -1 and 1."""
    if look.strength == 0:
        return photo
    if not look.keep_color:
        return _followed(photo, styles, look, generator, progress)
    light = luminance(photo)
    shades = [like(luminance(style), light) for style in styles]
    return with_light(photo, _followed(light, shades, look, generator, progress)).clamp(-1, 1)


def started(photo: Tensor, styles: Sequence[Tensor], strength: float, generator: torch.Generator) -> Tensor:
    """Where it begins: the photograph, in the styles' colors as far as the strength says."""
    return (photo + strength * (recolored(photo, styles, generator) - photo)).clamp(-1, 1)


def _followed(
    photo: Tensor,
    styles: Sequence[Tensor],
    look: Look,
    generator: torch.Generator,
    progress: Callable[[int, int], None] | None,
) -> Tensor:
    scales = _scales(photo, styles)
    coarse = max(len(scales) - 1, 1)
    plan = [-(-look.steps // (2 * coarse if len(scales) > 1 else 1))] * len(scales)
    if len(scales) > 1:
        plan[-1] = look.steps - look.steps // 2
    image, done = photo, 0
    for k, (scale, steps) in enumerate(zip(scales, plan, strict=True)):
        wanted, theirs = shrunk(photo, scale), [shrunk(style, scale) for style in styles]
        begun = started(wanted, theirs, look.strength, generator)
        image = begun if k == 0 else _finer(image, begun)
        variable, kept = image.clone().requires_grad_(), structure(wanted)
        optimizer = torch.optim.Adam([variable], lr=RATE)
        for _ in range(steps):
            _step(variable, optimizer, theirs, kept, look.strength, generator)
            done += 1
            if progress is not None:
                progress(done, sum(plan))
        image = variable.detach()
    return image


def _finer(coarse: Tensor, begun: Tensor) -> Tensor:
    """What was found at the coarse scale, with the details that the finer one begins with."""
    size = begun.shape[-2:]
    smooth = resized(resized(begun, *coarse.shape[-2:]), *size)
    return (resized(coarse, *size) + begun - smooth).clamp(-1, 1)


def _step(
    image: Tensor,
    optimizer: torch.optim.Optimizer,
    styles: Sequence[Tensor],
    kept: Tensor,
    strength: float,
    generator: torch.Generator,
) -> None:
    """One step along directions, and from places, drawn anew."""
    stride = 1 if image.shape[-1] * image.shape[-2] < 20_000 else 2
    offset = torch.randint(stride, (2,), generator=generator).tolist()
    filters = directions(DIRECTIONS, image.shape[1], generator)
    with torch.no_grad():
        target = targets(styles, filters, stride)
    loss = patch_distance(along(image, filters, stride, (offset[0], offset[1])), target)
    loss = loss + balance(strength) * structure_distance(image, kept)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        image.clamp_(-1, 1)


def _scales(photo: Tensor, styles: Sequence[Tensor]) -> list[int]:
    """How much smaller, from coarse to fine; a scale at which a picture has no patch is left out."""
    shortest = min(min(image.shape[-2:]) for image in (photo, *styles))
    return [scale for scale in (4, 2) if shortest // scale >= max(_SMALLEST, SIDE)] + [1]
