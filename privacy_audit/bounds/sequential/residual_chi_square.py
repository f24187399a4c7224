"""Residuals of released measurements against the sigma they claim: a conformance test of noise, from one fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from privacy_audit.bounds.checks import read_alpha, read_scores
from privacy_audit.bounds.sequential.process import ConformanceTest
from privacy_audit.errors import InputError

__all__ = ["residual_chi_square"]


def residual_chi_square(residuals: Any, sigmas: Any, *, alpha: float = 1e-3, rounded: bool = False) -> ConformanceTest:
    """Test that (noisy - exact) / sigma are standard normal, by their sum of squares; both tails.

    Args:
        residuals: float64[n], noisy minus exact, of one fit or pooled over several.
        sigmas: float64[n] or one number, the claimed standard deviations, above 0.
        alpha: false-alarm rate, shared by the tails.
        rounded: the noise was rounded to integers, which adds 1/12 to its variance; the test is then approximate, and
            good from sigma 1 on.

    Returns:
        The test; too little noise and too much are both refuted.

    Raises:
        InputError: sigmas that are not positive or do not match, or from the checks.

    Guarantee:
        For normal noise of the claimed sigmas the false-alarm rate is exactly alpha.
    """
    alpha = read_alpha(alpha)
    values = read_scores("residuals", residuals)
    scales = np.broadcast_to(np.asarray(sigmas, dtype=np.float64), values.shape) if np.ndim(sigmas) == 0 else sigmas
    scales = read_scores("sigmas", scales)
    if scales.shape != values.shape or not (scales > 0).all() or not np.isfinite(values).all():
        raise InputError("Residuals and sigmas do not match, or are not finite and positive.\nGive one sigma each.")
    variances = scales**2 + (1 / 12 if rounded else 0.0)
    total = float((values**2 / variances).sum())
    tails = special.chdtr(values.size, total), special.chdtrc(values.size, total)
    p_value = min(1.0, 2 * float(min(tails)))
    return ConformanceTest("residual_chi_square", p_value <= alpha, alpha, p_value, None, values.size)
