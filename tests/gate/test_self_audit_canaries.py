"""One fit, thousands of canaries: what a single run of dpsynth, on real entropy, proves about its own epsilon."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.generators import MST, Independent
from privacy_audit.bounds.curves import GaussianCurve, gdp_epsilon, gdp_mu
from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.mechanisms.unique_cells import (
    CanaryAnswer,
    CanaryDesign,
    CanaryScores,
    design_canaries,
    score_canaries,
)
from tests.gate.self_audit import canary_fit
from tests.statistical.alarms import declare

DELTA = 1e-5
CANARIES = 5_000
BARS = {1.0: 0.76, 2.0: 1.65, 4.0: 3.6, 8.0: 7.4}
"""Mean bounds that one fit reaches (rank test, 95 %)."""
ALARM = declare("self_audit.canaries", alpha=1e-7, looks=4, power="halved noise for sure; 3 % less at z = -4")


def audited(epsilon: float, seed: int) -> tuple[CanaryDesign, list[CanaryAnswer], CanaryScores]:
    design = design_canaries(CANARIES, 3, seed=seed)
    answers = canary_fit(Independent(), Budget(epsilon=epsilon, delta=DELTA), design)
    return design, answers, score_canaries(design, answers)


@pytest.mark.parametrize("epsilon", BARS)
def test_the_noise_of_one_fit_is_what_was_declared(epsilon) -> None:
    """All canaries but for 1 % of mu, and residuals of variance 1 to within chance."""
    _, answers, found = audited(epsilon, seed=1)
    mu = gdp_mu(epsilon, DELTA)
    assert 0.99 <= found.mu / mu <= 1.0
    (answer,) = answers
    variance = 1 + 1 / (12 * answer.sigma**2)  # of rounding
    z = (found.residuals.statistic / variance - CANARIES) / math.sqrt(2 * CANARIES)
    assert abs(z) < 6  # P < 1e-7 for a chi-square of 5,000 degrees of freedom, see ALARM
    assert ALARM.spend() == 1e-7


def ladder(mu: float) -> tuple[GaussianCurve, ...]:
    return tuple(GaussianCurve(share * mu) for share in np.arange(0.5, 1.1, 0.02))


def bound_of(found: CanaryScores, epsilon: float, replicates: int = 399) -> float:
    return rank_test(
        found.sample.members,
        found.sample.nonmembers,
        delta=DELTA,
        curves=ladder(gdp_mu(epsilon, DELTA)),
        gaussian_mechanism=True,
        coin_labels=True,
        replicates=replicates,
    ).epsilon


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", BARS)
def test_one_fit_bounds_epsilon_and_halved_noise_is_rejected(epsilon) -> None:
    """A bound of one fit scatters by some 8 %; the bars are means, judged in tests/bench/audit_mechanisms.py."""
    design, answers, found = audited(epsilon, seed=2)
    assert bound_of(found, epsilon) > 0.7 * BARS[epsilon]
    exact = design.copies + design.labels
    halved = [CanaryAnswer(exact + (a.noisy - exact) / 2, a.sigma) for a in answers]
    curve = GaussianCurve(gdp_mu(epsilon, DELTA))
    scores = score_canaries(design, halved)
    refuted = rank_test(
        scores.sample.members,
        scores.sample.nonmembers,
        delta=DELTA,
        curves=(curve,),
        gaussian_mechanism=True,
        coin_labels=True,
        replicates=399,
    )
    assert refuted.epsilon == pytest.approx(gdp_epsilon(curve.mu, DELTA))  # the claim itself is rejected
    assert scores.residuals.z < -20


def test_canaries_of_mst_are_in_the_pair_too() -> None:
    """Where cells are heavy enough not to be merged, the canary is seen in the one-way and in the pair."""
    design = design_canaries(300, 60, seed=1)
    answers = canary_fit(MST(), Budget(epsilon=8.0, delta=DELTA), design)
    assert len(answers) == 2
    assert 0.95 <= score_canaries(design, answers).mu / gdp_mu(8.0, DELTA) <= 1.0
