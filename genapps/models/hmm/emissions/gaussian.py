"""Numbers: every state has a normal distribution, with variables independent or correlated.

The likelihood of all steps in all states is one matrix product (two where variables are independent), as are the sums
that the next parameters are made of. The variances' floor is exact: of all parameters above it, the M-step finds the
best.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from genapps.models.hmm.emissions import Statistics
from genapps.models.hmm.room import Room

CovarianceType = Literal["spherical", "diag", "full", "tied"]

_CHUNK = 4096  # steps whose squares are kept at once: small enough for a processor's cache
_WIDE = 2**22  # numbers in a chunk of differences to all states


@dataclass(frozen=True)
class Gaussian:
    """means: (K, D). covars: (K, D) variances for spherical and diag, (K, D, D) for full and tied. float64.

    least: no variance, in any direction, falls below it. Unknown values are summed over.
    """

    means: Tensor
    covars: Tensor
    kind: CovarianceType = "diag"
    least: float = 1e-6

    @property
    def independent(self) -> bool:
        """Whether variables are independent given the state."""
        return self.kind in ("spherical", "diag")

    def log_likelihood(self, values: Tensor, room: Room | None = None) -> Tensor:
        """(S, K) of frames (S, D), in their type."""
        result = (room or Room()).take((len(values), len(self.means)), values.dtype, values.device)
        if not self.independent:
            for rows, known in _patterns(values):
                result[rows] = _correlated(values[rows][:, known], *self._part(known))
            return result
        precision = 1 / self.covars
        square, linear = -precision / 2, self.means * precision
        constant = -(self.means * linear + self.covars.log() + math.log(2 * math.pi)) / 2  # (K, D)
        square, linear, constant = (part.to(values.dtype).T.contiguous() for part in (square, linear, constant))
        whole = constant.sum(0)
        for part, out in zip(values.split(_CHUNK), result.split(_CHUNK), strict=True):
            x, seen = _known(part)
            torch.addmm(whole if seen is None else seen @ constant, x, linear, out=out)
            out.addmm_(x * x, square)
        return result

    def statistics(self, values: Tensor, posterior: Tensor) -> Statistics:
        """n: (K, D) or (K,) expected steps, s1: (K, D) sum of values, s2: sum of squares, or of products (K, D, D)."""
        if not self.independent:
            return self._products(values, posterior)
        width = values.shape[1]
        total = torch.zeros(len(self.means), 3 * width, dtype=torch.double, device=values.device)
        features = values.new_ones(min(_CHUNK, len(values)), 3 * width)  # values, squares, and whether they are known
        for part, share in zip(values.split(_CHUNK), posterior.split(_CHUNK), strict=True):
            x, known = _known(part)
            row = features[: len(part)]
            row[:, :width] = x
            torch.mul(x, x, out=row[:, width : 2 * width])
            row[:, 2 * width :] = 1 if known is None else known
            row = row if known is not None else row[:, : 2 * width + 1]
            found = share.T.to(row.dtype) @ row
            total[:, : 2 * width] += found[:, : 2 * width]
            total[:, 2 * width :] += found[:, 2 * width :]
        s1, s2, n = total.split(width, 1)
        return {"n": n, "s1": s1, "s2": s2}

    def maximize(self, statistics: Statistics) -> Gaussian:
        """Means and variances of the statistics; a state, or its variable, that is never seen keeps its own."""
        n, s1, s2 = (statistics[name] for name in ("n", "s1", "s2"))
        seen = n > 1e-8
        if not self.independent:
            means = torch.where(seen[:, None], s1 / n.clamp_min(1e-300)[:, None], self.means)
            scatter = s2 - n[:, None, None] * means[:, :, None] * means[:, None, :]
            if self.kind == "tied":
                covars = _above(scatter.sum(0) / n.sum().clamp_min(1e-300), self.least).expand_as(scatter)
            else:
                covars = _above(scatter / n.clamp_min(1e-300)[:, None, None], self.least)
            return replace(self, means=means, covars=torch.where(seen[:, None, None], covars, self.covars))
        means = torch.where(seen, s1 / n.clamp_min(1e-300), self.means)
        scatter = s2 - n * means * means
        if self.kind == "spherical":
            n, scatter = (part.sum(1, keepdim=True).expand_as(means) for part in (n, scatter))
        covars = torch.where(n > 1e-8, scatter / n.clamp_min(1e-300), self.covars).clamp_min(self.least)
        return replace(self, means=means, covars=covars.contiguous())

    def begin(self, values: Tensor, posterior: Tensor, generator: torch.Generator) -> Gaussian:
        """The means of each state, and for all of them the mean of their variances."""
        statistics = self.statistics(values, posterior)
        found = self.maximize(statistics)
        n = statistics["n"] if self.independent else statistics["n"][:, None, None]
        mean = ((found.covars * n).sum(0) / n.sum(0).clamp_min(1e-300)).expand_as(found.covars)
        covars = torch.where(n.sum(0) > 0, mean, found.covars)
        floor = max(self.least, 1e-3)
        if self.independent:
            return replace(found, covars=covars.clamp_min(floor).contiguous())
        return replace(found, covars=_above(covars, floor))

    def log_prior(self) -> float:
        """There is none but the floor."""
        return 0.0

    def draw(self, states: Tensor, generator: torch.Generator) -> Tensor:
        """Frames (S, D), float64."""
        noise = torch.randn(len(states), self.means.shape[1], dtype=torch.double, generator=generator)
        if self.independent:
            return self.means[states] + noise * self.covars[states].sqrt()
        factors = torch.linalg.cholesky(self.covars)
        result = self.means[states]
        for state, factor in enumerate(factors):
            own = states == state
            result[own] += noise[own] @ factor.T
        return result

    def fill(self, values: Tensor, states: Tensor, generator: torch.Generator) -> Tensor:
        """Draws of the unknown values given the known ones and the state (Matheron's rule).

        A draw of the whole frame, moved by what its known part is off by, has the conditional distribution.
        """
        drawn = self.draw(states, generator)
        unknown = torch.isnan(values)
        if not self.independent:
            for rows, known in _patterns(values):
                if bool(known.any()) and not bool(known.all()):
                    gain = self._gain(known)[states[rows]]  # (n, D, O)
                    off = (values[rows] - drawn[rows])[:, known].double()
                    drawn[rows] += (gain @ off[:, :, None])[..., 0]
        return torch.where(unknown, drawn.to(values.dtype), values)

    def tempered(self, temperature: float) -> Gaussian:
        """Variances times the temperature."""
        return replace(self, covars=self.covars * temperature)

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return {"means": self.means, "covars": self.covars.contiguous()}

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Gaussian:
        """The inverse of `tensors`."""
        return replace(self, means=tensors["means"], covars=tensors["covars"])

    def to(self, device: torch.device) -> Gaussian:
        """The same on another device."""
        return replace(self, means=self.means.to(device), covars=self.covars.to(device))

    @property
    def parameters(self) -> int:
        """Of means and covariances."""
        states, width = self.means.shape
        pairs = width * (width + 1) // 2
        each = {"spherical": states, "diag": states * width, "full": states * pairs, "tied": pairs}
        return self.means.numel() + each[self.kind]

    # -- correlated variables ------------------------------------------------------------------------------------

    def _part(self, known: Tensor) -> tuple[Tensor, Tensor]:
        """Means and covariances of some variables."""
        return self.means[:, known], self.covars[:, known][:, :, known]

    def _gain(self, known: Tensor) -> Tensor:
        """How all variables move with the known ones, (K, D, O): their regression on these."""
        _, covars = self._part(known)
        gain: Tensor = torch.linalg.solve(covars, self.covars[:, known]).transpose(1, 2)
        return gain

    def _products(self, values: Tensor, posterior: Tensor) -> Statistics:
        states = len(self.means)
        n = torch.zeros(states, dtype=torch.double, device=values.device)
        s1, s2 = torch.zeros_like(self.means), torch.zeros_like(self.covars)
        for rows, known in _patterns(values):
            if not bool(known.any()):
                continue
            share, x = posterior[rows], values[rows]
            n += share.sum(0, dtype=torch.double)
            if bool(known.all()):
                _add_products(s1, s2, x, share)
                continue
            gain = self._gain(known)  # the unknown are replaced by what the state expects of them
            rest = self.covars - gain @ self.covars[:, known]
            s2 += rest * share.sum(0, dtype=torch.double)[:, None, None]
            for state in range(states):
                off = x[:, known].double() - self.means[state, known]
                whole = self.means[state] + off @ gain[state].T
                weighted = whole * share[:, state, None]
                s1[state] += weighted.sum(0)
                s2[state] += weighted.T @ whole
        return {"n": n, "s1": s1, "s2": s2}


def _add_products(s1: Tensor, s2: Tensor, values: Tensor, posterior: Tensor) -> None:
    states, width = s1.shape
    size = max(1, _WIDE // (states * width))
    for x, share in zip(values.split(size), posterior.split(size), strict=True):
        share = share.to(x.dtype)
        s1 += share.T @ x
        weighted = (share[:, :, None] * x[:, None, :]).view(len(x), -1)  # (n, K D)
        s2 += (weighted.T @ x).view(states, width, width)


def _correlated(values: Tensor, means: Tensor, covars: Tensor) -> Tensor:
    """Log-densities (S, K) of frames (S, D) without unknown values; (K, D, D) covariances."""
    states, width = means.shape
    if not width:
        return values.new_zeros(len(values), states)
    factor = torch.linalg.cholesky(covars)
    eye = torch.eye(width, dtype=factor.dtype, device=factor.device)
    whiten = torch.linalg.solve_triangular(factor, eye, upper=False)
    constant = -(factor.diagonal(dim1=1, dim2=2).log().sum(1) + width * math.log(2 * math.pi) / 2)
    centre = (whiten @ means[:, :, None]).reshape(-1).to(values.dtype)  # (K D,)
    product = whiten.reshape(-1, width).T.to(values.dtype).contiguous()  # (D, K D)
    result = values.new_empty(len(values), states)
    size = max(1, _WIDE // (states * width))
    for x, out in zip(values.split(size), result.split(size), strict=True):
        off = torch.addmm(centre, x, product, beta=-1).view(-1, states, width)
        torch.sum(off.square_(), 2, out=out)
        out.mul_(-0.5).add_(constant.to(values.dtype))
    return result


def _known(values: Tensor) -> tuple[Tensor, Tensor | None]:
    """The values with 0 where unknown, and 1 where known; None where all are."""
    if not bool(torch.isnan(values.sum())):
        return values, None
    unknown = torch.isnan(values)
    return values.masked_fill(unknown, 0), (~unknown).to(values.dtype)


def _patterns(values: Tensor) -> Iterator[tuple[Tensor | slice, Tensor]]:
    """Rows that know the same variables, and which these are (D,)."""
    everything = torch.ones(values.shape[1], dtype=torch.bool, device=values.device)
    if not bool(torch.isnan(values.sum())):
        yield slice(None), everything
        return
    patterns, which = torch.unique(~torch.isnan(values), dim=0, return_inverse=True)
    for number, known in enumerate(patterns):
        yield (which == number).nonzero()[:, 0], known


def _above(covars: Tensor, least: float) -> Tensor:
    """The covariances (..., D, D) with no variance in any direction below `least`.

    Clipping eigenvalues is the exact maximum of the expected likelihood under that floor.
    """
    covars = (covars + covars.mT) / 2
    floor = least * torch.eye(covars.shape[-1], dtype=covars.dtype, device=covars.device)
    if not bool(torch.linalg.cholesky_ex(covars - floor).info.any()):
        return covars
    values, vectors = torch.linalg.eigh(covars)
    clipped: Tensor = (vectors * values.clamp_min(least)[..., None, :]) @ vectors.mT
    return clipped
