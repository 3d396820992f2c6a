"""The ladder: its bound beside distributions of torch and enumerated images, its groups, and the family's contract."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributions

from genapps.models import load_file
from genapps.models.vae import VAE
from genapps.models.vae.core import elbo, importance_bound, proposals
from genapps.models.vae.ladder import LadderNet, LadderVAE
from genapps.models.vae.objective import Weights, loss
from genapps.models.vae.pixel_net import PixelConfig
from genapps.nets.ladder import Group, soft_clamp, stages_of
from genapps.spaces import Pixels
from genapps.training import Event, TrainingConfig

QUICK = TrainingConfig(max_steps=4, min_steps=4, epochs=4, batch_size=16)
SMALL: dict[str, Any] = {"hidden": 6, "channels": 4, "groups": 2, "planes": 2, "depth": 1, "body": "ladder"}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_net(space: Pixels, classes: int = 0, stride: int = 2, scramble: float = 0.3) -> LadderNet:
    """A small ladder; its weights moved at random, so that no group is at its prior."""
    net = LadderNet(space, PixelConfig(latent=3, stride=stride, **SMALL), classes, generator())
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator(1)), alpha=scramble)
    return net.eval()


def bits(space: Pixels, n: int) -> tuple[Tensor, Tensor]:
    values = torch.randint(2, (n, *space.shape), generator=generator(2)).float()
    return values, torch.ones_like(values)


SPACE = Pixels(1, 6, 5, 2)


# -- the bound ---------------------------------------------------------------------------------------------------------


def by_torch(group: Group, hidden: Tensor, noise: Tensor, seen: Tensor, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """KL (B,) of a group's posterior from its prior, and log p / q of what was drawn, as distributions of latents."""
    prior, raw, _ = group.prior(hidden).split([group.latents, group.latents, group.stage.channels], 1)
    spread = scale * soft_clamp(raw).exp()
    mean, told = group.posterior(torch.cat([hidden, seen], 1)).chunk(2, 1)
    p = distributions.Normal(prior, soft_clamp(raw).exp())
    q = distributions.Normal(prior + spread * mean, spread * soft_clamp(told).exp())
    drawn = q.mean + q.stddev * noise.view(len(noise), *prior.shape[2:], -1).movedim(3, 1)
    ratio = (p.log_prob(drawn) - q.log_prob(drawn)).flatten(1).sum(1)
    return distributions.kl_divergence(q, p).flatten(1).sum(1), ratio


