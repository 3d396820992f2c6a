"""What judges a clip, one way each, as it learnt normal ones: near ones by their numbers, a Gaussian, level, frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps_audio.detection.views import BANDS, VIEWS, View

MEMBERS = ("spectrum", "timbre", "modulation", "texture", "level", "moments")
WORDS = {
    "spectrum": "its spectrum",
    "timbre": "its timbre",
    "modulation": "the pace of its fluctuations",
    "texture": "how its bands move together",
    "level": "its level",
    "moments": "single moments",
}
NEARS = ("spectrum", "modulation", "texture")
NEAR = 2  # normal clips that count as near
FRAMES = 4_000  # normal moments that are kept, at most
_CONTEXT = 3  # frames of a moment
_STRANGEST = 0.05  # of a clip's moments that count
_LEAST = 0.3  # of the usual spread: no number counts more than about three times as much as others


@dataclass(frozen=True)
class Near:
    """Normal clips' numbers (N, D) on one scale, beside which a clip's are put. middle, spread: (D,)."""

    rows: Tensor
    middle: Tensor
    spread: Tensor

    @classmethod
    def learn(cls, rows: Tensor) -> Near:
        """Of numbers (N, D)."""
        middle, spread = rows.mean(0), rows.std(0, correction=0)
        spread = spread + _LEAST * spread.median() + 1e-6
        return cls((rows - middle) / spread, middle, spread)

    def distances(self, numbers: Tensor) -> Tensor:
        """(M, N) of numbers (M, D): mean absolute difference, which no single number rules."""
        scaled = (numbers - self.middle) / self.spread
        return torch.cdist(scaled, self.rows, p=1) / self.rows.shape[1]

    def scores(self, numbers: Tensor) -> Tensor:
        """(M,): mean distance of the nearest two."""
        found = self.distances(numbers)
        return found.topk(min(NEAR, found.shape[1]), 1, largest=False).values.mean(1)


@dataclass(frozen=True)
class Law:
    """A Gaussian of numbers, its covariance shrunk to a sphere as far as so few clips ask for.

    middle: (D,). precision: (D, D).
    """

    middle: Tensor
    precision: Tensor

    @classmethod
    def learn(cls, rows: Tensor) -> Law:
        """Of numbers (N, D), shrunk as Ledoit and Wolf, "A well-conditioned estimator" (2004), lemma 3.2 and 3.3."""
        count, width = rows.shape
        centered = rows - rows.mean(0)
        sample = centered.T @ centered / count
        level = sample.trace() / width
        apart = (sample - level * torch.eye(width, dtype=rows.dtype)).square().sum()
        noise = ((centered.square().sum(1).square()).sum() / count - sample.square().sum()) / count
        share = float((noise / apart).clamp(0, 1)) if apart > 0 else 1.0
        shrunk = (1 - share) * sample + (share * level + 1e-6) * torch.eye(width, dtype=rows.dtype)
        return cls(rows.mean(0), torch.linalg.inv(shrunk))

    def scores(self, numbers: Tensor) -> Tensor:
        """(M,): Mahalanobis' distance of numbers (M, D)."""
        apart = numbers - self.middle
        return (apart @ self.precision * apart).sum(1).clamp_min(0).sqrt()


