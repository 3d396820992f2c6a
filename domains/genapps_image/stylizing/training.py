"""How the small network is learnt: on the user's photographs, towards the same objective as a single one follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from genapps.training import order
from genapps.training.device import choose_device
from genapps.training.job import Job
from genapps.training.loop import Phase, train
from genapps.training.settings import Event, Recipe
from genapps_image.stylizing.matching import balance
from genapps_image.stylizing.network import Stylizer
from genapps_image.stylizing.objective import (
    DIRECTIONS,
    SIDE,
    along,
    directions,
    patch_distance,
    shrunk,
    structure,
    structure_distance,
    targets,
)
from genapps_image.stylizing.palette import palette_of

CROP = 128  # pixels of a side of what is learnt from
_PURPOSE = 21
_SCALES = (1, 2, 4)
_PATCHES = 4096

RECIPE = Recipe(
    budget=240.0,
    batch_size=4,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=20,
    beta2=0.99,
    clip=1.0,
    ema=0.99,
    check_steps=200,
)


def learn(
    photos: Sequence[Tensor],
    styles: Sequence[Tensor],
    strength: float,
    *,
    width: int = 16,
    crop: int = CROP,
    recipe: Recipe = RECIPE,
    seed: int = 0,
    progress: Callable[[Event], None] | None = None,
) -> tuple[Stylizer, int]:
    """The network, and the steps it took. photos, styles: (1, 3, h, w) between -1 and 1, of any size.

    Each photograph is held to the whole distribution of the styles' patches by itself, as `matching.painted` holds it.
    """
    device = choose_device(recipe.device)
    network = Stylizer(width, order.derived(seed, _PURPOSE))
    network.palette = palette = palette_of(styles, order.derived(seed, _PURPOSE, 1))
    network.to(device)
    styled = [[shrunk(style, scale).to(device) for style in styles] for scale in _SCALES]
    shortest = sorted(min(photo.shape[-2:]) for photo in photos)
    side = min(crop, shortest[len(shortest) // 2])
    photos = [photo for photo in photos if min(photo.shape[-2:]) >= side]

    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        pieces = [_piece(photos[row % len(photos)], side, generator) for row in rows.tolist()]
        seen = torch.cat(pieces).to(device)
        colored = torch.cat([palette.transfer(piece[0])(piece) for piece in pieces]).to(device)
        noise = torch.rand(len(seen), 1, side, side, generator=generator).to(device) * 2 - 1
        made: Tensor = network(seen, colored, noise)
        total: Tensor = torch.zeros((), device=device)
        for scale, theirs in zip(_SCALES, styled, strict=True):
            small = shrunk(made, scale)
            if min(min(part.shape[-2:]) for part in (small, *theirs)) < 2 * SIDE:
                break
            kept = structure(shrunk(seen, scale))
            filters = directions(DIRECTIONS, 3, generator).to(device)
            stride, theirs_by = _stride(small), max(map(_stride, theirs))
            with torch.no_grad():
                target = targets(theirs, filters, theirs_by, _offset(theirs_by, generator))
            offset = _offset(stride, generator)
            apart = [patch_distance(along(one[None], filters, stride, offset), target) for one in small]
            total = total + torch.stack(apart).mean() + balance(strength) * structure_distance(small, kept)
        beyond: Tensor = (made.abs() - 1).clamp_min(0).mean()
        return beyond + total

    rows = max(len(photos), 4 * recipe.batch_size)
    state = train(
        network, [Phase("style", loss)], None, rows=rows, recipe=recipe, job=Job(seed=seed, progress=progress)
    )
    return network.cpu().eval(), state.step


def steps_only(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with a number of steps instead of a time."""
    return replace(recipe, budget=None, epochs=10**9, min_steps=steps, max_steps=steps)


def _stride(image: Tensor) -> int:
    """Between patches, so that about 4,096 are looked at a step, other ones each time."""
    height, width = image.shape[-2:]
    return max(1, round(math.sqrt(height * width / _PATCHES)))


def _offset(stride: int, generator: torch.Generator) -> tuple[int, int]:
    down, across = torch.randint(stride, (2,), generator=generator).tolist()
    return down, across


def _piece(photo: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """(1, 3, side, side) from somewhere in the photograph, at a random one of its sizes, perhaps mirrored."""
    height, width = photo.shape[-2:]
    share = float(torch.rand((), generator=generator))
    own = round(min(height, width) + share * (side - min(height, width)))  # the whole of it, or its details
    top = int(torch.randint(height - own + 1, (), generator=generator))
    left = int(torch.randint(width - own + 1, (), generator=generator))
    piece = shrunk(photo[..., top : top + own, left : left + own], own / side)
    return piece.flip(-1) if int(torch.randint(2, (), generator=generator)) else piece
