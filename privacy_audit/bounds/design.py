"""From scores to labels sorted by score, with the fair coins that the label bounds rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from privacy_audit.bounds.binomial import at_least
from privacy_audit.bounds.checks import read_scores
from privacy_audit.errors import InputError

__all__ = ["SortedLabels", "sort_labels", "sorted_design"]

LOSS = 1e-3
"""The share of alpha that may go into "a pool ran out of runs"."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class SortedLabels:
    """Labels in the order of their scores.

    Attributes:
        labels: bool[m], by descending score, ties in random order.
        spent: what the design itself takes from alpha.
    """

    labels: np.ndarray
    spent: float


def sort_labels(labels: np.ndarray, scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Labels by descending score, ties in random order.

    Args:
        labels: bool[m].
        scores: float64[m].
        generator: breaks the ties.

    Returns:
        bool[m].
    """
    return labels[np.lexsort((generator.random(scores.size), -scores))]


def sorted_design(members: Any, nonmembers: Any, *, alpha: float, coin_labels: bool, seed: int) -> SortedLabels:
    """Labels of a coin design, or of two fixed pools turned into one.

    From fixed pools, m coins are tossed and that many runs are taken from each pool, without replacement; m is the
    largest number for which a pool runs out with probability at most alpha / 1000. Runs taken so are independent given
    their coins, as in a coin design, unless a pool runs out, which `spent` pays for.

    Args:
        members: float64[n1], scores of runs with the record.
        nonmembers: float64[n0], scores of runs without it.
        alpha: the false-alarm rate of the bound.
        coin_labels: each run (or canary) had its world chosen by a fair coin, and all of them are here.
        seed: of coins and ties.

    Returns:
        The labels by descending score.

    Raises:
        InputError: a pool is too small.
    """
    inside, outside = read_scores("members", members), read_scores("nonmembers", nonmembers)
    generator = np.random.default_rng(seed)
    spent = 0.0
    if not coin_labels:
        tosses, spent = _tosses(inside.size, outside.size, alpha * LOSS)
        heads = int(np.clip(generator.binomial(tosses, 0.5), tosses - outside.size, inside.size))
        inside = generator.permutation(inside)[:heads]
        outside = generator.permutation(outside)[: tosses - heads]
    scores = np.concatenate([inside, outside])
    labels = np.arange(scores.size) < inside.size
    return SortedLabels(sort_labels(labels, scores, generator), spent)


def _tosses(members: int, nonmembers: int, loss: float) -> tuple[int, float]:
    """The largest number of coins that two pools can serve, and the probability that they cannot."""

    def fails(tosses: int) -> float:
        return float(at_least(members + 1, tosses, 0.5)) + float(at_least(nonmembers + 1, tosses, 0.5))

    low, high = 0, members + nonmembers
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fails(middle) <= loss else (low, middle - 1)
    if low < 8:
        raise InputError(
            "Too few runs to turn two fixed pools into a coin design.\n"
            f"Give at least {math.ceil(30)} runs per world, or toss a coin per run and say coin_labels=True."
        )
    return low, fails(low)
