"""Which made clips repeat a learnt one, judged by how near unseen real clips come to learnt ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from genapps.errors import InputError
from genapps_audio.codec import Codec, stretched
from genapps_audio.evaluation.features import log_mel

ALLOWED = 0.01  # share of unseen real clips that would be called copies
_FRAMES = 24
_SHIFTS = 2  # frames by which a copy may begin earlier or later
_OTHERS = 10  # the neighbor that says what "near" means around a clip
_UNHEARD = 0.5  # dB by which two clips differ unheard


@dataclass(frozen=True)
class Near:
    """Of each of M clips: its nearest learnt clip (M,) and how near it is (M,), relative to the tenth nearest.

    0 is a copy, 1 no nearer than nine others.
    """

    index: Tensor
    ratio: Tensor


@dataclass(frozen=True)
class Copies:
    """What was found in one search.

    share: of made clips as near to a learnt clip as 1 % of unseen real ones are; unseen: the same share of those,
    `among` of them. limit: how near that is. near: of each made clip.
    """

    share: float
    unseen: float
    among: int
    limit: float
    near: Near

    @property
    def certain(self) -> float:
        """The share of copies that is beyond what chance gives to as many made and unseen clips; 0 for none."""
        least, _ = proven(self.share, len(self.near.ratio))
        _, usual = proven(self.unseen, self.among)
        return max(0.0, least - usual)


def outlines(patches: Tensor, codec: Codec) -> Tensor:
    """(N, 24, 32): mel bands at 24 moments, in dB, in which clips are looked for."""
    return stretched(log_mel(patches, codec), _FRAMES)


def nearest(made: Tensor, learnt: Tensor) -> Near:
    """Of outlines (M, T, B) among learnt ones (N, T, B), whichever of a few shifts in time comes nearest.

    Raises InputError for two learnt clips or fewer.
    """
    if len(learnt) < 3:
        raise InputError(f"{len(learnt)} learnt clips; copies are told from 3 on")
    k = min(_OTHERS, len(learnt) - 1)
    rows = learnt.flatten(1)
    apart = torch.stack([torch.cdist(_moved(made, by).flatten(1), rows) for by in range(-_SHIFTS, _SHIFTS + 1)]).amin(0)
    least = apart.topk(k, largest=False)
    unheard = _UNHEARD * rows.shape[1] ** 0.5
    return Near(least.indices[:, 0], (least.values[:, 0] + unheard) / (least.values[:, -1] + unheard))


def copies(made: Near, unseen: Near) -> Copies:
    """Made clips as near to learnt clips as only 1 % of unseen ones are."""
    limit = float(unseen.ratio.double().quantile(ALLOWED, interpolation="lower"))
    shares = [float((near.ratio <= limit).float().mean()) for near in (made, unseen)]
    return Copies(shares[0], shares[1], len(unseen.ratio), limit, made)


def proven(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of n (Wilson, "Probable inference", 1927)."""
    z = 1.96
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def _moved(outlines: Tensor, by: int) -> Tensor:
    """Outlines (M, T, B) later by so many frames; the end is repeated where nothing is known."""
    if not by:
        return outlines
    padded = functional.pad(outlines.mT, (max(by, 0), max(-by, 0)), mode="replicate").mT
    return padded[:, : outlines.shape[1]] if by > 0 else padded[:, -outlines.shape[1] :]
