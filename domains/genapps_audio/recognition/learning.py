"""Words out of clips, and how well they are told by models that had not learnt the clip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genapps.anomaly import conformal_p, needed_length
from genapps_audio.recognition.confidence import Confidence, Scores, calibrated, joined, signs
from genapps_audio.recognition.front import Front, Usual
from genapps_audio.recognition.holding import folds
from genapps_audio.recognition.words import Shape, Words, learn_words
from genapps_audio.records import Wave

Watch = Callable[[str, int, int], None]
RATE = 0.05  # of known words that may be rejected, if nobody asks for another


@dataclass(frozen=True)
class Settings:
    """How words are learnt. usual: as how many frames of a clip the usual mean counts. rate: of known words that may
    be rejected; None for a twentieth, or the least that so few clips can promise."""

    shape: Shape = field(default_factory=Shape)
    usual: float = 60.0
    rate: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Held:
    """Clips of known words beside what was made of them by models that had not learnt them.

    rows: (n,) numbers of the clips. labels: (n,) of words. scores: what the models said. known, unknown: (n, 6) signs,
    as they are and as if the clip's word had not been learnt. voices: whether whole voices were held out, and how many.
    """

    rows: Tensor
    labels: Tensor
    scores: Scores
    known: Tensor
    unknown: Tensor
    voices: int

    @property
    def named(self) -> Tensor:
        """(n,) the likeliest word of each."""
        return self.scores.both.argmax(1)


@dataclass(frozen=True)
class Learnt:
    """usual: what frames are like. words: their models. confidence: None where no clip could be held out."""

    usual: Usual
    words: Words
    confidence: Confidence | None
    held: Held | None


def learn(
    waves: Sequence[Wave],
    labels: Sequence[int],
    names: Sequence[str],
    voices: Sequence[str] | None,
    front: Front,
    settings: Settings,
    watch: Watch,
) -> Learnt:
    """Learn words from waves (N,) of one rate with labels (N,), numbers of `names`; voices (N,) of who speaks."""
    frames = front.frames(waves)
    held = hold_out(frames, labels, names, voices, settings, watch)
    usual, words = fit(frames, labels, names, settings, lambda done, total: watch("words", done, total))
    sure = None
    if held is not None:
        rate = settings.rate or min(max(RATE, 1 / (len(held.rows) + 1)), 0.5)
        sure = calibrated(held.scores, held.labels, held.known, held.unknown, rate)
    return Learnt(usual, words, sure, held)


def fit(
    frames: Sequence[Tensor],
    labels: Sequence[int],
    names: Sequence[str],
    settings: Settings,
    watch: Callable[[int, int], None] = lambda *_: None,
) -> tuple[Usual, Words]:
    """What frames (T', D) of clips are usually like, and the models of their words."""
    usual = Usual.of(frames, settings.usual)
    return usual, learn_words(usual.apply(frames), labels, names, settings.shape, settings.seed, watch)


def hold_out(
    frames: Sequence[Tensor],
    labels: Sequence[int],
    names: Sequence[str],
    voices: Sequence[str] | None,
    settings: Settings,
    watch: Watch,
) -> Held | None:
    """Each part of the clips judged by what was learnt from the others; None where clips are too few."""
    parts = folds(labels, voices, settings.seed)
    if not parts:
        return None
    rows, scores, known, unknown = [], [], [], []
    for number, held in enumerate(parts):
        out = set(held)
        rest = [i for i in range(len(frames)) if i not in out]
        usual, words = fit([frames[i] for i in rest], [labels[i] for i in rest], names, settings)
        said = Scores.of(words, usual.apply([frames[i] for i in held]))
        own = torch.tensor([labels[i] for i in held])
        rows += held
        scores.append(said)
        known.append(signs(said, words.durations))
        unknown.append(signs(said.without(own), words.durations))
        watch("held-out clips", number + 1, len(parts))
    whole = len(set(voices or ()) - {""})
    return Held(
        torch.tensor(rows),
        torch.tensor([labels[i] for i in rows]),
        joined(scores),
        torch.cat(known),
        torch.cat(unknown),
        whole if whole > 1 else 0,
    )


def kept(strangeness: Sequence[float] | Tensor, parts: Sequence[int] | Tensor, rate: float) -> float | None:
    """The share of known clips (n,) that is rejected where those of one half of `parts` (n,) judge the other half."""
    values, halves = torch.as_tensor(strangeness).double(), torch.as_tensor(parts) % 2
    first, second = values[halves == 0].numpy(), values[halves == 1].numpy()
    if min(len(first), len(second)) < needed_length(rate):
        return None
    share = [float((conformal_p(a, b) <= rate).mean()) for a, b in ((first, second), (second, first))]
    return math.fsum(share) / 2
