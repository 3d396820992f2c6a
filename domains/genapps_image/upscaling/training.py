"""How the network is learnt: by the error alone, or against a critic too, for which details must look real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from genapps.models.gan.objectives import generator_loss, penalised
from genapps.training import order
from genapps.training.device import choose_device, products
from genapps.training.job import Job
from genapps.training.loop import Phase, State, train
from genapps.training.settings import Event, Recipe
from genapps_image.upscaling.network import Critic, Shape, Upscaler
from genapps_image.upscaling.patches import Patches
from genapps_image.upscaling.shrinking import bicubic

FAMILIES = ("regression", "gan")
SIDE = 32  # pixels of a patch of a small image
_WEIGHTS, _GAME = 11, 12  # purposes of generators
_SAY = 0.3  # of the critic beside the error, as lengths of their gradients
_PENALTY = 1.0
_SHARE = 0.6  # of the time that goes into the error alone, before the critic has a say
_DEARER = 3  # times as long a step of the game takes as one by the error alone

RECIPE = Recipe(
    budget=180.0,
    batch_size=16,
    learning_rate=1.5e-3,
    schedule="cosine",
    warmup_steps=50,
    beta2=0.99,
    clip=1.0,
    ema=0.998,
    check_steps=200,
)


class Pair(nn.Module):
    """The network and its critic; the adversarial kind alone has both."""

    def __init__(self, maker: Upscaler, critic: Critic) -> None:
        super().__init__()
        self.maker, self.critic = maker, critic


def charbonnier(made: Tensor, truth: Tensor, floor: float = 1e-3) -> Tensor:
    """Mean of sqrt(error² + floor²): the absolute error with a slope at zero (Lai et al. 2017, LapSRN, equation 4)."""
    return ((made - truth).square() + floor**2).sqrt().mean()


def learn(
    patches: Patches,
    shape: Shape,
    *,
    family: str = "regression",
    recipe: Recipe = RECIPE,
    seed: int = 0,
    progress: Callable[[Event], None] | None = None,
) -> tuple[Upscaler, int]:
    """The network, and the steps it took. `recipe.budget`, where set, is the time in seconds for all of it."""
    device = choose_device(recipe.device)
    maker = Upscaler(shape, order.derived(seed, _WEIGHTS)).to(device)
    if family == "regression":
        state = _run(maker, [_by_error(maker, patches, recipe, device)], patches, recipe, seed, progress)
        return maker.cpu().eval(), state.step
    first, second = _divided(recipe)
    before = _run(maker, [_by_error(maker, patches, first, device)], patches, first, seed, progress)
    pair = Pair(maker, Critic(shape.channels, shape.width, order.derived(seed, _GAME)).to(device))
    after = _run(pair, _game(pair, patches, device), patches, second, seed + 1, progress)
    return pair.maker.cpu().eval(), before.step + after.step


def steps_only(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with a number of steps instead of a time."""
    return replace(recipe, budget=None, epochs=10**9, min_steps=steps, max_steps=steps)


def _divided(recipe: Recipe) -> tuple[Recipe, Recipe]:
    """The two parts of adversarial training: times, or steps that take as long."""
    game = replace(recipe, learning_rate=recipe.learning_rate / 4, beta1=0.0, batch_size=recipe.batch_size // 2)
    if recipe.budget is not None:
        return replace(recipe, budget=_SHARE * recipe.budget), replace(game, budget=(1 - _SHARE) * recipe.budget)
    first = max(1, round(_SHARE * recipe.max_steps))
    return steps_only(recipe, first), steps_only(game, max(1, (recipe.max_steps - first) // _DEARER))


def _run(
    network: nn.Module,
    phases: list[Phase],
    patches: Patches,
    recipe: Recipe,
    seed: int,
    progress: Callable[[Event], None] | None,
) -> State:
    rows = min(max(len(patches), 4 * recipe.batch_size), 49_999)  # batches of one size, however few the images
    return train(network, phases, None, rows=rows, recipe=recipe, job=Job(seed=seed, progress=progress))


def _by_error(maker: Upscaler, patches: Patches, recipe: Recipe, device: torch.device) -> Phase:
    def loss(rows: Tensor, generator: torch.Generator) -> Tensor:
        small, large = (part.to(device) for part in patches.draw(rows, generator))
        with products(recipe.precision, device):
            made = maker(small)
        return charbonnier(made.float(), large)

    return Phase("error", loss)


def _game(pair: Pair, patches: Patches, device: torch.device) -> list[Phase]:
    """The critic learns which of two images is real beside the small one, the network to be taken for real."""
    factor = patches.factor

    def drawn(rows: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        small, large = (part.to(device) for part in patches.draw(rows, generator))
        return small, large, bicubic(small, factor)

    def critic(rows: Tensor, generator: torch.Generator) -> Tensor:
        small, large, guide = drawn(rows, generator)
        with torch.no_grad():
            made = pair.maker(small)
        return penalised("relativistic", lambda x: pair.critic(x, guide), large, made, _PENALTY, generator)

    def maker(rows: Tensor, generator: torch.Generator) -> Tensor:
        small, large, guide = drawn(rows, generator)
        made = pair.maker(small)
        with torch.no_grad():
            real = pair.critic(large, guide)
        error = charbonnier(made, large)
        said = generator_loss("relativistic", real, pair.critic(made, guide))
        return error + _SAY * _evened(said, error, made) * said

    return [Phase("critic", critic, prefix="critic."), Phase("maker", maker, prefix="maker.")]


def _evened(loss: Tensor, other: Tensor, made: Tensor) -> Tensor:
    """The factor by which a loss pulls at what was made as hard as another (Esser et al. 2021, equation 7, on pixels).

    So the critic has the same say however steep it is and however small the error has become.
    """
    (mine,), (theirs,) = (torch.autograd.grad(one, made, retain_graph=True) for one in (loss, other))
    factor: Tensor = theirs.norm() / mine.norm().clamp_min(1e-12)
    return factor
