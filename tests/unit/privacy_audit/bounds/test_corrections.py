"""Corrections: what is added up, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from privacy_audit.bounds.clopper_pearson import clopper_pearson
from privacy_audit.bounds.corrections import best_of, holm, multiply_e_values, share_alpha
from privacy_audit.bounds.joint_beta import joint_beta
from privacy_audit.errors import InputError


def test_best_of_bounds_that_share_alpha() -> None:
    each = share_alpha(0.05, 2)
    weak, strong = (clopper_pearson(fp, 500, 100, 500, delta=1e-5, alpha=each) for fp in (90, 10))
    best = best_of([weak, strong])
    assert best.epsilon == strong.epsilon
    assert best.confidence == pytest.approx(0.95)
    assert best.details["bounds"] == 2
    assert best.to_dict()["valid"] is True


def test_unpaid_choices_are_refused() -> None:
    bound = clopper_pearson(10, 500, 100, 500, delta=1e-5)
    with pytest.raises(InputError, match="add up to 0.1, above 0.05"):
        best_of([bound, bound])
    with pytest.raises(InputError, match="different deltas"):
        best_of([bound, clopper_pearson(10, 500, 100, 500, delta=0.0, alpha=0.01)])
    with pytest.raises(InputError, match="No bounds"):
        best_of([])
    with pytest.raises(InputError, match="credible interval"):
        best_of([joint_beta(10, 500, 100, 500, delta=1e-5)])
    with pytest.raises(InputError, match="parts is 0"):
        share_alpha(0.05, 0)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).max() <= 1.0
    for bad in ([], [0.1, 1.2], [float("nan")]):
        with pytest.raises(InputError, match="p_values"):
            holm(bad)


def test_e_values_multiply() -> None:
    assert multiply_e_values(np.log([2.0, 5.0, 0.5])) == pytest.approx(math.log(5))
    for bad in ([], [float("nan")]):
        with pytest.raises(InputError, match="e-values"):
            multiply_e_values(bad)
