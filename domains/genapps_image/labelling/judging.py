"""How right the labels are, and how sure of them one may be: what follows from known labels that were held out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FOLDS = 3
FEWEST = 10  # held-out labels below which no accuracy is claimed
DOUBTED = 0.8  # how sure of another class a model must be that was not shown a known label, for it to be doubted
SURE = 0.9
_MOST = 50.0  # of a temperature


@dataclass(frozen=True)
class Estimate:
    """What models made of known labels that they were not shown.

    held_out: how many; right: of these; low, high: a 95 % interval of the accuracy. sure, sure_right: held-out ones of
    which a model was at least 90 % sure, and how many of these were right. majority: the share of the commonest class
    among them, which naming that one always would reach. certainty: how sure the models were on average; about the
    accuracy where that is calibrated. by_class: for each class (right, held out), by number.
    """

    held_out: int
    right: int
    low: float
    high: float
    majority: float
    sure: int
    sure_right: int
    certainty: float
    by_class: tuple[tuple[int, int], ...]

    @property
    def accuracy(self) -> float:
        """The share that was named rightly."""
        return self.right / self.held_out


def estimate(chances: Tensor, labels: Tensor) -> Estimate | None:
    """What chances (n, C) of held-out images, by models not shown them, say beside their labels (n,).

    None where there are too few to claim anything.
    """
    count, classes = chances.shape
    if count < FEWEST:
        return None
    sure, named = chances.max(1)
    hit, certain = named == labels, sure >= SURE
    counts = torch.bincount(labels, minlength=classes)
    hits = torch.bincount(labels[hit], minlength=classes)
    low, high = wilson(int(hit.sum()), count)
    return Estimate(
        held_out=count,
        right=int(hit.sum()),
        low=low,
        high=high,
        majority=float(counts.max()) / count,
        sure=int(certain.sum()),
        sure_right=int((hit & certain).sum()),
        certainty=float(sure.mean()),
        by_class=tuple(zip(hits.tolist(), counts.tolist(), strict=True)),
    )


def wilson(right: int, count: int, deviations: float = 1.96) -> tuple[float, float]:
    """The interval of a share of which `right` of `count` were seen (Wilson 1927), of 95 % if not said otherwise."""
    share, z = right / count, deviations * deviations / count
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)


def tempered(logs: Tensor, temperature: float) -> Tensor:
    """Probabilities (n, C) of log-probabilities at a temperature: above 1 less sure, the order stays."""
    return (logs.double() / temperature).softmax(1)


def fitted_temperature(logs: Tensor, labels: Tensor) -> float:
    """The temperature, from 0.5 up, at which labels (n,) are least surprising (Guo et al. 2017, "On calibration of
    modern neural networks", section 4.2). One more image, whose label is any class alike, is counted among them: where
    all of few labels are right, nothing else would keep it from the lowest.
    """
    heats = torch.logspace(math.log10(0.5), math.log10(_MOST), 200, dtype=torch.double)
    chances = torch.stack([(logs.double() / heat).log_softmax(1) for heat in heats])  # (heats, n, C)
    own = chances[:, torch.arange(len(labels)), labels].sum(1)
    return float(heats[(own + chances.mean((1, 2))).argmax()])


@dataclass(frozen=True)
class Doubt:
    """A known label that a model, which was not shown it, does not believe. row: of the image; other: its own class,
    by number; chance: how sure it is of that."""

    row: int
    other: int
    chance: float


def doubts(chances: Tensor, labels: Tensor, rows: Tensor) -> tuple[Doubt, ...]:
    """The doubted among labels (n,) of images `rows` (n,), by chances (n, C) of models not shown them; surest first.

    A class of which less than half is told is not known to the models, so they doubt none of its labels.
    """
    best, named = chances.max(1)
    classes = chances.shape[1]
    hits = torch.bincount(labels[named == labels], minlength=classes)
    told = 2 * hits >= torch.bincount(labels, minlength=classes)
    found = ((named != labels) & (best >= DOUBTED) & told[labels]).nonzero()[:, 0].tolist()
    doubted = [Doubt(int(rows[i]), int(named[i]), float(best[i])) for i in found]
    return tuple(sorted(doubted, key=lambda one: (-one.chance, one.row)))
