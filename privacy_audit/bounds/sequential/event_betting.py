"""Betting on an event that was fixed beforehand: for mechanisms near the pure-epsilon frontier."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_delta, read_epsilon, read_labels
from privacy_audit.bounds.sequential.process import EProcess, log_wealth_path, start
from privacy_audit.errors import InputError

__all__ = ["best_event_bet", "event_bets", "event_betting", "event_gains", "event_process"]

FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
"""Stakes as fractions of the largest that cannot ruin."""
GRID = 0.05
LARGEST_EPSILON = 15.0


def event_bets(epsilon: float, delta: float) -> np.ndarray:
    """float64[8]: the stakes against (epsilon, delta); a loss is at most e^epsilon + delta."""
    return np.asarray(FRACTIONS) / (math.exp(epsilon) + delta)


def event_gains(inside: np.ndarray, outside: np.ndarray, epsilon: float, delta: float) -> np.ndarray:
    """What a bet of 1 wins on each pair: [in hits] - e^epsilon [out hits] - delta.

    Args:
        inside: bool[...], whether the run with the record hit the event.
        outside: bool[...], whether the run without it did.
        epsilon: of the claim.
        delta: of the claim.
    """
    return inside.astype(np.float64) - math.exp(epsilon) * outside - delta


def best_event_bet(inside: float, outside: float, epsilon: float, delta: float) -> np.ndarray:
    """float64[1]: the stake that grows fastest if the event really has these probabilities.

    Args:
        inside: suspected probability of the event with the record.
        outside: suspected probability without it.
        epsilon: of the claim.
        delta: of the claim.
    """
    claim = math.exp(epsilon)
    stakes = np.linspace(0.01, 0.99, 99) / (claim + delta)
    growth = np.zeros(stakes.size)
    for hit, p in ((1, inside), (0, 1 - inside)):
        for stray, q in ((1, outside), (0, 1 - outside)):
            growth += p * q * np.log1p(stakes * (hit - claim * stray - delta))
    return stakes[[int(np.argmax(growth))]]


def event_process(epsilon: float, delta: float, bets: np.ndarray | None = None) -> EProcess:
    """The betting test of one claim, to be fed with `event_gains`; `bets` default to the mixture of `event_bets`."""
    mixture = event_bets(read_epsilon(epsilon), read_delta(delta))
    return start(mixture if bets is None else bets)


def event_betting(inside: Any, outside: Any, *, delta: float, alpha: float = 0.05) -> EpsilonBound:
    """Bound epsilon from pairs of runs, valid at whatever moment one stops.

    Args:
        inside: 0 or 1 per pair: the run with the record hit the event.
        outside: 0 or 1 per pair: the run without it did.
        delta: of the claim.
        alpha: probability of ever being wrong.

    Returns:
        The largest epsilon, on a grid of 0.05, up to which all claims were refuted at some moment.

    Raises:
        InputError: no pairs, values other than 0 and 1, or from the checks of delta and alpha.

    Guarantee:
        If the mechanism is (epsilon, delta)-DP, the probability that the bound ever exceeds epsilon is at most alpha.

    Source: ville1939etude, waudbysmith2024estimating
    """
    alpha, delta = read_alpha(alpha), read_delta(delta)
    pairs = np.asarray(inside).size
    if pairs == 0:
        raise InputError("No pairs of runs.\nGive one 0 or 1 per run and world.")
    hits, strays = read_labels(inside, pairs), read_labels(outside, pairs)
    return EpsilonBound(
        epsilon=_climb(hits, strays, delta, alpha),
        delta=delta,
        confidence=1 - alpha,
        method="event_betting",
        valid=True,
        assumptions=(INDEPENDENT_RUNS, "the event was fixed before these runs"),
        samples=2 * pairs,
        detectable=_detectable(pairs, delta, alpha),
        details=freeze(pairs=pairs, inside_hits=int(hits.sum()), outside_hits=int(strays.sum())),
    )


@lru_cache(maxsize=64)
def _detectable(pairs: int, delta: float, alpha: float) -> float:
    return _climb(np.ones(pairs, dtype=bool), np.zeros(pairs, dtype=bool), delta, alpha)


def _climb(hits: np.ndarray, strays: np.ndarray, delta: float, alpha: float) -> float:
    found = 0.0
    for step in range(1, round(LARGEST_EPSILON / GRID) + 1):
        epsilon = GRID * step
        path = log_wealth_path(event_gains(hits, strays, epsilon, delta), event_bets(epsilon, delta))
        if path.max() < -math.log(alpha):
            break
        found = epsilon
    return found
