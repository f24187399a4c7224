"""The alarm budget: every statistical test states how often it may cry wolf, and together that is at most 1e-5 a run.

A statistical test draws real entropy, so it can fail though the code is right. It declares, once per module,

    ALARM = declare("noise.rounded_gaussian.chi_square", alpha=1e-8, looks=7, power="...")

and each verdict calls `ALARM.spend()` for its alpha. A verdict beyond the declared number of looks raises, so a test
that is run again in the same process until it passes cannot exist. Negative controls read `ALARM.alpha` without
spending. Never rerun a failed statistical test to make it pass: a failure is evidence at odds of 1 : 100,000.

The critical values are exact binomial tails where a count is judged, and scipy's chi-square tail where a histogram is;
the latter is an approximation, so its bins hold at least 1,000 expected draws and its declaration counts double.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

import numpy as np
from scipy import stats

__all__ = ["ALARM_BUDGET", "Alarm", "Verdict", "binomial_test", "chi_square_test", "declare", "declared", "pool"]

ALARM_BUDGET = 1e-5
"""False alarms per run of the whole test-suite, summed over all declarations."""

LEAST_EXPECTED = 1000.0
CHI_SQUARE_FACTOR = 2.0

_REGISTRY: dict[str, Alarm] = {}


@final
@dataclass(slots=True)
class Alarm:
    """The false-alarm rate that one statistical test may spend.

    Attributes:
        name: room, function and kind of test.
        alpha: probability that correct code fails one look.
        looks: how many verdicts are passed in a run.
        power: what the test finds, and how surely.
        factor: 2 for chi-square tests, whose tail is approximate.
    """

    name: str
    alpha: float
    looks: int
    power: str
    factor: float = 1.0
    spent: int = field(default=0, compare=False)

    @property
    def total(self) -> float:
        """What the test may spend in a run."""
        return self.factor * self.alpha * self.looks

    def spend(self) -> float:
        """The alpha of the next look.

        Raises:
            AssertionError: all declared looks are spent.
        """
        self.spent += 1
        assert self.spent <= self.looks, (
            f"{self.name} declared {self.looks} looks and takes one more; nothing is rerun."
        )
        return self.alpha


def declare(name: str, *, alpha: float, looks: int = 1, power: str, chi_square: bool = False) -> Alarm:
    """Register a statistical test, once per name (the same declaration again gives the same alarm)."""
    assert 0 < alpha <= ALARM_BUDGET, f"{name}: an alpha above the whole budget"
    assert looks >= 1
    assert len(power) >= 20, f"{name}: say what the test finds and how surely"
    alarm = Alarm(name, alpha, looks, power, CHI_SQUARE_FACTOR if chi_square else 1.0)
    known = _REGISTRY.setdefault(name, alarm)
    assert known == alarm, f"{name} is declared twice, differently"
    return known


def declared() -> tuple[Alarm, ...]:
    """All declarations so far."""
    return tuple(_REGISTRY.values())


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """A statistic against its critical value."""

    statistic: float
    critical: float
    rejected: bool


def pool(counts: np.ndarray, probabilities: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Join neighbouring bins until each expects at least 1,000 draws; the last bin takes what is left over."""
    assert abs(probabilities.sum() - 1) < 1e-9, "the law must sum to 1: give the tails to the end bins"
    cumulative = np.cumsum(probabilities) * draws
    edges, reached = [0], 0.0
    for i, upto in enumerate(cumulative):
        if upto - reached >= LEAST_EXPECTED and cumulative[-1] - upto >= LEAST_EXPECTED:
            edges.append(i + 1)
            reached = upto
    return np.add.reduceat(counts, edges), np.add.reduceat(probabilities, edges)


def chi_square_test(counts: np.ndarray, probabilities: np.ndarray, alpha: float) -> Verdict:
    """Pearson's test of a histogram against an exact law.

    Args:
        counts: int64[bins], draws per bin, all draws in some bin.
        probabilities: float64[bins], the exact law.
        alpha: false-alarm rate.
    """
    counts, probabilities = np.asarray(counts), np.asarray(probabilities)
    assert counts.shape == probabilities.shape
    draws = int(counts.sum())
    counts, probabilities = pool(counts, probabilities, draws)
    assert counts.size >= 2, "too few draws for two bins"
    statistic = float(((counts - draws * probabilities) ** 2 / (draws * probabilities)).sum())
    critical = float(stats.chi2.isf(alpha, counts.size - 1))
    return Verdict(statistic, critical, statistic > critical)


def binomial_test(successes: int, draws: int, probability: float, alpha: float) -> Verdict:
    """The exact two-sided test of a count: rejects where either tail has a probability of at most alpha / 2."""
    law = stats.binom(draws, probability)
    tail = float(min(law.cdf(successes), law.sf(successes - 1)))
    return Verdict(tail, alpha / 2, tail <= alpha / 2)
