"""Trade-off curves of claims, and the conversions between (epsilon, delta), mu and rho.

A curve is f(a): the least false-negative rate of any test that tells "in" from "out" with false-positive rate a. Two of
its readings do all the work here. B(a) = 1 - f(a) is the largest true-positive rate, and its inverse, `needed`, is the
false-positive rate that a true-positive rate costs. A uniform U (out) and `needed`(U) (in) are a pair of observations
with exactly this curve, smaller meaning "in" (Blackwell's canonical pair).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import cast, final

import numpy as np
from scipy import special

from privacy_audit.bounds.checks import read_delta, read_epsilon
from privacy_audit.errors import InputError

__all__ = [
    "AbstractCurve",
    "GaussianCurve",
    "PointsCurve",
    "approximate_curve",
    "check_ladder",
    "find_root",
    "gaussian_ladder",
    "gdp_delta",
    "gdp_epsilon",
    "gdp_mu",
    "laplace_curve",
    "last_refuted",
    "zcdp_rho",
]

LARGEST_EPSILON = 500.0
LARGEST_MU = 60.0


def find_root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root between two points of different sign, to about 1e-13."""
    from scipy import optimize

    return cast(float, optimize.brentq(function, low, high, xtol=1e-13))


def gdp_delta(epsilon: float, mu: float) -> float:
    """The delta of a mu-GDP mechanism at an epsilon.

    Source: dong2022gaussian
    """
    if mu <= 0:
        return 0.0
    tail = special.log_ndtr(-epsilon / mu - mu / 2)
    return max(0.0, float(special.ndtr(-epsilon / mu + mu / 2) - math.exp(min(epsilon + float(tail), 0.0))))


@lru_cache(maxsize=100_000)
def gdp_epsilon(mu: float, delta: float) -> float:
    """The epsilon of a mu-GDP mechanism at a delta; 0 where (0, delta) holds, infinity at delta 0.

    Source: dong2022gaussian
    """
    if mu <= 0 or gdp_delta(0.0, mu) <= delta:
        return 0.0
    if delta <= 0:
        return math.inf
    high = mu * mu / 2 + mu * float(-special.ndtri(delta / 2)) + 1
    return find_root(lambda e: gdp_delta(e, mu) - delta, 0.0, high)


@lru_cache(maxsize=4096)
def gdp_mu(epsilon: float, delta: float) -> float:
    """The largest mu whose mu-GDP mechanisms are (epsilon, delta)-DP.

    Source: dong2022gaussian
    """
    epsilon, delta = read_epsilon(epsilon), read_delta(delta)
    if delta <= 0:
        return 0.0
    return find_root(lambda mu: gdp_delta(epsilon, mu) - delta, 1e-9, LARGEST_MU)


def zcdp_rho(epsilon: float, delta: float) -> float:
    """The largest rho whose rho-zCDP mechanisms are (epsilon, delta)-DP by the tight conversion.

    Source: canonne2020discrete
    """
    epsilon, delta = read_epsilon(epsilon), read_delta(delta)
    if delta <= 0 or epsilon == 0:
        return 0.0

    def log_delta(rho: float) -> float:
        def at(log_order: float) -> float:
            more = math.exp(log_order)  # order - 1
            return more * ((more + 1) * rho - epsilon) + (more + 1) * math.log(more / (more + 1)) - log_order

        from scipy import optimize

        return float(optimize.minimize_scalar(at, bounds=(-10, 25), method="bounded", options={"xatol": 1e-12}).fun)

    target = math.log(delta)
    return find_root(lambda rho: log_delta(rho) - target, 1e-12, epsilon)


