"""Dirac gradient canaries on a numpy twin of DP-SGD's noisy sum, sound and with the field's bugs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.gradient_canaries import (
    GradientCanaries,
    claimed_sample,
    design_gradient_canaries,
    score_gradients,
)

STEPS, RATE, SIGMA, CLIP = 40, 0.25, 1.2, 0.7


def train(design: GradientCanaries, dimension: int, *, rate: float = RATE, seed: int = 0, bug: str = "") -> np.ndarray:
    """Noisy sums of clipped gradients, float64[steps, dimension]: 50 ordinary rows and the canaries that take part."""
    rng = np.random.default_rng(seed)
    free = np.setdiff1d(np.arange(dimension), design.coordinates)
    rows = np.zeros((50, dimension))
    rows[:, free] = rng.normal(size=(50, free.size))
    canaries = np.stack([design.gradient(i, dimension) for i in np.flatnonzero(design.labels)])
    gradients = np.concatenate([rows, 3 * canaries if bug == "unclipped" else canaries])
    norms = np.linalg.norm(gradients, axis=1, keepdims=True)
    if bug != "unclipped":
        gradients = gradients / np.maximum(norms / design.clip, 1)
    sums = []
    for _ in range(STEPS):
        if bug == "everyone in every batch":
            taken = np.ones(len(gradients), bool)
        else:
            taken = rng.random(len(gradients)) < rate
        noise = SIGMA * design.clip * rng.standard_normal(dimension) * (0.5 if bug == "half the noise" else 1.0)
        sums.append(gradients[taken].sum(axis=0) + noise)
    return np.array(sums)


def _scored(bug: str = "", rate: float = RATE, m: int = 1500):
    design = design_gradient_canaries(m, m + 20, CLIP, seed=4)
    sums = train(design, m + 20, rate=rate, bug=bug)
    return score_gradients(design, sums, rate=RATE if rate != 1 else 1.0, noise_multiplier=SIGMA)


def _claimed(seed: int = 9, rate: float = RATE) -> np.ndarray:
    labels = np.repeat(np.array([0, 1], np.uint8), 4000)
    return claimed_sample(labels, steps=STEPS, rate=rate, noise_multiplier=SIGMA, rng=np.random.default_rng(seed))


def test_coordinates_are_distinct_and_gradients_as_long_as_the_clip() -> None:
    design = design_gradient_canaries(30, 40, CLIP, seed=1)
    assert len(set(design.coordinates.tolist())) == 30
    assert np.linalg.norm(design.gradient(3, 40)) == CLIP


def test_full_batches_are_a_gaussian_pair() -> None:
    found = _scored(rate=1.0)
    mu = math.sqrt(STEPS) / SIGMA
    assert found.mu == pytest.approx(mu)
    assert stats.kstest((found.sample.members - mu**2 / 2) / mu, "norm").pvalue > 1e-4
    assert stats.kstest((found.sample.nonmembers + mu**2 / 2) / mu, "norm").pvalue > 1e-4
    assert found.residuals.p_value > 1e-4


def test_sampled_batches_follow_the_claimed_law() -> None:
    found, claimed = _scored(), _claimed()
    assert found.mu is None
    assert stats.ks_2samp(found.sample.members, claimed[4000:]).pvalue > 1e-4
    assert stats.ks_2samp(found.sample.nonmembers, claimed[:4000]).pvalue > 1e-4
    assert claimed[4000:].mean() > claimed[:4000].mean()


@pytest.mark.parametrize("bug", ["half the noise", "everyone in every batch", "unclipped"])
def test_bugs_move_the_law(bug) -> None:
    found, claimed = _scored(bug), _claimed()
    assert stats.ks_2samp(found.sample.members, claimed[4000:]).pvalue < 1e-12
    assert (found.residuals.z < -20) == (bug == "half the noise")


def test_the_ratio_is_that_of_the_mixture() -> None:
    design = GradientCanaries(np.array([0, 1]), np.array([0, 1], np.uint8), 2.0)
    sums = np.array([[0.6, 3.0], [-1.0, 0.2]])
    y = sums / 2.0
    inside = (1 - RATE) * stats.norm.pdf(y, 0, SIGMA) + RATE * stats.norm.pdf(y, 1, SIGMA)
    want = np.log(inside / stats.norm.pdf(y, 0, SIGMA)).sum(axis=0)
    found = score_gradients(design, sums, rate=RATE, noise_multiplier=SIGMA)
    assert found.sample.scores == pytest.approx(want)
    shifted = score_gradients(design, sums + 5.0, rate=RATE, noise_multiplier=SIGMA, background=np.full((2, 2), 5.0))
    assert shifted.sample.scores == pytest.approx(want)
    assert json.loads(json.dumps(found.to_dict()))["steps"] == 2


def test_refusals() -> None:
    design = GradientCanaries(np.array([0, 5]), np.array([0, 1], np.uint8), 1.0)
    for act, words in (
        (lambda: design_gradient_canaries(5, 4, 1.0, seed=1), "2 to `dimension` coordinates"),
        (lambda: design_gradient_canaries(2, 4, 0.0, seed=1), "positive clipping norm"),
        (lambda: score_gradients(design, np.zeros((2, 2)), rate=0.0, noise_multiplier=1.0), r"in \(0, 1\]"),
        (lambda: score_gradients(design, np.zeros(2), rate=1.0, noise_multiplier=1.0), "one row per step"),
        (lambda: score_gradients(design, np.full((1, 2), np.inf), rate=1.0, noise_multiplier=1.0), "must be finite"),
        (lambda: score_gradients(design, np.zeros((1, 4)), rate=1.0, noise_multiplier=1.0), "fewer coordinates"),
        (
            lambda: score_gradients(
                GradientCanaries(np.array([0]), np.array([1], np.uint8), 1.0),
                np.zeros((1, 1)),
                rate=1.0,
                noise_multiplier=1.0,
            ),
            "No canary is left out",
        ),
    ):
        with pytest.raises(InputError, match=words):
            act()
