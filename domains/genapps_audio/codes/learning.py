"""How the codec is learnt: frames come back with nearly the same decibels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from genapps.training import order
from genapps.training.device import choose_device
from genapps.training.job import Job
from genapps.training.loop import Phase, train
from genapps.training.settings import Event, Recipe
from genapps_audio.codes.network import CodecNet, Shape

_WEIGHTS, _BOOKS = 21, 22  # purposes of generators
_LONG = 24  # blocks of a piece to learn from
_STARTED = 30_000  # blocks that the books begin with

RECIPE = Recipe(
    max_steps=1200, batch_size=24, learning_rate=2e-3, schedule="cosine", warmup_steps=100, beta2=0.99, clip=1.0,
    ema=0.99, check_steps=500,
)  # fmt: skip


def spectral_distance(made: Tensor, truth: Tensor) -> Tensor:
    """The mean over frames (..., F) in decibels of the root mean square over frequency of their differences."""
    return ((made - truth).square().mean(-1) + 1e-6).sqrt().mean()


def timed(budget: float | None, steps: int | None, device: str) -> Recipe:
    """The recipe of so many seconds, or steps."""
    recipe = replace(RECIPE, device=device)
    if budget is not None:
        return replace(recipe, budget=budget)
    steps = recipe.max_steps if steps is None else steps
    warm = min(recipe.warmup_steps, max(1, steps // 10))
    return replace(recipe, epochs=10**9, min_steps=steps, max_steps=steps, warmup_steps=warm)


def learn(
    rows: Tensor,
    shape: Shape,
    *,
    recipe: Recipe = RECIPE,
    seed: int = 0,
    progress: Callable[[Event], None] | None = None,
) -> tuple[CodecNet, int]:
    """The network and the steps it took, from blocks of frames (N, I) in decibels, those of a clip in a row."""
    device = choose_device(recipe.device)
    net = CodecNet(shape, rows.shape[1], order.derived(seed, _WEIGHTS))
    draws = order.derived(seed, _BOOKS)
    net.start(rows[torch.randperm(len(rows), generator=draws)[:_STARTED]], draws)
    net = net.to(device)
    long = min(_LONG, len(rows))
    places = torch.arange(long)

    def loss(chosen: Tensor, generator: torch.Generator) -> Tensor:
        begin = torch.randint(len(rows) - long + 1, (len(chosen), 1), generator=generator)
        pieces = rows[begin + places].mT.to(device)
        made, found = net(pieces, generator)
        frames = [one.mT.unflatten(-1, (shape.together, -1)) / net.scale for one in (made, pieces)]
        whole: Tensor = spectral_distance(*frames) + found.loss
        return whole

    count = min(max(len(rows) // long, 4 * recipe.batch_size), 49_999)
    state = train(net, [Phase("codec", loss)], None, rows=count, recipe=recipe, job=Job(seed=seed, progress=progress))
    return net.cpu().eval(), state.step
