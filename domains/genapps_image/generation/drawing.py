"""How images are drawn from each family, and how their holes are filled, where families differ in it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genapps.errors import UsageError
from genapps.models.base import Family
from genapps.spaces import Pixels

if TYPE_CHECKING:
    from genapps_image.model import ImageModel


def draw(part: Family, n: int, labels: Tensor | None, temperature: float, generator: torch.Generator) -> Tensor:
    """n images of the family's space, of classes (n,)."""
    if part.family == "vae":
        return _expected(part, n, labels, temperature, generator)
    if part.family == "gmm" and part.config.covariance_type == "lowrank":
        return _of_factors(part, n, temperature, generator)
    drawn: Tensor = part.sample(n, labels=labels, temperature=temperature, generator=generator)
    return drawn


def _expected(part: Family, n: int, labels: Tensor | None, temperature: float, generator: torch.Generator) -> Tensor:
    """What the decoder expects of drawn latents: its noise is independent from pixel to pixel, so it is only grain.

    Bits are drawn all the same, as there is no grey between them.
    """
    space = part.space
    assert isinstance(space, Pixels)
    if space.levels == 2:
        bits: Tensor = part.sample(n, labels=labels, temperature=temperature, generator=generator)
        return bits
    engine = part.engine
    network = engine.network
    latents = torch.zeros(n, network.latent)
    classes = torch.zeros(n, network.classes)
    if labels is None:
        latents = network.prior().sample(n, generator, temperature)
    else:
        classes = torch.nn.functional.one_hot(labels, network.classes).float()
        for label in labels.unique().tolist():
            rows = labels == label
            latents[rows] = network.prior(label).sample(int(rows.sum()), generator, temperature)
    codes = torch.cat([latents, classes], 1)
    shares: Tensor = engine.mean_image(codes, generator, temperature)
    return (shares * 255).round()


def _of_factors(part: Family, n: int, temperature: float, generator: torch.Generator) -> Tensor:
    """A component's mean moved along its factors, without the noise of single pixels, as Richardson and Weiss draw."""
    means, loadings, space = part.engine.means_, part.engine.loadings_, part.space
    assert isinstance(space, Pixels)
    which = torch.multinomial(part.engine.weights_, n, replacement=True, generator=generator)
    factors = torch.randn(n, loadings.shape[2], generator=generator).to(means) * temperature**0.5
    rows: Tensor = means[which] + torch.einsum("ndl,nl->nd", loadings[which], factors)
    return rows.view(n, *space.shape)


def fill(model: ImageModel, shown: Tensor, label: int | None, candidates: int, generator: torch.Generator) -> Tensor:
    """Images as the family sees them (N, C, H, W), unknown entries drawn given the known ones."""
    if len(model.parts) == 1:
        part = model.parts[0]
        if model.family == "autoregressive":
            part = _told(part, candidates, label)
        elif model.family == "gan":
            part = part if label is None else _of_class(part, label)
        elif label is not None:
            raise UsageError(f"the family {model.family} guesses the class of what it fills itself; leave it out")
        filled: Tensor = part.impute(shown, generator=generator)
        return filled
    classes = _likeliest(model, shown, generator) if label is None else torch.full((len(shown),), label)
    whole = shown.clone()
    for k, part in enumerate(model.parts):
        rows = (classes == k).nonzero()[:, 0]
        if len(rows):
            whole[rows] = part.impute(shown[rows], generator=generator).to(whole.dtype)
    return whole


def _told(part: Family, candidates: int, label: int | None) -> Family:
    """The same autoregressive model, told how many candidates to carry along, and that all images are of one class."""
    tensors, settings = part.state()
    if label is not None:
        shares = torch.zeros_like(tensors["facts.classes"])
        shares[label + 1] = 1.0  # 0 is for images without a class
        tensors = {**tensors, "facts.classes": shares}
    config: Any = replace(part.config, particles=candidates)
    return type(part).from_state(part.space, tensors, {**settings, "config": asdict(config)})


def _of_class(part: Family, label: int) -> Family:
    """The same GAN, told that all it makes is of one class."""
    tensors, settings = part.state()
    shares = torch.zeros_like(tensors["class_shares"])
    shares[label] = 1.0
    config = {"config": asdict(part.config)}
    return type(part).from_state(part.space, {**tensors, "class_shares": shares}, {**settings, **config})


def _likeliest(model: ImageModel, shown: Tensor, generator: torch.Generator) -> Tensor:
    """The class (N,) under which what is known is the likeliest."""
    logs = torch.stack([part.log_prob(shown, generator=generator).values.double() for part in model.parts])
    return (logs + torch.tensor(model.shares, dtype=torch.double).log()[:, None]).argmax(0)
