"""The distribution of one pixel, by what it can be: black or white, one of a few levels, of many, a real number."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genapps.models.autoregressive.choosing import pick

_MOST_SOFTMAX = 16  # levels up to which each has a logit of its own
_NARROWEST = -7.0  # log-scale of a logistic, where pixels lie within about -1..1: narrower ones chase single values


class PixelValues:
    """Log-probabilities and draws of pixels from a network's outputs, and what it reads of them.

    levels: as in `genapps.spaces.Pixels`. Up to 16 levels have logits of their own (one for black and white); more are
    a mixture of `components` logistics whose mass over each level's interval is its probability, the outer levels
    taking the tails (Salimans et al. 2017, "PixelCNN++", section 2.1); real numbers have that mixture's density.
    """

    def __init__(self, levels: int, components: int) -> None:
        self.levels = levels
        self.softmax = 2 < levels <= _MOST_SOFTMAX
        self.outputs = 1 if levels == 2 else levels if self.softmax else 3 * components

    def read(self, pixels: Tensor) -> Tensor:
        """Pixels as a network reads them, within about -1..1: codes from their levels, real numbers as they are."""
        return pixels.float() * (2 / (self.levels - 1)) - 1 if self.levels else pixels.float()

    def log_prob(self, outputs: Tensor, read: Tensor) -> Tensor:
        """Log-probability, or log-density, (...) of pixels as read (...) under outputs (..., O)."""
        if self.levels == 2:
            return -functional.softplus(-outputs[..., 0] * read)
        if self.softmax:
            return outputs.log_softmax(-1).gather(-1, self._codes(read)[..., None])[..., 0]
        weights, centers, scales = self._logistics(outputs)
        middle = (read[..., None] - centers) / scales
        if not self.levels:
            terms = -middle - 2 * functional.softplus(-middle) - scales.log()
        else:
            half = 1 / (self.levels - 1)
            terms = _interval_mass(middle - half / scales, middle + half / scales, read[..., None], half)
        return torch.logsumexp(weights + terms, -1)

    def draw(self, outputs: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
        """Pixels as read (B,) from outputs (B, O); `temperature` 0 takes the likeliest, or the likeliest centre."""
        if self.levels == 2:
            share = torch.sigmoid(outputs[:, 0] / temperature) if temperature else (outputs[:, 0] > 0).float()
            return (torch.rand(len(outputs), generator=generator) < share).float() * 2 - 1
        if self.softmax:
            return self.read(pick(outputs, temperature, generator))
        weights, centers, scales = self._logistics(outputs)
        chosen = pick(weights, temperature, generator)[:, None]
        center, scale = centers.gather(1, chosen)[:, 0], scales.gather(1, chosen)[:, 0]
        uniform = torch.rand(len(outputs), generator=generator).clamp(1e-6, 1 - 1e-6)
        value = center + temperature * scale * torch.logit(uniform)
        return self.read(self._codes(value)) if self.levels else value

    def codes(self, read: Tensor) -> Tensor:
        """Pixels as a batch holds them: the inverse of `read`."""
        return self._codes(read) if self.levels else read

    def _codes(self, read: Tensor) -> Tensor:
        return ((read + 1) * ((self.levels - 1) / 2)).round().long().clamp(0, self.levels - 1)

    def _logistics(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights, centres and scales (..., M) of the mixture; untrained, its centres are spread over -1..1."""
        weights, shifts, raw = outputs.unflatten(-1, (3, -1)).unbind(-2)
        spread = torch.linspace(-1, 1, shifts.shape[-1] + 2)[1:-1].to(outputs)
        return weights.log_softmax(-1), spread + shifts, (raw - 1.5).clamp(_NARROWEST, 7.0).exp()


def _interval_mass(low: Tensor, high: Tensor, read: Tensor, half: float) -> Tensor:
    """log of a logistic's mass between standardised edges; the first level reaches down to -inf, the last up to inf.

    σ(b) - σ(a) = σ(b) σ(-a) (1 - e^(a - b)), which loses nothing where both are near 0 or near 1.
    """
    inside = functional.logsigmoid(high) + functional.logsigmoid(-low) + torch.log(-torch.expm1(low - high))
    inside = torch.where(read < -1 + half, functional.logsigmoid(high), inside)
    return torch.where(read > 1 - half, functional.logsigmoid(-low), inside)
