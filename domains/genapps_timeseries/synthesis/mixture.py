"""A Gaussian mixture of a row together with what came before it, drawn from row by row: exact conditioning.

What came before is a history of single rows and of means over ever longer spans, so that a few numbers reach far back.
A linear prediction takes what is linear; the mixture is of what is left and of a few directions of the history, and
each new row is drawn from the mixture given these, which is a mixture again. (A mixture autoregression: Wong and Li,
2000, with gates as in the mixture regression of Ghahramani and Jordan, 1994.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from genapps_timeseries.series import Floats

NEAR = 12  # rows of the history that are taken one by one
SPANS = (16, 24, 40, 72, 136, 264)  # ends of the spans whose means are taken
DIRECTIONS = 16  # of the history that the mixture looks at
RIDGE = 1e-6  # variances' worth of shrinkage
LEAST = 1e-6  # deviation of what the linear prediction leaves
MOST_ROWS = 30_000  # that are learnt from
FARTHEST = 5.0  # deviations a drawn row may lie out


@dataclass(frozen=True)
class Mixture:
    """Weights (K,), means and covariances of directions and residuals (K, Q + C), and how histories become directions.

    weights of rows: history (H, ) by `reading` (F, H); `linear` (F*C + 1, C) predicts; `directions` (F*C, Q).
    """

    reading: Floats
    linear: Floats
    directions: Floats
    center: Floats  # (Q,)
    spread: Floats  # (C,) of the residuals
    weights: Floats
    means: Floats
    covariances: Floats

    @property
    def reach(self) -> int:
        """Rows of history."""
        return int(self.reading.shape[1])

    def drawer(self) -> Callable[[Floats, np.random.Generator], Floats]:
        """A function from histories (S, H, C), the latest row last, to next rows (S, C)."""
        width = self.directions.shape[1]
        past, gains, roots, norms = [], [], [], []
        for covariance in self.covariances:
            inverse = np.linalg.inv(covariance[:width, :width])
            gain = covariance[width:, :width] @ inverse
            left = covariance[width:, width:] - gain @ covariance[:width, width:]
            past.append(inverse)
            gains.append(gain)
            roots.append(_root(left))
            norms.append(-0.5 * np.linalg.slogdet(covariance[:width, :width])[1])
        inverses, gain, root = np.stack(past), np.stack(gains), np.stack(roots)
        offsets = np.log(np.maximum(self.weights, 1e-300)) + np.array(norms)

        def draw(histories: Floats, generator: np.random.Generator) -> Floats:
            features = np.einsum("fh,shc->sfc", self.reading, histories).reshape(len(histories), -1)
            seen = features @ self.directions - self.center
            gap = seen[:, None, :] - self.means[None, :, :width]  # (S, K, Q)
            logs = offsets - 0.5 * np.einsum("skq,kqp,skp->sk", gap, inverses, gap)
            logs -= logs.max(1, keepdims=True)
            shares = np.exp(logs)
            shares /= shares.sum(1, keepdims=True)
            chosen = (shares.cumsum(1) < generator.random((len(shares), 1))).sum(1).clip(0, shares.shape[1] - 1)
            rows = np.arange(len(shares))
            noise = generator.standard_normal((len(shares), self.spread.size))
            rest = self.means[chosen, width:] + np.einsum("scq,sq->sc", gain[chosen], gap[rows, chosen])
            rest = rest + np.einsum("scd,sd->sc", root[chosen], noise)
            linear = features @ self.linear[:-1] + self.linear[-1]
            new: Floats = np.clip(linear + rest * self.spread, -FARTHEST, FARTHEST)
            return new

        return draw


def learn_mixture(sequences: Sequence[Floats], count: int, reach: int, seed: int) -> Mixture | None:
    """The mixture of `count` components of sequences (T, C), with up to `reach` rows of history.

    None where there are too few rows for so many components.
    """
    from genapps.models import GMM

    reading = history_reading(min(max(len(one) for one in sequences) // 3, reach))
    read = [histories(one, reading) for one in sequences if len(one) > reading.shape[1]]
    features, nexts = np.concatenate([f for f, _ in read]), np.concatenate([n for _, n in read])
    step = max(1, -(-len(nexts) // MOST_ROWS))
    features, nexts = features[::step], nexts[::step]
    linear = _ridge(features, nexts)
    rest = nexts - features @ linear[:-1] - linear[-1]
    spread = np.maximum(rest.std(0), LEAST)
    directions = _directions(features)
    seen = features @ directions
    center = seen.mean(0)
    joint = np.concatenate([seen - center, rest / spread], axis=1)
    if len(joint) < (3 * count * joint.shape[1] if count > 1 else 8):
        return None
    prior = float(joint.shape[1]) if count > 1 else 1.0
    model = GMM(count, covariance_prior=prior, reg_covar=1e-4, random_state=seed).fit(joint)
    weights, means, covariances = (
        np.asarray(part, np.float64) for part in (model.weights_, model.means_, model.covariances_)
    )
    return Mixture(reading, linear, directions, center, spread, weights, means, covariances)


def history_reading(reach: int) -> Floats:
    """(F, H): how a history of H rows, the latest last, is read as single rows and means of spans."""
    near = max(1, min(NEAR, reach))
    ends = [near, *(end for end in SPANS if near < end <= reach)]
    rows = np.zeros((near + len(ends) - 1, ends[-1]))
    for k in range(near):
        rows[k, -1 - k] = 1.0
    for k, (start, end) in enumerate(pairwise(ends)):
        rows[near + k, ends[-1] - end : ends[-1] - start] = 1 / (end - start)
    return rows


def histories(sequence: Floats, reading: Floats) -> tuple[Floats, Floats]:
    """What is read of the history of each row (M, F * C) of a sequence (T, C) from row H on, and these rows (M, C)."""
    reach = reading.shape[1]
    windows = np.lib.stride_tricks.sliding_window_view(sequence[:-1], reach, axis=0)  # (M, C, H)
    read = np.einsum("fh,mch->mfc", reading, windows).reshape(len(windows), -1)
    return read, sequence[reach:]


def _ridge(features: Floats, nexts: Floats) -> Floats:
    """(F + 1, C): weights and intercept of the least squares, a little shrunk."""
    mean, target = features.mean(0), nexts.mean(0)
    x, y = features - mean, nexts - target
    weights = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ y)
    return np.concatenate([weights, (target - mean @ weights)[None]])


def _directions(features: Floats) -> Floats:
    """(F, Q): the directions in which histories differ most, each scaled to deviation 1."""
    centered = features - features.mean(0)
    values, vectors = np.linalg.eigh(centered.T @ centered / len(features))
    order = np.argsort(-values)[:DIRECTIONS]
    kept = order[values[order] > 1e-9 * max(values.max(), 1e-300)]
    kept = kept if len(kept) else order[:1]
    scaled: Floats = vectors[:, kept] / np.sqrt(np.maximum(values[kept], 1e-12))
    return scaled


def _root(covariance: Floats) -> Floats:
    """A matrix whose square is the covariance."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0))
    return root
