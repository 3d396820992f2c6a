"""A hidden Markov model a word, and one mixture of all frames for whatever is none of them.

Shapes: N clips, W words, T' frames of a clip, D numbers a frame.
Source: Rabiner 1989, "A tutorial on hidden Markov models and selected applications in speech recognition", section VI.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import InputError
from genapps.models import GMM, HMM
from genapps_audio.recognition.contrast import Contrast, learn_contrasts, verdicts

_LEARNT = 40_000  # frames that the filler is learnt from at most

Learnt = Callable[[int, int], None]  # words learnt so far, and of how many


@dataclass(frozen=True)
class Shape:
    """states: of a word at most. mixtures: normal distributions a state. floor: the least variance, as a share of all
    frames'. rounds: of expectation-maximization. filler: normal distributions of the filler."""

    states: int = 10
    mixtures: int = 2
    floor: float = 0.01
    rounds: int = 10
    filler: int = 64

    def to_json(self) -> dict[str, Any]:
        """The fields by name; `Shape(**json)` is the way back."""
        return asdict(self)


@dataclass(frozen=True)
class Words:
    """names: (W,). models: (W,) left-right chains. filler: of the frames of all words, in no order.

    durations: (W, 2) mean and deviation of the logarithm of a word's frames. contrasts: (W,) each against the others.
    """

    names: tuple[str, ...]
    models: tuple[HMM, ...]
    filler: GMM
    durations: Tensor
    contrasts: tuple[Contrast, ...]

    @torch.no_grad()
    def logs(self, frames: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Log-densities a frame, float64: of clips (T', D) by each word (N, W), and by the filler (N,); the verdicts of
        the contrasts (N, W)."""
        batch = Ragged.of(list(frames))
        each = torch.stack([model.log_prob(batch).values for model in self.models], 1)
        filled = self.filler.log_prob(batch.values).values.double()
        clip = torch.repeat_interleave(torch.arange(len(frames)), batch.lengths)
        total = torch.zeros(len(frames), dtype=torch.double).index_add_(0, clip, filled)
        against = verdicts(self.contrasts, self.models, batch)
        return each / batch.lengths[:, None], total / batch.lengths, against

    @torch.no_grad()
    def states(self, word: int, frames: Tensor) -> list[int]:
        """The most probable state of each frame (T',) where a word is said."""
        found: list[int] = self.models[word].predict([frames]).values.tolist()  # type: ignore[union-attr]
        return found


def learn_words(
    frames: Sequence[Tensor], labels: Sequence[int], names: Sequence[str], shape: Shape, seed: int, watch: Learnt
) -> Words:
    """Learn each word from its clips: frames (T', D) each, labels (N,) numbers of `names`."""
    models, durations = [], []
    for number in range(len(names)):
        own = [one for one, label in zip(frames, labels, strict=True) if label == number]
        models.append(_learn_word(own, shape, seed))
        logs = torch.tensor([float(len(one)) for one in own], dtype=torch.double).log()
        durations.append([float(logs.mean()), max(float(logs.std(correction=0)), 0.1)])
        watch(number + 1, len(names) + 1)
    everything = torch.cat(list(frames))
    if len(everything) > _LEARNT:
        order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(seed))
        everything = everything[order[:_LEARNT].sort().values]
    parts = max(1, min(shape.filler, len(everything) // 100))
    start = "k-means++"
    filler = GMM(
        parts, covariance_type="diag", max_iter=20, reg_covar=shape.floor, init_params=start, random_state=seed
    ).fit(everything)
    watch(len(names) + 1, len(names) + 1)
    contrasts = learn_contrasts(models, frames, labels)
    return Words(tuple(names), tuple(models), filler, torch.tensor(durations, dtype=torch.double), contrasts)


def _learn_word(own: Sequence[Tensor], shape: Shape, seed: int) -> HMM:
    """A chain with no more states than its shortest quarter of clips has frames for."""
    lengths = sorted(len(one) for one in own)
    steps, most = sum(lengths), lengths[len(lengths) // 4]
    states = max(2, min(shape.states, most // 2))
    mixtures = max(1, min(shape.mixtures, steps // (states * 50)))
    model = HMM(
        states,
        topology="left-right",
        n_mix=mixtures,
        min_covar=shape.floor,
        n_init=1,
        max_iter=shape.rounds,
        tol=1e-5,
        random_state=seed,
    )
    try:
        return model.fit(Ragged.of(list(own)))
    except InputError as error:
        raise InputError(f"the clips of a word cannot be learnt: {error}") from error
