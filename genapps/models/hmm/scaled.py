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
from genapps.models.hmm.room import Room

_FLUSH = 64  # steps of moves that are summed in the type of the probabilities


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


def forward(
    start: Tensor, transition: Tensor, emission: Tensor, packed: Packed, room: Room | None = None
) -> tuple[Tensor, Tensor]:
    """Filtered probabilities of the states (S, K), and the sum (S, 1) that each step was divided by."""
    alpha = (room or Room()).take(emission.shape, emission.dtype, emission.device)
    scale = torch.empty_like(emission[:, :1])
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


def backward(
    transition: Tensor, alpha: Tensor, weight: Tensor, packed: Packed, each: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Posterior probabilities of the states (S, K), in place of `alpha`, and the expected number of moves (K, K).

    alpha: from `forward`. weight: (S, K) emissions over the forward scale, overwritten. each: (S, 1) how often each
    step's move counts, None for once. A step's numbers are used up while they are in the processor's cache.
    """
    back = transition.T.contiguous()
    total = torch.zeros_like(transition, dtype=torch.double)
    part = torch.zeros_like(transition)
    beta = torch.ones_like(alpha[: packed.spans[0][1]]) if packed.spans else alpha
    running = 0  # sequences that go on after the step
    for t in range(len(packed.spans) - 1, -1, -1):
        begin, end = packed.spans[t]
        now, following = weight[begin:end], weight[end : end + running]
        if running:
            torch.mm(following, back, out=beta[:running])
            if each is not None:
                following.mul_(each[end : end + running])
            part.addmm_(alpha[begin : begin + running].T, following)
            if t % _FLUSH == 0:  # long sums of few digits
                total += part
                part.zero_()
            now[:running].mul_(beta[:running])
            alpha[begin : begin + running].mul_(beta[:running])
        running = end - begin
    return alpha, total.mul_(transition.double())


def moves(alpha: Tensor, weight: Tensor, transition: Tensor, packed: Packed) -> Tensor:
    """Expected number of moves between each two states (K, K): one product over all steps of all sequences.

    weight: (S, K) emissions over the forward scale, times the probability of all that follows, and how often it counts.
    """
    return (alpha[packed.before].T @ weight[packed.later]).double().mul_(transition.double())
