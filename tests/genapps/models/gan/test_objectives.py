"""The two games and their penalties against closed forms."""

import math

import pytest
import torch
from torch import Tensor

from genapps.models.gan.objectives import critic_loss, generator_loss, judged, penalised, unit_slope


def assert_close(a: Tensor | float, b: Tensor | float, *, atol: float, rtol: float = 0.0) -> None:
    kind = torch.double
    torch.testing.assert_close(torch.as_tensor(a, dtype=kind), torch.as_tensor(b, dtype=kind), atol=atol, rtol=rtol)


def rows(seed: int, n: int = 40, width: int = 3) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


WEIGHTS = torch.tensor([1.0, -2.0, 0.5], dtype=torch.double)


def linear(x: Tensor) -> Tensor:
    return x @ WEIGHTS + 3.0


def test_equal_scores_leave_the_critic_at_a_coin_toss() -> None:
    scores = rows(0)[:, 0]
    assert_close(critic_loss("relativistic", scores, scores), math.log(2), atol=1e-12)
    assert_close(generator_loss("relativistic", scores, scores), math.log(2), atol=1e-12)
    assert_close(critic_loss("wasserstein", scores, scores), 0.0, atol=1e-12)


def test_the_generator_plays_the_critic_s_game_with_the_sides_exchanged() -> None:
    real, fake = rows(1)[:, 0], rows(2)[:, 0]
    by_hand = sum(math.log1p(math.exp(f - r)) for r, f in zip(real.tolist(), fake.tolist(), strict=True)) / len(real)
    assert_close(critic_loss("relativistic", real, fake), by_hand, atol=1e-12)
    assert_close(generator_loss("relativistic", real, fake), critic_loss("relativistic", fake, real), atol=0.0)
    assert_close(critic_loss("wasserstein", real, fake), (fake.mean() - real.mean()), atol=1e-12)
    assert_close(generator_loss("wasserstein", real, fake), -fake.mean(), atol=0.0)


def test_a_relativistic_critic_s_best_score_is_the_log_ratio_of_densities() -> None:
    """On a finite space the loss over all pairs is least at log p/q, up to a constant: its gradient vanishes there."""
    p, q = torch.softmax(rows(3)[:6, 0], 0), torch.softmax(rows(4)[:6, 0], 0)
    score = (p / q).log().requires_grad_()
    pairs = torch.nn.functional.softplus(score[None, :] - score[:, None])  # (real, fake)
    (slope,) = torch.autograd.grad((p[:, None] * q[None, :] * pairs).sum(), score)
    assert_close(slope, torch.zeros(6), atol=1e-12)


def test_slopes_of_a_linear_critic_are_its_weights() -> None:
    real, fake = rows(5), rows(6)
    scores, squared = judged(linear, real)
    assert_close(scores, linear(real), atol=0.0)
    assert_close(squared, WEIGHTS.square().sum().expand(40), atol=1e-12)
    length = math.sqrt(5.25)
    assert_close(unit_slope(linear, real, fake, seeded()), (length - 1) ** 2, atol=1e-9)
    plain = critic_loss("relativistic", linear(real), linear(fake))
    # weight / 2 of R1 + R2, both |w|²
    assert_close(penalised("relativistic", linear, real, fake, 0.7, seeded()), plain + 0.7 * 5.25, atol=1e-9)
    plain = critic_loss("wasserstein", linear(real), linear(fake))
    expected = plain + 10 * (length - 1) ** 2
    assert_close(penalised("wasserstein", linear, real, fake, 10.0, seeded()), expected, atol=1e-7)
    assert_close(
        penalised("relativistic", linear, real, fake, 0.0, seeded()),
        critic_loss("relativistic", linear(real), linear(fake)),
        atol=0.0,
    )


def test_slopes_of_a_quadratic_critic_are_twice_the_rows_and_differentiable() -> None:
    """D(x) = a |x|²: slope 2 a x, so R1 + R2 = 4 a² E|x|², whose derivative in a is 8 a E|x|²."""
    real, fake = rows(7), rows(8)
    a = torch.tensor(0.3, dtype=torch.double, requires_grad=True)

    def critic(x: Tensor) -> Tensor:
        return a * x.square().sum(1)

    mean = real.square().sum(1).mean() + fake.square().sum(1).mean()
    penalty = penalised("relativistic", critic, real, fake, 2.0, seeded()) - critic_loss(
        "relativistic", critic(real), critic(fake)
    )
    assert_close(penalty, 4 * 0.09 * mean, atol=1e-9)
    (slope,) = torch.autograd.grad(penalty, a)
    assert_close(slope, 8 * 0.3 * mean, atol=1e-9)


def test_a_flat_critic_has_finite_gradients() -> None:
    weight = torch.zeros(3, dtype=torch.double, requires_grad=True)
    loss = penalised("wasserstein", lambda x: x @ weight, rows(9), rows(10), 1.0, seeded())
    (slope,) = torch.autograd.grad(loss, weight)
    assert torch.isfinite(slope).all()


def test_unit_slopes_are_taken_between_the_pairs() -> None:
    """D(x) = |x|²/2 has slope x, so that between a row and itself the penalty is (|x| - 1)², whatever the place."""
    real = rows(11)
    found = unit_slope(lambda x: 0.5 * x.square().sum(1), real, real, seeded())
    assert_close(found, (real.norm(dim=1) - 1).square().mean(), atol=1e-9)


def test_a_perturbed_penalty_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The closed form notices a slope that is wrong by a thousandth."""
    from genapps.models.gan import objectives

    right = objectives.judged
    monkeypatch.setattr(objectives, "judged", lambda critic, x: (critic(x), right(critic, x)[1] * 1.001))
    with pytest.raises(AssertionError):
        test_slopes_of_a_linear_critic_are_its_weights()
