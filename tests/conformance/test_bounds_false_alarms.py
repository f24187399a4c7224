"""False alarms of every bound on mechanisms that sit exactly on the boundary of their claim.

The seeds are fixed, so these tests spend no alarm of a run; tests/bench/audit_bounds.py prints 10,000 trials.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.conformance.audit_worlds import ALPHA, METHODS, World, cached_worlds, draw_trials, rank

TRIALS = 2_000
LEAST_P = 1e-4
"""A rate above alpha by chance would pass this for fixed seeds; one of twice alpha never does."""
SLOW = ("joint_beta", "clopper_pearson_split", "rank_test")


def check_rate(alarmed: np.ndarray) -> None:
    assert stats.binom.sf(int(alarmed.sum()) - 1, alarmed.size, ALPHA) > LEAST_P


@pytest.mark.parametrize("world", cached_worlds(1.0), ids=lambda world: world.name)
def test_false_alarms(world: World) -> None:
    drawn = draw_trials(world, TRIALS, 100, seed=50)
    for name, method in METHODS.items():
        if name not in SLOW:
            alarmed = method(drawn)
            if alarmed is not None:
                check_rate(alarmed)
    check_rate(rank(drawn, 1_999))


@pytest.mark.slow
@pytest.mark.parametrize("world", cached_worlds(3.0), ids=lambda world: world.name)
def test_false_alarms_at_epsilon_3(world: World) -> None:
    drawn = draw_trials(world, 4_000, 250, seed=51)
    for name, method in METHODS.items():
        if name != "joint_beta":
            alarmed = method(drawn)
            if alarmed is not None:
                check_rate(alarmed)


def test_twice_alpha_is_seen() -> None:
    with pytest.raises(AssertionError):
        check_rate(np.random.default_rng(0).random(TRIALS) < 2 * ALPHA)
