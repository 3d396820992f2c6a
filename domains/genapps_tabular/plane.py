"""Many coordinates as the two that a picture has."""

from __future__ import annotations

import numpy as np

from genapps.metrics.distributions import Codes, Floats

DIRECTIONS = 30  # principal directions in which groups are told apart: the others are mostly noise


def principal(points: Floats, count: int = 2) -> tuple[Floats, Floats]:
    """The directions (P, count) of most variance, and the share of it (count,) that each has; zeros beyond the rank."""
    centered = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(centered.T @ centered)
    order = np.argsort(-values)[:count]
    total = max(float(values.clip(0).sum()), 1e-300)
    directions, shares = np.zeros((points.shape[1], count)), np.zeros(count)
    directions[:, : len(order)] = _signed(vectors[:, order])
    shares[: len(order)] = values[order].clip(0) / total
    return directions, shares


def discriminant(points: Floats, labels: Codes) -> Floats:
    """The directions (P, 2) in which groups (N,) lie farthest apart for their spread (Fisher, 1936).

    The spread is drawn towards one and the same in all directions (Friedman, 1989).

    With two groups there is one such direction; the other is that of most variance beside it, as both are with one.
    """
    groups = np.unique(labels)
    basis, shares = principal(points, min(DIRECTIONS, points.shape[1]))
    if len(groups) < 2 or points.shape[1] < 2 or shares[0] <= 1e-9:
        return principal(points)[0]
    basis = basis[:, shares > 1e-9]
    reduced = (points - points.mean(axis=0)) @ basis
    means = np.stack([reduced[labels == g].mean(axis=0) for g in groups])
    counts = np.array([np.count_nonzero(labels == g) for g in groups])
    own = reduced - means[np.searchsorted(groups, labels)]
    ridge = reduced.var(axis=0).max() * np.eye(reduced.shape[1])  # or single categories would be all there is to see
    within = own.T @ own / len(points) + ridge
    half = np.linalg.inv(np.linalg.cholesky(within))
    between = half @ (means.T * counts @ means / len(points)) @ half.T
    _, vectors = np.linalg.eigh(between)
    ways = half.T @ vectors[:, ::-1]
    count = min(2, len(groups) - 1, ways.shape[1])
    chosen = basis @ ways[:, :count]
    if count < 2:
        first = chosen[:, 0] / np.linalg.norm(chosen[:, 0])
        rest = (points - points.mean(axis=0)) @ (np.eye(points.shape[1]) - np.outer(first, first))
        chosen = np.column_stack([chosen[:, 0], principal(rest, 1)[0][:, 0]])
    return _signed(chosen)


def _signed(vectors: Floats) -> Floats:
    """Each direction (P, count) so that its largest part is positive: the same picture on every machine."""
    largest = np.abs(vectors).argmax(axis=0)
    return np.asarray(vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0))
