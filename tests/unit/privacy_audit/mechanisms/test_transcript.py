"""Log-likelihood ratios of releases against the laws written down."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.transcript import MeasurementRelease, SelectionRelease, Transcript

INSIDE, OUTSIDE = np.array([[3, 5], [0, 2]]), np.array([[3, 4], [0, 4]])
NOISY = np.array([[9, 4], [-7, 3]])


def test_gaussian() -> None:
    m = MeasurementRelease(INSIDE, OUTSIDE, 2.5, NOISY, sensitivity=2.0)
    law = stats.norm(0, 2.5)
    assert m.log_likelihood_ratio() == pytest.approx((law.logpdf(NOISY - INSIDE) - law.logpdf(NOISY - OUTSIDE)).sum())
    assert m.squared_mu == pytest.approx(5 / 2.5**2)
    assert m.declared_squared_mu == pytest.approx(4 / 2.5**2)


def test_rounding_hardly_changes_the_ratio() -> None:
    sigma = 10.0
    m = MeasurementRelease(INSIDE, OUTSIDE, sigma, NOISY, law="rounded_gaussian")

    def log_mass(k):
        return np.log(stats.norm.cdf((k + 0.5) / sigma) - stats.norm.cdf((k - 0.5) / sigma))

    exact = (log_mass(NOISY - INSIDE) - log_mass(NOISY - OUTSIDE)).sum()
    assert m.log_likelihood_ratio() == pytest.approx(exact, rel=2 / (24 * sigma**2) * 10)


@pytest.mark.parametrize("law", ["laplace", "discrete_laplace"])
def test_laplace(law) -> None:
    m = MeasurementRelease(INSIDE, OUTSIDE, 1.5, NOISY, law=law)
    want = (np.abs(NOISY - OUTSIDE) - np.abs(NOISY - INSIDE)).sum() / 1.5
    assert m.log_likelihood_ratio() == pytest.approx(want)
    with pytest.raises(InputError, match="Laplace noise has no mu"):
        _ = m.squared_mu


def _permute_and_flip_by_orders(weights: np.ndarray) -> np.ndarray:
    law = np.zeros(len(weights))
    for order in itertools.permutations(range(len(weights))):
        left = 1.0 / math.factorial(len(weights))
        for i in order:
            law[i] += left * weights[i]
            left *= 1 - weights[i]
    return law


@pytest.mark.parametrize("scores", [[0, 1], [2, 2, 0], [0, 3, 1, 1, -4], [7]])
def test_selection_laws(scores) -> None:
    scores = np.array(scores)
    moved = scores + np.arange(len(scores)) % 2
    exponential = SelectionRelease(scores, moved, 0.8, chosen=0)
    weights = np.exp(0.4 * (scores - scores.max()))
    assert exponential.laws()[0] == pytest.approx(weights / weights.sum())
    flip = SelectionRelease(scores, moved, 0.8, chosen=0, law="permute_and_flip")
    assert flip.laws()[0] == pytest.approx(_permute_and_flip_by_orders(weights))
    for s in (exponential, flip):
        a, b = s.laws()
        assert s.log_likelihood_ratio() == pytest.approx(math.log(a[0] / b[0]))
        assert np.abs(np.log(a / b)).max() <= 0.8


def test_a_transcript_adds_up() -> None:
    m = MeasurementRelease(INSIDE, OUTSIDE, 2.0, NOISY, kind="pairs")
    s = SelectionRelease(np.array([1, 2]), np.array([1, 3]), 0.5, chosen=1)
    t = Transcript((m, s, m))
    assert t.statistic() == pytest.approx(2 * m.log_likelihood_ratio() + s.log_likelihood_ratio())
    assert t.residuals() == pytest.approx(np.tile((NOISY - INSIDE).ravel() / 2.0, 2))
    assert [r["kind"] for r in t.to_dict()["releases"]] == ["pairs", "selection", "pairs"]


def test_refusals() -> None:
    for make, words in (
        (lambda: MeasurementRelease(INSIDE, OUTSIDE[0], 1.0), "different shapes"),
        (lambda: MeasurementRelease(INSIDE, OUTSIDE, 0.0), "positive finite noise scale"),
        (lambda: MeasurementRelease(INSIDE * np.nan, OUTSIDE, 1.0), "not finite"),
        (lambda: MeasurementRelease(INSIDE, OUTSIDE, 1.0, law="uniform"), "'uniform' is not known"),
        (lambda: SelectionRelease(np.zeros(2), np.zeros(3), 1.0), "one score per candidate"),
        (lambda: SelectionRelease(np.zeros(2), np.zeros(2), 0.0), "positive finite epsilon"),
        (lambda: SelectionRelease(np.zeros(2), np.zeros(2), 1.0, law="x"), "'x' is not known"),
        (lambda: SelectionRelease(np.zeros(19), np.zeros(19), 1.0, law="permute_and_flip"), "up to 18 candidates"),
        (lambda: MeasurementRelease(INSIDE, OUTSIDE, 1.0).log_likelihood_ratio(), "no noisy answer"),
        (lambda: SelectionRelease(np.zeros(2), np.zeros(2), 1.0).log_likelihood_ratio(), "which candidate"),
        (lambda: Transcript((MeasurementRelease(INSIDE, OUTSIDE, 1.0),)).residuals(), "need the noisy answers"),
    ):
        with pytest.raises(InputError, match=words):
            make()
