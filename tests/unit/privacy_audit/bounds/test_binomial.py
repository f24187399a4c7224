"""Tails against scipy, and the crossing probability against every path."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from privacy_audit.bounds.binomial import at_least, crossing, log_probabilities, proportion_at_most, smallest_count


@pytest.mark.parametrize(("trials", "q"), [(1, 0.5), (7, 0.3), (500, 0.731), (4000, 0.98)])
def test_tails_are_scipys(trials: int, q: float) -> None:
    counts = np.arange(-1, trials + 3)
    assert np.allclose(at_least(counts, trials, q), stats.binom.sf(counts - 1, trials, q), rtol=1e-9, atol=1e-300)
    assert np.allclose(np.exp(log_probabilities(trials, q)), stats.binom.pmf(np.arange(trials + 1), trials, q))


def test_smallest_count_is_the_smallest() -> None:
    trials = np.array([1, 10, 300, 2000])
    for tail in (1.0, 0.4, 0.05, 1e-6, 0.0):
        found = smallest_count(tail, trials, 0.7)
        assert (at_least(found, trials, 0.7) <= tail).all()
        assert ((found == 0) | (at_least(found - 1, trials, 0.7) > tail)).all()


def test_limit_covers_exactly() -> None:
    limit = proportion_at_most(np.array([0, 3, 20]), 20, 0.05)
    assert limit[2] == 1.0
    assert np.allclose(stats.binom.cdf([0, 3], 20, limit[:2]), 0.05)


def test_crossing_is_that_of_all_paths() -> None:
    totals, critical, q = np.array([2, 4, 7]), np.array([2, 4, 6]), 0.6
    expected = 0.0
    for path in itertools.product((0, 1), repeat=7):
        if any(sum(path[:total]) >= bound for total, bound in zip(totals, critical, strict=True)):
            expected += q ** sum(path) * (1 - q) ** (7 - sum(path))
    assert crossing(totals, critical, q) == pytest.approx(expected, abs=1e-14)


def test_crossing_of_a_boundary_at_or_below_zero_is_sure() -> None:
    assert crossing(np.array([3, 5]), np.array([0, 9]), 0.5) == pytest.approx(1.0)
    assert crossing(np.array([3, 5]), np.array([-2, 9]), 0.5) == pytest.approx(1.0)
    assert crossing(np.array([3, 5]), np.array([4, 6]), 0.5) == 0.0
