"""From shares of a budget to noise scales: sums are exact fractions and never pass the total."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain.unit import rows
from dpsynth.generators.shares import GaussianShares
from tests.unit.generators.support import ADD_REMOVE, REPLACE_ONE, shares_at

MUS = st.floats(1e-4, 20)
PARTS = st.lists(st.floats(1e-3, 1), min_size=1, max_size=40)
UNITS = st.sampled_from([rows(1), rows(3), rows(1000)])
RELATIONS = st.sampled_from([ADD_REMOVE, REPLACE_ONE])


def cost(shares: GaussianShares, sigmas: list[float]) -> Fraction:
    """Exact mu^2 of one histogram per sigma."""
    squared_l2 = shares.unit.squared_l2(shares.relation)
    return sum((squared_l2 / Fraction(sigma) ** 2 for sigma in sigmas), Fraction(0))


@given(MUS, PARTS, UNITS, RELATIONS)
def test_histograms_that_share_all_cost_just_below_all(mu, parts, unit, relation) -> None:
    shares = shares_at(mu, unit, relation)
    spent = cost(shares, [shares.marginal_sigma_up(part / math.fsum(parts)) for part in parts])
    assert (1 - Fraction(1, 10**11)) * Fraction(mu) ** 2 < spent <= Fraction(mu) ** 2


def test_without_the_rounding_up_some_split_would_pass_the_total() -> None:
    """Negative control: plain square roots are not safe."""
    unsafe = 0
    for i in range(1, 200):
        shares = shares_at(0.1 * i)
        unsafe += cost(shares, [math.sqrt(7) / shares.mu] * 7) > Fraction(shares.mu) ** 2
    assert unsafe > 20


@given(MUS, st.floats(1e-3, 1), st.integers(1, 50_000), UNITS, RELATIONS)
def test_a_vector_of_distances_costs_its_share(mu, share, count, unit, relation) -> None:
    shares = shares_at(mu, unit, relation)
    sigma = shares.distances_sigma_up(share, count)
    spent = count * Fraction(unit.l1(relation)) ** 2 / Fraction(sigma) ** 2
    wanted = Fraction(share) * Fraction(mu) ** 2
    assert (1 - Fraction(1, 10**11)) * wanted < spent <= wanted


@pytest.mark.parametrize(
    ("unit", "relation", "factor"),
    [(rows(1), REPLACE_ONE, math.sqrt(2)), (rows(3), ADD_REMOVE, 3), (rows(3), REPLACE_ONE, 3 * math.sqrt(2))],
)
def test_larger_units_get_more_noise_as_they_should(unit, relation, factor) -> None:
    plain, other = shares_at(), shares_at(unit=unit, relation=relation)
    assert other.marginal_sigma_up(0.3) == pytest.approx(factor * plain.marginal_sigma_up(0.3), rel=1e-14)
    assert other.effective_mu == pytest.approx(plain.effective_mu / factor, rel=1e-14)
    # A distance moves by the L1 norm of the change, which replace-one doubles.
    l1 = unit.l1(relation)
    assert other.distances_sigma_up(0.3, 9) == pytest.approx(l1 * plain.distances_sigma_up(0.3, 9), rel=1e-14)
