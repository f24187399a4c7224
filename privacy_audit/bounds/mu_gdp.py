"""Clopper-Pearson limits read on the Gaussian curve: far sharper, and only true of Gaussian mechanisms."""

from __future__ import annotations

import numpy as np
from scipy import special

from privacy_audit.bounds.base import INDEPENDENT_RUNS, EpsilonBound, freeze
from privacy_audit.bounds.binomial import proportion_at_most
from privacy_audit.bounds.checks import read_alpha, read_curve_flag, read_delta
from privacy_audit.bounds.clopper_pearson import read_errors
from privacy_audit.bounds.curves import gdp_epsilon

__all__ = ["mu_gdp", "mu_of_limits"]


def mu_of_limits(false_positive: np.ndarray, false_negative: np.ndarray) -> np.ndarray:
    """The largest mu that error rates at or below two limits refute, elementwise; at least 0."""
    found = -special.ndtri(np.asarray(false_positive)) - special.ndtri(np.asarray(false_negative))
    return np.maximum(np.nan_to_num(found, nan=0.0, neginf=0.0), 0.0)


def mu_gdp(
    false_positives: int,
    nonmembers: int,
    false_negatives: int,
    members: int,
    *,
    gaussian_mechanism: bool,
    delta: float,
    alpha: float = 0.05,
) -> EpsilonBound:
    """Bound mu, and through it epsilon, of a Gaussian mechanism.

    Args:
        false_positives: runs without the record that were called "in".
        nonmembers: runs without the record.
        false_negatives: runs with the record that were called "out".
        members: runs with the record.
        gaussian_mechanism: the caller's declaration that the mechanism's trade-off curve is Gaussian.
        delta: at which epsilon is reported.
        alpha: false-alarm rate.

    Returns:
        The bound; `details["mu"]` holds mu itself.

    Raises:
        InputError: the mechanism is not declared Gaussian (randomised response of epsilon 1, read on the Gaussian
            curve, would show 4.70 from 1,000 runs per world), or from the checks.

    Guarantee:
        If the curve is Gaussian, the bound exceeds epsilon with probability at most alpha.

    Source: dong2022gaussian, clopper1934use
    """
    read_curve_flag(gaussian_mechanism, "mu_gdp")
    alpha, delta = read_alpha(alpha), read_delta(delta)
    wrong_in, outside, wrong_out, inside = read_errors(false_positives, nonmembers, false_negatives, members)
    positive = proportion_at_most(wrong_in, outside, alpha / 2)
    negative = proportion_at_most(wrong_out, inside, alpha / 2)
    mu = float(mu_of_limits(positive, negative))
    best = float(mu_of_limits(proportion_at_most(0, outside, alpha / 2), proportion_at_most(0, inside, alpha / 2)))
    return EpsilonBound(
        epsilon=gdp_epsilon(mu, delta),
        delta=delta,
        confidence=1 - alpha,
        method="mu_gdp",
        valid=True,
        assumptions=(
            INDEPENDENT_RUNS,
            "the threshold was fixed without these runs",
            "the mechanism's trade-off curve is Gaussian (declared by the caller)",
        ),
        samples=inside + outside,
        detectable=gdp_epsilon(best, delta),
        details=freeze(mu=mu, false_positive_limit=float(positive), false_negative_limit=float(negative)),
    )
