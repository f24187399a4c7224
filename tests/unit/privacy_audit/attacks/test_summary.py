"""Intervals, ceilings and corrections against closed forms, naive twins and other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from privacy_audit.attacks.base import AttackResult, Figure, MembershipScores
from privacy_audit.attacks.summary import (
    auc_interval,
    dp_ceiling,
    exact_rate,
    fisher_p,
    holm,
    membership_figures,
    membership_p,
    risk_ratio,
    settle,
    tpr_at_fpr,
    tpr_interval,
)


def scores(m: int, k: int, shift: float, seed: int, digits: int = 1) -> MembershipScores:
    rng = np.random.default_rng(seed)
    return MembershipScores(rng.normal(shift, 1, m).round(digits), rng.normal(size=k).round(digits))


@pytest.mark.parametrize("seed", range(3))
def test_auc_and_delong_variance_equal_the_double_loop(seed: int) -> None:
    found = scores(40, 30, 0.7, seed)
    psi = (found.members[:, None] > found.nonmembers) + 0.5 * (found.members[:, None] == found.nonmembers)
    area, low, high = auc_interval(found)
    assert area == pytest.approx(psi.mean())
    labels = np.repeat([1, 0], [40, 30])
    assert area == pytest.approx(roc_auc_score(labels, np.concatenate([found.members, found.nonmembers])))
    variance = psi.mean(axis=1).var(ddof=1) / 40 + psi.mean(axis=0).var(ddof=1) / 30
    half = 1.959963984540054 * math.sqrt(variance) / (area * (1 - area))
    assert low == pytest.approx(1 / (1 + (1 - area) / area * math.exp(half)))
    assert high == pytest.approx(1 / (1 + (1 - area) / area * math.exp(-half)))


def test_delong_interval_covers() -> None:
    """95 % of 400 intervals, within four standard errors."""
    truth = float(stats.norm.cdf(0.5 / math.sqrt(2)))
    covered = 0
    for seed in range(400):
        _, low, high = auc_interval(scores(80, 80, 0.5, seed, digits=6))
        covered += low <= truth <= high
    assert covered >= 400 * 0.95 - 4 * math.sqrt(400 * 0.05 * 0.95)


def test_perfect_and_reversed_scores_keep_an_interval() -> None:
    good = auc_interval(MembershipScores(np.ones(20), np.zeros(20)))
    bad = auc_interval(MembershipScores(np.zeros(20), np.ones(20)))
    assert good[0] == good[2] == 1.0
    assert 0.7 < good[1] < 1.0
    assert bad == pytest.approx((0.0, 0.0, 1 - good[1]))
    assert auc_interval(MembershipScores(np.ones(1), np.zeros(1))) == (1.0, 0.0, 1.0)


def test_clopper_pearson_equals_scipy() -> None:
    for hits, of in ((0, 50), (3, 50), (50, 50), (17, 400)):
        expected = stats.binomtest(hits, of).proportion_ci(0.95, "exact")
        assert exact_rate(hits, of) == pytest.approx((expected.low, expected.high))
    assert exact_rate(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("epsilon", "delta", "fpr", "expected"),
    [(0, 0, 0.1, 0.1), (1, 0, 0.01, 0.01 * math.e), (1, 1e-5, 0.9, 1 - (1 - 1e-5 - 0.9) / math.e), (100, 0, 0.5, 1.0)],
)
def test_ceiling_is_the_two_lines_of_dp(epsilon: float, delta: float, fpr: float, expected: float) -> None:
    assert dp_ceiling(epsilon, delta, fpr) == pytest.approx(expected)


def test_ceilings_stand_beside_the_rates() -> None:
    figures = membership_figures(scores(200, 200, 0.0, 0), (1.0, 1e-5))
    assert figures["tpr at fpr 0.01"].ceiling == pytest.approx(0.01 * math.e + 1e-5)
    area = figures["auc"].ceiling
    assert area is not None
    # Between the two corner points of the (1, 1e-5) region: exact area of the polygon.
    corner = (1 - 1e-5) / (1 + math.e)
    exact = 1e-5 * 1 + corner * (1 - corner - 1e-5) / 2 + (1 - corner) * (1 - corner - 1e-5) + (1 - corner) * corner / 2
    assert area == pytest.approx(exact, abs=2e-3)
    assert figures["advantage"].ceiling == pytest.approx(1 - 2 * (1 - 1e-5) / (1 + math.e))
    assert membership_figures(scores(50, 50, 0, 1))["auc"].ceiling is None


def test_tpr_never_exceeds_its_fpr() -> None:
    found = MembershipScores(np.array([5.0, 4.0, 3.0]), np.repeat([4.0, 1.0], [2, 98]))
    assert tpr_at_fpr(found, 0.01) == (1, 0.0)  # two ties at 4 would be two per cent
    assert tpr_at_fpr(found, 0.02) == (3, 0.02)


@pytest.mark.parametrize("fpr", [0.01, 0.1])
def test_tpr_interval_covers_the_threshold_s_error_too(fpr: float) -> None:
    """The rate at the true quantile is within 95 % of the intervals; Clopper and Pearson's alone misses it far more."""
    truth, covered, naive = float(stats.norm.sf(stats.norm.isf(fpr) - 1)), 0, 0
    for seed in range(400):
        found = scores(2000, 300, 1.0, seed, digits=9)
        low, high = tpr_interval(found, fpr)
        covered += low <= truth <= high
        hits = tpr_at_fpr(found, fpr)[0]
        bottom, top = exact_rate(hits, 2000)
        naive += bottom <= truth <= top
        assert low <= hits / 2000 <= high
    assert covered >= 400 * 0.95 - 4 * math.sqrt(400 * 0.05 * 0.95)
    assert naive < 0.7 * 400


