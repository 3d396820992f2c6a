"""The E-step: what each row says of each component, and what the components count of the rows.

The log-density of a Gaussian is linear in [1, x, x x'], so a chunk of rows costs two matrix products: features times
parameters gives every log-density, responsibilities times features every sufficient statistic. Nothing of the size of
rows times components is ever kept. Sums are float64 whatever the products are in.

Shapes: n rows of a chunk, d columns, K components, L factors.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from genapps.models.gmm.mixture import Mixture
from genapps.models.gmm.rows import WIDE, Block
from genapps.models.gmm.spread import Diagonal, LowRank, cholesky
from genapps.training.em import Sums

_CHUNK = {"cpu": 4096, "cuda": 131_072}  # on a processor a chunk's features stay in its cache


def expect(mixture: Mixture, blocks: Iterable[Block], dtype: torch.dtype = torch.double) -> Sums:
    """Expected counts of all rows, and their log-likelihood (of standardised columns)."""
    total = Sums()
    for block in blocks:
        kernel = kernel_for(mixture, block, dtype)
        counts = [mixture.weights.new_zeros(len(table), table.shape[1] + 1) for table in mixture.tables]
        log_prob, rows = mixture.weights.new_zeros(()), 0.0
        for x, codes, weights in _chunks(block, dtype):
            logs = _with_codes(kernel.log_joint(x), mixture, codes)
            top = logs.amax(0)
            shares = logs.sub_(top).exp_()
            whole = shares.sum(0)
            evidence = (top + whole.log()).double()
            if weights is None:
                shares.div_(whole)
                log_prob, rows = log_prob + evidence.sum(), rows + x.shape[1]
            else:
                shares.mul_(weights.to(dtype) / whole)
                log_prob, rows = log_prob + weights @ evidence, rows + float(weights.sum())
            kernel.count(shares)
            for column, count in enumerate(counts):
                count += torch.zeros_like(count, dtype=dtype).index_add_(1, codes[:, column], shares)
        values = kernel.sums()
        values |= {f"codes/{column}": count[:, :-1] for column, count in enumerate(counts)}
        total.add(Sums(values, float(log_prob), rows))
    return total


def log_joint(mixture: Mixture, blocks: Iterable[Block], rows: int) -> Tensor:
    """Log-density (N, K) float64 of each row (standardised columns) together with each component."""
    found = torch.empty(rows, len(mixture), dtype=torch.double)
    for places, logs in _log_joints(mixture, blocks):
        found[places] = logs.T.cpu()
    return found


def score(mixture: Mixture, blocks: Iterable[Block], rows: int) -> Tensor:
    """Log-density (N,) float64 of each row (standardised columns)."""
    found = torch.empty(rows, dtype=torch.double)
    for places, logs in _log_joints(mixture, blocks):
        found[places] = torch.logsumexp(logs, 0).cpu()
    return found


def _log_joints(mixture: Mixture, blocks: Iterable[Block]) -> Iterator[tuple[Tensor | slice, Tensor]]:
    """Places of rows, and their log-densities (K, n), a chunk at a time."""
    for block in blocks:
        kernel, start = kernel_for(mixture, block, torch.double), 0
        for x, codes, _ in _chunks(block, torch.double):
            piece = slice(start, start + x.shape[1])
            start = piece.stop
            yield (
                piece if block.rows is None else block.rows[piece].cpu(),
                _with_codes(kernel.log_joint(x), mixture, codes),
            )


def _chunks(block: Block, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    size = _CHUNK.get(block.values.device.type, 4096)
    for start in range(0, block.values.shape[1], size):
        piece = slice(start, start + size)
        weights = None if block.weights is None else block.weights[piece]
        yield block.values[:, piece].to(dtype), block.codes[piece], weights


def _with_codes(logs: Tensor, mixture: Mixture, codes: Tensor) -> Tensor:
    """Log-densities (K, n) plus the log-shares of each row's codes (n, C); an unknown code says nothing."""
    for column, table in enumerate(mixture.tables):
        shares = torch.cat([table.clamp_min(1e-300).log(), table.new_zeros(len(table), 1)], 1)  # (K, size + 1)
        logs += shares.to(logs.dtype).index_select(1, codes[:, column])
    return logs


class Kernel(ABC):
    """One block's E-step: `log_joint` of a chunk, then `count` of the same chunk, and `sums` at the end."""

    @abstractmethod
    def log_joint(self, x: Tensor) -> Tensor:
        """(K, n) from the block's values (o, n)."""

    @abstractmethod
    def count(self, shares: Tensor) -> None:
        """Take in the responsibilities (K, n) of the last chunk."""

    @abstractmethod
    def sums(self) -> dict[str, Tensor]:
        """Expected counts of all columns, float64, in standardised units."""


