"""Rows chosen from a weighted pool so that their pairs of columns have the pool's weighted counts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from dpsynth.generators.neural.weights import cell_codes

__all__ = ["mutual_information", "select_rows"]

ROUNDS = 120
BATCH = 0.05
MOST_PAIRS = 300
PROBED_ROWS = 30_000


def mutual_information(pool: np.ndarray, weights: np.ndarray, sizes: Sequence[int]) -> list[tuple[float, int, int]]:
    """(nats, column, column) of all pairs, the strongest first; ties in the order of columns.

    Args:
        pool: int32[rows, columns], tokens.
        weights: float64[rows].
        sizes: tokens per column.

    Guarantee: post-processing.
    """
    step = max(1, len(pool) // PROBED_ROWS) if len(sizes) > 30 else 1
    pool, weights = pool[::step], weights[::step] / weights[::step].sum()
    found = []
    for a, b in itertools.combinations(range(len(sizes)), 2):
        code = cell_codes(pool, (a, b), sizes)
        joint = np.bincount(code, weights=weights, minlength=sizes[a] * sizes[b]).reshape(sizes[a], sizes[b])
        product = np.outer(joint.sum(1), joint.sum(0))
        there = joint > 0
        found.append((float((joint[there] * np.log(joint[there] / product[there])).sum()), a, b))
    return sorted(found, key=lambda item: (-item[0], item[1], item[2]))


def select_rows(
    pool: np.ndarray, weights: np.ndarray, sizes: Sequence[int], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Row numbers of the pool, `count` of them, whose pair counts follow the weights.

    An even resample by weight, then rounds of random swaps with pool rows, kept where they lower the sum over all pair
    cells of (count - target)^2 / (target + 1).

    Args:
        pool: int32[rows, columns], tokens.
        weights: float64[rows].
        sizes: tokens per column.
        count: rows wanted.
        rng: draws the swaps.

    Returns:
        int64[count].

    Guarantee: post-processing; rows are chosen whole.
    """
    ladder = np.cumsum(weights)

    def drawn(points: np.ndarray) -> np.ndarray:
        return np.minimum(np.searchsorted(ladder, points * ladder[-1]), len(pool) - 1)

    chosen = drawn((np.arange(count) + rng.random()) / max(count, 1))
    pairs = [(a, b) for _, a, b in mutual_information(pool, weights, sizes)[:MOST_PAIRS]]
    if not pairs or count < 2:
        return rng.permutation(chosen)
    cells = np.array([sizes[a] * sizes[b] for a, b in pairs])
    starts = np.concatenate([[0], np.cumsum(cells)])
    codes = np.empty((len(pool), len(pairs)), np.int32)
    for k, pair in enumerate(pairs):
        codes[:, k] = cell_codes(pool, pair, sizes) + starts[k]
    target = np.zeros(int(starts[-1]), np.float32)
    for k in range(len(pairs)):
        part = np.bincount(codes[:, k] - starts[k], weights=weights, minlength=cells[k])
        target[starts[k] : starts[k + 1]] = part * (count / weights.sum())
    worth = 1 / (target + 1)
    now = codes[chosen]
    held = np.bincount(now.ravel(), minlength=len(target)).astype(np.float32)
    for turn in range(ROUNDS):
        size = max(1, int((BATCH * (1 - turn / ROUNDS) + 0.01) * count))
        places = rng.permutation(count)[:size]
        offers = drawn(rng.random(size))
        excess = (held - target) * worth
        old, new = now[places], codes[offers]
        moved = (worth[new] + worth[old]) * (old != new)
        better = (2 * (excess[new] - excess[old]) + moved).sum(1) < 0
        places, offers, old, new = places[better], offers[better], old[better], new[better]
        held -= np.bincount(old.ravel(), minlength=len(target))
        held += np.bincount(new.ravel(), minlength=len(target))
        now[places], chosen[places] = new, offers
    return rng.permutation(chosen)
