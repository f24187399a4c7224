"""Paying for a choice among thresholds, attacks, canaries or nights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from privacy_audit.bounds.base import EpsilonBound, freeze
from privacy_audit.bounds.checks import read_alpha, read_count
from privacy_audit.errors import InputError

__all__ = ["best_of", "holm", "multiply_e_values", "share_alpha"]


def share_alpha(alpha: float, parts: int) -> float:
    """Bonferroni: the false-alarm rate of each of several bounds of which the best will be reported.

    Args:
        alpha: of all together.
        parts: how many thresholds, attacks or canaries, counted before the runs.

    Raises:
        InputError: from the checks.
    """
    return read_alpha(alpha) / read_count("parts", parts, least=1)


def best_of(bounds: Sequence[EpsilonBound], *, alpha: float = 0.05) -> EpsilonBound:
    """The largest of several bounds whose false-alarm rates add up to at most alpha.

    Args:
        bounds: all bounds that were computed, not a selection, each at `share_alpha(alpha, len(bounds))` or less.
        alpha: false-alarm rate of the result.

    Returns:
        The best bound, at confidence 1 - alpha.

    Raises:
        InputError: no bounds, different deltas, a credible interval among them, or rates that add up to more.

    Guarantee:
        All bounds hold at once with probability at least 1 - alpha, so the largest holds.
    """
    alpha = read_alpha(alpha)
    if not bounds or len({bound.delta for bound in bounds}) != 1:
        raise InputError("No bounds, or bounds at different deltas.\nGive all bounds of one audit, at one delta.")
    if not all(bound.valid for bound in bounds):
        raise InputError("A credible interval cannot enter a verdict.\nLeave joint_beta out.")
    spent = sum(1 - bound.confidence for bound in bounds)
    if spent > alpha * (1 + 1e-9):
        raise InputError(
            f"The false-alarm rates add up to {spent:.3g}, above {alpha:g}.\n"
            "Compute each bound at share_alpha(alpha, number of bounds)."
        )
    best = max(bounds, key=lambda bound: bound.epsilon)
    return EpsilonBound(
        epsilon=best.epsilon,
        delta=best.delta,
        confidence=1 - alpha,
        method=f"best of {len(bounds)}: {best.method}",
        valid=True,
        assumptions=tuple(dict.fromkeys(words for bound in bounds for words in bound.assumptions)),
        samples=best.samples,
        detectable=max(bound.detectable for bound in bounds),
        details=freeze(bounds=len(bounds), **best.details),
    )


def holm(p_values: Any) -> np.ndarray:
    """Holm's adjusted p-values: reject those at or below alpha, and the chance of any false alarm is at most alpha.

    Args:
        p_values: float64[k] in [0, 1].

    Returns:
        float64[k], in the order given.

    Raises:
        InputError: none, or values outside.

    Source: holm1979simple
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or not values.size or not ((values >= 0) & (values <= 1)).all():
        raise InputError("p_values are not numbers from 0 to 1.\nGive one per test.")
    order = np.argsort(values)
    stepped = np.maximum.accumulate(np.minimum(values[order] * np.arange(values.size, 0, -1), 1.0))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted


def multiply_e_values(log_e_values: Any) -> float:
    """The log of the product of e-values of independent runs of a test: an e-value again, across nights and releases.

    Args:
        log_e_values: float64[k], each at a stopping time of its own run; all runs, not a selection.

    Raises:
        InputError: none, or NaN among them.

    Guarantee:
        If the claim was true in all runs, exp(result) is at least 1 / alpha with probability at most alpha.

    Source: ville1939etude
    """
    values = np.asarray(log_e_values, dtype=np.float64)
    if not values.size or np.isnan(values).any():
        raise InputError("No e-values, or NaN among them.\nGive the log of each run's e-value.")
    return float(values.sum())