def kernel_for(mixture: Mixture, block: Block, dtype: torch.dtype) -> Kernel:
    """The kernel for a mixture's kind of spread and a block's known columns."""
    if isinstance(mixture.spread, Diagonal):
        return Squares(mixture, dtype, block.gaps)
    if isinstance(mixture.spread, LowRank):
        return Factors(mixture, block.seen, dtype)
    kind = Products if len(block.values) <= WIDE else Pieces
    return kind(mixture, block.seen, block.whiten, dtype)


class Linear(Kernel):
    """Log-densities that are linear in features (P, n) of the rows, the first of which is one."""

    def __init__(self, parameters: Tensor, dtype: torch.dtype) -> None:
        self.parameters = parameters.to(dtype)  # (K, P)
        self.total = torch.zeros_like(parameters, dtype=torch.double)
        self.features = self.parameters.new_ones(parameters.shape[1], 0)
        self.logs = self.parameters.new_empty(len(parameters), 0)

    def log_joint(self, x: Tensor) -> Tensor:
        if self.features.shape[1] != x.shape[1]:
            self.features = self.parameters.new_ones(self.parameters.shape[1], x.shape[1])
            self.logs = self.parameters.new_empty(len(self.parameters), x.shape[1])
        self.fill(x)
        return torch.mm(self.parameters, self.features, out=self.logs)

    @abstractmethod
    def fill(self, x: Tensor) -> None:
        """Set the features of a chunk."""

    def count(self, shares: Tensor) -> None:
        self.total += shares @ self.features.T


class Squares(Linear):
    """Diagonal covariances: features [1, x, x^2], or [1, known, x, x^2] where values may be missing in any pattern."""

    def __init__(self, mixture: Mixture, dtype: torch.dtype, masked: bool) -> None:
        means, inverse = mixture.means, mixture.spread.variances.reciprocal()
        constants = -0.5 * (means.square() * inverse - inverse.log() + math.log(2 * math.pi))  # (K, d)
        weights = mixture.weights.clamp_min(1e-300).log()
        parts = [constants, means * inverse, -0.5 * inverse] if masked else [means * inverse, -0.5 * inverse]
        offset = weights if masked else weights + constants.sum(1)
        super().__init__(torch.cat([offset[:, None], *parts], 1), dtype)
        self.masked, self.width = masked, means.shape[1]

    def fill(self, x: Tensor) -> None:
        width, start = self.width, 1
        if self.masked:
            self.features[1 : 1 + width] = ~torch.isnan(x)
            x, start = x.nan_to_num(nan=0.0), 1 + width
        self.features[start : start + width] = x
        torch.mul(x, x, out=self.features[start + width :])

    def sums(self) -> dict[str, Tensor]:
        count, width = self.total[:, 0], self.width
        first, second = self.total[:, -2 * width :].split(width, 1) if width else (self.total[:, 1:],) * 2
        known = self.total[:, 1 : 1 + width] if self.masked else count[:, None].expand(-1, width)
        return {"count": count, "known": known, "first": first, "second": second}


class Products(Linear):
    """Dense covariances of up to 64 columns: features [1, x, upper triangle of x x']."""

    def __init__(self, mixture: Mixture, seen: Tensor | None, whiten: Tensor | None, dtype: torch.dtype) -> None:
        self.frame = Frame(mixture, seen, whiten)
        means, matrices = self.frame.means, self.frame.matrices
        self.width = width = means.shape[1]
        factor = cholesky(matrices)
        inverse = torch.cholesky_inverse(factor)
        linear = (inverse @ means[:, :, None])[:, :, 0]
        logs = factor.diagonal(dim1=1, dim2=2).log().sum(1)
        offset = self.frame.offset - logs - 0.5 * (linear * means).sum(1)
        self.upper = i, j = torch.triu_indices(width, width, device=means.device)
        twice = torch.where(i == j, 0.5, 1.0).to(means)
        quadratic = (-inverse[:, i, j] * twice).expand(len(mixture), -1)
        super().__init__(torch.cat([offset[:, None], linear, quadratic], 1), dtype)

    def fill(self, x: Tensor) -> None:
        start = 1 + self.width
        self.features[1:start] = x
        for column in range(self.width):
            end = start + self.width - column
            torch.mul(x[column], x[column:], out=self.features[start:end])
            start = end

    def sums(self) -> dict[str, Tensor]:
        i, j = self.upper
        second = self.total.new_zeros(len(self.total), self.width, self.width)
        second[:, i, j] = second[:, j, i] = self.total[:, 1 + self.width :]
        return self.frame.sums(self.total[:, 0], self.total[:, 1 : 1 + self.width], second)


