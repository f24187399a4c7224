"""The exact hockey-stick divergence of tiny discrete mechanisms: no sampling, no statistical error.

A law is a mapping from outcomes to probabilities: Fractions, integers (weights in any common unit) or floats. With
Fractions or integers the sums are exact.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Rational
from typing import Any, final

import numpy as np

from privacy_audit.errors import InputError

__all__ = [
    "EnumerationReport",
    "enumerate_pairs",
    "epsilon_of",
    "hockey_stick",
    "law_of_inversion",
    "small_tables",
    "trade_off",
]

Law = Mapping[Hashable, Any]


def hockey_stick(p: Law, q: Law, epsilon: float) -> float:
    """sum over outcomes of max(0, p - e^epsilon q): the smallest delta for which p is within (epsilon, delta) of q.

    Args:
        p: the law in one world.
        q: the law in the other.
        epsilon: at least 0; infinity asks for the mass that q cannot produce.

    Returns:
        The divergence, rounded to a float at the end only (e^epsilon itself is the nearest float, taken as exact).

    Raises:
        InputError: a law is empty, negative or does not sum to 1 (floats: within 1e-9; weights: to the same sum).
    """
    if not epsilon >= 0:
        raise InputError("epsilon must be at least 0.")
    (p, whole), (q, other) = _checked(p), _checked(q)
    if epsilon == math.inf:
        return float(sum((v for k, v in p.items() if not q.get(k, 0)), Fraction(0)) / whole)
    odds = Fraction(math.exp(epsilon)) if isinstance(whole, Rational) else math.exp(epsilon)
    excess = (v / whole - odds * (q.get(k, 0) / other) for k, v in p.items())
    positive = [x for x in excess if x > 0]
    return float(sum(positive, Fraction(0))) if isinstance(whole, Rational) else math.fsum(positive)


def epsilon_of(p: Law, q: Law, delta: float = 0.0) -> float:
    """The smallest epsilon at which the hockey-stick divergence of p from q is at most delta.

    Args:
        p: the law in one world.
        q: the law in the other.
        delta: at least 0.

    Returns:
        The exact privacy parameter of this direction to 1e-12; infinity where p has more than delta on outcomes that
        q cannot produce.
    """
    if hockey_stick(p, q, math.inf) > delta:
        return math.inf
    if hockey_stick(p, q, 0.0) <= delta:
        return 0.0
    (p, whole), (q, other) = _checked(p), _checked(q)
    low, high = 0.0, max(math.log(float((v / whole) / (q[k] / other))) for k, v in p.items() if v and q.get(k, 0))
    if delta == 0:
        return high
    while high - low > 1e-12 * max(1.0, high):
        middle = (low + high) / 2
        low, high = (low, middle) if hockey_stick(p, q, middle) <= delta else (middle, high)
    return high


def trade_off(p: Law, q: Law) -> tuple[np.ndarray, np.ndarray]:
    """The exact trade-off curve: corners of the least type II error against type I error, telling p (null) from q.

    Returns:
        (alpha, beta), float64[k], alpha rising from 0 to 1, to be joined by straight lines.
    """
    (p, whole), (q, other) = _checked(p), _checked(q)
    pairs = [(float(p.get(k, 0) / whole), float(q.get(k, 0) / other)) for k in p.keys() | q.keys()]
    pairs.sort(key=lambda pair: math.inf if pair[0] == 0 else pair[1] / pair[0], reverse=True)
    alpha = np.concatenate([[0.0], np.cumsum([a for a, _ in pairs])])
    beta = 1.0 - np.concatenate([[0.0], np.cumsum([b for _, b in pairs])])
    return np.minimum(alpha, 1.0), np.maximum(beta, 0.0)


@final
@dataclass(frozen=True, slots=True)
class EnumerationReport:
    """The worst of all pairs.

    Attributes:
        pairs: how many ordered pairs were looked at.
        epsilon: the claimed epsilon.
        delta: the claimed delta.
        worst_delta: the largest hockey-stick divergence at the claimed epsilon, exact.
        worst_epsilon: the largest exact epsilon at the claimed delta.
        worst_pair: the two inputs of `worst_delta`, as texts.
    """

    pairs: int
    epsilon: float
    delta: float
    worst_delta: float
    worst_epsilon: float
    worst_pair: tuple[str, str]

    @property
    def passed(self) -> bool:
        """Whether no pair exceeds the claim."""
        return self.worst_delta <= self.delta

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "pairs": self.pairs,
            "epsilon": self.epsilon,
            "delta": self.delta,
            "worst_delta": self.worst_delta,
            "worst_epsilon": self.worst_epsilon if math.isfinite(self.worst_epsilon) else "infinity",
            "worst_pair": list(self.worst_pair),
            "passed": self.passed,
        }


def enumerate_pairs(
    law: Callable[[Any], Law], pairs: Iterable[tuple[Any, Any]], *, epsilon: float, delta: float = 0.0
) -> EnumerationReport:
    """The exact privacy of a mechanism over given neighbours, in both directions.

    Args:
        law: from an input to the exact law of the output.
        pairs: neighbouring inputs.
        epsilon: claimed.
        delta: claimed.

    Returns:
        The worst pair. Fails the claim only if the claim is false for it: there is no statistical error.

    Raises:
        InputError: no pair.
    """
    count, worst_delta, worst_epsilon, worst = 0, -1.0, 0.0, ("", "")
    for one, other in pairs:
        p, q = law(one), law(other)
        for a, b, names in ((p, q, (one, other)), (q, p, (other, one))):
            count += 1
            here = hockey_stick(a, b, epsilon)
            worst_epsilon = max(worst_epsilon, epsilon_of(a, b, delta))
            if here > worst_delta:
                worst_delta, worst = here, (str(names[0]), str(names[1]))
    if not count:
        raise InputError("There is no pair to enumerate. Give at least one.")
    return EnumerationReport(count, epsilon, delta, worst_delta, worst_epsilon, worst)


def small_tables(cells: int, rows: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All histograms of at most `rows` rows over `cells` cells, each with every histogram of one row more.

    Args:
        cells: number of cells.
        rows: most rows of the smaller table.

    Yields:
        (counts, counts with one more row).
    """
    for counts in itertools.product(range(rows + 1), repeat=cells):
        if sum(counts) <= rows:
            for cell in range(cells):
                yield counts, tuple(n + (place == cell) for place, n in enumerate(counts))


