"""A mixture: its numbers, what they say of one another, and the M-step that finds them from expected counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genapps.models.gmm.spread import Dense, Diagonal, LowRank, Spread, cholesky, symmetric
from genapps.training.em import Climb, Sums

_EMPTY = 1e-8  # rows below which a component has nothing to say: it stays as it is
_LEAST = 1e-12  # of a variance, in units of the data's own
_ROUNDING = 1e-14  # of a mean's square: second moments about zero tell no smaller variance


@dataclass(frozen=True)
class Mixture:
    """weights: (K,). means: (K, d) of the continuous columns. tables: (K, size) of each categorical column.

    Columns are standardised (`genapps.models.gmm.rows.Scale`); a component's numbers and codes are independent.
    """

    weights: Tensor
    means: Tensor
    spread: Spread
    tables: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.weights)

    def marginal(self, columns: Tensor, tables: tuple[int, ...] | None = None) -> Mixture:
        """Over some continuous columns (c,), and some categorical ones (all where None)."""
        kept = self.tables if tables is None else tuple(self.tables[j] for j in tables)
        return Mixture(self.weights, self.means[:, columns], self.spread.marginal(columns), kept)

    def select(self, kept: Tensor) -> Mixture:
        """Some of the components (m,), their weights summing to one again."""
        weights = self.weights[kept]
        tables = tuple(table[kept] for table in self.tables)
        return Mixture(weights / weights.sum(), self.means[kept], self.spread.select(kept), tables)

    def sharpened(self, temperature: float) -> Mixture:
        """Every distribution to the power 1 / temperature: below 1 bolder, above 1 more varied."""
        if temperature == 1:
            return self
        weights = torch.softmax(self.weights.clamp_min(1e-300).log() / temperature, 0)
        tables = tuple(torch.softmax(table.clamp_min(1e-300).log() / temperature, 1) for table in self.tables)
        return Mixture(weights, self.means, self.spread.scaled(temperature), tables)

    def parameters(self, *, spherical: bool = False) -> int:
        """Free parameters, as in scikit-learn; those of a low-rank spread but for its rotation.

        spherical: diagonal components have one variance each.
        """
        count, width = len(self), self.means.shape[1]
        free = count - 1 + self.means.numel() + sum(table.numel() - count for table in self.tables)
        if isinstance(self.spread, Dense):
            return free + len(self.spread.matrices) * width * (width + 1) // 2
        if isinstance(self.spread, LowRank):
            factors = self.spread.loadings.shape[2]
            return free + count * (width * (factors + 1) - factors * (factors - 1) // 2)
        return free + count * (1 if spherical else width)

    def to(self, device: torch.device) -> Mixture:
        """The same on another device."""
        spread = type(self.spread)(*(getattr(self.spread, name).to(device) for name in vars(self.spread)))
        tables = tuple(table.to(device) for table in self.tables)
        return Mixture(self.weights.to(device), self.means.to(device), spread, tables)

    def to_tensors(self) -> dict[str, Tensor]:
        """The numbers by name."""
        named = {"weights": self.weights, "means": self.means}
        named |= {f"spread/{name}": getattr(self.spread, name) for name in vars(self.spread)}
        return named | {f"tables/{number}": table for number, table in enumerate(self.tables)}

    @classmethod
    def from_tensors(cls, named: Mapping[str, Tensor]) -> Mixture:
        """The inverse of `to_tensors`."""
        parts = {name.removeprefix("spread/"): value for name, value in named.items() if name.startswith("spread/")}
        kind: type[Spread] = Dense if "matrices" in parts else Diagonal if "squares" in parts else LowRank
        spread = kind(**parts)
        tables = sorted((int(name[7:]), table) for name, table in named.items() if name.startswith("tables/"))
        return cls(named["weights"], named["means"], spread, tuple(table for _, table in tables))


@dataclass(frozen=True)
class Prior:
    """What is believed beforehand, as pseudo-observations.

    kind: full, tied, diag, spherical or lowrank. reg: added to every variance. weight: Dirichlet concentration of the
    weights, 1 for none. rows, scale: so many rows with the covariance `scale` (d, d), or variances (d,) (the mode under
    an inverse Wishart prior, Fraley and Raftery 2007). table, shares: so many rows with each categorical column's
    overall shares (size,). prune: components that have too few rows to support their own parameters die.
    """

    kind: str
    reg: float = 1e-6
    weight: float = 1.0
    rows: float = 0.0
    scale: Tensor | None = None
    table: float = 0.0
    shares: tuple[Tensor, ...] = ()
    prune: bool = False

    def to(self, device: torch.device) -> Prior:
        """The same on another device."""
        scale = None if self.scale is None else self.scale.to(device)
        return replace(self, scale=scale, shares=tuple(shares.to(device) for shares in self.shares))


def maximize(mixture: Mixture, sums: Sums, prior: Prior) -> Mixture:
    """The M-step: the mixture that makes the expected counts and the prior's pseudo-observations most probable.

    The spreads of scikit-learn's four kinds are its own: covariance of the counted rows, plus `reg`.
    """
    values, count = sums.values, sums.values["count"]
    estimates = {"full": _dense, "tied": _dense, "diag": _diagonal, "spherical": _diagonal, "lowrank": _low_rank}
    means, spread = estimates[prior.kind](mixture, values, prior)
    tables = tuple(
        _table(values[f"codes/{j}"], table, prior.table * prior.shares[j] if prior.table else None)
        for j, table in enumerate(mixture.tables)
    )
    found = Mixture(count, means, spread, tables)
    if not prior.prune and prior.weight == 1:
        return replace(found, weights=count / count.sum())
    return _pruned(found, prior)


def _pruned(found: Mixture, prior: Prior) -> Mixture:
    """Weights under the prior; of the components whose support is spent the weakest dies.

    `prune` asks each for half a row for every parameter of its own: the minimum message length of Figueiredo and Jain,
    2002, equation 17. They go one at a time, because those left inherit its rows.
    """
    price = _price(found, prior)
    support = found.weights - price
    kept = torch.ones(len(found), dtype=torch.bool, device=support.device)
    if price > 0 and len(found) > 1 and float(support.min()) <= 0:
        kept[support.argmin()] = False
    weights = torch.where(support > 0, support, 1e-3 * found.weights.clamp_min(_EMPTY))
    return replace(found, weights=weights).select(kept.nonzero()[:, 0])


def _price(mixture: Mixture, prior: Prior) -> float:
    """Rows that a component's weight is charged."""
    if not prior.prune:
        return 1 - prior.weight
    own = mixture.parameters(spherical=prior.kind == "spherical") - len(mixture) + 1
    return own / len(mixture) / 2