class Pieces(Kernel):
    """Dense covariances of many columns: one component after the other, through its Cholesky factor."""

    def __init__(self, mixture: Mixture, seen: Tensor | None, whiten: Tensor | None, dtype: torch.dtype) -> None:
        self.frame = Frame(mixture, seen, whiten)
        means, width = self.frame.means, self.frame.means.shape[1]
        factor = cholesky(self.frame.matrices)
        eye = torch.eye(width, dtype=means.dtype, device=means.device)
        roots = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
        self.shifts = (roots @ means[:, :, None]).to(dtype)  # (K, d, 1)
        self.roots = roots.to(dtype)
        self.offset = (self.frame.offset - factor.diagonal(dim1=1, dim2=2).log().sum(1)).to(dtype)
        self.totals = [means.new_zeros(len(means), *shape) for shape in ((), (width,), (width, width))]
        self.x = torch.empty(0)

    def log_joint(self, x: Tensor) -> Tensor:
        self.x = x
        logs = self.offset[:, None].repeat(1, x.shape[1])
        shared = self.roots[0] @ x if len(self.roots) == 1 else None
        for state in range(len(logs)):
            white = shared if shared is not None else self.roots[state] @ x
            logs[state] -= 0.5 * (white - self.shifts[state]).square().sum(0)
        return logs

    def count(self, shares: Tensor) -> None:
        count, first, second = self.totals
        count += shares.sum(1)
        first += shares @ self.x.T
        for state in range(len(shares)):
            second[state] += (self.x * shares[state]) @ self.x.T

    def sums(self) -> dict[str, Tensor]:
        return self.frame.sums(*self.totals)


