"""From a pool of network rows and noisy counts to weights: shrunk targets, met by iterative proportional fitting.

A cell's true count is x = f m, where m is the pool's count and f a factor whose law is learned from all cells at once
(EM over a grid of factors); the target is the posterior mean given the noisy count y. Ordered columns are shrunk from
coarse to fine. Post-processing throughout.

Source: deming1940least (fitting of counts)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Noisy", "cell_codes", "fit_weights", "rake_pool"]

FACTORS = np.concatenate([np.geomspace(0.01, 0.5, 14), np.geomspace(0.55, 1.8, 37), np.geomspace(2, 12, 10)])
LEVELS = (32, 16, 8, 4, 2, 1)
PRIOR_WEIGHT = 6.0
LEAST = 0.3
LEARNED_CELLS = 20_000
HEAVIEST = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Noisy:
    """A noisy histogram over tokens.

    Attributes:
        columns: column numbers, one per axis.
        counts: float64, one axis per column.
        sigma: noise of each cell, in rows.
    """

    columns: tuple[int, ...]
    counts: np.ndarray
    sigma: float


def cell_codes(pool: np.ndarray, columns: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
    """int64[rows]: flat cell of each row in the histogram over some columns."""
    code = pool[:, columns[0]].astype(np.int64)
    for column in columns[1:]:
        code = code * sizes[column] + pool[:, column]
    return code


def rake_pool(
    pool: np.ndarray,
    sizes: Sequence[int],
    ordered_from: Sequence[int | None],
    noisy: Sequence[Noisy],
    total: float,
    sweeps: int = 12,
) -> np.ndarray:
    """Weights of pool rows that meet the shrunk targets of all noisy histograms.

    Args:
        pool: int32[rows, columns], tokens.
        sizes: tokens per column.
        ordered_from: first token of each column's ordered part, or None.
        noisy: histograms; each tells about the one-ways of its columns too.
        total: number of rows, above 0.
        sweeps: rounds of fitting.

    Returns:
        float64[rows], summing to `total`.

    Guarantee: post-processing; no weight exceeds HEAVIEST times the mean before the last scaling.
    """
    weights = np.full(len(pool), total / len(pool))
    cap = HEAVIEST * total / len(pool)
    singles = _one_ways(noisy, len(sizes))
    means = {j: np.bincount(pool[:, j], weights=weights, minlength=sizes[j]) for j in singles}
    shrunk = _coarse_to_fine(means, singles, ordered_from, total)
    targets = [(pool[:, j].astype(np.int64), shrunk[j]) for j in singles]
    weights = fit_weights(weights, targets, 8, total, cap)
    joint = [(cell_codes(pool, h.columns, sizes), h) for h in noisy if len(h.columns) > 1]
    if joint:
        prior = [np.bincount(code, weights=weights, minlength=h.counts.size) for code, h in joint]
        found = _shrink([(m, h.counts.ravel(), h.sigma) for m, (_, h) in zip(prior, joint, strict=True)])
        more = [(code, t * total / t.sum()) for (code, _), t in zip(joint, found, strict=True)]
        weights = fit_weights(weights, more + targets, sweeps, total, cap)
    return weights


def fit_weights(
    weights: np.ndarray, targets: Sequence[tuple[np.ndarray, np.ndarray]], sweeps: int, total: float, cap: float
) -> np.ndarray:
    """Iterative proportional fitting of row weights.

    Args:
        weights: float64[rows] to start from.
        targets: (int64[rows] cells, float64[cells] wanted mass) pairs.
        sweeps: rounds over all targets.
        total: what the weights sum to at the end.
        cap: largest weight after each round.
    """
    for _ in range(sweeps):
        for code, target in targets:
            now = np.bincount(code, weights=weights, minlength=len(target))
            ratio = np.where(now > 0, target / np.maximum(now, 1e-9), 1.0)
            weights = weights * np.clip(ratio, 0.02, 50.0)[code]
        weights = np.minimum(weights, cap)
    return weights * (total / max(weights.sum(), 1e-9))


def _one_ways(noisy: Sequence[Noisy], columns: int) -> dict[int, tuple[np.ndarray, float]]:
    """Inverse-variance mean of what all histograms say of each column: (counts, sigma)."""
    found: dict[int, tuple[np.ndarray, float]] = {}
    for j in range(columns):
        top, bottom = np.zeros(()), 0.0
        for h in noisy:
            if j in h.columns:
                place = h.columns.index(j)
                rest = tuple(axis for axis in range(h.counts.ndim) if axis != place)
                variance = h.sigma**2 * (h.counts.size / h.counts.shape[place])
                top, bottom = top + h.counts.sum(axis=rest) / variance, bottom + 1 / variance
        if bottom:
            found[j] = (top / bottom, bottom**-0.5)
    return found


def _coarse_to_fine(
    means: dict[int, np.ndarray],
    singles: dict[int, tuple[np.ndarray, float]],
    ordered_from: Sequence[int | None],
    total: float,
) -> dict[int, np.ndarray]:
    """One-ways shrunk toward the pool's, neighbours of ordered columns together first."""
    means = {j: m.copy() for j, m in means.items()}
    for width in LEVELS:
        items, groups = [], {}
        for j, (counts, sigma) in singles.items():
            start, cells = ordered_from[j], np.arange(len(counts))
            if width > 1 and (start is None or len(counts) - start < 2 * width):
                continue
            group = cells if start is None else np.where(cells < start, cells, start + (cells - start) // width)
            size = np.bincount(group)
            groups[j] = group
            prior, seen = np.bincount(group, means[j]), np.bincount(group, counts)
            items.append((prior, seen, sigma * np.sqrt(size)))
        for j, target in zip(groups, _shrink(items), strict=True):
            target = target * (total / target.sum())
            group = groups[j]
            means[j] *= (target / np.maximum(np.bincount(group, means[j]), 1e-9))[group]
            means[j] *= total / max(means[j].sum(), 1e-9)
    return means


def _shrink(items: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray | float]]) -> list[np.ndarray]:
    """Posterior mean counts of histograms: (pool's counts, noisy counts, sigma) each; the law of factors is shared."""
    if not items:
        return []
    base = np.exp(-0.5 * (np.log(FACTORS) / 0.5) ** 2)
    base /= base.sum()
    share = min(1.0, LEARNED_CELLS / sum(len(m) for m, _, _ in items))
    step = max(1, round(1 / share))
    sample = [_likelihood(m[::step], y[::step], s[::step] if isinstance(s, np.ndarray) else s) for m, y, s in items]
    common = _learn(np.concatenate(sample), base, 5.0, 60)[1]
    found = []
    for m, y, s in items:
        likelihood = _likelihood(m, y, s)
        fitted = likelihood if len(m) <= LEARNED_CELLS else likelihood[:: len(m) // LEARNED_CELLS + 1]
        own = _learn(fitted, common, PRIOR_WEIGHT, 40)[1]
        posterior = likelihood * own
        posterior /= posterior.sum(1, keepdims=True)
        found.append(np.maximum(m, LEAST) * (posterior @ FACTORS))
    return found


def _likelihood(prior: np.ndarray, noisy: np.ndarray, sigma: np.ndarray | float) -> np.ndarray:
    """float32[cells, factors], each row's largest entry 1."""
    spread = np.broadcast_to(np.asarray(sigma, np.float64), prior.shape)[:, None]
    log = -0.5 * ((noisy[:, None] - np.maximum(prior, LEAST)[:, None] * FACTORS) / spread) ** 2
    return np.exp(log - log.max(1, keepdims=True)).astype(np.float32)


def _learn(likelihood: np.ndarray, start: np.ndarray, weight: float, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """(posterior by cell, law of factors) by EM with a Dirichlet prior of `weight` on `start`."""
    law = start.copy()
    posterior = likelihood
    for _ in range(rounds):
        posterior = likelihood * law.astype(np.float32)
        posterior /= np.maximum(posterior.sum(1, keepdims=True), 1e-30)
        law = (posterior.sum(0, dtype=np.float64) + weight * start) / (len(likelihood) + weight)
    return posterior, law
