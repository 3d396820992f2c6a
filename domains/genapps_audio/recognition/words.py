"""A hidden Markov model a word, and a mixture of its frames in no order, which together stand for whatever is no word.

Shapes: N clips, W words, T' frames of a clip, D numbers a frame.
Source: Rabiner 1989, "A tutorial on hidden Markov models and selected applications in speech recognition", section VI.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from genapps.batches import Ragged
from genapps.errors import InputError
from genapps.models import GMM, HMM
from genapps_audio.recognition.contrast import Contrast, learn_contrasts, verdicts

_LEARNT = 8_000  # frames that a bag is learnt from at most

Learnt = Callable[[int, int], None]  # words learnt so far, and of how many


@dataclass(frozen=True)
class Shape:
    """states: of a word at most. mixtures: normal distributions a state. floor: the least variance, as a share of all
    frames'. rounds: of expectation-maximization. bag: normal distributions of a word's frames in no order."""

    states: int = 10
    mixtures: int = 2
    floor: float = 0.01
    rounds: int = 10
    bag: int = 8

    def to_json(self) -> dict[str, Any]:
        """The fields by name; `Shape(**json)` is the way back."""
        return asdict(self)


@dataclass(frozen=True)
class Words:
    """names: (W,). models: (W,) left-right chains. bags: (W,) of the frames of each word, in no order.

    durations: (W, 2) mean and deviation of the logarithm of a word's frames. contrasts: (W,) each against the others.
    """

    names: tuple[str, ...]
    models: tuple[HMM, ...]
    bags: tuple[GMM, ...]
    durations: Tensor
    contrasts: tuple[Contrast, ...]

    @torch.no_grad()
    def logs(self, batch: Ragged) -> Tensor:
        """(N, W) log-densities a frame, float64, of clips (T', D) by each word."""
        each = torch.stack([model.log_prob(batch).values for model in self.models], 1)
        return each / batch.lengths[:, None]

    @torch.no_grad()
    def filled(self, batch: Ragged) -> Tensor:
        """(N, 1 + W) log-densities a frame where each frame may be of any word: of all words, and of all but each."""
        each = torch.stack([bag.log_prob(batch.values).values.double() for bag in self.bags], 1)
        count = each.shape[1]
        apart = each[:, None].expand(-1, count, -1).masked_fill(torch.eye(count, dtype=torch.bool), -math.inf)
        steps = torch.cat([each.logsumexp(1, keepdim=True) - math.log(count), apart.logsumexp(2)], 1)
        steps[:, 1:] -= math.log(max(count - 1, 1))
        clip = torch.repeat_interleave(torch.arange(len(batch)), batch.lengths)
        total = torch.zeros(len(batch), count + 1, dtype=torch.double).index_add_(0, clip, steps)
        return total / batch.lengths[:, None]

    def against(self, batch: Ragged) -> Tensor:
        """(N, W) the verdicts of the contrasts."""
        return verdicts(self.contrasts, self.models, batch)

    @torch.no_grad()
    def states(self, word: int, frames: Tensor) -> list[int]:
        """The most probable state of each frame (T',) where a word is said."""
        found: list[int] = self.models[word].predict([frames]).values.tolist()  # type: ignore[union-attr]
        return found


def learn_words(
    frames: Sequence[Tensor], labels: Sequence[int], names: Sequence[str], shape: Shape, seed: int, watch: Learnt
) -> Words:
    """Learn each word from its clips: frames (T', D) each, labels (N,) numbers of `names`."""
    models, bags, durations = [], [], []
    for number in range(len(names)):
        own = [one for one, label in zip(frames, labels, strict=True) if label == number]
        models.append(_learn_word(own, shape, seed))
        bags.append(_learn_bag(torch.cat(own), shape, seed))
        logs = torch.tensor([float(len(one)) for one in own], dtype=torch.double).log()
        durations.append([float(logs.mean()), max(float(logs.std(correction=0)), 0.1)])
        watch(number + 1, len(names) + 1)
    contrasts = learn_contrasts(models, frames, labels)
    watch(len(names) + 1, len(names) + 1)
    lengths = torch.tensor(durations, dtype=torch.double)
    return Words(tuple(names), tuple(models), tuple(bags), lengths, contrasts)


def _learn_bag(frames: Tensor, shape: Shape, seed: int) -> GMM:
    if len(frames) > _LEARNT:
        order = torch.randperm(len(frames), generator=torch.Generator().manual_seed(seed))
        frames = frames[order[:_LEARNT].sort().values]
    parts = max(1, min(shape.bag, len(frames) // 100))
    return GMM(
        parts,
        covariance_type="diag",
        max_iter=20,
        reg_covar=shape.floor,
        init_params="k-means++",
        random_state=seed,
    ).fit(frames)


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
