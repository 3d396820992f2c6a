"""The mathematics of a variational autoencoder, whatever its data: bounds, their terms, and the network they need.

A row x is made from latents z (and a class y, where there are labels): p(x) = sum over y, integral over z of
p(y) p(z) p(x | y, z). An encoder q(z | x, y) proposes latents, and bounds of log p(x) follow from its proposals
(Kingma and Welling 2014; Rezende et al. 2014).

Shapes: B rows, L latents, C classes (0 without labels), k importance samples.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genapps.models.vae.prior import Mixture
from genapps.nets.heads import bounded_below, gaussian_log_prob
from genapps.nets.mlp import fresh

Inputs = tuple[Tensor, ...]  # what a network reads of B rows; every tensor has B rows of its own

_LEAST_LOG_DEVIATION = -6.0  # of the proposals: sharper ones only make importance weights wild


@dataclass(frozen=True)
class Explained:
    """What codes (N, L + C) make of N rows, and what was proposed beneath them where latents have latents beneath.

    likelihood: (N,) in nats. codes: the codes with what is beneath them at their end. divergences: (N, G), the KL of
    each group beneath, in nats. ratios: (N,), log p / q of what was drawn beneath.
    """

    likelihood: Tensor
    codes: Tensor
    divergences: Tensor
    ratios: Tensor


class VariationalNet(nn.Module, ABC):
    """An encoder and a decoder between inputs and codes; subclasses read the inputs and say what a code makes of them.

    width: of what `read` returns. A code (B, L + C) is the latents beside the one-hot class.
    """

    def __init__(self, latent: int, classes: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes
        self.propose = fresh(nn.Linear, width + classes, 2 * latent, generator=generator, gain=0.5)
        self.classify = fresh(nn.Linear, width, classes, generator=generator, gain=0.5) if classes else None
        self.priors = nn.ModuleList(Mixture(latent) for _ in range(max(classes, 1)))  # p(z), or p(z | y) of each class
        self.class_logs: Tensor
        self.step: Tensor
        self.register_buffer("class_logs", torch.full((classes,), -math.log(max(classes, 1))))
        self.register_buffer("step", torch.zeros((), dtype=torch.long))  # training steps, for the annealing

    @abstractmethod
    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        """What the encoder makes of B rows, (B, width); `generator` draws dropout masks in training."""

    @abstractmethod
    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        """log p(x | code) (B,) in nats of each row given its code (B, L + C); unknown entries count nothing."""

    def gist(self, read: Tensor) -> Tensor:
        """The part (B, width) of what was read that latents and classes are proposed from."""
        return read

    def explain(
        self, inputs: Inputs, read: Tensor, codes: Tensor, generator: torch.Generator, dropout: bool
    ) -> Explained:
        """What codes make of rows; a hierarchy draws its lower latents here. `read` may have fewer rows than the codes,
        which then go through them again and again, as in `repeated`."""
        none = codes.new_zeros(len(codes), 0)
        likelihood = self.log_likelihood(inputs, codes, generator if dropout else None)
        return Explained(likelihood, codes, none, none.sum(1))

    def proposal(self, read: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-deviation (B, L) of q(z | x, y), for what was read of B rows and one-hot classes (B, C)."""
        mean, raw = self.propose(torch.cat([self.gist(read), classes], 1)).float().chunk(2, 1)
        return mean, bounded_below(raw, _LEAST_LOG_DEVIATION)

    def prior(self, label: int = 0) -> Mixture:
        """The latents' distribution in a class."""
        found = self.priors[label]
        assert isinstance(found, Mixture)
        return found

    def prior_log_prob(self, latents: Tensor, classes: Tensor) -> Tensor:
        """log p(z | y) (N,) of latents (N, L) and one-hot classes (N, C)."""
        if not self.classes:
            return self.prior().log_prob(latents)
        logs = latents.new_zeros(len(latents))
        for label in range(self.classes):
            rows = classes[:, label] > 0
            logs[rows] = self.prior(label).log_prob(latents[rows])
        return logs

    def class_log_prob(self, read: Tensor) -> Tensor:
        """log q(y | x) (B, C)."""
        assert self.classify is not None
        logs: Tensor = self.classify(self.gist(read)).float().log_softmax(1)
        return logs


def repeated(inputs: Inputs, times: int) -> Inputs:
    """The rows over and over: row b of copy i is row i * B + b."""
    return inputs if times == 1 else tuple(t.repeat(times, *[1] * (t.ndim - 1)) for t in inputs)


def divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """KL(q | standard normal) (B, L) in nats, a latent at a time."""
    return 0.5 * (mean.square() + torch.exp(2 * log_deviation) - 1) - log_deviation


def with_free_bits(divergences: Tensor, least: float) -> Tensor:
    """The sum over latents of the batch's mean divergence (B, L), each counted as at least `least` nats, ().

    A latent below it feels no pull to the prior, so that it is not given up early (Kingma et al. 2016, appendix C.8).
    """
    return divergences.mean(0).clamp_min(least).sum()


def elbo(
    net: VariationalNet, inputs: Inputs, read: Tensor, classes: Tensor, generator: torch.Generator, dropout: bool
) -> tuple[Tensor, Tensor]:
    """One reparametrised sample of the bound: log p(x | y, z) (B,) and the divergences (B, L), of groups beneath at
    the end."""
    mean, log_deviation = net.proposal(read, classes)
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    codes = torch.cat([mean + log_deviation.exp() * noise, classes], 1)
    made = net.explain(inputs, read, codes, generator, dropout)
    return made.likelihood, torch.cat([divergence(mean, log_deviation), made.divergences], 1)


def proposals(
    net: VariationalNet, inputs: Inputs, read: Tensor, classes: Tensor, k: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """k proposed codes a row (k * B, L + C), and their log p(x, z | y) / q(z | x, y) (k, B) under the model's prior."""
    mean, log_deviation = net.proposal(read, classes)
    noise = torch.randn(k, *mean.shape, generator=generator, device=mean.device)
    latents = mean + log_deviation.exp() * noise  # (k, B, L)
    proposed = gaussian_log_prob(latents, mean, log_deviation).sum(2)
    codes = torch.cat([latents, classes.expand(k, -1, -1)], 2).flatten(0, 1)
    made = net.explain(repeated(inputs, k), read, codes, generator, False)
    prior = net.prior_log_prob(codes[:, : net.latent], codes[:, net.latent :])
    return made.codes, (made.likelihood + made.ratios + prior).view(k, -1) - proposed


def importance_bound(weights: Tensor) -> Tensor:
    """The bound (B,) of log p(x) by k weights (k, B) (IWAE; Burda et al. 2016, equation 8): non-decreasing in k."""
    return torch.logsumexp(weights.double(), 0) - math.log(len(weights))


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Labels (B,) as (B, C)."""
    return nn.functional.one_hot(labels, classes).float() if classes else torch.zeros(len(labels), 0).to(labels.device)


def every_class(net: VariationalNet, inputs: Inputs, read: Tensor) -> tuple[Inputs, Tensor, Tensor]:
    """Inputs, what was read of them, and classes (C * B, C): each row with each class, class by class."""
    classes = torch.eye(net.classes, device=read.device).repeat_interleave(len(read), 0)
    return repeated(inputs, net.classes), read.repeat(net.classes, 1), classes


def joined(parts: Sequence[Tensor], empty: Tensor) -> Tensor:
    """The parts end to end; `empty` where there are none."""
    return torch.cat(list(parts)) if parts else empty
