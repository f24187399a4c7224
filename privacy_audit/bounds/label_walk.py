"""The label walk: an exact test of an (epsilon, delta) claim over many thresholds at once.

Sort independent runs by score, call the top r of them "in" and the bottom r "out", and count right guesses for a fixed
grid of r. Under (epsilon, delta)-DP these counts lie below a walk of binomial counts plus the number of revealed
labels; the probability that such a walk meets a boundary is computed exactly. The proof is docs/proofs/label_walk.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from privacy_audit.bounds.base import COIN_RUNS, INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.binomial import at_least, crossing, log_probabilities, smallest_count
from privacy_audit.bounds.checks import read_alpha, read_count, read_delta, read_epsilon
from privacy_audit.bounds.design import sorted_design
from privacy_audit.errors import InputError

__all__ = ["critical_counts", "label_walk", "label_walk_p_value", "walk_counts", "walk_ranks"]

RANKS = 16
GRID = 0.01
LARGEST_EPSILON = 15.0
MOST_REVEALED = 400
REVEALED_SHARE = 1 / 50
"""The share of alpha that goes into "more labels are revealed than counted with"."""
ROUNDING = 1 + 1e-9


def walk_ranks(runs: int, delta: float = 0.0, alpha: float = 0.05) -> np.ndarray:
    """The fixed grid of r: up to 16 geometric steps, ending at 25 % of the runs.

    It begins at 6, at 1 % of the runs, or at four times the number of labels that may be revealed, whichever is most:
    a few revealed labels would decide shorter counts.

    Args:
        runs: m.
        delta: of the claim.
        alpha: false-alarm rate.

    Returns:
        int64[k], rising.
    """
    last = max(runs // 4, 1)
    revealed = _revealed(runs, delta, alpha)
    least = 4 * (revealed[0].size - 1) if revealed else last
    first = min(max(6, runs // 100, least), last)
    return np.unique(np.round(np.geomspace(first, last, RANKS)).astype(np.int64))


def walk_counts(labels: np.ndarray, ranks: np.ndarray, *, two_sided: bool) -> np.ndarray:
    """Right guesses among the top r (and bottom r) of sorted labels.

    Args:
        labels: bool[..., m], by descending score.
        ranks: int64[k].
        two_sided: count both ends.

    Returns:
        int64[..., k].
    """
    count = np.cumsum(labels, axis=-1, dtype=np.int64)[..., ranks - 1]
    if two_sided:
        missing = np.cumsum(~labels[..., ::-1], axis=-1, dtype=np.int64)
        count = count + missing[..., ranks - 1]
    return count


def _revealed(runs: int, delta: float, alpha: float) -> tuple[np.ndarray, float] | None:
    """P[l labels are revealed] for l = 0..L, and P[more]; None if L would be absurd."""
    if delta == 0:
        return np.ones(1), 0.0
    most = max(int(smallest_count(alpha * REVEALED_SHARE, np.asarray(runs), delta)) - 1, 0)
    if most > MOST_REVEALED:
        return None
    law = np.exp(log_probabilities(runs, delta)[: most + 1])
    return law, float(at_least(most + 1, runs, delta))


def _level(ranks: np.ndarray, critical: np.ndarray, odds: float, revealed: tuple[np.ndarray, float]) -> float:
    """The largest probability that some count reaches its critical value."""
    law, total = revealed
    for leaks, probability in enumerate(law.tolist()):
        total += probability * crossing(ranks, critical - leaks, odds)
    return min(total, 1.0)


def critical_counts(
    runs: int, epsilon: float, delta: float, *, alpha: float = 0.05, two_sided: bool = True
) -> np.ndarray:
    """The counts at which the label walk refutes (epsilon, delta), for tables and simulations.

    Args:
        runs: m.
        epsilon: of the claim.
        delta: of the claim.
        alpha: false-alarm rate.
        two_sided: both ends of the ranking.

    Returns:
        int64[k] for `walk_ranks(runs, delta, alpha)`, one local level for all; beyond reach where no level keeps alpha.
    """
    guessed = walk_ranks(runs, delta, alpha) * (2 if two_sided else 1)
    odds = float(special.expit(epsilon))
    revealed = _revealed(runs, delta, alpha)
    never = guessed + runs + 1
    if revealed is None:
        return never
    low, high = np.log(alpha) - 12, np.log(alpha)
    for _ in range(11):
        middle = (low + high) / 2
        critical = smallest_count(np.exp(middle), guessed, odds)
        low, high = (middle, high) if _level(guessed, critical, odds, revealed) <= alpha else (low, middle)
    critical = smallest_count(np.exp(low), guessed, odds)
    return critical if _level(guessed, critical, odds, revealed) <= alpha else never


def label_walk_p_value(
    counts: np.ndarray, runs: int, epsilon: float, delta: float, *, alpha: float = 0.05, two_sided: bool = True
) -> float:
    """The p-value of (epsilon, delta) given the counts of `walk_counts`.

    Args:
        counts: int64[k], for the ranks of `walk_ranks(runs, delta, alpha)`.
        runs: m.
        epsilon: of the claim.
        delta: of the claim.
        alpha: the level of interest; p-values far below it are cut off at what the revealed labels cost.
        two_sided: both ends of the ranking.

    Guarantee:
        Under (epsilon, delta)-DP it is at most a with probability at most a, for every a.
    """
    runs, delta, alpha = read_count("runs", runs, least=4), read_delta(delta), read_alpha(alpha)
    guessed = walk_ranks(runs, delta, alpha) * (2 if two_sided else 1)
    odds = float(special.expit(read_epsilon(epsilon)))
    revealed = _revealed(runs, delta, alpha)
    if revealed is None:
        return 1.0
    local = float(np.min(at_least(counts, guessed, odds)))
    critical = smallest_count(local * ROUNDING, guessed, odds)
    return _level(guessed, critical, odds, revealed)


def _safely_refuted(
    counts: np.ndarray, guessed: np.ndarray, epsilons: np.ndarray, alpha: float, revealed: tuple[np.ndarray, float]
) -> np.ndarray:
    """Where the sum over ranks, cruder than the exact crossing and cheaper, already refutes: bool[epsilons]."""
    odds = special.expit(epsilons)[:, None]
    local = at_least(counts[None, :], guessed[None, :], odds).min(axis=1, keepdims=True)
    critical = smallest_count(local * ROUNDING, np.broadcast_to(guessed, (epsilons.size, guessed.size)), odds)
    law, rest = revealed
    total = np.full(epsilons.size, rest)
    for leaks, probability in enumerate(law.tolist()):
        total += probability * np.minimum(at_least(critical - leaks, guessed[None, :], odds).sum(axis=1), 1)
    return total <= alpha


def _largest_refuted(counts: np.ndarray, runs: int, delta: float, alpha: float, two_sided: bool) -> float:
    """The largest value of the epsilon grid up to which all are refuted; 0 if none is."""
    revealed = _revealed(runs, delta, alpha)
    if revealed is None:
        return 0.0
    guessed = walk_ranks(runs, delta, alpha) * (2 if two_sided else 1)
    epsilons = GRID * np.arange(1, round(LARGEST_EPSILON / GRID) + 1)
    safe = _safely_refuted(counts, guessed, epsilons, alpha, revealed)
    found = 0.0
    for epsilon, certain in zip(epsilons.tolist(), safe.tolist(), strict=True):
        if not certain and label_walk_p_value(counts, runs, epsilon, delta, alpha=alpha, two_sided=two_sided) > alpha:
            break
        found = epsilon
    return found


@lru_cache(maxsize=256)
def _detectable(runs: int, delta: float, alpha: float, two_sided: bool) -> float:
    perfect = walk_ranks(runs, delta, alpha) * (2 if two_sided else 1)
    return _largest_refuted(perfect, runs, delta, alpha, two_sided)


def label_walk(
    members: Any,
    nonmembers: Any,
    *,
    delta: float,
    alpha: float = 0.05,
    two_sided: bool = True,
    coin_labels: bool = False,
    seed: int = 0,
) -> EpsilonBound:
    """Bound epsilon over all thresholds of the grid at once, from scores of independent runs.

    Args:
        members: float64[n1], scores of runs with the record.
        nonmembers: float64[n0], scores of runs without it.
        delta: of the claim.
        alpha: false-alarm rate.
        two_sided: guess at both ends of the ranking; False looks for evidence among the highest scores only.
        coin_labels: each run had its world chosen by a fair coin (all runs are then used); False: two fixed pools, from
            which a coin design is drawn.
        seed: of ties and of the coins for fixed pools; choose it without looking at results.

    Returns:
        The bound, on a grid of 0.01.

    Raises:
        InputError: too few runs, or from the checks of scores, delta and alpha.

    Guarantee:
        If the mechanism is (epsilon, delta)-DP, the bound exceeds epsilon with probability at most alpha.
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    design = sorted_design(members, nonmembers, alpha=alpha, coin_labels=coin_labels, seed=seed)
    runs, level = design.labels.size, alpha - design.spent
    if runs < 4:
        raise InputError("Too few runs.\nGive at least 4, better some hundreds.")
    ranks = walk_ranks(runs, delta, level)
    counts = walk_counts(design.labels, ranks, two_sided=two_sided)
    return EpsilonBound(
        epsilon=_largest_refuted(counts, runs, delta, level, two_sided),
        delta=delta,
        confidence=1 - alpha,
        method="label_walk" if two_sided else "label_walk_one_sided",
        valid=True,
        assumptions=(INDEPENDENT_RUNS, COIN_RUNS),
        samples=runs,
        detectable=_detectable(runs, delta, level, two_sided),
        details=freeze(most_right=int(counts[-1]), most_guessed=int(ranks[-1] * (2 if two_sided else 1))),
    )
