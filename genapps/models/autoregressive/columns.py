"""Table rows column by column: a row's probability is the product of each variable's, given the ones before it.

The network learns every order at once, so that any variables can be given and the rest drawn. Half of the
rows of each batch are read in the table's own order, which is the one used where nothing is given: it keeps the
fidelity of a fixed order, while the other half keeps the freedom of any order and regularizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from genapps.errors import UsageError
from genapps.models.base import Engine, Job, LogProb, fingerprint, split
from genapps.models.constraints import Evidence, draw, resample
from genapps.nets.columns import ColumnNet
from genapps.spaces import Columns, Constraint
from genapps.training import Recipe
from genapps.training.device import choose_device
from genapps.training.loop import Phase, train
from genapps.training.order import for_validation

_CHUNK = 8192  # rows handled at once outside of training
_POOL = 8  # candidates for each row wanted, where conditions on several fields must be weighed against each other
_MOST_WEIGHTS = 500_000_000  # of the first layer: 2 GB, and five times that in training
_TARGET_BUDGET = 64_000_000  # numbers in the largest intermediate of a training step


@dataclass(frozen=True)
class ColumnConfig:
    """The network's shape."""

    hidden: int = field(default=96, metadata={"help": "units a layer of each variable's own small network", "least": 1})
    embedding: int = field(default=12, metadata={"help": "numbers that stand for a code", "least": 1})
    depth: int = field(default=1, metadata={"help": "residual layers after the first", "least": 0})
    dropout: float = field(
        default=0.5, metadata={"help": "share of units switched off in training", "least": 0, "below": 1}
    )
    natural_share: float = field(
        default=0.5,
        metadata={"help": "share of rows read in table order; the rest in a random one", "least": 0, "most": 1},
    )