def law_of_inversion(draw: Callable[[int], Hashable], bits: int, coarse: int = 0) -> dict[Hashable, int]:
    """The exact law of a sampler that maps one uniform word to an outcome monotonically: its code, run on every word.

    Words are not tried one by one: the interval is halved where its ends differ, so a sampler with k outcomes takes
    about k x bits calls.

    Args:
        draw: from a word in [0, 2^bits) to the outcome; equal outcomes must form one interval (inversion samplers).
        bits: width of the word.
        coarse: the interval is first cut into 2^coarse equal parts, so that an outcome between two equal ends is not
            passed over; with coarse = bits every word is tried.

    Returns:
        The number of words by outcome; they sum to 2^bits.
    """
    known: dict[int, Hashable] = {}

    def at(word: int) -> Hashable:
        if word not in known:
            known[word] = draw(word)
        return known[word]

    law: dict[Hashable, int] = {}
    step = 1 << (bits - coarse)
    waiting = [(start * step, (start + 1) * step - 1) for start in range(1 << coarse)]
    while waiting:
        low, high = waiting.pop()
        if at(low) == at(high):
            law[at(low)] = law.get(at(low), 0) + high - low + 1
        else:
            middle = (low + high) // 2
            waiting += [(low, middle), (middle + 1, high)]
    return law


def _checked(law: Law) -> tuple[dict[Hashable, Any], Any]:
    """Exact Fractions with their sum, or floats with sum 1."""
    values = list(law.values())
    if not values or any(not v >= 0 for v in values):
        raise InputError("A law needs outcomes with probabilities of at least 0.")
    if all(isinstance(v, Rational | np.integer) for v in values):
        exact = {k: Fraction(int(v)) if not isinstance(v, Fraction) else v for k, v in law.items()}
        whole = sum(exact.values(), Fraction(0))
        if whole == 0:
            raise InputError("A law sums to 0.")
        return exact, whole
    floats = {k: float(v) for k, v in law.items()}
    total = math.fsum(floats.values())
    if not abs(total - 1) < 1e-9:
        raise InputError(f"The probabilities of a law sum to {total:.12g}, not to 1.")
    return floats, total
