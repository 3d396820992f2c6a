"""What the two networks of a GAN play for: pure functions of the critic's scores.

Scores are tensors (B,), higher where the critic takes a row for real.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Objective = Literal["relativistic", "wasserstein"]
Critic = Callable[[Tensor], Tensor]  # (B, ...) -> scores (B,)


def critic_loss(objective: Objective, real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss on scores of real and of made rows (B,), without its penalty.

    relativistic: softplus(fake - real), a classifier of which of the two is real (Jolicoeur-Martineau 2019; Huang et
    al. 2024, "The GAN is dead; long live the GAN!", equation 3): at its optimum the score is the log-ratio of the
    densities, up to a constant. wasserstein: mean(fake) - mean(real) (Gulrajani et al. 2017, equation 3).
    """
    if objective == "relativistic":
        return functional.softplus(fake - real).mean()
    return fake.mean() - real.mean()


def generator_loss(objective: Objective, real: Tensor, fake: Tensor) -> Tensor:
    """The generator's loss on the same scores: the critic's with the sides exchanged."""
    if objective == "relativistic":
        return functional.softplus(real - fake).mean()
    return -fake.mean()


def judged(critic: Critic, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Scores (B,) of rows (B, ...), and the squared norm (B,) of the gradient of each with respect to its row.

    Both are differentiable. Half of the mean squared norm at the real rows is R1 and, at made ones, R2 (Mescheder et
    al. 2018; Roth et al. 2017): zero-centred penalties, with which the relativistic game converges (Huang et al. 2024,
    section 2.2).
    """
    rows = rows.detach().requires_grad_()
    scores = critic(rows)
    (slope,) = torch.autograd.grad(scores.sum(), rows, create_graph=True)
    return scores, slope.flatten(1).square().sum(1)


def unit_slope(critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """The mean of (|slope| - 1)² at random places between real and made rows (Gulrajani et al. 2017, equation 3)."""
    share = torch.rand(len(real), generator=generator).to(real.device).view(-1, *[1] * (real.ndim - 1))
    _, squared = judged(critic, fake + share * (real - fake))
    return ((squared + 1e-12).sqrt() - 1).square().mean()  # the root of nothing has no derivative


def penalised(
    objective: Objective, critic: Critic, real: Tensor, fake: Tensor, weight: float, generator: torch.Generator
) -> Tensor:
    """The critic's loss with its penalty: weight / 2 of (R1 + R2), or weight of the unit slope for Wasserstein's."""
    if not weight:
        return critic_loss(objective, critic(real), critic(fake))
    if objective == "wasserstein":
        slopes = unit_slope(critic, real, fake, generator)
        return critic_loss(objective, critic(real), critic(fake)) + weight * slopes
    (truth, at_real), (made, at_fake) = judged(critic, real), judged(critic, fake)
    return critic_loss(objective, truth, made) + 0.5 * weight * (at_real.mean() + at_fake.mean())
