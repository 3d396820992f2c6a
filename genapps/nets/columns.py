"""One small network a variable, all of them in one batched product: p(variable | any set of the others)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_FORBIDDEN = -1e9  # the logit of a code that the variable does not have


class ColumnNet(nn.Module):
    """Logits of every variable given the ones that a mask calls known (TabularARGN, Tiwald et al. 2025, section 3).

    Each of the D variables reads the same embedded row, with the unknown entries zeroed and a flag for each known one,
    through its own weights; stacking those weights turns D little networks into one `baddbmm`.

    sizes: codes of each variable. marginals: (sum of sizes,) shares, whose logarithms are part of every output, so that
    training begins at independent columns and weight decay pulls back to them. scores: (sum of sizes,) a number for
    each code that carries its order (0 for unordered variables).
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        marginals: Tensor,
        scores: Tensor,
        *,
        embedding: int,
        hidden: int,
        depth: int,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.sizes, self.dropout = sizes, dropout
        count, widest = len(sizes), max(sizes)
        inputs = count * (embedding + 2)  # embedding, score, known flag

        def normal(*shape: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * scale)

        self.embedding = normal(sum(sizes), embedding, scale=1.0)
        self.first = normal(count, inputs, hidden, scale=1 / math.sqrt(inputs))
        self.first_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.middle = normal(depth, count, hidden, hidden, scale=0.5 / math.sqrt(hidden))
        self.middle_bias = nn.Parameter(torch.zeros(depth, count, 1, hidden))
        self.last = normal(count, hidden, widest, scale=0.01)
        starts = torch.tensor([0, *sizes]).cumsum(0)[:-1]
        base = torch.full((count, 1, widest), _FORBIDDEN)
        for j, (start, size) in enumerate(zip(starts.tolist(), sizes, strict=True)):
            base[j, 0, :size] = torch.log(marginals[start : start + size])
        self.last_bias = nn.Parameter(torch.zeros(count, 1, widest))
        self.base: Tensor
        self.starts: Tensor
        self.scores: Tensor
        self.register_buffer("base", base)
        self.register_buffer("starts", starts)
        self.register_buffer("scores", scores)

    def embed(self, codes: Tensor) -> Tensor:
        """Codes (B, D) to features (B, D, E + 2); the last feature, 1, becomes the known flag once masked."""
        rows = codes + self.starts  # (B, D)
        embedded, scores = functional.embedding(rows, self.embedding), self.scores[rows][..., None]
        return torch.cat([embedded, scores, torch.ones_like(scores)], -1)

    def forward(self, features: Tensor, known: Tensor, targets: Tensor, generator: torch.Generator | None) -> Tensor:
        """Logits (T, B, widest) of the `targets` (T,) given `known` (T, B, D), a mask of 0 and 1 for each target.

        `generator` draws the dropout masks; None for none.
        """
        inputs = (features * known[..., None]).flatten(2)  # (T, B, D * (E + 2))
        hidden = functional.gelu(torch.baddbmm(self.first_bias[targets], inputs, self.first[targets]))
        hidden = self._drop(hidden, generator)
        for weight, bias in zip(self.middle, self.middle_bias, strict=True):
            update = functional.gelu(torch.baddbmm(bias[targets], hidden, weight[targets]))
            hidden = hidden + self._drop(update, generator)
        return torch.baddbmm(self.base[targets] + self.last_bias[targets], hidden, self.last[targets])

    def _drop(self, hidden: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is None or self.dropout == 0:
            return hidden
        return hidden * dropout_mask(hidden, self.dropout, generator)


def dropout_mask(like: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A mask in the shape of `like`: 0 with probability `share`, to the nearest 1/256, else what keeps the mean at 1.

    One random byte an entry: eight times fewer random words than `bernoulli_`, which took a quarter of a step.
    """
    words = torch.empty((like.numel() + 7) // 8, dtype=torch.long, device=like.device)
    random = words.random_(-(2**63), None, generator=generator).view(torch.uint8)[: like.numel()]
    kept = max(round((1 - share) * 256), 1)
    return (random.view(like.shape) < kept).to(like.dtype).mul_(256 / kept)
