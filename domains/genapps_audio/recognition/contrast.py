"""What tells a word from the other words: linear in where the word's own model has been, state by state.

A hidden Markov model learns what a word is like, not what it is unlike. Here each word's model is laid over clips of
all words, and least squares find what of the means and lengths of its states tells its own from the others: whole
stretches are compared, which frames that are taken to be independent cannot be. Added to the log-densities a frame.

Shapes: N clips, W words, T' frames of a clip, D numbers a frame, K states of a word, F = K (D + 1) features.
Source: Sukkar and Lee 1996, "Vocabulary independent discriminative utterance verification", section III (linear
discriminants of segments that a hidden Markov model finds); ridge regression in place of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.models import HMM

SHARE = 5.0  # nats a frame that a whole verdict counts; 4 to 8 named held-out voices of digits alike
_RIDGE = 1.0  # of the variance of a feature: states are many where clips are few
_STEADY = 1e-3  # deviation below which a feature tells nothing


@dataclass(frozen=True)
class Contrast:
    """One word against the others. mean, scale, weights: (F,) of features; offset: of the verdict."""

    mean: Tensor
    scale: Tensor
    weights: Tensor
    offset: float

    @property
    def size(self) -> int:
        """F. Raises ValueError where its parts are of several sizes, or not finite."""
        parts = (self.mean, self.scale, self.weights, torch.tensor([self.offset]))
        if any(not bool(one.isfinite().all()) for one in parts) or len({one.shape for one in parts[:3]}) > 1:
            raise ValueError("a contrast whose parts do not fit")
        return len(self.weights)

    def verdict(self, features: Tensor) -> Tensor:
        """(N,) about 1 of clips of the word, -1 of others, of features (N, F)."""
        return ((features - self.mean) / self.scale) @ self.weights + self.offset

    def tensors(self) -> dict[str, Tensor]:
        """For a model file."""
        offset = torch.tensor([self.offset], dtype=torch.double)
        return {"mean": self.mean, "scale": self.scale, "weights": self.weights, "offset": offset}

    @classmethod
    def of_tensors(cls, told: Mapping[str, Tensor]) -> Contrast:
        """The inverse of `tensors`."""
        mean, scale, weights = (told[name].double() for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, float(told["offset"][0]))


def learn_contrasts(models: Sequence[HMM], frames: Sequence[Tensor], labels: Sequence[int]) -> tuple[Contrast, ...]:
    """Each word against the others, (W,), from clips of frames (T', D) and their labels (N,), numbers of models."""
    batch, own = Ragged.of(list(frames)), torch.tensor(labels)
    return tuple(_learnt(passages(model, batch), own == word) for word, model in enumerate(models))


def verdicts(contrasts: Sequence[Contrast], models: Sequence[HMM], batch: Ragged) -> Tensor:
    """(N, W) what each word's contrast says of each clip."""
    return torch.stack([one.verdict(passages(model, batch)) for one, model in zip(contrasts, models, strict=True)], 1)


def passage_size(model: HMM, size: int) -> int:
    """F of a word's model for frames of so many numbers."""
    return int(model.config.n_components) * (size + 1)


@torch.no_grad()
def passages(model: HMM, batch: Ragged) -> Tensor:
    """(N, F) of each clip the mean of the frames in each state, 0 where none is, and the logarithm of 1 + how many."""
    path = model.predict(batch)
    assert isinstance(path, Ragged)
    states = int(model.config.n_components)
    clip = torch.repeat_interleave(torch.arange(len(batch)), batch.lengths)
    cell = clip * states + path.values
    cells, size = len(batch) * states, batch.values.shape[1]
    count = torch.bincount(cell, minlength=cells).double()
    total = torch.zeros(cells, size, dtype=torch.double).index_add_(0, cell, batch.values.double())
    mean = total / count.clamp_min(1)[:, None]
    return torch.cat([mean, count.log1p()[:, None]], 1).reshape(len(batch), passage_size(model, size))


def _learnt(features: Tensor, own: Tensor) -> Contrast:
    """Ridge regression on 1 for the word's own clips and -1 for others, either side as heavy as the other."""
    mean, scale = features.mean(0), features.std(0, correction=0).clamp_min(_STEADY)
    rows = torch.cat([(features - mean) / scale, torch.ones(len(features), 1).double()], 1)
    target = torch.where(own, 1.0, -1.0).double()
    heavy = torch.where(own, 1 / own.sum().clamp_min(1), 1 / (~own).sum().clamp_min(1)).double() / 2
    ridge = torch.full((rows.shape[1],), _RIDGE).double()
    ridge[-1] = 1e-9
    found = torch.linalg.solve(rows.T @ (rows * heavy[:, None]) + ridge.diag(), rows.T @ (target * heavy))
    return Contrast(mean, scale, found[:-1], float(found[-1]))
