"""What the engines of sequences share: training and scoring in groups of like length, and drawing with a cache."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from genapps.batches import Ragged, as_batch
from genapps.errors import InputError, UsageError
from genapps.models.autoregressive.learning import NetworkEngine
from genapps.models.base import Job
from genapps.nets.sequences import SequenceNet
from genapps.spaces import Constraint
from genapps.training import Recipe
from genapps.training.device import products

_STEPS_AT_ONCE = 16_384  # steps, padding included, that go through the network together
_ROWS_AT_ONCE = 1024
_LONGEST = 65_536


@dataclass(frozen=True)
class SequenceConfig:
    """The network's shape."""

    hidden: int = field(default=128, metadata={"help": "width of the network", "least": 2})
    architecture: Literal["gru", "transformer"] = field(
        default="gru",
        metadata={"help": "gru: fast, whatever the length; transformer: better on long and many sequences"},
    )
    layers: int = field(default=2, metadata={"help": "layers of the network", "least": 1})
    heads: int = field(default=4, metadata={"help": "heads of a transformer's attention", "least": 1})
    dropout: float = field(
        default=0.1, metadata={"help": "share of entries switched off in training", "least": 0, "below": 1}
    )


class SequenceEngine(NetworkEngine):
    """An engine of sequences; a subclass says what a step is."""

    network: SequenceNet

    def __init__(self, space: Any, config: Any) -> None:
        if config.architecture not in ("gru", "transformer"):
            raise UsageError(f"architecture is {config.architecture!r}, but must be gru or transformer")
        if config.architecture == "transformer" and config.hidden % (2 * config.heads):
            raise UsageError(f"hidden ({config.hidden}) must be a multiple of 2 x heads ({config.heads})")
        if space.longest > _LONGEST:
            raise UsageError(f"sequences of {space.longest} steps are too long; cut them into windows below {_LONGEST}")
        super().__init__(space, config)

    # -- what an engine says of its steps ------------------------------------------------------------------------------

    @abstractmethod
    def inside(self, values: Tensor) -> Tensor:
        """Steps of a batch as the network and the likelihood take them; unknown ones stay unknown."""

    @abstractmethod
    def features(self, inside: Tensor) -> Tensor:
        """What the network reads of padded steps (B, T, ...)."""

    @abstractmethod
    def terms(self, outputs: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Log-probability (B, T + 1) of each step of padded sequences and of their ends, under outputs (B, T + 1, O).

        It is 0 after the end.
        """

    @abstractmethod
    def draw(self, outputs: Tensor, may_end: Tensor, must_end: Tensor, how: Drawing) -> tuple[Tensor, Tensor]:
        """The next step (B, ...) and whether the sequence ends instead (B,), from outputs (B, O)."""

    @abstractmethod
    def outside(self, inside: Tensor) -> Tensor:
        """The inverse of `inside`."""

    def groups(self, lengths: Tensor) -> Iterator[Tensor]:
        """Row numbers of the sequences that go through the network together."""
        return by_length(lengths)

    # -- learning and scoring ------------------------------------------------------------------------------------------

    def fit(self, data: Ragged, validation: Ragged | None, job: Job) -> None:
        """Learn from sequences. Raises InputError for one that is longer than the space has."""
        for batch in (data, validation):
            if batch is not None and int(batch.lengths.max()) > self.space.longest:
                raise InputError(
                    f"a sequence of {int(batch.lengths.max())} steps where {self.space.longest} are the most"
                )
        super().fit(data, validation, job)

    def loss(
        self, data: Ragged, labels: Tensor, draws: torch.Generator, recipe: Recipe, device: torch.device
    ) -> Tensor:
        """Mean negative log-likelihood of a batch of sequences, in nats a sequence.

        Groups of like length go through the network one after the other; where there are several, their gradients are
        summed here and the returned loss has none.
        """
        dropout = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
        groups = list(self.groups(data.lengths))
        total = torch.zeros(())
        for rows in groups:
            inside, mask = self._padded(data.take(rows), device)
            with products(recipe.precision, device):
                outputs = self.network(self.features(inside), labels[rows].to(device), None, dropout)
            loss = -self.terms(outputs.float(), inside, mask).sum() / len(data)
            if len(groups) == 1:
                return loss
            loss.backward()
            total += loss.detach().cpu()
        return total

    @torch.no_grad()
    def row_log_prob(self, data: Ragged, labels: Tensor) -> Tensor:
        """Log-probability (N,), float64, of sequences of classes (N,); -inf where one is longer than the space has."""
        device = self.network.begin.device
        found = torch.full((len(data),), -torch.inf, dtype=torch.double)
        possible = (data.lengths <= self.space.longest).nonzero()[:, 0]
        for group in self.groups(data.lengths[possible]):
            rows = possible[group]
            inside, mask = self._padded(data.take(rows), device)
            outputs = self.network(self.features(inside), labels[rows].to(device))
            found[rows] = self.terms(outputs, inside, mask).double().sum(1).cpu()
        return found

    @torch.no_grad()
    def step_log_prob(self, data: Ragged, generator: torch.Generator) -> Ragged:
        """Exact log-probability of each step given those before it, and last of the end: sequences of (T + 1,).

        Where classes were learnt it is that under their mixture. Raises InputError where one is longer than the space
        has.
        """
        if len(data) and int(data.lengths.max()) > self.space.longest:
            raise InputError(f"a sequence of {int(data.lengths.max())} steps where {self.space.longest} are the most")
        found = [torch.zeros(0)] * len(data)
        there = self.shares.nonzero()[:, 0]
        for rows in self.groups(data.lengths):
            inside, mask = self._padded(data.take(rows), torch.device("cpu"))
            features = self.features(inside)
            terms = torch.stack(
                [self.terms(self.network(features, c.expand(len(rows))), inside, mask) for c in there]
            ).double()
            if len(there) > 1:  # the classes' probabilities given the steps so far change from step to step
                so_far = torch.cat([torch.zeros_like(terms[..., :1]), terms.cumsum(-1)], -1)
                terms = torch.logsumexp(so_far + self.shares[there].log()[:, None, None], 0).diff(dim=-1)[None]
            for row, steps, length in zip(rows.tolist(), terms[0], mask.sum(1).tolist(), strict=True):
                found[row] = steps[: length + 1]
        return Ragged(torch.cat([torch.zeros(0, dtype=torch.double), *found]), data.lengths + 1)

    @torch.no_grad()
    def transform(self, data: Ragged) -> Tensor:
        """Features (N, hidden): the mean over its steps of what the network knows of a sequence of the usual class."""
        found = torch.zeros(len(data), self.config.hidden)
        usual = self.shares.argmax()
        for rows in self.groups(data.lengths):
            inside, mask = self._padded(data.take(rows), torch.device("cpu"))
            hidden = self.network.hidden(self.features(inside), usual.expand(len(rows)))[:, 1:]
            found[rows] = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp_min(1)
        return found

    def _padded(self, data: Ragged, device: torch.device) -> tuple[Tensor, Tensor]:
        inside, mask = Ragged(self.inside(data.values), data.lengths).padded()
        return inside.to(device), mask.to(device)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw_sequences(
        self, n: int, given: Sequence[Constraint], labels: Tensor | None, prompt: Any, length: Any, how: Drawing
    ) -> Ragged:
        """n sequences that begin with the prompt and have the length, where these are not None."""
        if given:
            raise UsageError("sequences take no conditions on variables; use prompt or length")
        classes = self.classes_for(n, labels, how.generator)
        prompts = self._prompts(prompt, n)
        lengths = self._lengths(length, prompts)
        most = int(lengths.max()) if n else 0
        chunk = max(1, min(_ROWS_AT_ONCE, _STEPS_AT_ONCE * 16 // (most + 1)))
        parts = [
            self._draw(prompts.take(rows), lengths[rows], length is not None, classes[rows], how)
            for rows in torch.arange(n).split(chunk)
            if len(rows)
        ]
        values = torch.cat([prompts.values[:0], *(part.values for part in parts)])
        counts = torch.cat([prompts.lengths[:0], *(part.lengths for part in parts)])
        return Ragged(self.outside(values), counts)

    def _draw(self, prompts: Ragged, lengths: Tensor, exact: bool, classes: Tensor, how: Drawing) -> Ragged:
        """One chunk: lengths (B,) are where sequences must end; they may end earlier unless these are exact."""
        rows, most = len(prompts), int(lengths.max())
        told, _ = prompts.padded()
        cache = self.network.trunk.cache(rows, most + 1)
        begin = int(prompts.lengths.min())  # what all of them begin with is read at once
        outputs = self.network(self.features(told[:, :begin]), classes, cache)[:, -1]
        how.start(rows, told[:, :begin], exact)
        drawn = told.new_zeros(rows, most, *told.shape[2:])
        drawn[:, :begin] = told[:, :begin]
        ends = lengths.clone()
        held = torch.arange(rows)  # the rows in the cache, and which of them go on
        live = torch.ones(rows, dtype=torch.bool)
        for t in range(begin, most + 1):
            now = held[live]
            said, must_end = prompts.lengths[now] > t, lengths[now] <= t
            may_end = must_end if exact else must_end | ~said
            step, ended = self.draw(outputs[live], may_end, must_end, how.at(lengths[now] - t, said))
            ends[now[ended]] = t
            if t == most or bool(ended.all()):
                break
            if t < told.shape[1]:
                step = torch.where(said.view(-1, *[1] * (step.ndim - 1)), told[now, t], step)
            step, now = step[~ended], now[~ended]
            how.take((~ended).nonzero()[:, 0])
            how.advance(step)
            drawn[now, t] = step
            live[live.clone()] = ~ended
            if len(now) <= cache.worth * len(held):  # a smaller cache is worth its copying
                kept = live.nonzero()[:, 0]
                cache, held, live = cache.take(kept), held[kept], live[kept]
            outputs = self.network(self.features(drawn[held, t : t + 1]), classes[held], cache)[:, 0]
        mask = torch.arange(most) < ends[:, None]
        return Ragged(drawn[mask], ends)

    def _prompts(self, prompt: Any, n: int) -> Ragged:
        """The steps that each of n sequences begins with, as the network takes them."""
        if prompt is None:
            return Ragged(self.inside(self._no_steps()), torch.zeros(n, dtype=torch.long))
        batch = as_batch(prompt, self.space)
        assert isinstance(batch, Ragged)
        if len(batch) not in (1, n):
            raise UsageError(f"{len(batch)} prompts for {n} sequences: give one for all, or one for each")
        batch = batch if len(batch) == n else batch.take(torch.zeros(n, dtype=torch.long))
        return Ragged(self.inside(batch.values), batch.lengths)

    @abstractmethod
    def _no_steps(self) -> Tensor:
        """The values of a batch without any step."""

    def _lengths(self, length: Any, prompts: Ragged) -> Tensor:
        """Where each sequence must end (n,)."""
        longest = self.space.longest
        wanted = torch.as_tensor(longest if length is None else length).long()
        if wanted.ndim > 1 or (wanted.ndim == 1 and len(wanted) != len(prompts)):
            raise UsageError(
                f"length of shape {tuple(wanted.shape)} for {len(prompts)} sequences: give one, or one each"
            )
        wanted = wanted.expand(len(prompts)).clone()
        if len(wanted) and not 0 <= int(wanted.min()) <= int(wanted.max()) <= longest:
            raise UsageError(f"length must lie between 0 and {longest}, the longest that was learnt")
        if bool((prompts.lengths > wanted).any()):
            raise UsageError(f"a prompt of {int(prompts.lengths.max())} steps is longer than the sequence it begins")
        return wanted


class Drawing:
    """How the next step is chosen: a temperature, a generator, and what a subclass keeps of each sequence."""

    def __init__(self, temperature: float, generator: torch.Generator) -> None:
        self.temperature, self.generator = temperature, generator

    def start(self, rows: int, prompt: Tensor, exact: bool) -> None:
        """Begin that many sequences with these steps (B, T, ...); exact: whether their lengths are given."""

    def at(self, left: Tensor, said: Tensor) -> Drawing:
        """Told before each step: how many steps are left (B,), and whose step is the prompt's, not chosen (B,)."""
        return self

    def advance(self, step: Tensor) -> None:
        """Told each step (B, ...) that was taken."""

    def take(self, rows: Tensor) -> None:
        """Go on with those rows alone."""


def by_length(lengths: Tensor, most: int = _STEPS_AT_ONCE) -> Iterator[Tensor]:
    """Row numbers in groups of like length, each of at most `most` steps once padded (or of one row)."""
    order = lengths.argsort(stable=True)
    start = 0
    for end, longest in enumerate(lengths[order].tolist()):
        if end > start and (end + 1 - start) * (longest + 1) > most:
            yield order[start:end]
            start = end
    if start < len(order):
        yield order[start:]
