"""Forward and backward recursions on probabilities: one matrix product a step for all sequences at once.

Each step's emissions are divided by their largest and each step's forward probabilities by their sum, as in Rabiner
1989, "A tutorial on hidden Markov models", section V.A. No exponential of a pair of states is ever taken, which is what
makes this several times faster than recursions on logarithms. It is exact as long as no transition is smaller than
`chain.LEAST`: a state that fell below the smallest number is then refilled by the others at the next step.

Shapes: S places of `Packed` steps, K states.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.hmm.packed import Packed


def relative(log_emission: Tensor) -> tuple[Tensor, Tensor]:
    """Emissions over each step's largest, (S, K) in place of their logarithms, and the largest's logarithm (S, 1).

    A step that no state can emit (all -inf) counts as unobserved; its largest stays -inf, and so does the likelihood.
    """
    largest = log_emission.amax(1, keepdim=True)
    shift = torch.where(largest == -torch.inf, 0, largest)
    emission = log_emission.sub_(shift).exp_()
    if bool((largest == -torch.inf).any()):
        emission[(largest == -torch.inf)[:, 0]] = 1
    return emission, largest


def forward(start: Tensor, transition: Tensor, emission: Tensor, packed: Packed) -> tuple[Tensor, Tensor]:
    """Filtered probabilities of the states (S, K), and the sum (S, 1) that each step was divided by."""
    alpha, scale = torch.empty_like(emission), torch.empty_like(emission[:, :1])
    ones = torch.ones_like(emission[:1].T)
    previous = 0
    for t, (begin, end) in enumerate(packed.spans):
        now = alpha[begin:end]
        if t:
            torch.mm(alpha[previous : previous + end - begin], transition, out=now)
            now.mul_(emission[begin:end])
        else:
            torch.mul(emission[:end], start, out=now)
        torch.mm(now, ones, out=scale[begin:end])  # a sum; torch's own is slow along few numbers
        now.div_(scale[begin:end])
        previous = begin
    return alpha, scale


def backward(transition: Tensor, alpha: Tensor, weight: Tensor, packed: Packed) -> Tensor:
    """Posterior probabilities of the states (S, K).

    alpha: from `forward`. weight: (S, K) emissions over the forward scale; in place, it becomes itself times the
    probability of all that follows given each state, which is what `moves` needs.
    """
    beta = torch.empty_like(weight)
    back = transition.T.contiguous()
    following = last = packed.steps
    for begin, end in reversed(packed.spans):
        going = begin + last - following  # behind it are the sequences that end here
        if going > begin:
            torch.mm(weight[following:last], back, out=beta[begin:going])
        if end > going:
            beta[going:end] = 1
        weight[begin:end].mul_(beta[begin:end])
        following, last = begin, end
    return beta.mul_(alpha)


def moves(alpha: Tensor, weight: Tensor, transition: Tensor, packed: Packed) -> Tensor:
    """Expected number of moves between each two states (K, K): one product over all steps of all sequences."""
    return (alpha[packed.before].T @ weight[packed.later]).double().mul_(transition.double())
