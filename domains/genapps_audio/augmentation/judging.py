"""Whether variants are still recognised as what they are, and whether who learns from them recognises more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genapps_audio.augmentation.making import Behind, heard, variants
from genapps_audio.augmentation.rows import frame_length
from genapps_audio.augmentation.steps import TRANSFORMS, Step, drawn
from genapps_audio.records import Clip, Wave
from genapps_audio.signal.ragged import Bands, log_mels, mfccs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Tell = Callable[[str, int, int], None]

FEWEST_HELD = 20  # held-out clips below which nothing is said
_HELD = 4  # one clip, or group, of so many is held out
_MOST_TRIED = 300  # held-out clips that each transform is tried on
_LOST = 0.1  # share of recognised clips that a transform may cost
_HALVINGS = 2
_MOMENTS, _CEPSTRA, _BANDS = 16, 20, 40
_SPLITS, _MOST_SPLITS = 5, 10
_MOST_VARIANTS = 3_000
# 97.5 % points of Student's t of 1, 2, ... degrees of freedom
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


@dataclass(frozen=True)
class Trial:
    """One transform at one strength: the share of its variants, and of the clips themselves, that is recognised."""

    transform: str
    strength: float
    variants: float
    originals: float
    n: int
    kept: bool

    def line(self) -> str:
        """For a person."""
        told = f"{100 * self.variants:.0f} % of its variants recognised, {100 * self.originals:.0f} % of the clips"
        return f"{self.transform} at {self.strength:g}: {told}{'' if self.kept else '; too strong'}"


@dataclass(frozen=True)
class Gain:
    """Accuracy on held-out clips of who learns from clips alone, and from clips and variants, split by split.

    low, high: of the gain in 95 of 100 cases, by the variance of Nadeau and Bengio (2003), which takes into account
    that splits share clips.
    """

    alone: list[float]
    augmented: list[float]
    held: int
    learnt: int
    variants: int
    groups: int
    gain: float = field(default=0.0)
    low: float = field(default=0.0)
    high: float = field(default=0.0)

    @classmethod
    def of(cls, alone: list[float], augmented: list[float], held: int, learnt: int, made: int, groups: int) -> Gain:
        """With its interval."""
        more = np.array(augmented) - np.array(alone)
        spread = math.sqrt((1 / len(more) + held / max(1, learnt)) * float(more.var(ddof=1))) if len(more) > 1 else 1.0
        wide = _STUDENT[min(len(more) - 1, len(_STUDENT)) - 1] * spread if len(more) > 1 else 1.0
        gain = float(more.mean())
        return cls(alone, augmented, held, learnt, made, groups, gain, gain - wide, gain + wide)

    @property
    def verdict(self) -> str:
        """helps, hurts or unsure."""
        return "helps" if self.low > 0 else "hurts" if self.high < 0 else "unsure"

    def line(self) -> str:
        """For a person."""
        word = {"helps": "variants help", "hurts": "variants hurt", "unsure": "no gain that is sure"}[self.verdict]
        return (
            f"{word}: {100 * self.gain:+.1f} points ({100 * self.low:+.1f} to {100 * self.high:+.1f}), "
            f"{100 * np.mean(self.alone):.1f} % to {100 * np.mean(self.augmented):.1f} % of held-out clips"
        )

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {**asdict(self), "verdict": self.verdict}


def features(waves: Sequence[Wave], rate: int) -> Floats:
    """(N, 401) of waves (T,): cepstra at 16 moments less their mean, mean and spread of bands, the length.

    Loudness makes no difference.
    """
    n_fft = frame_length(rate)
    bands = Bands(rate, n_fft, n_fft // 2, _BANDS)
    rows = []
    for log_mel, cepstra in zip(log_mels(waves, bands), mfccs(waves, bands, _CEPSTRA), strict=True):
        moments = torch.nn.functional.interpolate(cepstra[None], _MOMENTS, mode="linear", align_corners=True)[0]
        moments = moments - moments.mean(1, keepdim=True)
        mean, spread = log_mel.mean(1), log_mel.std(1, correction=0)
        length = torch.tensor([math.log(max(log_mel.shape[1], 1))])
        rows.append(torch.cat([moments.flatten(), mean - mean.mean(), spread, length]))
    return torch.stack(rows).double().numpy()


class Judge:
    """Names clips by a support vector machine over their features (Cortes and Vapnik 1995)."""

    def __init__(self, rows: Floats, labels: Ints) -> None:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        self.model = make_pipeline(StandardScaler(), SVC(C=10.0))
        self.model.fit(rows, labels)

    def names(self, rows: Floats) -> Ints:
        """(N,) the class of each."""
        found: Ints = self.model.predict(rows)
        return found

    def accuracy(self, rows: Floats, labels: Ints) -> float:
        """The share that is named rightly."""
        return float(np.mean(self.names(rows) == labels))


@dataclass(frozen=True)
class Study:
    """Clips that are judged by. labels, groups: (N,) numbers; clips of one group, such as a speaker, stay together."""

    clips: list[Clip]
    labels: Ints
    groups: Ints | None
    rate: int
    seed: int

    def split(self, turn: int) -> tuple[Ints, Ints]:
        """Clips to learn from and clips held out; another turn gives another split. Nothing held out if none can be."""
        chance = np.random.default_rng([self.seed, 77, turn])
        held = np.zeros(len(self.labels), bool)
        if self.groups is not None:
            names = np.unique(self.groups)
            if len(names) > 1:  # each group is held out once before any is a second time
                order = np.random.default_rng([self.seed, 78]).permutation(names)
                count = 1 if len(names) <= _MOST_SPLITS else len(names) // _HELD
                held = np.isin(self.groups, [order[(turn * count + k) % len(names)] for k in range(count)])
        else:
            for label in np.unique(self.labels):
                rows = np.flatnonzero(self.labels == label)
                held[chance.permutation(rows)[: len(rows) // _HELD]] = True
        known = np.isin(self.labels, self.labels[~held])
        return np.flatnonzero(~held), np.flatnonzero(held & known)

    @property
    def judgeable(self) -> bool:
        """Whether there are classes, and clips enough to hold some out."""
        learn, held = self.split(0)
        return len(np.unique(self.labels[learn])) > 1 and len(held) >= FEWEST_HELD


def preserved(
    study: Study, strengths: dict[str, float], behind: Behind, tell: Tell
) -> tuple[dict[str, float], list[Trial]]:
    """Strengths at which labels hold, and what was tried.

    A judge that learnt from other clips names variants of held-out ones. A transform that costs more than a tenth of
    what it names rightly, beyond chance, is turned down by half, twice at most, and then left out. The judge knows
    clean clips only, so what it no longer names may still be plain to a person: the check errs towards caution.
    """
    parts = _judges(study)
    originals = float(np.mean([hit for part in parts for hit in part.hits(part.clips)]))
    count = sum(len(part.clips) for part in parts)
    margin = max(_LOST, 2 * math.sqrt(max(originals * (1 - originals), 0.01) / count))
    kept: dict[str, float] = {}
    trials: list[Trial] = []
    for done, (name, strength) in enumerate(strengths.items()):
        tell("trying transforms", done, len(strengths))
        for halving in range(_HALVINGS + 1):
            own = strength / 2**halving
            key = (study.seed, 80, done)
            hits = [part.hits(_variants_of(part.clips, part.numbers, {name: own}, behind, key)) for part in parts]
            reached = float(np.mean(np.concatenate(hits)))
            trials.append(Trial(name, own, reached, originals, count, reached >= originals - margin))
            if trials[-1].kept:
                kept[name] = own
                break
    return kept, trials


@dataclass(frozen=True)
class _Part:
    """Clips held out in one split, and a judge that learnt from the others."""

    judge: Judge
    clips: list[Clip]
    numbers: Ints
    labels: Ints
    rate: int

    def hits(self, clips: Sequence[Clip]) -> NDArray[np.bool_]:
        """(N,) whether each of these clips, or variants of them, is named rightly."""
        right: NDArray[np.bool_] = self.judge.names(features(heard(clips, self.rate), self.rate)) == self.labels
        return right


def _judges(study: Study) -> list[_Part]:
    """Splits with different clips held out, until there are enough of these."""
    rows = features(heard(study.clips, study.rate), study.rate)
    found: list[_Part] = []
    seen: set[int] = set()
    for turn in range(_HELD):
        learn, held = study.split(turn)
        held = np.array([i for i in held.tolist() if i not in seen], np.int64)[: _MOST_TRIED - len(seen)]
        if len(held):
            seen |= set(held.tolist())
            judge = Judge(rows[learn], study.labels[learn])
            found.append(_Part(judge, [study.clips[i] for i in held], held, study.labels[held], study.rate))
        if len(seen) >= _MOST_TRIED // 2:
            break
    return found


def measured(study: Study, strengths: dict[str, float], behind: Behind, tell: Tell, *, copies: int = 2) -> Gain:
    """What a judge gains from variants of the clips that it learns from, on clips held out; a mean over splits.

    Where there are groups, up to ten, each is held out once; else there are five splits.
    """
    turns = _SPLITS if study.groups is None else min(_MOST_SPLITS, len(np.unique(study.groups)))
    copies = max(1, min(copies, _MOST_VARIANTS // max(1, len(study.clips))))
    own = features(heard(study.clips, study.rate), study.rate)
    numbers = np.arange(len(study.clips))
    more = []
    for copy in range(copies):
        tell("measuring the gain", copy, copies + turns)
        made = _variants_of(study.clips, numbers, strengths, behind, (study.seed, 81, copy))
        more.append(features(heard(made, study.rate), study.rate))
    alone, augmented, sizes = [], [], []
    for turn in range(turns):
        tell("measuring the gain", copies + turn, copies + turns)
        learn, held = study.split(turn)
        sizes.append((len(held), len(learn)))
        labels = study.labels[learn]
        alone.append(Judge(own[learn], labels).accuracy(own[held], study.labels[held]))
        both = np.concatenate([own[learn], *(part[learn] for part in more)])
        judge = Judge(both, np.tile(labels, copies + 1))
        augmented.append(judge.accuracy(own[held], study.labels[held]))
    held_mean, learnt_mean = (round(float(np.mean(column))) for column in zip(*sizes, strict=True))
    groups = 0 if study.groups is None else len(np.unique(study.groups))
    return Gain.of(alone, augmented, held_mean, learnt_mean, learnt_mean * copies, groups)


def _variants_of(
    clips: Sequence[Clip], numbers: Ints, strengths: dict[str, float], behind: Behind, key: tuple[int, ...]
) -> list[Clip]:
    """One variant of each clip."""
    steps: list[tuple[Step, ...]] = []
    for clip, number in zip(clips, numbers.tolist(), strict=True):
        chance = np.random.default_rng([*key, number])
        steps.append(drawn(strengths, chance, clip.rate, behind.at(clip.rate)))
    made = variants(clips, steps, behind)
    return [Clip(clip.name, one.wave, clip.rate, clip.label) for clip, one in zip(clips, made, strict=True)]


def what(name: str) -> str:
    """What a transform does, in a few words."""
    return TRANSFORMS[name].what
