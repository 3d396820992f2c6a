"""What a variational autoencoder is trained to lower: the bound with its weights, with and without labels.

Where only some rows have labels the class of the others is summed over (M2; Kingma, Rezende, Mohamed and Welling 2014,
"Semi-supervised learning with deep generative models", equations 6 to 9).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from genapps.models.vae.core import Inputs, VariationalNet, elbo, every_class, one_hot, with_free_bits


@dataclass(frozen=True)
class Weights:
    """beta: how much the divergence counts. free_bits: nats of each latent that cost nothing. classify: how much the
    classifier's own cross-entropy counts, in nats a labelled row. summed: the share of a batch's rows without a label
    whose bound is taken, since that costs a pass of the decoder for each class."""

    beta: float = 1.0
    free_bits: float = 0.0
    classify: float = 0.0
    summed: float = 1.0


def loss(
    net: VariationalNet, inputs: Inputs, labels: Tensor, weights: Weights, generator: torch.Generator, train: bool
) -> Tensor:
    """The mean over B rows of the weighted negative bound, (), in nats; labels (B,), -1 where unknown.

    A mean of sums: neither the number of rows nor the number of their variables changes what beta means.
    """
    read = net.read(inputs, generator if train else None)
    if not net.classes:
        classes = one_hot(labels, 0)
        likelihood, divergences = elbo(net, inputs, read, classes, generator, train)
        return weights.beta * with_free_bits(divergences, weights.free_bits) - likelihood.mean()
    total = torch.zeros((), device=read.device)
    known = labels >= 0
    if bool(known.any()):
        part = tuple(t[known] for t in inputs)
        total = total + _labelled(net, part, read[known], labels[known], weights, generator, train)
    if not bool(known.all()):
        rows = (~known).nonzero()[:, 0]
        some = rows[: max(1, round(weights.summed * len(rows)))]  # rows of a batch come in random order
        part = tuple(t[some] for t in inputs)
        mean = _unlabelled(net, part, read[some], weights, generator, train) / len(some)
        total = total + mean * len(rows)
    return total / len(labels)


def _labelled(
    net: VariationalNet,
    inputs: Inputs,
    read: Tensor,
    labels: Tensor,
    weights: Weights,
    generator: torch.Generator,
    train: bool,
) -> Tensor:
    """The sum over rows of -L(x, y) (equation 6) and of the classifier's loss (equation 9)."""
    likelihood, divergences = elbo(net, inputs, read, one_hot(labels, net.classes), generator, train)
    pulled = weights.beta * with_free_bits(divergences, weights.free_bits) * len(labels)
    named = functional.nll_loss(net.class_log_prob(read), labels, reduction="sum")
    return pulled - likelihood.sum() - net.class_logs[labels].sum() + weights.classify * named


def _unlabelled(
    net: VariationalNet, inputs: Inputs, read: Tensor, weights: Weights, generator: torch.Generator, train: bool
) -> Tensor:
    """The sum over rows of -U(x) (equation 7): each class by its belief, and the belief's own entropy."""
    believed = net.class_log_prob(read)  # (B, C)
    inputs, read, classes = every_class(net, inputs, read)
    likelihood, divergences = elbo(net, inputs, read, classes, generator, train)
    count = len(believed)
    belief = believed.exp()
    shares = belief.T.flatten()  # (C * B,), in the order of every_class
    # Free bits are counted over the rows as they are believed to be.
    mean = (shares[:, None] * divergences).sum(0) / count
    pulled = weights.beta * mean.clamp_min(weights.free_bits).sum() * count
    surprise = (belief * (believed - net.class_logs)).sum()
    return pulled + surprise - (shares * likelihood).sum()