class Frame:
    """A dense mixture in a block's coordinates, and the way back: whitened, or some of the columns only."""

    def __init__(self, mixture: Mixture, seen: Tensor | None, whiten: Tensor | None) -> None:
        self.mixture, self.seen, self.whiten = mixture, seen, whiten
        self.means, self.matrices = mixture.means, mixture.spread.dense()
        log_volume = 0.0
        if seen is not None:
            self.means, self.matrices = mixture.means[:, seen], mixture.spread.marginal(seen).dense()
        elif whiten is not None:
            self.means, self.matrices = self.means @ whiten, whiten.T @ self.matrices @ whiten
            log_volume = float(torch.linalg.slogdet(whiten)[1])
        width = self.means.shape[1]
        weights = mixture.weights.clamp_min(1e-300).log()
        self.offset = weights + log_volume - 0.5 * width * math.log(2 * math.pi)  # (K,)

    def sums(self, count: Tensor, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """Counts of all columns in standardised units: of missing ones what the known ones let expect.

        Ghahramani and Jordan, "Supervised learning from incomplete data via an EM approach", 1994, section 3.
        """
        if self.whiten is not None:
            back = torch.linalg.inv(self.whiten)
            first, second = first @ back, back.T @ second @ back
        if self.seen is None:
            return {"count": count, "first": first, "second": second}
        width = self.mixture.means.shape[1]
        there = torch.zeros(width, dtype=torch.bool, device=count.device)
        there[self.seen] = True
        rest = (~there).nonzero()[:, 0]
        maps, left = self.mixture.spread.conditional(self.seen, rest)  # x_rest = maps x_seen + shift, spread left
        shift = self.mixture.means[:, rest] - (maps @ self.means[:, :, None])[:, :, 0]
        told = (maps @ first[:, :, None])[:, :, 0]
        outer = told[:, :, None] * shift[:, None, :]
        once = count[:, None, None]
        among = maps @ second @ maps.mT + outer + outer.mT
        among = among + once * (shift[:, :, None] * shift[:, None, :] + left.dense())
        across = maps @ second + shift[:, :, None] * first[:, None, :]  # (K, r, o)
        whole_first = first.new_zeros(len(count), width)
        whole_first[:, self.seen], whole_first[:, rest] = first, told + count[:, None] * shift
        whole = second.new_zeros(len(count), width, width)
        whole[:, self.seen[:, None], self.seen] = second
        whole[:, rest[:, None], self.seen], whole[:, self.seen[:, None], rest] = across, across.mT
        whole[:, rest[:, None], rest] = among
        return {"count": count, "first": whole_first, "second": whole}


class Factors(Kernel):
    """Low-rank covariances: features [1, x, x^2], and the factors' posterior means in one further product."""

    def __init__(self, mixture: Mixture, seen: Tensor | None, dtype: torch.dtype) -> None:
        self.mixture, self.seen = mixture, seen
        spread = mixture.spread if seen is None else mixture.spread.marginal(seen)
        assert isinstance(spread, LowRank)
        means = mixture.means if seen is None else mixture.means[:, seen]
        self.count_of, (self.width, self.factors) = len(means), spread.loadings.shape[1:]
        self.root = spread.precision_factor()  # (K, L, L)
        scaled = (spread.loadings / spread.noises[:, :, None]).mT  # (K, L, d)
        into = torch.linalg.solve_triangular(self.root, scaled, upper=False)
        self.into = into.flatten(0, 1).to(dtype)  # (K L, d)
        self.start = (into @ means[:, :, None]).flatten(0, 1).to(dtype)  # (K L, 1)
        inverse = spread.noises.reciprocal()
        offset = mixture.weights.clamp_min(1e-300).log() - 0.5 * self.width * math.log(2 * math.pi)
        offset = offset - 0.5 * spread.noises.log().sum(1) - 0.5 * (means.square() * inverse).sum(1)
        offset = offset - self.root.diagonal(dim1=1, dim2=2).log().sum(1)
        self.offset, self.linear, self.square = (
            t.to(dtype) for t in (offset[:, None], means * inverse, -0.5 * inverse)
        )
        zeros, dims = means.new_zeros, (self.count_of, self.width, self.factors)
        self.totals = [zeros(dims[0]), zeros(dims[:2]), zeros(dims[:2])]
        self.hidden = [zeros(dims[0], dims[2]), zeros(dims[0], dims[2], dims[2]), zeros(dims[0], dims[2], dims[1])]
        self.x = self.v = torch.empty(0)

    def log_joint(self, x: Tensor) -> Tensor:
        self.x = x
        self.v = torch.addmm(-self.start, self.into, x).view(self.count_of, self.factors, -1)  # (K, L, n)
        logs = torch.addmm(self.offset, self.linear, x).addmm_(self.square, x.square())
        return logs.add_(self.v.square().sum(1), alpha=0.5)

    def count(self, shares: Tensor) -> None:
        weighed = self.v * shares[:, None, :]
        sums = (shares.sum(1), shares @ self.x.T, shares @ self.x.square().T)
        for total, part in zip(self.totals, sums, strict=True):
            total += part
        latent, latents, cross = self.hidden
        latent += weighed.sum(2)
        latents += torch.bmm(weighed, self.v.mT)
        cross += (weighed.flatten(0, 1) @ self.x.T).view_as(cross)

    def sums(self) -> dict[str, Tensor]:
        """Counts of the columns and of the factors; a missing column is expected from its row's factors."""
        count, first, second = self.totals
        latent, latents, cross = self.hidden
        back = torch.linalg.solve_triangular(
            self.root.mT,
            torch.eye(self.factors, dtype=count.dtype, device=count.device).expand_as(self.root),
            upper=True,
        )  # posterior mean of the factors = back v
        latent = (back @ latent[:, :, None])[:, :, 0]
        latents = back @ latents @ back.mT + count[:, None, None] * (back @ back.mT)
        cross = (back @ cross).mT  # (K, o, L)
        if self.seen is not None:
            first, second, cross = self._completed(count, first, second, latent, latents, cross)
        named = {"count": count, "first": first, "second": second}
        return named | {"latent": latent, "latents": latents, "cross": cross}

    def _completed(
        self, count: Tensor, first: Tensor, second: Tensor, latent: Tensor, latents: Tensor, cross: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        spread, means = self.mixture.spread, self.mixture.means
        assert isinstance(spread, LowRank)
        told = (spread.loadings @ latent[:, :, None])[:, :, 0]  # (K, d): what the factors say of every column
        pairs = spread.loadings @ latents  # (K, d, L)
        whole_first = told + count[:, None] * means
        whole_cross = pairs + means[:, :, None] * latent[:, None, :]
        squares = (pairs * spread.loadings).sum(2) + 2 * means * told
        whole_second = squares + count[:, None] * (means.square() + spread.noises)
        whole_first[:, self.seen], whole_second[:, self.seen], whole_cross[:, self.seen] = first, second, cross
        return whole_first, whole_second, whole_cross
