"""Forward and backward recursions on logarithms: slower by an exponential for each pair of states, exact always.

For chains with impossible or almost impossible transitions. There a state may fall below the smallest number and yet
be the only one that later observations allow; `scaled` would have lost it.

Shapes: S places of `Packed` steps, K states; everything in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.hmm.packed import Packed


def log_forward(
    log_start: Tensor, log_transition: Tensor, log_emission: Tensor, packed: Packed
) -> tuple[Tensor, Tensor]:
    """Logarithms of filtered probabilities (S, K), and of what each step was divided by (S, 1).

    From the first step that is impossible on, a sequence's values are -inf.
    """
    alpha, scale = torch.empty_like(log_emission), torch.empty_like(log_emission[:, :1])
    previous = 0
    for t, (begin, end) in enumerate(packed.spans):
        now = alpha[begin:end]
        if t:
            before = alpha[previous : previous + end - begin, :, None]
            torch.logsumexp(before + log_transition, 1, out=now)  # (n, K, K) summed over the state before
            now.add_(log_emission[begin:end])
        else:
            torch.add(log_emission[:end], log_start, out=now)
        torch.logsumexp(now, 1, keepdim=True, out=scale[begin:end])
        now.sub_(finite(scale[begin:end]))
        previous = begin
    return alpha, scale


def log_backward(
    log_transition: Tensor, alpha: Tensor, scale: Tensor, log_emission: Tensor, weights: Tensor | None, packed: Packed
) -> tuple[Tensor, Tensor]:
    """Posterior probabilities of the states (S, K), and expected moves between each two states (K, K).

    alpha, scale: from `log_forward`. weights: (S, 1) how often each step counts among the moves.
    """
    beta = torch.zeros_like(alpha)
    moves = torch.zeros_like(log_transition)
    spans = packed.spans
    for t in range(len(spans) - 1, 0, -1):
        begin, end = spans[t]
        previous = spans[t - 1][0]
        before = slice(previous, previous + end - begin)
        following = log_emission[begin:end] + beta[begin:end] - finite(scale[begin:end])
        joint = following[:, None, :] + log_transition  # (n, K, K)
        torch.logsumexp(joint, 2, out=beta[before])
        share = joint.add_(alpha[before, :, None]).exp_()
        moves += (share if weights is None else share.mul_(weights[begin:end, :, None])).sum(0)
    return beta.add_(alpha).exp_(), moves


def finite(scale: Tensor) -> Tensor:
    """The scale, or 0 where the sequence is impossible, so that -inf less -inf does not become NaN."""
    return torch.where(scale == -torch.inf, 0, scale)
