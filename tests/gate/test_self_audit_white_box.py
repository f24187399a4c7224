"""The exact white-box audit of our own generators: one row, one transcript, and the accountant's mu is used up.

Not a privacy failure if it fails from below: then the audit has grown weak, or budget is given away. From above it is.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dpsynth.accounting.quantities import Budget
from dpsynth.generators import AIM, MST, Adaptive, Independent
from dpsynth.noise import SeededEntropy, SystemEntropy, rounded_gaussian
from privacy_audit.bounds.curves import GaussianCurve, gdp_epsilon, gdp_mu
from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.mechanisms.white_box import (
    audit_transcript,
    exact_mu,
    gaussian_delta,
    redraw_statistics,
    residual_test,
    sample_statistics,
)
from tests.gate.self_audit import Subject, three_columns, three_columns_domain, transcript, with_repeated_row
from tests.statistical.alarms import declare
from tests.unit.generators.support import chain, letters

EPSILONS = (1.0, 2.0, 4.0, 8.0)
DELTA = 1e-5
GAUSSIAN = {
    "mst": MST(),
    "adaptive": Adaptive(),
    "independent": Independent(),
    "aim gaussian": AIM(selection="gaussian"),
}
OTHER = three_columns()
ONE = with_repeated_row(OTHER)
RUNS = {1.0: 450_000, 2.0: 150_000, 4.0: 50_000, 8.0: 30_000}
RESIDUALS = declare("self_audit.residuals", alpha=1e-8, looks=4, power="halved noise for sure in 500 residuals")


def subject(recipe, epsilon: float, delta: float = DELTA, seed: int | None = None) -> Subject:
    return Subject(recipe, three_columns_domain(), Budget(epsilon=epsilon, delta=delta), seed=seed)


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("name", GAUSSIAN)
def test_one_row_uses_up_the_whole_mu(name, epsilon) -> None:
    """mu_exact / mu >= .99 from one transcript alone; never above 1, and the exact delta is below the claimed curve."""
    audited = subject(GAUSSIAN[name], epsilon, seed=5)
    mu = math.sqrt(audited.claim())
    report = audit_transcript(
        transcript(audited, ONE, OTHER), mu=mu, delta=lambda e: float(gaussian_delta(e, gdp_mu(epsilon, DELTA)))
    )
    assert report.findings == ()
    assert report.ratio == pytest.approx(report.mu_declared / mu, rel=1e-9)  # the row moves all that was declared
    # A planner that finds no pair worth measuring any more may leave a part of its budget.
    assert report.ratio >= (0.8 if name == "adaptive" else 0.99)
    assert mu == pytest.approx(gdp_mu(epsilon, DELTA), rel=1e-6)  # the accountant gave nothing away


@pytest.mark.parametrize("recipe", [MST(selection="exponential"), AIM()], ids=["mst published", "aim published"])
def test_published_variants_stay_below_their_zcdp_budget(recipe) -> None:
    """Exact curves of measurements and selections together, against the claimed (epsilon, delta)."""
    audited = subject(recipe, 1.0, 1e-2, seed=5)
    found = transcript(audited, ONE, OTHER)
    report = audit_transcript(found, mu=math.sqrt(audited.claim()), delta=lambda e: 1e-2, epsilons=(1.0,))
    assert report.findings == ()
    assert found.selections()
    assert report.ratio >= (0.81 if isinstance(recipe, MST) else 0.94)
    assert audit_transcript(found, delta=lambda e: 1e-4, epsilons=(1.0,)).findings  # control: the curve is looked at


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_sampler_s_noise_bounds_mu_from_below(epsilon) -> None:
    """mu_LB / mu >= .95 with 95 % confidence: the noise of one MST transcript, drawn again by our own sampler."""
    # Eight columns: with few, sigmas at epsilon 8 come near 1, where rounding to integers itself hides 5 % of mu.
    other = chain(2000, "abcdefgh", 4)
    audited = Subject(MST(), letters("abcdefgh", 4), Budget(epsilon=epsilon, delta=DELTA), seed=5)
    entropy = SeededEntropy(7)  # the same words in every run: this judges power, which chance would make flicker
    sample = redraw_statistics(
        transcript(audited, with_repeated_row(other), other),
        lambda s, n: rounded_gaussian(s, n, entropy),
        RUNS[epsilon],
        seed=5,
    )
    curve = GaussianCurve(0.95 * math.sqrt(audited.claim()))
    bound = rank_test(
        sample.members,
        sample.nonmembers,
        delta=DELTA,
        curves=(curve,),
        gaussian_mechanism=True,
        coin_labels=True,
        replicates=199,
    )
    assert bound.epsilon == pytest.approx(gdp_epsilon(curve.mu, DELTA))
    assert not bound.violates(epsilon)


@pytest.mark.slow
def test_statistics_of_whole_runs_follow_the_claimed_pair() -> None:
    """Fits from start to end, each on a coin's choice of D or D', in dpsynth's seeded test mode: the law is N(+-mu^2/2, mu^2)."""
    mu, runs = gdp_mu(4.0, DELTA), 200
    seeds = iter(range(1000, 1000 + runs))

    def run(inside: bool):
        return transcript(subject(MST(), 4.0, seed=next(seeds)), ONE, OTHER, inside)

    sample = sample_statistics(run, runs, seed=11)
    centred = sample.scores - (sample.labels.astype(float) - 0.5) * mu**2
    assert stats.kstest(centred / mu, "norm").pvalue > 1e-3
    assert stats.kstest(centred / (mu / 2), "norm").pvalue < 1e-3  # control: were it half the noise
    assert sample.mu_hat() == pytest.approx(mu, abs=5 * math.sqrt(2 / runs) * (1 + mu / 2))


@pytest.mark.parametrize("name", GAUSSIAN)
def test_residuals_of_one_fit_have_the_declared_variance(name) -> None:
    audited = subject(GAUSSIAN[name], 1.0)
    found = transcript(audited, ONE, OTHER)
    spread = [1 + 1 / (12 * m.scale**2) for m in found.measurements() for _ in range(np.size(m.exact_in))]
    residuals = found.residuals() / np.sqrt(spread)
    assert residual_test(residuals).p_value > RESIDUALS.spend()
    assert exact_mu(found) > 0


def test_control_halved_noise_fails_the_residuals() -> None:
    """Half the noise for the questions of a small fit, asked twenty times: as many residuals as one fit of Adult has."""
    entropy = SystemEntropy()
    found = transcript(subject(MST(), 1.0), ONE, OTHER)
    halved = np.concatenate(
        [rounded_gaussian(m.scale / 2, 20 * np.size(m.exact_in), entropy) / m.scale for m in found.measurements()]
    )
    assert residual_test(halved).p_value < RESIDUALS.alpha


def test_control_a_row_that_counts_twice_breaks_the_claim() -> None:
    twice = with_repeated_row(ONE)
    audited = subject(MST(), 1.0)
    report = audit_transcript(transcript(audited, twice, OTHER), mu=math.sqrt(audited.claim()))
    assert report.ratio == pytest.approx(2.0, abs=1e-6)
    assert any("is claimed" in words for words in report.findings)
    assert any("declared sensitivity" in words for words in report.findings)