@torch.no_grad()
def test_what_the_bound_subtracts_is_the_divergence_of_every_group() -> None:
    net, inputs = make_net(SPACE), bits(SPACE, 7)
    asked: list[tuple[Tensor, Tensor]] = []
    wrong: list[Tensor] = []

    def note(group: Any, given: Any, _: Any) -> None:
        asked.append(by_torch(group, *given))
        wrong.append(by_torch(group, *given, scale=1.1)[0])

    read = net.read(inputs, None)
    mean, log_deviation = net.proposal(read, torch.zeros(7, 0))
    top = distributions.Normal(mean, log_deviation.exp())
    for group in net.decoder.each():
        group.register_forward_hook(note)
    made = net.explain(inputs, read, top.mean, generator(4), False)
    expected = torch.stack([kl for kl, _ in asked], 1)
    torch.testing.assert_close(made.divergences, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(made.ratios, sum(ratio for _, ratio in asked), rtol=1e-4, atol=1e-4)
    with pytest.raises(AssertionError):  # spreads that are not the prior's own
        torch.testing.assert_close(made.divergences, torch.stack(wrong, 1), rtol=1e-4, atol=1e-5)
    asked.clear()
    likelihood, _ = elbo(net, inputs, read, torch.zeros(7, 0), generator(4), False)
    whole = sum(kl for kl, _ in asked) + distributions.kl_divergence(top, distributions.Normal(0.0, 1.0)).sum(1)
    found = loss(net, inputs, torch.full((7,), -1), Weights(), generator(4), False)
    torch.testing.assert_close(found, (whole - likelihood).mean(), rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_posteriors_that_are_the_priors_leave_plain_reconstruction() -> None:
    """All but the vector begin so."""
    net, inputs = make_net(SPACE, scramble=0.0), bits(SPACE, 5)
    net.propose.weight.zero_()
    net.propose.bias[:3], net.propose.bias[3:] = 0.0, math.log(math.expm1(6.0)) - 6.0  # of deviation 1
    read = net.read(inputs, None)
    likelihood, divergences = elbo(net, inputs, read, torch.zeros(5, 0), generator(), False)
    assert divergences.abs().max() < 1e-5
    found = loss(net, inputs, torch.full((5,), -1), Weights(), generator(), False)
    torch.testing.assert_close(found, -likelihood.mean())
    codes, weights = proposals(net, inputs, read, torch.zeros(5, 0), 3, generator())
    again = net.log_likelihood((inputs[0].repeat(3, 1, 1, 1), inputs[1].repeat(3, 1, 1, 1)), codes, None)
    torch.testing.assert_close(weights, again.view(3, 5), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_all_images_of_four_bits_have_the_probability_of_being_drawn() -> None:
    """Importance weights have the mean p(x): that of draws of the prior on the way down, and they sum to 1."""
    space = Pixels(1, 2, 2, 2)
    net = make_net(space, stride=1, scramble=0.2)
    net.propose.weight *= 0.3  # posteriors near the prior and wider, so that no weight is wild
    net.propose.bias[3:] += 0.15
    for group in net.decoder.each():
        group.posterior.back.weight *= 0.2
        group.posterior.back.bias.copy_(torch.tensor([0.1, -0.1, 0.15, 0.15]))
    values = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    inputs = (values, torch.ones_like(values))
    _, weights = proposals(net, inputs, net.read(inputs, None), torch.zeros(16, 0), 5000, generator())
    estimated = importance_bound(weights).exp()
    assert float(estimated.sum()) == pytest.approx(1.0, abs=0.03)
    codes = net.complete(net.prior().sample(20_000, generator(1)), generator(2), 1.0)
    shares = torch.sigmoid(net.outputs(codes, None))  # (n, 1, 2, 2)
    exact = torch.stack([(shares * x + (1 - shares) * (1 - x)).flatten(1).prod(1).mean() for x in values]).double()
    torch.testing.assert_close(estimated, exact, rtol=0.1, atol=2e-3)
    bounds = [float(importance_bound(weights.view(-1, k, 16).movedim(1, 0)).mean()) for k in (1, 4, 40)]
    assert bounds[0] < bounds[1] < bounds[2] < float(exact.log().mean()) + 0.02
    assert bounds[0] < float(exact.log().mean()) - 0.05


@pytest.mark.parametrize("classes", [0, 2])
def test_gradients_reach_every_parameter(classes: int) -> None:
    net, inputs = make_net(SPACE, classes), bits(SPACE, 8)
    labels = torch.arange(8) % 3 - 1 if classes else torch.full((8,), -1)
    loss(net.train(), inputs, labels, Weights(classify=1.0), generator(), True).backward()
    assert [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()] == []


# -- the shape ---------------------------------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize(("height", "width", "stride"), [(1, 1, 1), (7, 4, 1), (17, 9, 2), (19, 33, 2), (10, 7, 3)])
def test_any_side_and_stride(height: int, width: int, stride: int) -> None:
    space = Pixels(3, height, width, 256)
    net = make_net(space, stride=stride)
    values, known = torch.zeros(2, *space.shape), torch.ones(2, *space.shape)
    made = net.explain((values, known), net.read((values, known), None), torch.zeros(2, 3), generator(), False)
    assert made.codes.shape == (2, 3 + net.beneath) and torch.isfinite(made.likelihood).all()
    assert net.outputs(made.codes, None).shape == (2, 6, height, width)


def test_stages_halve_to_one_place() -> None:
    assert [(s.height, s.width, s.channels) for s in stages_of(28, 14, 32, 256)] == [
        (28, 14, 32),
        (14, 7, 64),
        (7, 4, 128),
        (1, 1, 256),
    ]


# -- the family --------------------------------------------------------------------------------------------------------

CASES: dict[str, tuple[Pixels, Tensor]] = {
    "bits": (SPACE, torch.randint(2, (24, 1, 6, 5), generator=generator(9)).to(torch.uint8)),
    "bytes": (Pixels(2, 5, 4, 256), torch.randint(256, (24, 2, 5, 4), generator=generator(9)).to(torch.uint8)),
    "real": (Pixels(1, 4, 4), torch.randn(24, 1, 4, 4, generator=generator(9))),
}


def learnt(case: str, training: TrainingConfig = QUICK, **more: Any) -> VAE:
    space, data = CASES[case]
    return VAE(2, space=space, components=2, **SMALL).fit(data, generator=generator(), training=training, **more)


@pytest.mark.parametrize("case", CASES)
def test_learns_scores_fills_draws_and_keeps(case: str, tmp_path: Path) -> None:
    model, (space, data) = learnt(case), CASES[case]
    found = model.log_prob(data[:4])
    assert found.kind == "bound" and torch.isfinite(found.values).all()
    assert model.anomaly_score(data[:4]).equal(-found.values)
    assert model.transform(data[:4]).shape == (4, 2) and model.reconstruct(data[:4]).shape == (4, *space.shape)
    drawn = model.sample(5, generator=generator())
    assert drawn.shape == (5, *space.shape) and drawn.equal(model.sample(5, generator=generator()))
    assert len(model.interpolate(data, 3)) == 3 and len(model.sample(0)) == 0
    holes = torch.rand(4, *space.shape, generator=generator()) < 0.4
    broken = (data[:4] if not space.levels else data[:4].int()).masked_fill(holes, -1 if space.levels else torch.nan)
    filled = model.impute(broken)
    assert (filled[~holes] == data[:4][~holes]).all() and torch.isfinite(filled.double()).all()
    assert not space.levels or int(filled.min()) >= 0
    assert torch.isfinite(model.log_prob(broken).values).all()
    model.save(tmp_path / "model.genapps")
    again = load_file(tmp_path / "model.genapps")
    assert again.log_prob(data[:4]).values.equal(found.values)
    assert again.group_divergences_.equal(model.group_divergences_)


def test_classes_of_some_images_and_half_precision() -> None:
    labels = torch.arange(24) % 4 - 1
    model = learnt("bits", TrainingConfig(max_steps=4, precision="bfloat16"), labels=labels)
    data = CASES["bits"][1]
    assert model.predict_proba(data).sum(1).allclose(torch.ones(24))
    assert torch.isfinite(model.log_prob(data[:4]).values).all()
    assert len(model.sample(3, labels=[0, 1, 2])) == 3


def test_a_killed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    training = TrainingConfig(max_steps=6, min_steps=6, epochs=6, batch_size=16, checkpoint_seconds=0.0, check_steps=3)
    whole = learnt("bits", training).state()[0]

    def kill(event: Event) -> None:
        if event.step == 6 and event.validation is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learnt("bits", training, checkpoint=tmp_path / "run", progress=kill)
    resumed = learnt("bits", training, checkpoint=tmp_path / "run", resume=True).state()[0]
    assert all(whole[name].equal(resumed[name]) for name in whole)


def test_temperature_scales_the_prior_of_every_group() -> None:
    net = make_net(SPACE)
    warm, cold = (net.complete(torch.zeros(50, 3), generator(), t)[:, 3:] for t in (1.0, 0.25))
    assert warm.shape[1] == net.beneath and cold.allclose(0.5 * warm)
    assert net.prior().sample(50, generator(), 0.25).allclose(0.5 * net.prior().sample(50, generator()))


def test_groups_that_collapsed_are_counted_and_told() -> None:
    """After a few steps only the vector says something; then a group is made to, and another is not."""
    events: list[Event] = []
    model = learnt("bits", progress=events.append)
    assert model.active_groups_ == 1 and len(model.group_divergences_) == 4
    told = "1 of 4 groups of latents in use; collapsed to their prior: 2 (1x1), 3 (3x3), 4 (3x3)"
    assert events[-1].message == told
    engine = model.engine
    assert isinstance(engine, LadderVAE)
    net = engine._ladder()
    with torch.no_grad():
        net.decoder.each()[1].posterior.back.bias.fill_(1.0)
        net.nats.copy_(engine._divergences(CASES["bits"][1], generator()))
    assert engine.told().endswith("2 of 4 groups of latents in use; collapsed to their prior: 2 (1x1), 4 (3x3)")
    one = 0.5 * (1 + math.exp(2 * 5 * math.tanh(0.2)) - 1) - 5 * math.tanh(0.2)  # of a latent: mean and clamped 1
    assert float(model.group_divergences_[2]) == pytest.approx(one * net.decoder.sizes[1], rel=0.05)