@dataclass(frozen=True)
class Moments:
    """Normal moments (F, 3 x 64), three frames each, in units of each band's spread (64,).

    part: (F,) which of several parts of the normal clips each is from, in order.
    """

    bank: Tensor
    part: Tensor
    spread: Tensor

    @classmethod
    def learn(cls, cells: Sequence[Tensor], parts: Sequence[int], seed: int) -> Moments:
        """Of the cells (T, 64) of normal clips, some of their moments by chance where there are many."""
        lengths = [len(one) for one in cells]
        chosen = torch.ones(sum(lengths), dtype=torch.bool)
        if len(chosen) > FRAMES:
            generator = torch.Generator().manual_seed(seed)
            chosen[torch.randperm(len(chosen), generator=generator)[FRAMES:]] = False
        spread = torch.cat(list(cells)).std(0, correction=0).clamp_min(1.0)
        kept = [moments(one)[own] for one, own in zip(cells, chosen.split(lengths), strict=True)]
        every = torch.cat(kept)
        part = torch.cat([torch.full((len(one),), k) for one, k in zip(kept, parts, strict=True)])
        order = part.argsort(stable=True)
        every, part = every[order], part[order]
        return cls(every / spread.repeat(_CONTEXT), part, spread)

    def compare(self, cells: Tensor, parts: int, own: int | None = None) -> tuple[Tensor, Tensor]:
        """How far each moment of a clip's cells (T, 64) is from the nearest normal one that is not of part k: (K, T).

        And in which bands it differs from the nearest of all, (T, 64), in units of the band's spread, more is louder;
        own: of all but those of this part.
        """
        scaled = moments(cells) / self.spread.repeat(_CONTEXT)
        apart = torch.cdist(scaled, self.bank)
        pieces = apart.split(torch.bincount(self.part, minlength=parts).tolist(), 1)
        none = torch.full((len(cells),), torch.inf)
        by_part = torch.stack([piece.amin(1) if piece.shape[1] else none for piece in pieces])
        least, which = by_part.topk(2, 0, largest=False)
        without = torch.where(torch.arange(parts)[:, None] == which[0], least[1], least[0])
        if own is not None:
            apart = apart.masked_fill(self.part == own, torch.inf)
        nearest = self.bank[apart.argmin(1), BANDS : 2 * BANDS]
        return without / (_CONTEXT * BANDS) ** 0.5, scaled[:, BANDS : 2 * BANDS] - nearest


def moments(cells: Tensor) -> Tensor:
    """(T, 3 x 64): each frame between the one before and the one after it; the ends are repeated."""
    padded = torch.cat([cells[:1], cells, cells[-1:]])
    return torch.cat([padded[:-2], padded[1:-1], padded[2:]], 1)


@dataclass(frozen=True)
class Panel:
    """The members that judge a clip as a whole, as they learnt the same normal clips. level: (2,) median and spread."""

    near: dict[str, Near]
    law: Law
    level: Tensor

    @classmethod
    def learn(cls, views: Sequence[View]) -> Panel:
        """Of normal clips."""
        rows = stacked(views)
        levels = rows["level"][:, 0]
        near = {name: Near.learn(rows[name]) for name in NEARS}
        return cls(near, Law.learn(rows["timbre"]), torch.stack([levels.median(), levels.std(correction=0) + 1.0]))

    def raw(self, rows: dict[str, Tensor]) -> Tensor:
        """(N, 5): what each of `MEMBERS` but the last says of clips' numbers (N, D), higher is stranger."""
        found = {name: judge.scores(rows[name]) for name, judge in self.near.items()}
        found["timbre"] = self.law.scores(rows["timbre"])
        found["level"] = (rows["level"][:, 0] - self.level[0]).abs() / self.level[1]
        return torch.stack([found[name] for name in MEMBERS[:-1]], 1)

    def state(self) -> dict[str, Tensor]:
        """For a model file."""
        near = {f"{name}/{key}": value for name, one in self.near.items() for key, value in vars(one).items()}
        return {**near, "middle": self.law.middle, "precision": self.law.precision, "level": self.level}

    @classmethod
    def restore(cls, arrays: dict[str, Tensor]) -> Panel:
        """The inverse of `state`. Raises KeyError where something is missing."""
        near = {name: Near(*(arrays[f"{name}/{key}"] for key in ("rows", "middle", "spread"))) for name in NEARS}
        return cls(near, Law(arrays["middle"], arrays["precision"]), arrays["level"])


def stacked(views: Sequence[View]) -> dict[str, Tensor]:
    """Each view's numbers (N, D) of N clips."""
    return {name: torch.stack([one.numbers[name] for one in views]) for name in VIEWS}


def strangest(novelty: Tensor) -> Tensor:
    """The mean (K,) of the highest twentieth of each row of (K, T)."""
    return novelty.topk(max(1, round(_STRANGEST * novelty.shape[1])), 1).values.mean(1)
