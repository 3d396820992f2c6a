"""The recursions of `scaled` for one long sequence where many small steps are cheaper side by side: on a GPU.

A two-level scan, exact (Särkkä and García-Fernández 2021, "Temporal parallelization of Bayesian smoothers", in blocks
instead of a tree): the matrices that carry the states across every block, all blocks at once; then from block to block;
then inside all blocks at once. For T steps in blocks of L, 3 L + T / L steps come one after the other instead of 2 T.

Shapes: T steps, K states, C blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genapps.models.hmm.packed import Packed


def smooth(start: Tensor, transition: Tensor, emission: Tensor, packed: Packed) -> tuple[Tensor, Tensor, Tensor]:
    """Filtered probabilities, scale and posterior (S, K), (S, 1), (S, K), one sequence after the other.

    emission becomes the weight that `scaled.moves` needs, in place.
    """
    alpha, posterior = torch.empty_like(emission), torch.empty_like(emission)
    scale = torch.empty_like(emission[:, :1])
    for n in range(int(packed.counts[0])):
        places = (packed.sequence == packed.order[n]).nonzero()[:, 0] if len(packed.order) > 1 else slice(None)
        found = _smooth_one(start, transition, emission[places])
        alpha[places], scale[places], posterior[places], emission[places] = found
    return alpha, scale, posterior


def _smooth_one(start: Tensor, transition: Tensor, emission: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    steps, states = emission.shape
    length = max(int(steps**0.5), 1)
    count = -(-steps // length)
    padding = emission.new_ones(count * length - steps, states)  # steps without an observation change nothing before
    blocks = torch.cat([emission, padding]).view(count, length, states).transpose(0, 1).contiguous()  # (L, C, K)
    across = _across(transition, blocks)
    entering = torch.empty(count, states, dtype=emission.dtype, device=emission.device)  # before each block's first
    entering[0] = start
    alpha, scale = torch.empty_like(blocks), torch.empty_like(blocks[..., :1])
    ends = _ends(start, transition, blocks, across)
    torch.mm(ends[:-1], transition, out=entering[1:])
    for step in range(length):
        torch.mul(entering if step == 0 else alpha[step - 1] @ transition, blocks[step], out=alpha[step])
        torch.sum(alpha[step], 1, keepdim=True, out=scale[step])
        alpha[step].div_(scale[step])
    beta, weight = torch.empty_like(blocks), blocks.div_(scale)
    beta[-1] = _beta_ends(across, ends)
    back = transition.T.contiguous()
    for step in range(length - 1, -1, -1):
        weight[step].mul_(beta[step])
        if step:
            torch.mm(weight[step], back, out=beta[step - 1])
    found = (alpha, scale, beta.mul_(alpha), weight)
    one, two, three, four = (part.transpose(0, 1).reshape(count * length, -1)[:steps] for part in found)
    return one, two, three, four


def _across(transition: Tensor, blocks: Tensor) -> Tensor:
    """What each block does to the states (C, K, K), each up to a factor: the product of its steps' matrices."""
    length, count, states = blocks.shape
    product = torch.eye(states, dtype=blocks.dtype, device=blocks.device).expand(count, states, states).contiguous()
    for step in range(length):
        product = (product.view(-1, states) @ transition).view(count, states, states).mul_(blocks[step, :, None])
        product.div_(product.amax((1, 2), keepdim=True))
    return product


def _ends(start: Tensor, transition: Tensor, blocks: Tensor, across: Tensor) -> Tensor:
    """Filtered probabilities at each block's last step, (C, K). The first block begins with `start`, so by itself."""
    length, count, _ = blocks.shape
    ends = torch.empty_like(blocks[0])
    now = start * blocks[0, 0]
    now = now / now.sum()
    for step in range(1, length):
        now = (now @ transition) * blocks[step, 0]
        now = now / now.sum()
    ends[0] = now
    for block in range(1, count):
        now = now @ across[block]
        ends[block] = now = now / now.sum()
    return ends


def _beta_ends(across: Tensor, ends: Tensor) -> Tensor:
    """Probabilities (C, K) of all that follows each block's last step, over that of it given all before."""
    beta = torch.ones_like(ends)
    for block in range(len(ends) - 1, 0, -1):
        following = across[block] @ beta[block]
        beta[block - 1] = following / following.sum()
    return beta / (ends * beta).sum(1, keepdim=True)
