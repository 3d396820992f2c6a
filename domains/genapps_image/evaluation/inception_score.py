"""The Inception score: are made images named without doubt, and is what they are named manifold?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genapps.errors import InputError

SPLITS = 10


@dataclass(frozen=True)
class InceptionScore:
    """Mean and standard deviation over parts of the images; between 1 and the number of classes, higher is better."""

    mean: float
    deviation: float


def inception_score(logits: Tensor, splits: int = SPLITS) -> InceptionScore:
    """Of logits (N, K), in their order: each part is N / splits images.

    exp of the mean Kullback-Leibler divergence of an image's classes from those of its part (Salimans et al., "Improved
    Techniques for Training GANs", 2016, section 4); it grows with the size of a part, so only equal numbers compare.
    Raises InputError for fewer images than splits.
    """
    if len(logits) < splits:
        raise InputError(f"an Inception score of {splits} parts needs as many images, not {len(logits)}")
    logs = logits.double().log_softmax(1)
    scores = []
    for k in range(splits):
        part = logs[k * len(logs) // splits : (k + 1) * len(logs) // splits]
        # the log of the mean probability, so that classes nothing was taken for count as 0 and not as none
        whole = part.logsumexp(0) - torch.log(torch.tensor(float(len(part))))
        scores.append(float((part.exp() * (part - whole)).sum(1).mean().exp()))
    found = torch.tensor(scores, dtype=torch.double)
    return InceptionScore(float(found.mean()), float(found.std(correction=0)))