class AbstractCurve(ABC):
    """A trade-off curve; symmetric, so that in and out may be exchanged."""

    gaussian: bool = False

    @abstractmethod
    def needed(self, rate: np.ndarray) -> np.ndarray:
        """The least false-positive rates at which true-positive rates (of the same shape) can be reached."""

    @abstractmethod
    def reached(self, rate: np.ndarray) -> np.ndarray:
        """The largest true-positive rates at false-positive rates: 1 - f."""

    @abstractmethod
    def epsilon(self, delta: float) -> float:
        """The smallest epsilon at a delta that the curve implies."""

    @abstractmethod
    def order_probability(self) -> float:
        """The largest P[T(in) > T(out)] + P[equal] / 2 of any statistic: the area below `reached`."""

    def pair(self, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Canonical observations for labels (any shape), *larger* meaning "in"."""
        uniform = generator.random(labels.shape)
        return -np.where(labels, self.needed(uniform), uniform)


@final
class GaussianCurve(AbstractCurve):
    """The curve of N(0, 1) against N(mu, 1): a Gaussian mechanism's, and no other's.

    Args:
        mu: sensitivity over sigma.
    """

    gaussian = True

    def __init__(self, mu: float) -> None:
        self.mu = read_epsilon(mu, "mu")

    def needed(self, rate: np.ndarray) -> np.ndarray:
        return special.ndtr(special.ndtri(rate) - self.mu)

    def reached(self, rate: np.ndarray) -> np.ndarray:
        return special.ndtr(special.ndtri(rate) + self.mu)

    def epsilon(self, delta: float) -> float:
        return gdp_epsilon(self.mu, delta)

    def order_probability(self) -> float:
        return float(special.ndtr(self.mu / math.sqrt(2)))

    def pair(self, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return generator.standard_normal(labels.shape) + self.mu * labels


@final
class PointsCurve(AbstractCurve):
    """The weakest curve that satisfies a list of (epsilon, delta) points: what an accountant's list really claims.

    Args:
        points: (epsilon, delta) pairs, in any order, all of them holding at once for both directions.
    """

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        pairs = [(read_epsilon(epsilon), read_delta(delta)) for epsilon, delta in points]
        if not pairs:
            raise InputError("A curve needs at least one (epsilon, delta) point.\nGive what the accountant states.")
        self.points = tuple(sorted(pairs))
        self._true, self._false = _vertices(self.points)

    def needed(self, rate: np.ndarray) -> np.ndarray:
        return np.interp(rate, self._true, self._false)

    def reached(self, rate: np.ndarray) -> np.ndarray:
        first = int(np.searchsorted(self._false, 0.0, side="right")) - 1
        return np.interp(rate, self._false[first:], self._true[first:])

    def epsilon(self, delta: float) -> float:
        over = self._true - delta > 1e-15  # below that is rounding of the vertices
        with np.errstate(divide="ignore"):
            ratios = np.log(np.where(over, self._true - delta, 1.0)) - np.log(self._false)
        return max(0.0, float(np.max(np.where(over, ratios, 0.0))))

    def order_probability(self) -> float:
        true, false = np.append(self._true, 1.0), np.append(self._false, 1.0)
        return float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))


def _vertices(points: Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """The corners (true-positive rate, false-positive rate) of the upper envelope of the lines of all points.

    Each point says: false >= e^-epsilon (true - delta). The lines make a convex function of the true rate up to the
    diagonal false = 1 - true; exchanging in and out reflects it, (true, false) -> (1 - false, 1 - true).
    """
    lines = [(0.0, 0.0)]  # slope, intercept; slopes rise
    for epsilon, delta in reversed(points):
        slope = math.exp(-min(epsilon, LARGEST_EPSILON))
        lines.append((slope, -slope * delta))
    hull: list[tuple[float, float]] = []
    starts: list[float] = []
    for slope, intercept in lines:
        start = 0.0
        while hull:
            above_slope, above_intercept = hull[-1]
            if slope == above_slope:
                start = 0.0 if intercept > above_intercept else math.inf
            else:
                start = (above_intercept - intercept) / (slope - above_slope)
            if start <= starts[-1] and math.isfinite(start):
                hull.pop()
                starts.pop()
                start = 0.0
                continue
            break
        if math.isfinite(start):
            hull.append((slope, intercept))
            starts.append(max(start, 0.0))
    true, false = [], []
    for (slope, intercept), start, end in zip(hull, starts, [*starts[1:], math.inf], strict=True):
        true.append(start)
        false.append(max(slope * start + intercept, 0.0))
        crossing = (1 - intercept) / (1 + slope)
        if crossing <= end:
            true.append(crossing)
            false.append(1 - crossing)
            break
    mirrored = [(1 - b, 1 - a) for a, b in zip(true, false, strict=True)][::-1]
    rows = [*zip(true, false, strict=True), *mirrored[1:]]
    if rows[-2][0] >= 1:  # a true rate of 1 costs less than 1
        rows.pop()
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def approximate_curve(epsilon: float, delta: float = 0.0) -> PointsCurve:
    """The curve of a bare (epsilon, delta) claim.

    Source: kairouz2015composition
    """
    return PointsCurve([(epsilon, delta)])


def laplace_curve(epsilon: float, points: int = 400) -> PointsCurve:
    """The curve of Laplace noise of scale sensitivity / epsilon, from points of its exact delta(epsilon).

    Args:
        epsilon: its pure epsilon.
        points: how many; more lie closer to the curve, from below.

    Source: dong2022gaussian
    """
    grid = np.linspace(0.0, read_epsilon(epsilon), points)
    return PointsCurve([(float(e), float(-np.expm1((e - epsilon) / 2))) for e in grid])


@lru_cache(maxsize=8)
def gaussian_ladder(lowest: float = 0.005, highest: float = 16.0, ratio: float = 1.005) -> tuple[GaussianCurve, ...]:
    """Gaussian curves of rising mu, in equal ratios."""
    steps = math.ceil(math.log(highest / lowest) / math.log(ratio))
    return tuple(GaussianCurve(lowest * ratio**i) for i in range(steps + 1))


def check_ladder(curves: AbstractCurve | Sequence[AbstractCurve]) -> tuple[AbstractCurve, ...]:
    """One curve, or several of rising leakage, as a tuple.

    Raises:
        InputError: no curve, or a curve that does not lie above the one before it.
    """
    ladder = (curves,) if isinstance(curves, AbstractCurve) else tuple(curves)
    if not ladder or not all(isinstance(curve, AbstractCurve) for curve in ladder):
        raise InputError("The claim is not a curve or a list of curves.\nBuild one from the accountant by PointsCurve.")
    rates = np.concatenate([np.geomspace(1e-9, 0.5, 60), 1 - np.geomspace(1e-9, 0.5, 60)[::-1]])
    previous = None
    for curve in ladder:
        costs = curve.needed(rates)
        if previous is not None and (costs > previous + 1e-12).any():
            raise InputError("The curves are not ordered by leakage.\nSort them from the most to the least private.")
        previous = costs
    return ladder


def last_refuted(rungs: int, refuted: Callable[[int], bool], start: int | None = None) -> int:
    """The last refuted rung of a ladder whose verdicts are monotone, or -1.

    Args:
        rungs: how many there are.
        refuted: the verdict on a rung; once False, False for all that follow.
        start: a guess of the answer, which only saves verdicts.
    """
    low, high = -1, rungs  # refuted at low (or none), not refuted at high (or all are)
    if start is not None:
        step, rung = 1, min(max(start, 0), rungs - 1)
        if refuted(rung):
            low = rung
            while low + step < high and refuted(low + step):
                low, step = low + step, 2 * step
            high = min(low + step, high)
        else:
            high = rung
            while high - step > low and not refuted(high - step):
                high, step = high - step, 2 * step
            low = max(high - step, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low
