"""Equal content, equal hash; anything else, another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from privacy_audit.mechanisms.digest import digest


class _Slots:
    __slots__ = ("__hidden", "shown")

    def __init__(self, hidden: float) -> None:
        self.__hidden = hidden
        self.shown = 1

    def hidden(self) -> float:
        return self.__hidden


@dataclass(frozen=True, slots=True)
class _Value:
    x: object


def _frame(cell: float) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, cell], "b": ["x", "y"]})


PAIRS = [
    (1, 2),
    (1, 1.0),
    (1, True),
    (0.1, 0.1 + 2**-56),
    ("a", b"a"),
    (None, "None"),
    ([1, 2], (1, 2)),
    ([1, [2]], [1, 2]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1, 2}, {1, 3}),
    (np.zeros(3), np.zeros((3, 1))),
    (np.zeros(3), np.zeros(3, np.float32)),
    (np.r_[np.zeros(2500), 1e-300, np.zeros(2500)], np.zeros(5001)),
    (np.array(["a", None], object), np.array(["a", "b"], object)),
    (_frame(2.0), _frame(3.0)),
    (_frame(2.0), _frame(2.0).iloc[::-1]),
    (_frame(2.0)["a"], _frame(3.0)["a"]),
    (_Slots(1.0), _Slots(2.0)),
    (_Value([1]), _Value([2])),
    (np.random.default_rng(1), np.random.default_rng(2)),
    (np.float64(1), np.float64(2)),
    (len, max),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda v: type(v).__name__)
def test_a_difference_is_seen(one, other) -> None:
    assert digest(one) != digest(other)
    assert digest({"deep": [_Value(one)]}) != digest({"deep": [_Value(other)]})


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": [1, 2.5, None, "x", {3, 4, 5}], "b": _frame(2.0)},
        lambda: _Slots(0.5),
        lambda: np.random.default_rng(5),
        lambda: object(),
        lambda: np.array([[1, "a", None]], object),
        lambda: len,
        lambda: "abc".upper,
    ],
)
def test_equal_values_have_equal_hashes(make) -> None:
    assert digest(make()) == digest(make())


def test_that_two_parts_are_one_object_says_nothing() -> None:
    part = [1, 2]
    assert digest([part, part]) == digest([[1, 2], [1, 2]])


def test_cycles_end() -> None:
    cycle: list = [1]
    cycle.append(cycle)
    other: list = [2]
    other.append(other)
    assert digest(cycle) != digest(other)


def test_the_state_of_a_generator_counts() -> None:
    used = np.random.default_rng(1)
    used.random()
    assert digest(used) != digest(np.random.default_rng(1))


def test_handles_are_hashed_by_name() -> None:
    assert digest(_Slots(1.0), (_Slots,)) == digest(_Slots(2.0), (_Slots,))
    assert digest([_Value(_Slots(1.0))], (_Slots,)) == digest([_Value(_Slots(2.0))], (_Slots,))
