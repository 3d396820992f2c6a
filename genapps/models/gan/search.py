"""What a generator can make that is like what is known of an image: a search in its noise.

Yeh et al., "Semantic Image Inpainting with Deep Generative Models", 2017: the noise whose image differs least from what
is known, near the hole above all, and that the critic takes for real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Make = Callable[[Tensor, Tensor | None], Tensor]  # noise (B, Z), classes (B,) -> points (B, ...)
Doubt = Callable[[Tensor, Tensor | None], Tensor]  # points (B, ...), classes -> (B,), higher where they look made


@dataclass(frozen=True)
class Search:
    """How long is searched.

    pool: made points of which the nearest are begun from. starts: of those, for each row. steps, rate: of Adam. doubt,
    usual: weights of the critic's doubt and of how unusual the noise is, beside a mean difference from what is known.
    With these, and a linear generator of scikit-learn's digits, held-out digits are filled as nearly as by the
    conditional mean, which is then known exactly (58.3 beside 57.3 of 255); with a tenth of `usual` it is 67.
    """

    pool: int = 1000
    starts: int = 4
    steps: int = 50
    rate: float = 0.1
    doubt: float = 0.01
    usual: float = 0.1


class Adam:
    """Kingma and Ba, 2015, algorithm 1; torch's own takes longer to load than such a search lasts."""

    def __init__(self, rate: float) -> None:
        self.rate, self.steps = rate, 0
        self.mean = self.square = torch.zeros(())

    def step(self, slope: Tensor) -> Tensor:
        """What to take away, of the shape of the slope."""
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.999 * self.square + 0.001 * slope.square()
        size = (self.square / (1 - 0.999**self.steps)).sqrt() + 1e-8
        return self.rate * (self.mean / (1 - 0.9**self.steps)) / size


def nearness(known: Tensor, side: int = 7) -> Tensor:
    """How much each place counts, (B, 1, H, W), of which are known (B, 1, H, W): by the share of unknown places around.

    Equation 3 of the paper, in windows of 7 x 7; where no known place is near an unknown one, all known count alike.
    """
    unknown = functional.avg_pool2d((~known).float(), side, 1, side // 2, count_include_pad=False)
    weights = unknown * known
    empty = weights.flatten(1).sum(1) == 0
    return torch.where(empty.view(-1, 1, 1, 1), known.float(), weights)


def search(
    points: Tensor,
    weights: Tensor,
    noise: Tensor,
    classes: Tensor | None,
    make: Make,
    doubt: Doubt,
    how: Search,
) -> Tensor:
    """The points (B, ...) that are found for rows whose points (B, ...) count by weights (B, ...), 0 where unknown.

    noise (P, Z), classes (P,): what is begun from, in random order. Of each row's starts the one with the least loss is
    taken; a row of which nothing is known takes the first as it is.
    """
    share = weights / _wide(weights.flatten(1).sum(1).clamp_min(1e-12), weights)
    with torch.no_grad():
        bank = torch.cat([make(*both) for both in _chunks(noise, classes)])
        first = torch.stack([_apart(bank, point[None], part[None]) for point, part in zip(points, share, strict=True)])
    starts = first.argsort(stable=True, dim=1)[:, : how.starts]  # (B, S)
    count = starts.shape[1]
    rows = torch.arange(len(points)).repeat_interleave(count)
    chosen = starts.flatten()
    own = None if classes is None else classes[chosen]
    best, found = torch.full((len(rows),), torch.inf), bank[chosen]
    place, adam = noise[chosen], Adam(how.rate)
    for _ in range(how.steps):
        with torch.enable_grad():
            place = place.clone().requires_grad_()
            made = make(place, own)
            loss = _apart(made, points[rows], share[rows])
            loss = loss + how.doubt * doubt(made, own) + how.usual * place.square().mean(1)
            (slope,) = torch.autograd.grad(loss.sum(), place)  # of the noise alone, not of the networks
        made, loss, place = made.detach(), loss.detach(), place.detach()
        better = loss < best
        best = torch.where(better, loss, best)
        found = torch.where(_wide(better, found), made, found)
        place = place - adam.step(slope)
    winners = best.view(-1, count).argmin(1) + torch.arange(len(points)) * count
    nothing = share.flatten(1).sum(1) == 0
    return torch.where(_wide(nothing, bank), bank[starts[:, 0]], found[winners])


def _apart(made: Tensor, points: Tensor, share: Tensor) -> Tensor:
    """The weighted mean absolute difference (B,)."""
    return ((made - points).abs() * share).flatten(1).sum(1)


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """Values (B,) with as many axes as the points they belong to."""
    return values.view(-1, *[1] * (like.dim() - 1))


def _chunks(noise: Tensor, classes: Tensor | None, size: int = 256) -> list[tuple[Tensor, Tensor | None]]:
    rows = torch.arange(len(noise)).split(size)
    return [(noise[part], None if classes is None else classes[part]) for part in rows]
