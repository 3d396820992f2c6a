"""The distribution of one row of a sequence: a mixture whose every component has independent variables."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from genapps.models.autoregressive.choosing import pick
from genapps.nets.heads import LEAST_DEVIATION
from genapps.spaces import Columns

_FARTHEST = 10.0  # deviations from the mean beyond which a network is told no more of a number


class FrameValues:
    """Mixture density (Bishop 1994) of rows of mixed variables: Gaussian numbers, softmax codes, in K components.

    The weights of the components depend on what came before, and so do the components: within a row variables depend on
    one another by the component they share. An unknown entry is left out, which is exact: given the component the
    others do not depend on it. Rows (..., D) hold standardised numbers and codes as floats, NaN where unknown. Outputs
    (..., O): the logit of the end, the K logits of the weights, then for each component the means, the raw
    log-deviations, and the logits of the codes of each categorical variable.
    """

    def __init__(self, space: Columns, components: int) -> None:
        self.components = components
        self.count = len(space.variables)
        self.numbers = torch.tensor([j for j, size in enumerate(space.sizes) if not size], dtype=torch.long)
        self.groups = [  # (size, variables): variables of one size side by side
            (size, torch.tensor([j for j, other in enumerate(space.sizes) if other == size]))
            for size in sorted({size for size in space.sizes if size})
        ]
        self.logits = sum(size * len(variables) for size, variables in self.groups)
        self.per_component = 2 * len(self.numbers) + self.logits
        self.outputs = 1 + components * (1 + self.per_component)
        self.features = 2 * len(self.numbers) + self.logits

    def begin(self, marginals: Tensor, end: float, generator: torch.Generator) -> Tensor:
        """The outputs (O,) of an untrained network: components near the marginal distribution, none like another.

        marginals: (logits,) shares of the codes of each categorical variable; end: the share of steps that are ends.
        """
        each = torch.zeros(self.components, self.per_component)
        count = len(self.numbers)
        each[:, :count] = 0.5 * torch.randn(self.components, count, generator=generator)
        noise = 0.1 * torch.randn(self.components, self.logits, generator=generator)
        each[:, 2 * count :] = marginals.log() + noise
        first = torch.full((1,), math.log(end / (1 - end)))
        return torch.cat([first, torch.zeros(self.components), each.flatten()])

    def read(self, rows: Tensor) -> Tensor:
        """What a network reads of rows (..., D): numbers and whether they are known, codes as one-hot; zeros if not."""
        numbers = rows[..., self.numbers]
        known = ~torch.isnan(numbers)
        parts = [torch.nan_to_num(numbers).clamp(-_FARTHEST, _FARTHEST), known.float()]
        parts += [_one_hot(rows[..., variables], size).flatten(-2) for size, variables in self.groups]
        return torch.cat(parts, -1).float()

    def log_prob(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """Log-density (...) of rows (..., D) under outputs (..., O)."""
        weights, means, logs, logits = self._parts(outputs)
        numbers = rows[..., None, self.numbers].to(outputs.dtype)  # (..., 1, numbers)
        known = ~torch.isnan(numbers)
        away = (torch.where(known, numbers, 0.0) - means) * (-logs).exp()
        terms = (torch.where(known, -0.5 * away.square() - logs - 0.5 * math.log(2 * math.pi), 0.0)).sum(-1)  # (..., K)
        for (size, variables), part in zip(self.groups, logits, strict=True):
            chosen = _one_hot(rows[..., variables], size).to(outputs.dtype)  # (..., n, size)
            terms = terms + torch.einsum("...kns,...ns->...k", part.log_softmax(-1), chosen)
        return torch.logsumexp(weights.log_softmax(-1) + terms, -1)

    def draw(self, outputs: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
        """Rows (B, D) from outputs (B, O): a component, then its variables.

        A temperature t takes weights and codes in proportion to p^(1/t) and multiplies variances by t; 0 takes the
        likeliest component, its means and likeliest codes.
        """
        weights, means, logs, logits = self._parts(outputs)
        rows = torch.full((len(outputs), self.count), torch.nan)
        chosen = pick(weights, temperature, generator)
        every = torch.arange(len(outputs))
        noise = torch.randn(len(outputs), len(self.numbers), generator=generator)
        deviation = math.sqrt(temperature) * logs[every, chosen].exp()
        rows[:, self.numbers] = (means[every, chosen] + deviation * noise).float()
        for (size, variables), part in zip(self.groups, logits, strict=True):
            codes = pick(part[every, chosen].reshape(-1, size), temperature, generator)
            rows[:, variables] = codes.view(len(outputs), -1).float()
        return rows

    def _parts(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
        """Logits of the weights (..., K), means and log-deviations (..., K, numbers), logits [(..., K, n, size)]."""
        count = len(self.numbers)
        weights = outputs[..., 1 : 1 + self.components]
        each = outputs[..., 1 + self.components :].unflatten(-1, (self.components, self.per_component))
        means, raw, rest = each.split([count, count, self.logits], -1)
        logs = raw.clamp(math.log(LEAST_DEVIATION), 5.0)
        parts = rest.split([size * len(variables) for size, variables in self.groups], -1)
        logits = [part.unflatten(-1, (-1, size)) for part, (size, _) in zip(parts, self.groups, strict=True)]
        return weights, means, logs, logits


def _one_hot(codes: Tensor, size: int) -> Tensor:
    """Codes (...) as floats to (..., size), all zeros where unknown."""
    known = ~torch.isnan(codes)
    return functional.one_hot(torch.where(known, codes, 0).long(), size) * known[..., None]