class ColumnModel(Engine):
    """Any-order autoregressive network over categorical variables; exact likelihood in the table's order.

    Source: order-agnostic training of Uria, Murray and Larochelle 2014, "A deep and tractable density estimator",
    on the column network of TabularARGN (Tiwald et al. 2025).
    """

    Config: ClassVar[type] = ColumnConfig
    takes_unknown: ClassVar[bool] = True
    RECIPE: ClassVar[Recipe] = Recipe(weight_decay=1.0)

    def __init__(self, space: Columns, config: ColumnConfig) -> None:
        if not space.discrete or not space.variables:
            raise UsageError("the autoregressive family needs categorical variables: code numbers as tokens")
        count = len(space.variables)
        if count * count * (config.embedding + 2) * config.hidden > _MOST_WEIGHTS:
            raise UsageError(
                f"{count} variables are too many for an autoregressive network of this size; try --family gmm, "
                "or a smaller --set autoregressive.hidden"
            )
        self.space, self.config = space, config
        self.network: ColumnNet | None = None

    # -- learning ------------------------------------------------------------------------------------------------

    def fit(self, data: Tensor, validation: Tensor | None, job: Job) -> None:
        """Learn from codes (N, D). Without `validation` a share of the rows is set aside to decide when to stop."""
        recipe = job.training.over(self.RECIPE)
        device = choose_device(recipe.device)
        if validation is None:
            order = torch.randperm(len(data), generator=for_validation(job.seed))
            learnt, kept = split(data, recipe.validation_share, order)
            data, validation = data[learnt], data[kept]
        self.network = self._new_network(data, job.seed).to(device)
        held_out = validation[:10_000]
        train(
            self.network,
            [Phase("likelihood", lambda rows, draws: self._training_loss(data[rows], draws, device))],
            lambda: -float(self._natural_log_prob(held_out).mean()),
            rows=len(data),
            recipe=recipe,
            job=job,
            fingerprint=fingerprint(data, self.config, recipe),
        )
        self.network = self.network.eval().cpu()

    def _new_network(self, data: Tensor, seed: int) -> ColumnNet:
        marginals, scores = [], []
        for j, (size, variable) in enumerate(zip(self.space.sizes, self.space.variables, strict=True)):
            codes = data[:, j].long()
            counts = torch.bincount(codes[codes >= 0], minlength=size).double() + 0.1
            share = counts / counts.sum()
            middle = (share.cumsum(0) - share / 2).clamp(0.005, 0.995)
            ordered = getattr(variable, "ordered", False)
            marginals.append(share.float())
            scores.append(torch.special.ndtri(middle).float() if ordered else torch.zeros(size))
        return self._network(torch.cat(marginals), torch.cat(scores), torch.Generator().manual_seed(seed))

    def _network(self, marginals: Tensor, scores: Tensor, generator: torch.Generator) -> ColumnNet:
        c = self.config
        shape = {"embedding": c.embedding, "hidden": c.hidden, "depth": c.depth, "dropout": c.dropout}
        return ColumnNet(self.space.sizes, marginals, scores, generator=generator, **shape)

    def _training_loss(self, codes: Tensor, draws: torch.Generator, device: torch.device) -> Tensor:
        """Mean negative log-likelihood a row of a batch (B, D), each row read in an order of its own."""
        rows, count = codes.shape
        rank = torch.rand(rows, count, generator=draws).argsort(1)  # (B, D): place of each variable in the row's order
        natural = torch.rand(rows, 1, generator=draws) < self.config.natural_share
        rank = torch.where(natural, torch.arange(count), rank)
        targets = torch.arange(count)
        width = rows * count * (self.config.embedding + 2)
        if count * width > _TARGET_BUDGET:  # a wide table: learn some of the variables at each step
            targets = torch.randperm(count, generator=draws)[: max(_TARGET_BUDGET // width, 1)]
        codes = codes.long()
        earlier = rank[None] < rank.T[targets, :, None]  # (T, B, D)
        known = (earlier & (codes >= 0)).float().to(device)
        codes, targets = codes.to(device), targets.to(device)
        network = self._fitted()
        dropout = draws if device.type == "cpu" else torch.Generator(device).manual_seed(draws.initial_seed())
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = network(network.embed(codes.clamp_min(0)), known, targets, dropout)
        truth = codes.T[targets].flatten()
        loss = functional.cross_entropy(logits.float().flatten(0, 1), truth, reduction="sum", ignore_index=-1)
        return loss * (count / len(targets)) / rows

    # -- using ---------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        given: Sequence[Constraint] = (),
        labels: Tensor | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Draw codes (n, D).

        Constrained fields are drawn first, each code in proportion to its probability times its weight. Where several
        fields are constrained, candidates are weighed by the probability of the conditions and drawn again (sequential
        importance resampling, Doucet and Johansen 2011, section 3.4), so that a range counts with its probability.
        Raises UsageError when the model gives the conditions no probability.
        """
        chunks = [min(_CHUNK, n - start) for start in range(0, n, _CHUNK)]
        empty = torch.zeros(0, len(self.space.variables), dtype=torch.long)
        return torch.cat([empty, *(self._sample_chunk(rows, given, temperature, generator) for rows in chunks)])

    def _sample_chunk(
        self, rows: int, given: Sequence[Constraint], temperature: float, generator: torch.Generator
    ) -> Tensor:
        first = [v for constraint in sorted(given, key=_freedom) for v in constraint.variables]
        pool = rows * (_POOL if len(given) > 1 or any(len(c.variables) > 1 for c in given) else 1)
        codes = torch.full((pool, len(self.space.variables)), -1, dtype=torch.long)
        evidence = Evidence(given, pool)
        weights = self._complete(codes, first, evidence, temperature, generator)
        if given:
            codes = codes[resample(weights, rows, generator)]
        rest = [v for v in range(codes.shape[1]) if v not in set(first)]
        self._complete(codes, rest, Evidence((), rows), temperature, generator)
        return codes

    def impute(self, data: Tensor, generator: torch.Generator, *, given: Sequence[Constraint] = ()) -> Tensor:
        """Fill the -1 entries of codes (N, D), each drawn given all that is known in its row by then."""
        filled = data.long().clone()
        for codes in filled.split(_CHUNK):
            self._complete(codes, range(codes.shape[1]), Evidence(given, len(codes)), 1.0, generator)
        return filled

    def _complete(
        self,
        codes: Tensor,
        variables: Sequence[int],
        evidence: Evidence,
        temperature: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Fill the unknown entries of the variables in place; returns each row's log-weight (B,)."""
        network = self._fitted()
        weights = torch.zeros(len(codes))
        for j in variables:
            rows = (codes[:, j] < 0).nonzero()[:, 0]
            if len(rows):
                part = codes if len(rows) == len(codes) else codes[rows]
                known = (part >= 0).float()[None]  # (1, B, D)
                logits = network(network.embed(part.clamp_min(0)), known, torch.tensor([j]), None)
                shares = torch.softmax(logits[0, :, : self.space.sizes[j]] / temperature, 1)
                shares = evidence.weigh(j, shares, rows)
                total = shares.sum(1)
                weights[rows] += torch.log(total)
                codes[rows, j] = draw(shares, total, generator)
            evidence.read(j, codes[:, j])
        return weights

    def log_prob(self, data: Tensor, generator: torch.Generator) -> LogProb:
        """Exact log-probability (N,) in nats of codes (N, D) under the table's order.

        An unknown entry (-1) is left out of the row: the rest is then scored by the network's own conditionals.
        """
        return LogProb(self._natural_log_prob(data), "exact")

    @torch.no_grad()
    def variable_log_prob(self, data: Tensor, told: Tensor | None = None) -> Tensor:
        """The terms (N, D) of `log_prob`, one a variable: which of them is the surprise.

        told: (D, D), 1 where the variable of a row is given that of a column; the earlier ones where it is None.
        """
        network = self._fitted()
        device = network.embedding.device
        count = data.shape[1]
        given = torch.tril(torch.ones(count, count), -1) if told is None else told
        given = given.to(device)[:, None]  # (D, 1, D)
        chunk = max(64, min(_CHUNK, _TARGET_BUDGET // (count * count * (self.config.embedding + 2))))
        parts = []
        for codes in data.split(chunk):
            codes = codes.to(device).long()
            seen = (codes >= 0).float()
            safe = codes.clamp_min(0)
            logits = network(network.embed(safe), given * seen, torch.arange(count, device=device), None)
            chosen = logits.log_softmax(-1).gather(-1, safe.T[..., None])[..., 0]  # (D, B)
            parts.append((chosen.T * seen).cpu())
        return torch.cat(parts) if parts else torch.zeros(0, count)

    def _natural_log_prob(self, data: Tensor) -> Tensor:
        return self.variable_log_prob(data).double().sum(1).float()

    def _fitted(self) -> ColumnNet:
        assert self.network is not None
        return self.network

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that `restore` needs."""
        return dict(self._fitted().state_dict()), {}

    def restore(self, tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> None:
        """Become what `state` described."""
        total = sum(self.space.sizes)
        network = self._network(torch.full((total,), 1.0), torch.zeros(total), torch.Generator().manual_seed(0))
        network.load_state_dict(dict(tensors))
        self.network = network.eval()


def _freedom(constraint: Constraint) -> int:
    """Codes a constraint leaves open: fixed values are read first, because what they leave is then the same for all."""
    return sum(int((weights > 0).sum()) for weights in constraint.weights)
