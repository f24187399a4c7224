"""Figures of caps: rounded to the safe side, and refused when they are no number."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.accounting.events import Gaussian, NonPrivate
from dpsynth.accounting.quantities import Budget
from dpsynth.errors import BudgetRefused
from dpsynth.gate import caps
from dpsynth.gate.caps import format_epsilon_down, require_within
from dpsynth.gate.sequence import spent_up
from tests.gate.support import ADD_REMOVE, EVENT


@given(st.floats(0, 1e6))
def test_what_is_left_is_never_shown_larger_than_it_is(epsilon) -> None:
    shown = float(format_epsilon_down(epsilon))
    assert epsilon - 1.001e-4 <= shown <= epsilon


def test_texts() -> None:
    assert [format_epsilon_down(x) for x in (1.0, 0.12345, 0.0, math.inf)] == ["1", "0.1234", "0", "infinite"]


def test_a_look_without_noise_is_never_within_a_cap() -> None:
    with pytest.raises(BudgetRefused, match="requested epsilon infinite"):
        require_within("A cap", (), NonPrivate("look"), Budget(epsilon=1e9, delta=0.5), ADD_REMOVE)


def test_a_figure_that_is_no_number_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(caps, "spent_up", lambda *_: math.nan)
    with pytest.raises((BudgetRefused, ValueError)):
        require_within("A cap", (), Gaussian(1e6, 1), Budget(epsilon=1e9, delta=0.5), ADD_REMOVE)


def test_exactly_at_the_cap_fits() -> None:
    cost = spent_up((EVENT,), 1e-5, ADD_REMOVE)
    require_within("A cap", (), EVENT, Budget(epsilon=cost, delta=1e-5), ADD_REMOVE)
    with pytest.raises(BudgetRefused, match=r"short by epsilon 0\.0001"):
        require_within("A cap", (), EVENT, Budget(epsilon=math.nextafter(cost, 0), delta=1e-5), ADD_REMOVE)