def log_prior(mixture: Mixture, prior: Prior) -> float:
    """The part of the objective that is not the likelihood, in nats: what `maximize` climbs is their sum."""
    total = mixture.weights.new_zeros(())
    price = _price(mixture, prior)
    if price:
        total = total - price * mixture.weights.clamp_min(1e-300).log().sum()
    if prior.rows and prior.scale is not None and mixture.means.shape[1]:
        total = total - prior.rows / 2 * _misfit(mixture.spread, prior.scale, prior.kind)
    for table, shares in zip(mixture.tables, prior.shares, strict=True):
        total = total + prior.table * (shares * table.clamp_min(1e-300).log()).sum()
    return float(total)


def worth(found: Climb[Mixture], prior: Prior, rows: float) -> float:
    """Minus the message length of rows and components, in nats: what `prune` maximises over numbers of components.

    Figueiredo and Jain 2002, equation 15, of which the objective of a climb has the likelihood and the weights.
    """
    own = 2 * _price(found.parameters, prior) + 1
    return rows * found.bounds[-1] - len(found.parameters) * own / 2 * (1 + math.log(max(rows / 12, 1)))


def slack(mixture: Mixture, count: Tensor, prior: Prior) -> float:
    """The most by which the objective may fall in an iteration, in nats: variances are lifted after the maximum."""
    if not mixture.means.shape[1]:
        return 0.0
    added = prior.reg + _ROUNDING * mixture.means.square().amax(1)
    return float((added / 2 * (count + prior.rows) * mixture.spread.trace_inverse()).sum())


def _misfit(spread: Spread, scale: Tensor, kind: str) -> Tensor:
    """log |S| + tr(scale S^-1), over all components; of a low-rank spread that of its noise."""
    if isinstance(spread, Dense):
        factor = cholesky(spread.matrices)
        within: Tensor = torch.cholesky_solve(scale.expand_as(factor), factor).diagonal(dim1=1, dim2=2).sum()
        within += 2 * factor.diagonal(dim1=1, dim2=2).log().sum()
        return within
    squares = spread.noises if isinstance(spread, LowRank) else spread.variances
    scale = scale.mean().expand_as(scale) if kind == "spherical" else scale
    found: Tensor = (squares.log() + scale / squares).sum()
    return found


def _lift(means: Tensor, prior: Prior) -> Tensor:
    """(K, d): what is added to each variance."""
    return max(prior.reg, _LEAST) + _ROUNDING * means.square()


def _dense(mixture: Mixture, values: Mapping[str, Tensor], prior: Prior) -> tuple[Tensor, Spread]:
    count, first, second = values["count"], values["first"], values["second"]
    means = _unless_empty(first / count.clamp_min(_EMPTY)[:, None], mixture.means, count[:, None])
    scatter = symmetric(second - means[:, :, None] * first[:, None, :])
    lift = _lift(means, prior)
    if prior.kind == "tied":
        lift = (count[:, None] * lift).sum(0, keepdim=True) / count.sum()
        count, scatter = count.sum(0, keepdim=True), scatter.sum(0, keepdim=True)
    if prior.rows and prior.scale is not None:
        scatter, count = scatter + prior.rows * prior.scale, count + prior.rows
    matrices = scatter / count.clamp_min(_EMPTY)[:, None, None]
    matrices.diagonal(dim1=1, dim2=2).clamp_min_(0).add_(lift)
    before = mixture.spread.dense()
    return means, Dense(_unless_empty(matrices, before, count[:, None, None]))


