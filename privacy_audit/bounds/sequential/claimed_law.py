"""An e-value of the exact law that our own noise claims, against a suspected fault: a conformance test of code."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from privacy_audit.bounds.checks import read_alpha, read_epsilon, read_scores
from privacy_audit.bounds.sequential.process import ConformanceTest
from privacy_audit.errors import InputError

__all__ = ["claimed_law", "claimed_law_steps"]


def claimed_law_steps(
    inside: np.ndarray, outside: np.ndarray, mu: float, *, suspected_scale: float = 0.5
) -> np.ndarray:
    """The log likelihood ratio of each pair: noise of `suspected_scale` times what is claimed, over the claim.

    Computed with the claimed sigma, the log likelihood ratio of a Gaussian mechanism is normal with mean mu^2 / 2
    (with the record) or -mu^2 / 2 (without it) and standard deviation mu; if the noise really has another scale, the
    standard deviation is that multiple of mu.

    Args:
        inside: float64[...], log likelihood ratios of runs with the record.
        outside: float64[...], of runs without it.
        mu: what the mechanism claims and the transcript's own sigmas give.
        suspected_scale: real noise over claimed noise, under the suspicion.

    Returns:
        float64[...].
    """
    squares = ((inside - mu * mu / 2) / mu) ** 2 + ((outside + mu * mu / 2) / mu) ** 2
    return squares / 2 * (1 - 1 / suspected_scale**2) - 2 * math.log(suspected_scale)


def claimed_law(
    inside: Any, outside: Any, *, mu: float, suspected_scale: float = 0.5, alpha: float = 1e-3
) -> ConformanceTest:
    """Test the claimed law of the log likelihood ratios of pairs of runs, after every pair.

    Args:
        inside: float64[t], log likelihood ratios of runs with the record.
        outside: float64[t], of runs without it; the i-th of each are a pair.
        mu: of the claimed law, above 0.
        suspected_scale: real noise over claimed noise, under the suspicion; not 1.
        alpha: probability of ever refuting a true law.

    Raises:
        InputError: scores that do not pair up, mu or scale that make no law, or from the checks.

    Guarantee:
        Under the claimed law the product of the ratios has expectation 1, so it ever reaches 1 / alpha with
        probability at most alpha. It says nothing of the privacy claim.

    Source: ville1939etude
    """
    alpha, mu = read_alpha(alpha), read_epsilon(mu, "mu")
    scale = read_epsilon(suspected_scale, "suspected_scale")
    first, second = read_scores("inside", inside), read_scores("outside", outside)
    if first.size != second.size:
        raise InputError("The ratios do not pair up.\nGive as many runs with the record as without it, pair by pair.")
    if mu == 0 or scale in (0.0, 1.0):
        raise InputError("mu 0, or a suspected scale of 0 or 1.\nGive a claim and a fault that differ.")
    path = np.cumsum(claimed_law_steps(first, second, mu, suspected_scale=scale))
    reached = np.flatnonzero(path >= -math.log(alpha))
    return ConformanceTest(
        name="claimed_law",
        rejected=bool(reached.size),
        alpha=alpha,
        p_value=float(math.exp(-max(0.0, float(path.max())))),
        log_e=float(path[-1]),
        samples=2 * first.size,
        first_rejection=int(reached[0]) + 1 if reached.size else None,
    )
