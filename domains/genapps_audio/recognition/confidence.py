"""How sure a word may be, and what is none of the words: both by clips that the models had not learnt.

Shapes: N clips, W words. Log-densities are a frame's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genapps.anomaly import conformal_p, needed_length
from genapps.batches import Ragged
from genapps.metrics.distributions import Floats
from genapps_audio.recognition.contrast import SHARE
from genapps_audio.recognition.words import Words

SIGNS = (
    "unlike any word",
    "between words",
    "of unusual length",
    "unlike all that was learnt",
    "frames that do not follow each other as those of words do",
    "steadier, or more restless, than words",
)
_FAR = 3.0  # deviations of the last three, beyond which they count more and more
_STEEP = torch.tensor([1.0, 3.0, 3.0], dtype=torch.double)  # how much more for each
_STILL = 1e-6  # variance of a clip whose frames are all the same
_APART = 3  # frames that share no sample, as windows overlap
_STEPS = 100  # of the fit of weights
_RIDGE = 1e-2


@dataclass(frozen=True)
class Scores:
    """What models said of clips. words: (N, W) log-densities; filled: (N,) those of any words' frames in any
    order, others: (N, W) of the frames of all words but one. lengths: (N,) frames. verdicts: (N, W)
    of each word against the others. flow: (N,) the correlation of cepstra 30 ms apart.
    motion: (N,) the logarithm of their variance within the clip."""

    words: Tensor
    filled: Tensor
    others: Tensor
    lengths: Tensor
    verdicts: Tensor
    flow: Tensor
    motion: Tensor

    @classmethod
    def of(cls, words: Words, frames: Sequence[Tensor]) -> Scores:
        """Of clips of frames (T', D)."""
        batch = Ragged.of(list(frames))
        filled, cepstra = words.filled(batch), [one[:, : one.shape[1] // 3].double() for one in frames]
        return cls(
            words.logs(batch),
            filled[:, 0],
            filled[:, 1:],
            batch.lengths,
            words.against(batch),
            torch.stack([_flow(one) for one in cepstra]),
            torch.stack([one.var(0, correction=0).mean().clamp_min(_STILL).log() for one in cepstra]),
        )

    @property
    def both(self) -> Tensor:
        """(N, W) what a word is named by: log-densities and verdicts. What is none of the words is told by the former
        alone, as the latter know no other words than those that were learnt."""
        return self.words + SHARE * self.verdicts

    def without(self, labels: Tensor) -> Scores:
        """As if the word (N,) of each clip had never been learnt."""
        words = self.words.scatter(1, labels[:, None], -math.inf)
        return replace(self, words=words, filled=self.others.gather(1, labels[:, None])[:, 0])

    def take(self, rows: Tensor) -> Scores:
        """Those of these numbers."""
        return Scores(*(getattr(self, one.name)[rows] for one in fields(self)))


def joined(parts: Sequence[Scores]) -> Scores:
    """The clips of several, one after the other."""
    return Scores(*(torch.cat([getattr(one, name.name) for one in parts]) for name in fields(Scores)))


def signs(scores: Scores, durations: Tensor) -> Tensor:
    """(N, 6) of each clip, higher is stranger: how little better the best word is than any words' frames in any order,
    how little better than words on the average, how far its length is from the best word's in deviations; how unlikely
    it is by any; its flow and motion, of which too little is as strange as too much.

    The average of words stands for what a voice does to any word (cohort normalisation, Rosenberg et al. 1992, "The use
    of cohort normalized scores for speaker verification"): with voices that were held out it tells words that were not
    learnt better than the second word alone does, which is near for words that sound alike, too.
    """
    best, word = scores.words.max(1)
    known = scores.words.isfinite()
    average = scores.words.where(known, torch.zeros(())).sum(1) / known.sum(1)
    mean, deviation = durations[word].unbind(1)
    off = (scores.lengths.double().log() - mean).abs() / deviation
    found = (scores.filled - best, average - best, off.clamp_max(6.0), -best, scores.flow, scores.motion)
    return torch.stack(found, 1)


def _flow(cepstra: Tensor) -> Tensor:
    """The correlation of cepstra (T', C) with those a few frames on: near 0 of steady noise, whose frames differ by
    chance alone."""
    off = cepstra - cepstra.mean(0)
    return (off[_APART:] * off[:-_APART]).sum() / off.square().sum().clamp_min(1e-9)


@dataclass(frozen=True)
class Confidence:
    """How strange a clip may be, and how sure a word.

    heat: what log-densities are divided by to be chances. weights: (4,) of the first signs. typical: (6,) signs of
    known words; spread: (3,) how much the last of them vary. reference: (R,) how strange clips of known words are,
    ascending, to models that had not learnt them. rate: of them that may be rejected.
    """

    heat: float
    weights: Tensor
    typical: Tensor
    spread: Tensor
    reference: Floats
    rate: float

    def chances(self, scores: Scores) -> Tensor:
        """(N, W) how likely each word is, if it is one of them."""
        return (scores.both / self.heat).softmax(1)

    def strangeness(self, signs_of: Tensor) -> Floats:
        """(N,) how unlike all words clips of signs (N, 6) are."""
        found: Floats = _strange(signs_of, self.weights, self.typical, self.spread).numpy()
        return found

    def p(self, strangeness: Floats) -> Floats:
        """(N,) the share of clips of known words that are as strange."""
        return conformal_p(self.reference, strangeness)

    @property
    def possible(self) -> bool:
        """Whether so many clips were held out that the rate can be promised."""
        return len(self.reference) >= needed_length(self.rate)

    @property
    def threshold(self) -> float:
        """Above which a clip is rejected; infinite where nothing can be promised."""
        allowed = math.floor(self.rate * (len(self.reference) + 1) + 1e-9)
        return float(self.reference[-allowed]) if allowed else math.inf

    def reason(self, signs_of: Tensor) -> str:
        """Which of a rejected clip's signs (6,) speaks most against it."""
        weighed, far = _parts(signs_of, self.weights, self.typical, self.spread)
        weighed[3] += far[0]
        return SIGNS[int(torch.cat([weighed, far[1:]]).argmax())]

    def to_json(self) -> dict[str, Any]:
        """For a model file."""
        return {
            "heat": self.heat,
            "weights": self.weights.tolist(),
            "typical": self.typical.tolist(),
            "spread": self.spread.tolist(),
            "reference": self.reference.tolist(),
            "rate": self.rate,
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Confidence:
        """The inverse of `to_json`."""
        names = {"weights": 4, "typical": 6, "spread": 3}
        weights, typical, spread = (torch.tensor(told[name], dtype=torch.double) for name in names)
        if [len(one) for one in (weights, typical, spread)] != list(names.values()):
            raise ValueError("signs that do not fit")
        reference = np.asarray(told["reference"], np.float64)
        return cls(float(told["heat"]), weights, typical, spread, reference, float(told["rate"]))


def _strange(signs_of: Tensor, weights: Tensor, typical: Tensor, spread: Tensor) -> Tensor:
    weighed, far = _parts(signs_of, weights, typical, spread)
    return weighed.sum(-1) + far.sum(-1)


def _parts(signs_of: Tensor, weights: Tensor, typical: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """What the first signs (..., 4) and the last (..., 3) add.

    The last are of clips that resemble nothing: the bags find these as unlikely as the words do, so that what is
    better than the bags says nothing of them; steady noise and tones are near their own mean, beside which frames are
    measured, and so are likelier than any word. No word that is taken away stands for such clips: what lies far from
    known words counts as it is, on either side.
    """
    off = signs_of - typical
    return off[..., :4] * weights, _STEEP * ((off[..., 3:] / spread).abs() - _FAR).clamp_min(0)


def calibrated(held: Scores, labels: Tensor, known: Tensor, unknown: Tensor, rate: float) -> Confidence:
    """What held-out clips of known words (N,) say.

    known: (N, 6) their signs. unknown: the same as if each clip's own word had not been learnt: the weights are those
    that tell the two apart best, so that nothing unknown need be given. Of two words, taking one away leaves nothing
    to compare: then the signs count alike.
    """
    typical = known.median(0).values
    spread = 1.4826 * (known[:, 3:] - typical[3:]).abs().median(0).values.clamp_min(1e-6)
    weighed = known[:, :4]
    weights = 1 / weighed.std(0, correction=0).clamp_min(1e-9)
    if held.words.shape[1] > 2:
        weights = told_apart(weighed, unknown[:, :4])
    weights = weights / float((weighed @ weights).std(correction=0).clamp_min(1e-9))
    strange = np.sort(_strange(known, weights, typical, spread).numpy())
    return Confidence(fitted_heat(held.both, labels), weights, typical, spread, strange, rate)


def fitted_heat(logs: Tensor, labels: Tensor) -> float:
    """The temperature at which labels (N,) are least surprising given log-densities (N, W) (Guo et al. 2017, "On
    calibration of modern neural networks", section 4.2), one clip of any word alike counted among them."""
    heats = torch.logspace(-2, 2, 300, dtype=torch.double)
    chances = torch.stack([(logs / heat).log_softmax(1) for heat in heats])
    own = chances[:, torch.arange(len(labels)), labels].sum(1)
    return float(heats[(own + chances.mean((1, 2))).argmax()])


def told_apart(known: Tensor, unknown: Tensor) -> Tensor:
    """(F,) weights, none below 0, by which signs (N, F) of unknown clips are told from those of known ones.

    Logistic regression with a small ridge, by Newton's method on standardized signs.
    """
    both = torch.cat([known, unknown])
    target = torch.cat([torch.zeros(len(known)), torch.ones(len(unknown))]).double()
    deviation = both.std(0, correction=0).clamp_min(1e-9)
    rows = torch.cat([(both - both.mean(0)) / deviation, torch.ones(len(both), 1).double()], 1)
    ridge = _RIDGE * len(both) * torch.eye(rows.shape[1]).double()
    ridge[-1, -1] = 1e-9
    weights = torch.zeros(rows.shape[1]).double()
    for _ in range(_STEPS):
        chance = (rows @ weights).sigmoid()
        gradient = rows.T @ (chance - target) + ridge @ weights
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + ridge
        step = torch.linalg.solve(curve, gradient)
        weights = weights - step
        if float(step.abs().max()) < 1e-8:
            break
    found: Tensor = weights[:-1].clamp_min(0) / deviation
    return found if float(found.sum()) > 0 else 1 / deviation