def _diagonal(mixture: Mixture, values: Mapping[str, Tensor], prior: Prior) -> tuple[Tensor, Spread]:
    known, first, second = values["known"], values["first"], values["second"]  # (K, d): a row counts where it is known
    means = _unless_empty(first / known.clamp_min(_EMPTY), mixture.means, known)
    scatter = (second - means * first).clamp_min(0)
    if prior.kind == "spherical":
        known, scatter = (x.mean(1, keepdim=True).expand_as(x) for x in (known, scatter))
    if prior.rows and prior.scale is not None:
        scale = prior.scale.mean() if prior.kind == "spherical" and len(prior.scale) else prior.scale
        scatter, known = scatter + prior.rows * scale, known + prior.rows
    squares = scatter / known.clamp_min(_EMPTY) + _lift(means, prior)
    return means, Diagonal(_unless_empty(squares, mixture.spread.variances, known))


def _low_rank(mixture: Mixture, values: Mapping[str, Tensor], prior: Prior) -> tuple[Tensor, Spread]:
    """Regression of the columns on the factors and a constant one (Ghahramani and Hinton 1996, section 3)."""
    assert isinstance(mixture.spread, LowRank)
    count, first, second = values["count"], values["first"], values["second"]
    latent, latents, cross = values["latent"], values["latents"], values["cross"]  # (K, L), (K, L, L), (K, d, L)
    empty = count <= _EMPTY
    ones = torch.where(empty, 1.0, count)
    inner = torch.cat(
        [torch.cat([latents, latent[:, None, :]], 1), torch.cat([latent, ones[:, None]], 1)[:, :, None]], 2
    )
    inner = inner + torch.diag_embed(torch.where(empty, 1.0, 0.0)[:, None].expand(-1, inner.shape[1]))
    outer = torch.cat([cross, first[:, :, None]], 2)  # (K, d, L + 1)
    slopes = torch.linalg.solve(inner, outer.mT).mT
    scatter = (second - (slopes * outer).sum(2)).clamp_min(0)
    rows = count[:, None]
    if prior.rows and prior.scale is not None:
        scatter, rows = scatter + prior.rows * prior.scale, rows + prior.rows
    noises = scatter / rows.clamp_min(_EMPTY) + _lift(slopes[:, :, -1], prior)
    loadings = _unless_empty(slopes[:, :, :-1], mixture.spread.loadings, count[:, None, None])
    means = _unless_empty(slopes[:, :, -1], mixture.means, count[:, None])
    return means, LowRank(loadings, _unless_empty(noises, mixture.spread.noises, count[:, None]))


def _table(counts: Tensor, before: Tensor, prior: Tensor | None) -> Tensor:
    counts = counts if prior is None else counts + prior
    total = counts.sum(1, keepdim=True)
    return _unless_empty(counts / total.clamp_min(_EMPTY), before, total)


def _unless_empty(found: Tensor, before: Tensor, count: Tensor) -> Tensor:
    return torch.where(count > _EMPTY, found, before)


def condition(
    mixture: Mixture, known: Tensor, rest: Tensor, values: Tensor, codes: Mapping[int, int]
) -> tuple[Mixture, float]:
    """The mixture of the columns `rest` (r,) given values (o,) of `known` and codes of categorical columns.

    Also the log-density of what is given.
    """
    logs = mixture.weights.clamp_min(1e-300).log()
    gaps = values - mixture.means[:, known]  # (K, o)
    logs = logs + log_normal(mixture.spread.marginal(known), gaps)
    for number, code in codes.items():
        logs = logs + mixture.tables[number][:, code].clamp_min(1e-300).log()
    maps, spread = mixture.spread.conditional(known, rest)
    means = mixture.means[:, rest] + (maps @ gaps[:, :, None])[:, :, 0]
    tables = tuple(table for number, table in enumerate(mixture.tables) if number not in codes)
    return Mixture(torch.softmax(logs, 0), means, spread, tables), float(torch.logsumexp(logs, 0))


def log_normal(spread: Spread, gaps: Tensor) -> Tensor:
    """Log-density (K,) of each component at its own gap (K, o) to its mean."""
    if not gaps.shape[1]:
        return gaps.new_zeros(len(gaps))
    if isinstance(spread, Diagonal):
        return -0.5 * (gaps.square() / spread.squares + spread.squares.log() + math.log(2 * math.pi)).sum(1)
    factor = cholesky(spread.dense()).expand(len(gaps), -1, -1)
    white = torch.linalg.solve_triangular(factor, gaps[:, :, None], upper=False)[:, :, 0]
    logs = factor.diagonal(dim1=1, dim2=2).log().sum(1)
    found: Tensor = -0.5 * white.square().sum(1) - logs - 0.5 * gaps.shape[1] * math.log(2 * math.pi)
    return found
