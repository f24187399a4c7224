"""Golden p-values and bounds of one run."""

from __future__ import annotations

import math

import pytest

from privacy_audit.bounds.one_run_epsilon_delta import count_correct, one_run_epsilon_delta, one_run_p_value
from privacy_audit.errors import InputError

P_VALUES = {
    (1000, 100, 95, 1, 1e-5): 6.639144684e-4,
    (1000, 1000, 750, 0.5, 1e-5): 1.24753675e-4,
    (100, 100, 100, 2, 0): 3.073169544e-6,
    (5000, 500, 450, 1.5, 1e-6): 1.739817784e-4,
    (200, 50, 40, 0.7, 1e-3): 6.45766753e-2,
}
BOUNDS = {
    (100, 100, 100, 0): 3.492965,
    (100, 100, 100, 1e-5): 3.490216,
    (1000, 1000, 1000, 0): 5.809068,
    (1000, 1000, 1000, 1e-5): 5.782283,
    (1000, 100, 100, 1e-5): 3.465376,
    (1000, 100, 95, 1e-5): 2.165176,
    (1000, 1000, 750, 1e-5): 0.976367,
    (5000, 500, 450, 1e-5): 1.94142,
    (10000, 10000, 10000, 1e-5): 7.834303,
    (100, 100, 60, 0): 0.051915,
}


@pytest.mark.parametrize(("case", "golden"), P_VALUES.items())
def test_p_value_is_golden(case: tuple, golden: float) -> None:
    assert one_run_p_value(*case) == pytest.approx(golden, rel=2e-9, abs=1e-13)


@pytest.mark.parametrize(("case", "golden"), BOUNDS.items())
def test_bound_is_golden(case: tuple, golden: float) -> None:
    canaries, guesses, correct, delta = case
    bound = one_run_epsilon_delta(canaries, guesses, correct, delta=delta)
    assert bound.epsilon == pytest.approx(golden, abs=1e-5)
    assert bound.epsilon <= bound.detectable


def test_perfect_guesses_have_a_closed_form() -> None:
    found = one_run_epsilon_delta(40, 40, 40, delta=0.0).epsilon
    assert found == pytest.approx(-math.log(0.05 ** (-1 / 40) - 1), abs=1e-9)


def test_large_delta_shows_nothing() -> None:
    assert one_run_epsilon_delta(1000, 100, 100, delta=0.5).epsilon == 0.0


def test_guesses_at_both_ends() -> None:
    labels, scores = [1, 0, 1, 0, 0, 1], [9.0, 8.0, 7.0, 3.0, 2.0, 1.0]
    assert count_correct(labels, scores, 2) == 1
    assert count_correct(labels, scores, 4) == 2
    assert count_correct(labels, scores, 3, two_sided=False) == 2
    with pytest.raises(InputError, match="not 2 zeros and ones"):
        count_correct([0, 2], [1.0, 2.0], 1)
    with pytest.raises(InputError, match="guesses is 3"):
        one_run_epsilon_delta(2, 3, 1, delta=0.0)
