"""Sequences of codes: a recurrent encoder, and a recurrent decoder that reads its own past and the latents.

A decoder that reads its past can do without the latents, and then it does; some of what it reads is therefore hidden
from it in training (word dropout; Bowman et al. 2016, "Generating sentences from a continuous space", section 3.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from genapps.batches import Ragged
from genapps.models.autoregressive.grammar import Grammar
from genapps.models.vae.core import Inputs, VariationalNet
from genapps.models.vae.engine import VAEConfig, Variational, check_longest
from genapps.nets.mlp import fresh
from genapps.spaces import Tokens
from genapps.training import Recipe


@dataclass(frozen=True)
class TokenConfig(VAEConfig):
    """The network's shape, and what keeps its latents in use."""

    hidden: int = field(default=128, metadata={"help": "units of the recurrent layers", "least": 1})
    embedding: int = field(default=64, metadata={"help": "numbers that stand for a code", "least": 1})
    word_dropout: float = field(
        default=0.3, metadata={"help": "share of codes hidden from the decoder in training", "least": 0, "most": 1}
    )
    annealing: float = field(
        default=0.3, metadata={"help": "share of the training over which beta rises from 0", "least": 0, "most": 1}
    )


class TokenNet(VariationalNet):
    """Gated recurrent units (Cho et al. 2014) both ways. Sequences end with a code of their own, `end`."""

    def __init__(self, space: Tokens, config: TokenConfig, classes: int, generator: torch.Generator) -> None:
        super().__init__(config.latent, classes, config.hidden, generator)
        self.space, self.word_dropout = space, config.word_dropout
        self.unknown, self.begin, self.end = space.size, space.size + 1, space.size
        inputs, hidden = config.latent + classes, config.hidden
        self.embedding = fresh(nn.Embedding, space.size + 2, config.embedding, generator=generator)
        self.encoder = fresh(nn.GRU, config.embedding, hidden, batch_first=True, generator=generator)
        self.summary = fresh(nn.Linear, 2 * hidden, hidden, generator=generator)
        self.start = fresh(nn.Linear, inputs, hidden, generator=generator)
        self.decoder = fresh(nn.GRU, config.embedding + inputs, hidden, batch_first=True, generator=generator)
        self.last = fresh(nn.Linear, hidden, space.size + 1, generator=generator, gain=0.1)

    def read(self, inputs: Inputs, generator: torch.Generator | None) -> Tensor:
        codes, lengths = inputs
        if not codes.shape[1]:  # all of them empty
            codes = codes.new_full((len(codes), 1), -1)
        out, _ = self.encoder(self.embedding(torch.where(codes >= 0, codes, self.unknown)))  # (B, T, H)
        there = (torch.arange(out.shape[1], device=out.device) < lengths[:, None])[..., None]
        mean = (out * there).sum(1) / lengths.clamp_min(1)[:, None]
        final = out[torch.arange(len(out), device=out.device), (lengths - 1).clamp_min(0)] * (lengths > 0)[:, None]
        return functional.gelu(self.summary(torch.cat([mean, final], 1)))

    def steps(self, before: Tensor, codes: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Log-probabilities (B, T, size + 1) of what follows each of `before` (B, T), and the state after them."""
        known = self.embedding(before)
        state = torch.tanh(self.start(codes))[None].contiguous() if state is None else state
        out, state = self.decoder(torch.cat([known, codes[:, None].expand(-1, before.shape[1], -1)], 2), state)
        assert state is not None
        return self.last(out).float().log_softmax(2), state

    def log_likelihood(self, inputs: Inputs, codes: Tensor, generator: torch.Generator | None) -> Tensor:
        tokens, lengths = inputs
        known = tokens >= 0
        before = functional.pad(torch.where(known, tokens, self.unknown), (1, 0), value=self.begin)  # (B, T + 1)
        if generator is not None and self.word_dropout:
            hidden = torch.rand(before.shape, generator=generator, device=before.device) < self.word_dropout
            before = torch.where(hidden, self.unknown, before)
        logs, _ = self.steps(before, codes, None)
        step = torch.arange(before.shape[1], device=before.device)
        chosen = logs[:, :-1].gather(2, torch.where(known, tokens, 0)[..., None])[..., 0]
        goes_on = logs[:, :-1, : self.end].logsumexp(2)  # of an unknown code only this much is known
        total = (torch.where(known, chosen, goes_on) * (step[:-1] < lengths[:, None])).sum(1)
        ends = logs[torch.arange(len(logs), device=logs.device), lengths, self.end]
        return total + ends * (lengths < self.space.longest)  # the longest sequences have to end


class TokenVAE(Variational):
    """Sequences of codes of any length up to the longest, which may be empty; unknown codes are summed over."""

    Config: ClassVar[type] = TokenConfig
    RECIPE: ClassVar[Recipe] = Recipe(learning_rate=3e-3, epochs=40, max_steps=5000, batch_size=128)

    def _network(self, data: Ragged | None, classes: int, generator: torch.Generator) -> TokenNet:
        net = TokenNet(self.space, self.config, classes, generator)
        if data is not None:
            counts = torch.bincount(data.values[data.values >= 0], minlength=self.space.size + 1).double() + 0.5
            counts[net.end] = len(data)
            net.last.bias.data.copy_((counts / counts.sum()).log())
        return net

    def _inputs(self, batch: Ragged) -> Inputs:
        check_longest(batch, self.space.longest)
        codes, _ = batch.padded(-1)
        return codes, batch.lengths

    def _numbers_a_row(self, batch: Ragged) -> int:
        longest = int(batch.lengths.max()) + 1 if len(batch) else 1
        return int(longest * (8 * self.config.hidden + 2 * self.space.size))

    def _net(self) -> TokenNet:
        net = self._fitted()
        assert isinstance(net, TokenNet)
        return net

    @torch.no_grad()
    def decode_within(
        self, latents: Tensor, generator: torch.Generator, temperature: float, grammar: Grammar
    ) -> Ragged:
        """Sequences drawn from latents (n, L) of which each keeps the rules of a grammar."""
        parts = [self._drawn(chunk, generator, temperature, grammar) for chunk in latents.float().split(1024)]
        return self._end_to_end(parts, Ragged(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long)))

    def _draw(self, codes: Tensor, generator: torch.Generator, temperature: float) -> Ragged:
        parts = [self._drawn(chunk, generator, temperature) for chunk in codes.split(1024)]
        return self._end_to_end(parts, Ragged(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long)))

    def _drawn(
        self, codes: Tensor, generator: torch.Generator, temperature: float, grammar: Grammar | None = None
    ) -> Ragged:
        net, count = self._net(), len(codes)
        rules = None if grammar is None else grammar.start(count)
        before, state = torch.full((count, 1), net.begin), None
        lengths, steps = torch.full((count,), self.space.longest), []
        for step in range(self.space.longest):
            logs, state = net.steps(before, codes, state)
            shares = (logs[:, 0] / temperature).exp()
            if grammar is not None and rules is not None:
                may = grammar.allowed(rules, self.space.longest - step, False)
                may[lengths <= step] = True  # what has ended is cut off anyway
                # What the network holds for impossible may be all that the grammar allows.
                shares = torch.where(may, shares.clamp_min(torch.finfo(shares.dtype).tiny), 0)
            before = torch.multinomial(shares, 1, generator=generator)
            lengths = torch.where((before[:, 0] == net.end) & (lengths > step), step, lengths)
            if int(lengths.max()) <= step:
                break
            steps.append(before)
            if grammar is not None and rules is not None:
                rules = grammar.advance(rules, before[:, 0].clamp_max(net.end - 1))
        made = torch.cat([torch.zeros(count, 0, dtype=torch.long), *steps], 1)
        return Ragged(made[torch.arange(made.shape[1]) < lengths[:, None]], lengths)

    def _fill(self, data: Ragged, codes: Tensor, generator: torch.Generator) -> Ragged:
        net, state = self._net(), None
        tokens, mask = data.padded(-1)
        before = torch.full((len(data), 1), net.begin)
        for step in range(tokens.shape[1]):
            logs, state = net.steps(before, codes, state)
            drawn = torch.multinomial(logs[:, 0, : net.end].exp(), 1, generator=generator)[:, 0]
            tokens[:, step] = torch.where(tokens[:, step] < 0, drawn, tokens[:, step])
            before = tokens[:, step : step + 1]
        return Ragged(tokens[mask], data.lengths)

    def _end_to_end(self, parts: list[Ragged], data: Ragged) -> Ragged:
        whole = [data.take(torch.zeros(0, dtype=torch.long)), *parts]
        return Ragged(torch.cat([p.values for p in whole]), torch.cat([p.lengths for p in whole]))
