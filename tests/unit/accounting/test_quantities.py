"""Budgets refuse what cannot be meant; epsilon is printed rounded up."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.accounting.quantities import Budget, format_epsilon_up
from dpsynth.errors import BudgetError


@pytest.mark.parametrize(
    ("epsilon", "delta", "message"),
    [
        (0, 1e-5, "epsilon must be above 0; found 0. Common choices lie between 0.1 and 10."),
        (-1.0, 1e-5, "epsilon must be above 0; found -1.0. Common choices lie between 0.1 and 10."),
        (1.0, 1.0, "delta must lie in [0, 1); found 1.0. Choose it well below 1 / (number of people)."),
        (1.0, -1e-9, "delta must lie in [0, 1); found -1e-09. Choose it well below 1 / (number of people)."),
        (math.nan, 1e-5, "epsilon must be a finite number."),
        (math.inf, 1e-5, "epsilon must be a finite number."),
        (True, 1e-5, "epsilon must be a finite number."),
        ("1", 1e-5, "epsilon must be a finite number."),
        (1.0, math.nan, "delta must be a finite number."),
    ],
)
def test_impossible_budgets(epsilon: float, delta: float, message: str) -> None:
    with pytest.raises(BudgetError) as caught:
        Budget(epsilon=epsilon, delta=delta)
    assert str(caught.value) == message


def test_budget_has_no_defaults_and_no_positions() -> None:
    with pytest.raises(TypeError):
        Budget(1.0, 1e-5)  # type: ignore[misc]
    with pytest.raises(TypeError):
        Budget(epsilon=1.0)  # type: ignore[call-arg]


def test_budget_prints() -> None:
    assert str(Budget(epsilon=1, delta=1e-5)) == "(epsilon 1, delta 1e-05)"
    assert str(Budget(epsilon=0.1, delta=0)) == "(epsilon 0.1, delta 0)"


@pytest.mark.parametrize(
    ("epsilon", "text"),
    [
        (0.1, "0.1"),
        (1.0, "1"),
        (0.99999, "1"),
        (1.00001, "1.0001"),
        (2.77345, "2.7735"),
        (1e-9, "0.0001"),
        (0.0, "0"),
        (math.inf, "infinite"),
        (10.0, "10"),
        (1e25, "10000000000000000905969664"),
    ],
)
def test_printed_epsilon(epsilon: float, text: str) -> None:
    assert format_epsilon_up(epsilon) == text


@given(st.floats(0, 1e300))
def test_printed_epsilon_is_never_below(epsilon: float) -> None:
    printed = format_epsilon_up(epsilon)
    # A short literal such as 0.1 names the float next to it.
    assert Decimal(printed) >= Decimal(epsilon) or float(printed) == epsilon
    assert Decimal(printed) - Decimal(epsilon) <= Decimal("0.0001")
