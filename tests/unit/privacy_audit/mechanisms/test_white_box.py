"""Exact mu and delta of a transcript, sampled statistics, residuals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import integrate, stats

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.transcript import MeasurementRelease, SelectionRelease, Transcript
from privacy_audit.mechanisms.white_box import (
    audit_transcript,
    exact_delta,
    exact_mu,
    gaussian_delta,
    redraw_statistics,
    residual_test,
    sample_statistics,
)

ONE = np.array([1.0, 0.0, 0.0])
ZERO = np.zeros(3)


def _measured(sigma: float, **more) -> MeasurementRelease:
    return MeasurementRelease(ONE, ZERO, sigma, **({"sensitivity": 1.0} | more))


@pytest.mark.parametrize(("epsilon", "mu"), [(0.0, 0.3), (1.0, 0.5), (-0.7, 1.2), (4.0, 0.9)])
def test_gaussian_delta_is_the_integral(epsilon, mu) -> None:
    loss = stats.norm(mu**2 / 2, mu)
    want = integrate.quad(lambda x: loss.pdf(x) * max(0.0, 1 - math.exp(epsilon - x)), epsilon, epsilon + 30)[0]
    assert gaussian_delta(epsilon, mu) == pytest.approx(want, abs=1e-9)


def test_gaussian_delta_at_its_ends() -> None:
    assert gaussian_delta(1.0, 0.0) == 0
    assert gaussian_delta(-1.0, 0.0) == pytest.approx(1 - math.exp(-1))
    assert np.isfinite(gaussian_delta(np.array([800.0, -800.0]), 1.0)).all()


def test_mu_of_several_measurements() -> None:
    t = Transcript((_measured(4.0), _measured(3.0)))
    assert exact_mu(t) == pytest.approx(math.sqrt(1 / 16 + 1 / 9))
    assert exact_delta(t, 0.1) == pytest.approx(float(gaussian_delta(0.1, exact_mu(t))))


def test_delta_of_selections_is_that_of_their_laws() -> None:
    s = SelectionRelease(np.array([0, 0, 4]), np.array([1, 0, 4]), 1.0)
    p, q = s.laws()
    for epsilon in (0.0, 0.1, 0.3):
        want = max(np.maximum(0, p - math.exp(epsilon) * q).sum(), np.maximum(0, q - math.exp(epsilon) * p).sum())
        assert exact_delta(Transcript((s,)), epsilon) == pytest.approx(want)
    pq = [np.multiply.outer(x, x).ravel() for x in (p, q)]
    want = max(np.maximum(0, pq[i] - math.exp(0.1) * pq[1 - i]).sum() for i in (0, 1))
    assert exact_delta(Transcript((s, s)), 0.1) == pytest.approx(want)


def test_delta_of_both_kinds_against_simulation() -> None:
    s = SelectionRelease(np.array([0, 0, 2]), np.array([1, 0, 2]), 1.0)
    t = Transcript((s, _measured(1.5), s))
    p, q = s.laws()
    losses = np.log(p / q)
    rng = np.random.default_rng(0)
    mu = 1 / 1.5
    drawn = rng.normal(mu**2 / 2, mu, 400_000) + losses[rng.choice(3, (2, 400_000), p=p)].sum(axis=0)
    simulated = np.maximum(0, 1 - np.exp(0.5 - drawn)).mean()
    other = rng.normal(mu**2 / 2, mu, 400_000) - losses[rng.choice(3, (2, 400_000), p=q)].sum(axis=0)
    assert exact_delta(t, 0.5) == pytest.approx(max(simulated, np.maximum(0, 1 - np.exp(0.5 - other)).mean()), abs=2e-3)


def test_many_selections_are_rounded_down_only() -> None:
    s = SelectionRelease(np.arange(8), np.arange(8) + (np.arange(8) % 2), 0.5)
    few, many = exact_delta(Transcript((s,) * 4), 0.3), exact_delta(Transcript((s,) * 7), 0.3)
    assert 0 < few < many < 1


def test_a_tight_transcript() -> None:
    report = audit_transcript(Transcript((_measured(4.0, kind="a"), _measured(3.0, kind="b"))), mu=5 / 12)
    assert report.passed
    assert report.ratio == pytest.approx(1.0)
    assert report.mu_declared == pytest.approx(5 / 12)
    assert sum(report.used.values()) == pytest.approx(1.0)
    assert json.loads(json.dumps(report.to_dict()))["passed"] is True


def test_what_breaks_a_claim() -> None:
    tight = Transcript((_measured(4.0),))
    assert "0.25 is claimed" not in str(audit_transcript(tight, mu=0.25).findings)
    assert any("0.24 is claimed" in words for words in audit_transcript(tight, mu=0.24).findings)
    wide = Transcript((MeasurementRelease(2 * ONE, ZERO, 4.0, sensitivity=1.0),))
    assert audit_transcript(wide).findings == ("measurement moved 2 of its declared sensitivity",)
    score = Transcript((SelectionRelease(np.array([0, 3]), np.array([0, 0]), 1.0, sensitivity=1.0),))
    assert audit_transcript(score).findings == ("a score of selection moved 3 of its declared sensitivity",)
    curve = audit_transcript(tight, delta=lambda e: float(gaussian_delta(e, 0.2)))
    assert curve.excess == pytest.approx(float(gaussian_delta(0.0, 0.25) - gaussian_delta(0.0, 0.2)))
    assert not curve.passed
    assert audit_transcript(tight, delta=lambda e: float(gaussian_delta(e, 0.25))).passed
    with pytest.raises(InputError, match="no release"):
        audit_transcript(Transcript(()))


def test_sampled_statistics_follow_the_gaussian_pair() -> None:
    rng = np.random.default_rng(1)

    def run(inside: bool) -> Transcript:
        exact = ONE if inside else ZERO
        return Transcript((_measured(1.2, noisy=exact + rng.normal(0, 1.2, 3)),))

    sample = sample_statistics(run, 4000, seed=2)
    mu = 1 / 1.2
    assert stats.kstest((sample.members - mu**2 / 2) / mu, "norm").pvalue > 1e-4
    assert stats.kstest((sample.nonmembers + mu**2 / 2) / mu, "norm").pvalue > 1e-4
    assert sample.mu_hat() == pytest.approx(mu, abs=0.12)
    again = redraw_statistics(run(True), lambda s, n: rng.normal(0, s, n), 4000, seed=3)
    assert stats.kstest((again.members - mu**2 / 2) / mu, "norm").pvalue > 1e-4
    halved = redraw_statistics(run(True), lambda s, n: rng.normal(0, s / 2, n), 4000, seed=3)
    assert halved.mu_hat() == pytest.approx(2 * mu, abs=0.2)


def test_residuals() -> None:
    rng = np.random.default_rng(3)
    right = residual_test(rng.normal(size=1300))
    assert right.p_value > 1e-4
    assert right.entries == 1300
    half = residual_test(rng.normal(size=1300) / 2)
    assert half.z < -20
    assert half.p_value < 1e-20
    assert residual_test(2 * rng.normal(size=1300)).z > 10
    levels = [residual_test(rng.normal(size=40)).p_value for _ in range(2000)]
    assert stats.kstest(levels, "uniform").pvalue > 1e-4
    assert set(json.loads(json.dumps(right.to_dict()))) == {"entries", "statistic", "p_value", "z"}
    for bad in (np.empty(0), np.array([np.nan])):
        with pytest.raises(InputError, match="at least one residual, all finite"):
            residual_test(bad)
