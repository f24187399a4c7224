"""Which pairs to measure, with which noise, and which of them the junction tree can hold.

A pair that is left out costs bias (the dependence that the model then lacks); a pair that is measured costs noise, for
itself and for all others, because the budget is split once more. Both are predicted from noisy scores and public sizes,
so that choosing is post-processing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.special import expit, log_ndtr

from dpsynth.generators.pairs import Pair, error_per_sigma
from dpsynth.pgm.junction_tree import triangulate

__all__ = ["PairPlan", "chance_distance", "pair_biases", "plan_pairs"]

MEAN_ABSOLUTE = math.sqrt(2 / math.pi)  # E|Z| of a standard normal Z
DENOISED = 0.8  # what denoising leaves of a pair's noise
EM_STEPS = 30
MOST_EMPTY = 0.98
LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
REFUSALS = 60  # pairs in a row that the tree may refuse before it is called full


@dataclass(frozen=True, slots=True)
class PairPlan:
    """What to measure.

    Attributes:
        pairs: chosen pairs, most useful first.
        shares: share of the pair budget of each chosen pair, what it had before included (summing to 1).
        tree: the chosen pairs that the junction tree holds; the others are met by row edits.
        errors: predicted total variation distance of every candidate: by noise where it is measured, by bias where not.
        noise: predicted mean total variation distance by noise over all candidate pairs.
        bias: predicted mean total variation distance by pairs left out.
    """

    pairs: tuple[Pair, ...]
    shares: Mapping[Pair, float]
    tree: tuple[Pair, ...]
    errors: Mapping[Pair, float]
    noise: float
    bias: float


def chance_distance(reference: np.ndarray, sigma: float) -> float:
    """L1 distance that a table of finite length has to its own law by chance, as far as noise would hide it anyway.

    A cell of e expected rows is off by about sqrt(e). A measurement with noise sigma sees the part
    e / (e + sigma^2) of that variance; the rest is no reason to measure.

    Args:
        reference: expected rows by cell.
        sigma: noise of a measured pair, in rows.

    Returns:
        In rows.

    Guarantee:
        Post-processing.
    """
    expected = np.maximum(np.asarray(reference, dtype=np.float64), 0.0)
    return MEAN_ABSOLUTE * float(np.sqrt(expected * sigma**2 / (expected + sigma**2)).sum())


def pair_biases(scores: np.ndarray, sigma: float, chance: np.ndarray) -> np.ndarray:
    """Expected L1 distances beyond chance, given noisy ones: most of many pairs may have next to none.

    The prior is a mixture, fitted to the scores by a few steps of expectation maximisation: no distance with some
    probability, else an exponential law. The answer is the posterior mean, but no more than the score less what noise
    alone shows on average: a pair that is left out wrongly costs less than many that are measured in vain. Where the
    distance stands out of the noise, chance is taken from it as variances are, else as it is.

    Args:
        scores: int64[pairs], noisy distances to a reference, in rows.
        sigma: their noise.
        chance: float64[pairs], what each distance would be without dependence, from `chance_distance`.

    Returns:
        float64[pairs], not negative.

    Guarantee:
        Post-processing.

    Source:
        johnstone2004needles
    """
    z = (np.asarray(scores, dtype=np.float64) - chance) / sigma
    empty, rate = 0.5, 1.0 / max(float(np.maximum(z, 0.0).mean()), 0.1)
    weight, mean = np.ones_like(z), np.maximum(z, 0.0)
    for _ in range(EM_STEPS):
        shifted = z - rate
        tail = log_ndtr(shifted)
        log_null = math.log(max(empty, 1e-12)) - 0.5 * z**2 - LOG_ROOT_2PI
        log_some = math.log(max(1 - empty, 1e-12)) + math.log(rate) + 0.5 * rate**2 - rate * z + tail
        weight = expit(log_some - log_null)
        mean = shifted + np.exp(-0.5 * shifted**2 - LOG_ROOT_2PI - tail)  # of a normal law cut off at zero
        empty = float(np.clip(1.0 - weight.mean(), 0.0, MOST_EMPTY))
        rate = float(np.clip(weight.sum() / max((weight * mean).sum(), 1e-12), 1e-6, 1e6))
    found = np.minimum(weight * mean, np.maximum(z - MEAN_ABSOLUTE, 0.0)) * sigma
    return np.sqrt(found**2 + 2 * found * chance * found / (found + 2 * sigma))


def plan_pairs(
    biases: Mapping[Pair, float],
    sizes: Mapping[str, int],
    *,
    sigma_of_all: float,
    total: float,
    weights: Mapping[Pair, float],
    cell_cap: int,
    known: Mapping[Pair, float] | None = None,
) -> PairPlan:
    """Greedy choice by weighted bias per cost; a pair enters if it removes more bias than it adds noise.

    With y = (weight x error per sigma)^(2/3), the least summed error of a set at the best split of the budget is
    (sum of y)^1.5 x sigma_of_all.

    Args:
        biases: predicted bias of leaving a pair out.
        sizes: coarse cells by column.
        sigma_of_all: noise of a pair that took the whole pair budget, in rows.
        total: estimated number of rows.
        weights: how much each pair matters (default 1).
        cell_cap: most cells of the junction tree.
        known: pairs that are measured already, with the shares that they took. New pairs divide what is left; if there
            are none, the known get it.

    Returns:
        The plan.

    Guarantee:
        Post-processing.

    Source:
        zhang2021privsyn
    """
    weight = {pair: weights.get(pair, 1.0) for pair in biases}
    error = {
        pair: DENOISED * error_per_sigma((sizes[pair[0]], sizes[pair[1]])) * MEAN_ABSOLUTE / (2 * total)
        for pair in biases
    }
    cost = {pair: (weight[pair] * error[pair]) ** (2 / 3) for pair in biases}
    known = dict(known or {})
    candidates = sorted(
        (p for p in biases if biases[p] > 0 and p not in known), key=lambda p: -weight[p] * biases[p] / cost[p]
    )
    chosen: list[Pair] = []
    tree = _Tree(sizes, cell_cap)
    for pair in known:
        tree.offer(pair)
    spent = sum(cost[pair] for pair in known)
    for pair in candidates:
        added = ((spent + cost[pair]) ** 1.5 - spent**1.5) * sigma_of_all
        if weight[pair] * biases[pair] <= added:
            continue
        chosen.append(pair)
        spent += cost[pair]
        tree.offer(pair)
    shares = _split({pair: cost[pair] for pair in (*known, *chosen)}, known)
    errors = {
        pair: error[pair] * sigma_of_all / math.sqrt(shares[pair]) if pair in shares else biases[pair]
        for pair in biases
    }
    return PairPlan(
        pairs=(*known, *chosen),
        shares=shares,
        tree=tuple(tree.pairs),
        errors=errors,
        noise=sum(errors[pair] for pair in shares) / max(len(biases), 1),
        bias=sum(errors[pair] for pair in biases if pair not in shares) / max(len(biases), 1),
    )


def _split(costs: Mapping[Pair, float], known: Mapping[Pair, float]) -> dict[Pair, float]:
    """Shares summing to 1: new pairs divide what the known ones left by their costs; without any, the known get it."""
    left = 1.0 - sum(known.values())
    new = {pair: cost for pair, cost in costs.items() if pair not in known}
    if not new:
        return {pair: share / (1.0 - left) for pair, share in known.items()}
    return dict(known) | {pair: left * cost / sum(new.values()) for pair, cost in new.items()}


class _Tree:
    """Pairs that fit into one junction tree under a cap on its cells."""

    def __init__(self, sizes: Mapping[str, int], cell_cap: int) -> None:
        self.sizes = sizes
        self.cell_cap = cell_cap
        self.pairs: list[Pair] = []
        self.cliques: list[frozenset[str]] = []
        self.refused = 0

    def offer(self, pair: Pair) -> None:
        """Take the pair if the triangulated graph stays below the cap."""
        if self.refused >= REFUSALS:
            return
        if any(clique.issuperset(pair) for clique in self.cliques):
            self.pairs.append(pair)
            return
        cliques = triangulate(self.sizes, [*self.pairs, pair])
        if sum(prod(self.sizes[name] for name in clique) for clique in cliques) <= self.cell_cap:
            self.pairs.append(pair)
            self.cliques = cliques
            self.refused = 0
        else:
            self.refused += 1
