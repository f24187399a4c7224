"""Unique-cell canaries: independent Gaussian trials, and faults of the noise seen in one fit."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.unique_cells import CanaryAnswer, design_canaries, score_canaries


def _answers(design, sigmas, scale=1.0, seed=0) -> list[CanaryAnswer]:
    rng = np.random.default_rng(seed)
    exact = design.copies + design.labels.astype(float)
    return [CanaryAnswer(exact + scale * rng.normal(0, s, exact.size), s) for s in sigmas]


def test_the_table_holds_each_category_as_often_as_it_should() -> None:
    design = design_canaries(40, 5, seed=1)
    columns = design.columns()
    names, counts = np.unique(columns["canary"].astype(str), return_counts=True)
    assert dict(zip(names, counts, strict=True)) == dict(zip(design.names, (5 + design.labels).tolist(), strict=True))
    assert set(columns["side"]) == set(design.side_names())
    for name, side in zip(columns["canary"], columns["side"], strict=True):
        assert side == f"s{int(name[1:]) % 3}"


def test_scores_follow_the_pair_of_their_mu() -> None:
    design = design_canaries(4000, 100, seed=1)
    found = score_canaries(design, _answers(design, (3.0, 4.0)))
    mu = math.sqrt(1 / 9 + 1 / 16)
    assert found.mu == pytest.approx(mu)
    assert stats.kstest((found.sample.members - mu**2 / 2) / mu, "norm").pvalue > 1e-4
    assert stats.kstest((found.sample.nonmembers + mu**2 / 2) / mu, "norm").pvalue > 1e-4
    assert found.residuals.p_value > 1e-4
    assert json.loads(json.dumps(found.to_dict()))["canaries"] == 4000


def test_halved_noise_shows_in_the_residuals_and_in_mu() -> None:
    design = design_canaries(2000, 100, seed=1)
    found = score_canaries(design, _answers(design, (1.0,), scale=0.5))
    assert found.residuals.z < -20
    assert found.sample.mu_hat() == pytest.approx(2.0, abs=0.2)


def test_refusals() -> None:
    design = design_canaries(4, 1, seed=1)
    with pytest.raises(InputError, match="at least two canaries"):
        design_canaries(1, 1, seed=1)
    with pytest.raises(InputError, match="merged or never asked"):
        score_canaries(design, [])
    for noisy, sigma in ((np.zeros(3), 1.0), (np.full(4, np.nan), 1.0), (np.zeros(4), 0.0)):
        with pytest.raises(InputError, match="one finite noisy count per canary"):
            score_canaries(design, [CanaryAnswer(noisy, sigma)])
