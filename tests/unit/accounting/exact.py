"""Privacy profiles in high-precision arithmetic and by brute force, written as the textbook has them."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np


def gaussian_delta(mu: float, epsilon: float) -> mpmath.mpf:
    """delta of mu-GDP at epsilon, with 400 bits."""
    with mpmath.workprec(400):
        m, e = mpmath.mpf(mu), mpmath.mpf(epsilon)

        def phi(x: mpmath.mpf) -> mpmath.mpf:
            return mpmath.erfc(-x / mpmath.sqrt(2)) / 2

        return phi(-e / m + m / 2) - mpmath.exp(e) * phi(-e / m - m / 2)


def zcdp_delta(rho: float, epsilon: float) -> float:
    """The tight conversion, minimised over a dense grid of orders."""
    excess = np.exp(np.linspace(math.log(1e-6), math.log(1e9), 2_000_001))
    a = 1 + excess
    log_delta = excess * (a * rho - epsilon) + a * (np.log(excess) - np.log(a)) - np.log(excess)
    return float(np.exp(min(0.0, log_delta.min())))


def discrete_laplace(scale: float, reach: int) -> np.ndarray:
    """P(k) on -reach..reach."""
    k = np.arange(-reach, reach + 1)
    r = math.exp(-1 / scale)
    return (1 - r) / (1 + r) * r ** np.abs(k)


def hockey_stick(p: np.ndarray, q: np.ndarray, epsilon: float) -> float:
    """sum max(0, p - e^epsilon q)."""
    return float(np.maximum(0.0, p - math.exp(epsilon) * q).sum())


def laplace_delta(scale: float, shifts: tuple[int, ...], epsilon: float, reach: int = 200) -> float:
    """delta of discrete Laplace noise on a vector whose entries move by `shifts`, by brute force over all outcomes."""
    p = q = np.ones(1)
    for shift in shifts:
        noise = discrete_laplace(scale, reach + shift)
        moved = np.roll(noise, shift)
        inside = slice(shift, len(noise) - shift)
        p = np.outer(p, noise[inside]).ravel()
        q = np.outer(q, moved[inside]).ravel()
    return hockey_stick(p, q, epsilon)


def randomised_response_delta(epsilons: tuple[float, ...], epsilon: float) -> float:
    """delta of composed randomised responses, by brute force over all outcomes."""
    total = 0.0
    for signs in itertools.product((1, -1), repeat=len(epsilons)):
        p = math.prod(1 / (1 + math.exp(-s * e)) for s, e in zip(signs, epsilons, strict=True))
        loss = math.fsum(s * e for s, e in zip(signs, epsilons, strict=True))
        total += max(0.0, p * -math.expm1(epsilon - loss)) if loss > epsilon else 0.0
    return total
