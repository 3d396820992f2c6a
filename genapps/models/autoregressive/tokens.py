"""Sequences of codes, one after the other, until an end: exact probabilities of whole sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.errors import InputError, UsageError
from genapps.models.autoregressive.choosing import pick
from genapps.models.autoregressive.grammar import Grammar
from genapps.models.autoregressive.sequences import Drawing, SequenceConfig, SequenceEngine
from genapps.nets.mlp import blank
from genapps.nets.sequences import SequenceNet
from genapps.nets.transformer import soft_cap
from genapps.spaces import Constraint
from genapps.training import Recipe


@dataclass(frozen=True)
class TokenConfig(SequenceConfig):
    """The network's shape."""

    soft_cap: float = field(
        default=0.0, metadata={"help": "keep logits within this of 0 (30 is usual); 0: no cap", "least": 0}
    )


class TokenModel(SequenceEngine):
    """p(sequence) = the product over its codes of p(code | class, codes before it), times p(end | all of them).

    After the space's longest number of steps the end is certain, so probabilities of all sequences sum to one; a longer
    one has probability 0. Classes by `labels`.
    """

    Config: ClassVar[type] = TokenConfig
    drawing: ClassVar[frozenset[str]] = frozenset({"prompt", "length", "top_k", "top_p", "grammar"})
    RECIPE: ClassVar[Recipe] = Recipe(
        batch_size=32, learning_rate=3e-3, warmup_steps=100, beta2=0.99, ema=0.995, clip=1e3
    )

    def measure(self, data: Ragged) -> dict[str, Tensor]:
        """The share of each code and of the end (size + 1,), from which training begins."""
        counts = torch.bincount(data.values, minlength=self.space.size + 1).double()
        counts[-1] = len(data)
        return {"shares": (counts + 0.5) / (counts + 0.5).sum()}

    def new_network(self, classes: int, generator: torch.Generator) -> SequenceNet:
        """An untrained network that says the shares of the codes whatever it reads."""
        config = self.config
        read = blank(nn.Embedding, self.space.size, config.hidden)
        nn.init.normal_(read.weight, generator=generator)
        network = SequenceNet(
            read,
            self.space.size + 1,
            architecture=config.architecture,
            width=config.hidden,
            layers=config.layers,
            heads=config.heads,
            dropout=config.dropout,
            classes=classes,
            generator=generator,
        )
        with torch.no_grad():
            network.tell.bias.copy_(self.facts["shares"].log())
        return network

    def inside(self, values: Tensor) -> Tensor:
        """Codes as they are. Raises InputError for unknown ones: what follows them would have no exact probability."""
        if len(values) and int(values.min()) < 0:
            raise InputError("sequences with unknown codes (-1) have no exact probability here; remove them")
        return values.long()

    def outside(self, inside: Tensor) -> Tensor:
        """Codes as they are."""
        return inside

    def features(self, inside: Tensor) -> Tensor:
        """Codes as they are."""
        return inside

    def _no_steps(self) -> Tensor:
        return torch.zeros(0, dtype=torch.long)

    def terms(self, outputs: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Log-probability (B, T + 1) of codes (B, T) and of the end after them, under outputs (B, T + 1, size + 1)."""
        targets = functional.pad(torch.where(mask, inside, -1), (0, 1), value=-1)
        lengths = mask.sum(1)
        ends = lengths < self.space.longest
        targets[ends, lengths[ends]] = self.space.size
        logits = soft_cap(outputs, self.config.soft_cap)
        losses = functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=-1, reduction="none")
        return -losses.double()

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
        prompt: Any = None,
        length: Any = None,
        top_k: int | None = None,
        top_p: float | None = None,
        grammar: Grammar | None = None,
    ) -> Ragged:
        """Draw n sequences; `Autoregressive.sample` says how.

        Raises UsageError where the grammar leaves no way to go on, or does not let a sequence end in time.
        """
        if top_k is not None and top_k < 1:
            raise UsageError(f"top_k is {top_k}, but must be at least 1")
        if top_p is not None and not 0 < top_p <= 1:
            raise UsageError(f"top_p is {top_p}, but must be above 0 and at most 1")
        how = TokenDrawing(temperature, generator, top_k, top_p, grammar)
        return self.draw_sequences(n, given, labels, prompt, length, how)

    def draw(self, outputs: Tensor, may_end: Tensor, must_end: Tensor, how: Drawing) -> tuple[Tensor, Tensor]:
        """The next code (B,) and whether the sequence ends instead (B,)."""
        assert isinstance(how, TokenDrawing)
        allowed = torch.ones(outputs.shape, dtype=torch.bool)
        allowed[:, -1] = may_end
        allowed[:, :-1] &= ~must_end[:, None]
        logits = soft_cap(outputs, self.config.soft_cap).masked_fill(~(allowed & how.allowed(outputs)), -torch.inf)
        stuck = ~how.said & torch.isneginf(logits).all(1)
        if bool(stuck.any()):
            raise UsageError("the grammar leaves no way to go on, or to end at this length; relax it or the length")
        logits = torch.where(how.said[:, None], outputs, logits)
        codes = pick(logits, how.temperature, how.generator, how.top_k, how.top_p)
        ended = ~how.said & (codes == self.space.size)
        return codes.clamp_max(self.space.size - 1), ended


class TokenDrawing(Drawing):
    """How the next code is chosen, and the state of each sequence in the grammar."""

    def __init__(
        self,
        temperature: float,
        generator: torch.Generator,
        top_k: int | None,
        top_p: float | None,
        grammar: Grammar | None,
    ) -> None:
        super().__init__(temperature, generator)
        self.top_k, self.top_p, self.grammar = top_k, top_p, grammar
        self.said = self.left = self.state = torch.zeros(0)
        self.exact = False

    def start(self, rows: int, prompt: Tensor, exact: bool) -> None:
        """Read the codes (B, T) that all sequences begin with."""
        self.exact = exact
        if self.grammar is not None:
            self.state = self.grammar.start(rows)
            for codes in prompt.T:
                self.state = self.grammar.advance(self.state, codes)

    def at(self, left: Tensor, said: Tensor) -> Drawing:
        """Told before each step."""
        self.left, self.said = left, said
        return self

    def allowed(self, outputs: Tensor) -> Tensor:
        """Which codes the grammar allows next, (B, size + 1)."""
        if self.grammar is None:
            return torch.ones(outputs.shape, dtype=torch.bool)
        allowed = torch.empty(outputs.shape, dtype=torch.bool)
        for left in self.left.unique().tolist():  # mostly one
            rows = (self.left == left).nonzero()[:, 0]
            allowed[rows] = self.grammar.allowed(self.state[rows], left, self.exact)
        return allowed

    def advance(self, step: Tensor) -> None:
        """Read the codes (B,) that were taken."""
        if self.grammar is not None:
            self.state = self.grammar.advance(self.state, step)

    def take(self, rows: Tensor) -> None:
        """Go on with those rows alone."""
        if self.grammar is not None:
            self.state = self.state[rows]
