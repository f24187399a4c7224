"""Group canaries against Clopper-Pearson and against the group guarantee itself."""

from __future__ import annotations

import math

import pytest

from privacy_audit.bounds.clopper_pearson import clopper_pearson
from privacy_audit.bounds.group_canaries import group_canaries, group_delta


def test_one_copy_is_clopper_pearson() -> None:
    for delta in (0.0, 1e-3):
        counts = (30, 1000, 200, 900)
        found = group_canaries(*counts, copies=1, delta=delta)
        assert found.epsilon == pytest.approx(clopper_pearson(*counts, delta=delta).epsilon, abs=1e-9)


def test_copies_divide_a_pure_epsilon() -> None:
    counts = (30, 1000, 200, 900)
    assert group_canaries(*counts, copies=5, delta=0.0).epsilon == pytest.approx(
        clopper_pearson(*counts, delta=0.0).epsilon / 5, abs=1e-9
    )


def test_delta_of_a_group() -> None:
    assert group_delta(1.0, 1e-3, 3) == pytest.approx(1e-3 * (1 + math.e + math.e**2))
    assert group_delta(0.0, 1e-3, 3) == pytest.approx(3e-3)
    assert group_delta(500.0, 1e-3, 3) == math.inf
    pure = group_canaries(0, 1000, 0, 1000, copies=4, delta=0.0).epsilon
    assert 0 < group_canaries(0, 1000, 0, 1000, copies=4, delta=1e-3).epsilon < pure
