"""How the components of a mixture spread around their means: dense, diagonal and low-rank covariances.

Every spread can be cut down to some columns, conditioned on others, and drawn from, so that a mixture's own operations
need not know which it has. Shapes: K components, d columns, L factors. All tensors are float64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


class Spread(ABC):
    """Covariances of K components over d columns."""

    @property
    @abstractmethod
    def variances(self) -> Tensor:
        """(K, d), or (1, d) where all components share one covariance."""

    @abstractmethod
    def marginal(self, columns: Tensor) -> Spread:
        """Over some columns (c,) alone."""

    @abstractmethod
    def conditional(self, known: Tensor, rest: Tensor) -> tuple[Tensor, Spread]:
        """Of the columns `rest` (r,) given the columns `known` (o,): maps (K or 1, r, o), and a spread.

        The conditional mean is mean[rest] + map (x - mean[known]).
        """

    @abstractmethod
    def noise(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Draws (n, d) around zero, one for each row's component (n,)."""

    @abstractmethod
    def scaled(self, factor: float) -> Spread:
        """Every covariance times a factor."""

    @abstractmethod
    def stretched(self, factors: Tensor) -> Spread:
        """In other units: every column times a factor (d,)."""

    @abstractmethod
    def select(self, kept: Tensor) -> Spread:
        """Some of the components (m,)."""

    @abstractmethod
    def trace_inverse(self) -> Tensor:
        """(K,) or (1,): the trace of each inverse, or a bound above it."""

    @abstractmethod
    def dense(self) -> Tensor:
        """Matrices (K, d, d), or (1, d, d) where all components share one."""


@dataclass(frozen=True)
class Dense(Spread):
    """matrices: (K, d, d), or (1, d, d) where all components share one."""

    matrices: Tensor

    @property
    def variances(self) -> Tensor:
        return self.matrices.diagonal(dim1=1, dim2=2)

    def marginal(self, columns: Tensor) -> Dense:
        return Dense(_block(self.matrices, columns, columns))

    def conditional(self, known: Tensor, rest: Tensor) -> tuple[Tensor, Spread]:
        factor = cholesky(_block(self.matrices, known, known))
        across = _block(self.matrices, known, rest)  # (K, o, r)
        maps = torch.cholesky_solve(across, factor).mT
        return maps, Dense(symmetric(_block(self.matrices, rest, rest) - maps @ across))

    def noise(self, states: Tensor, generator: torch.Generator) -> Tensor:
        factor = cholesky(self.matrices)
        drawn = torch.randn(len(states), self.matrices.shape[1], generator=generator, dtype=torch.double)
        if len(factor) == 1:
            return drawn @ factor[0].T
        for state in states.unique().tolist():
            mine = (states == state).nonzero()[:, 0]
            drawn[mine] = drawn[mine] @ factor[state].T
        return drawn

    def scaled(self, factor: float) -> Dense:
        return Dense(self.matrices * factor)

    def stretched(self, factors: Tensor) -> Dense:
        return Dense(self.matrices * torch.outer(factors, factors))

    def select(self, kept: Tensor) -> Dense:
        return self if len(self.matrices) == 1 else Dense(self.matrices[kept])

    def trace_inverse(self) -> Tensor:
        inverse = torch.cholesky_inverse(cholesky(self.matrices))
        return inverse.diagonal(dim1=1, dim2=2).sum(1)

    def dense(self) -> Tensor:
        return self.matrices