def test_tpr_interval_of_few_rows_says_nothing_below() -> None:
    few = MembershipScores(np.ones(50), np.zeros(50))
    assert tpr_interval(few, 0.001)[0] == 0.0
    low, high = tpr_interval(few, 0.1)
    assert 0.85 < low < high == 1.0
    tied = MembershipScores(np.zeros(50), np.zeros(50))
    assert tpr_interval(tied, 0.1)[0] == 0.0


def test_p_values_under_exchangeability_are_honest() -> None:
    """400 draws: Pr[p <= a] <= a within four standard errors, for continuous and for tied scores."""
    for digits in (6, 0):
        found = np.array([membership_p(scores(60, 90, 0.0, seed, digits)) for seed in range(400)])
        for a in (0.01, 0.05, 0.2):
            assert (found <= a).mean() <= a + 4 * math.sqrt(a * (1 - a) / 400)


def test_p_values_see_shifts_and_few_high_scores() -> None:
    assert membership_p(scores(500, 500, 0.5, 0)) < 1e-6
    few = scores(1000, 1000, 0.0, 1, digits=6)
    few.members[:12] = 99.0
    assert stats.mannwhitneyu(few.members, few.nonmembers, alternative="greater").pvalue > 1e-3
    assert membership_p(few) < 2e-3
    assert membership_p(MembershipScores(np.ones(5), np.ones(5))) == 1.0


def test_fisher_and_ratio() -> None:
    expected = stats.fisher_exact([[12, 88], [3, 97]], alternative="greater").pvalue
    assert fisher_p(12, 100, 3, 100) == pytest.approx(expected)
    assert fisher_p(0, 0, 0, 0) == fisher_p(0, 0, 3, 10) == fisher_p(0, 5, 0, 0) == 1.0
    ratio = risk_ratio(12, 100, 3, 100)
    assert ratio.value == pytest.approx(4.0)
    assert ratio.low is not None
    assert ratio.low < 4.0
    assert risk_ratio(0, 10, 0, 10).value == 1.0
    assert risk_ratio(3, 10, 0, 10).to_dict()["value"] is None  # infinite: JSON has no such number


def test_risk_ratio_interval_covers_exactly() -> None:
    """All outcomes of two small samples: the probability that the interval holds the true ratio is at least 95 %."""
    n = 15
    for p, q in ((0.3, 0.3), (0.6, 0.2), (0.05, 0.05), (0.9, 0.4)):
        covered = 0.0
        for a in range(n + 1):
            for c in range(n + 1):
                ratio = risk_ratio(a, n, c, n)
                high = math.inf if ratio.high is None else ratio.high
                if (ratio.low or 0.0) <= p / q <= high:
                    covered += stats.binom.pmf(a, n, p) * stats.binom.pmf(c, n, q)
        assert covered >= 0.95


def test_holm_equals_its_definition() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})
    assert holm({}) == {}


def test_verdicts() -> None:
    def result(name: str, p: float | None, width: float = 0.01) -> AttackResult:
        return AttackResult(name, "membership", {"auc": Figure(0.5, 0.5, 0.5 + width)}, "no leak found", p_value=p)

    found = settle(
        [result("a", 1e-9), result("b", 2e-3), result("c", 0.5), result("d", 0.9, 0.4), result("e", None)], 1e-4
    )
    assert [r.verdict for r in found] == ["leak", "inconclusive", "no leak found", "inconclusive", "inconclusive"]
    assert found[0].adjusted == pytest.approx(4e-9)
    assert "repeat with more rows" in found[1].note
    assert "too few rows" in found[3].note


def test_advantage_is_the_largest_gap_of_the_roc_and_its_baseline_is_measured() -> None:
    from sklearn.metrics import roc_curve

    found, control = scores(60, 50, 0.5, 4), scores(30, 30, 0.0, 5)
    labels = np.repeat([1, 0], [60, 50])
    fpr, tpr, _ = roc_curve(labels, np.concatenate([found.members, found.nonmembers]))
    figure = membership_figures(found, control=control)["advantage"]
    assert figure.value == pytest.approx((tpr - fpr).max())
    assert figure.baseline == membership_figures(control)["advantage"].value > 0