@dataclass(frozen=True)
class Diagonal(Spread):
    """variances: (K, d)."""

    squares: Tensor

    @property
    def variances(self) -> Tensor:
        return self.squares

    def marginal(self, columns: Tensor) -> Diagonal:
        return Diagonal(self.squares[:, columns])

    def conditional(self, known: Tensor, rest: Tensor) -> tuple[Tensor, Spread]:
        return self.squares.new_zeros(1, len(rest), len(known)), self.marginal(rest)

    def noise(self, states: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randn(len(states), self.squares.shape[1], generator=generator, dtype=torch.double)
        return drawn * self.squares[states].sqrt()

    def scaled(self, factor: float) -> Diagonal:
        return Diagonal(self.squares * factor)

    def stretched(self, factors: Tensor) -> Diagonal:
        return Diagonal(self.squares * factors.square())

    def select(self, kept: Tensor) -> Diagonal:
        return Diagonal(self.squares[kept])

    def trace_inverse(self) -> Tensor:
        return self.squares.reciprocal().sum(1)

    def dense(self) -> Tensor:
        return torch.diag_embed(self.squares)


@dataclass(frozen=True)
class LowRank(Spread):
    """Factor analysers: covariance loadings loadings' + diag(noises); loadings (K, d, L), noises (K, d).

    Ghahramani and Hinton, "The EM algorithm for mixtures of factor analyzers", 1996.
    """

    loadings: Tensor
    noises: Tensor

    @property
    def variances(self) -> Tensor:
        return self.loadings.square().sum(2) + self.noises

    def marginal(self, columns: Tensor) -> LowRank:
        return LowRank(self.loadings[:, columns], self.noises[:, columns])

    def conditional(self, known: Tensor, rest: Tensor) -> tuple[Tensor, Spread]:
        """What is known tells of the factors, and these of the rest, so that the spread stays low-rank."""
        seen, told = self.marginal(known), self.marginal(rest)
        scaled = seen.loadings / seen.noises[:, :, None]  # (K, o, L)
        factor = seen.precision_factor()
        maps = told.loadings @ torch.cholesky_solve(scaled.mT, factor)
        left = torch.linalg.solve_triangular(factor, told.loadings.mT, upper=False)  # (K, L, r)
        return maps, LowRank(left.mT, told.noises)

    def precision_factor(self) -> Tensor:
        """Cholesky factors (K, L, L) of the factors' posterior precision, I + loadings' noises^-1 loadings."""
        inner = self.loadings.mT @ (self.loadings / self.noises[:, :, None])
        factor: Tensor = torch.linalg.cholesky(
            inner + torch.eye(inner.shape[1], dtype=inner.dtype, device=inner.device)
        )
        return factor

    def noise(self, states: Tensor, generator: torch.Generator) -> Tensor:
        _, width, factors = self.loadings.shape
        hidden = torch.randn(len(states), factors, generator=generator, dtype=torch.double)
        drawn = torch.randn(len(states), width, generator=generator, dtype=torch.double)
        drawn *= self.noises[states].sqrt()
        for state in states.unique().tolist():
            mine = (states == state).nonzero()[:, 0]
            drawn[mine] += hidden[mine] @ self.loadings[state].T
        return drawn

    def scaled(self, factor: float) -> LowRank:
        return LowRank(self.loadings * factor**0.5, self.noises * factor)

    def stretched(self, factors: Tensor) -> LowRank:
        return LowRank(self.loadings * factors[:, None], self.noises * factors.square())

    def select(self, kept: Tensor) -> LowRank:
        return LowRank(self.loadings[kept], self.noises[kept])

    def trace_inverse(self) -> Tensor:
        return self.noises.reciprocal().sum(1)

    def dense(self) -> Tensor:
        return self.loadings @ self.loadings.mT + torch.diag_embed(self.noises)


def cholesky(matrices: Tensor) -> Tensor:
    """Lower factors of matrices (K, d, d) that are positive definite but for rounding."""
    factors: Tensor
    factors, failed = torch.linalg.cholesky_ex(matrices)
    jitter = 1e-14
    while bool(failed.any()):
        size = matrices.diagonal(dim1=1, dim2=2).abs().amax(1).clamp_min(1e-300)
        lifted = matrices + torch.diag_embed((jitter * size)[:, None].expand(-1, matrices.shape[1]))
        factors, failed = torch.linalg.cholesky_ex(lifted)
        jitter *= 10
        if jitter > 1:
            raise FloatingPointError("a covariance is no longer positive definite; raise reg_covar")
    return factors


def symmetric(matrices: Tensor) -> Tensor:
    """The symmetric part of matrices (..., d, d)."""
    return (matrices + matrices.mT) / 2


def _block(matrices: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    return matrices[:, rows[:, None], columns]
