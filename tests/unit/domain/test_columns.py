from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest

from dpsynth.domain import Boolean, Category, Datetime, Grid, Identifier, Integer, Outside, Real, Resolution
from dpsynth.errors import DomainError

DAY, LATER = datetime(2020, 1, 1), datetime(2021, 1, 1)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Boolean(name=" "), "A column needs a name that is not empty."),
        (lambda: Boolean(name="a\ud800"), r"The column name 'a\ud800' is not valid Unicode text."),
        (lambda: Boolean(name="a", required="yes"), "Column 'a': required must be true or false."),
        (lambda: Boolean(name="a", description=3), "Column 'a': the description must be text."),
        (lambda: Category(name="a", values=()), "Column 'a': the list of values is empty. List every value"),
        (lambda: Category(name="a", values="abc"), "Column 'a': values must be a list of texts."),
        (lambda: Category(name="a", values=("x", 3)), "Column 'a': values must be a list of texts."),
        (lambda: Category(name="a", values=("x", " x ")), "Column 'a': two values are both 'x' after trimming."),
        (lambda: Category(name="a", values=("x",), outside="clip"), "Column 'a': a category cannot clip."),
        (lambda: Category(name="a", values=("x",), outside="odd"), "outside must be one of missing, clip, other."),
        (lambda: Category(name="a", values=("other",), outside="other"), "'other' is both a value and the label"),
        (lambda: Category(name="a", values=("x",), other_label=" "), "other_label must be text that is not empty."),
        (lambda: Category(name="a", values=("x",), ordered=1), "ordered must be true or false."),
        (lambda: Integer(name="a", minimum=0, maximum=1, outside="other"), 'outside = "other" is for categories.'),
        (lambda: Integer(name="a", minimum=2, maximum=1), "Column 'a': minimum 2 is above maximum 1."),
        (lambda: Integer(name="a", minimum=0.5, maximum=1), "must be whole numbers."),
        (lambda: Integer(name="a", minimum=True, maximum=1), "must be whole numbers."),
        (lambda: Integer(name="a", minimum=0, maximum=2**53 + 1), "must lie within +-2^53."),
        (lambda: Integer(name="a", minimum=0, maximum=1, special=(3, 3)), "a special value is listed twice."),
        (lambda: Integer(name="a", minimum=0, maximum=1, grid="log"), "Column 'a': grid must be a Grid."),
        (lambda: Real(name="a", minimum=1, maximum=1), "Column 'a': minimum 1.0 is not below maximum 1.0."),
        (lambda: Real(name="a", minimum=0, maximum=math.nan), "must be finite numbers."),
        (lambda: Real(name="a", minimum=0, maximum=10**400), "must be finite numbers."),
        (lambda: Real(name="a", minimum=-1.7e308, maximum=1.7e308), "too large for a float."),
        (lambda: Real(name="a", minimum=0, maximum=1, decimals=16), "decimals must lie between 0 and 15."),
        (lambda: Real(name="a", minimum=0, maximum=1, decimals=True), "decimals must lie between 0 and 15."),
        (lambda: Real(name="a", minimum=0, maximum=1, grid=Grid("edges", edges=(0, 2))), "grid edges must start at"),
        (lambda: Datetime(name="a", minimum=LATER, maximum=DAY), "is above maximum"),
        (lambda: Datetime(name="a", minimum=DAY, maximum=LATER.replace(tzinfo=UTC)), "without a time zone."),
        (
            lambda: Datetime(name="a", minimum=DAY, maximum=LATER, resolution="week"),
            "one of day, hour, minute, second.",
        ),
        (lambda: Datetime(name="a", minimum=DAY, maximum=LATER, grid=Grid("log")), "takes an equal grid."),
        (lambda: Identifier(name="a", prefix=None), "Column 'a': prefix must be text."),
        (lambda: Grid("fine"), "Unknown grid 'fine': use equal, log or a list of edges."),
        (lambda: Grid(cells=0), "A grid needs between 1 and 1,000,000 cells."),
        (lambda: Grid(cells=True), "A grid needs between 1 and 1,000,000 cells."),
        (lambda: Grid("edges"), "A grid has edges exactly when its kind is 'edges'."),
        (lambda: Grid("edges", cells=3, edges=(0, 1)), "A grid of edges has no number of cells"),
        (lambda: Grid("edges", edges=(0,)), "Grid edges must be 2 to 1,000,001 finite numbers."),
        (lambda: Grid("edges", edges=(0, math.inf)), "finite numbers."),
        (lambda: Grid("edges", edges=(0, 0)), "Grid edges must increase."),
    ],
)
def test_what_cannot_be_meant_is_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(DomainError) as refused:
        build()
    assert words in str(refused.value)
    assert str(refused.value).count("\n") < 3


def test_values_are_kept_trimmed() -> None:
    assert Category(name="a", values=(" x", "y ")).values == ("x", "y")


@pytest.mark.parametrize("key", ["minimum", "maximum"])
def test_equal_numbers_have_one_form(key: str) -> None:
    bounds: dict[str, Any] = {"minimum": -1, "maximum": 1, key: 0}
    twin = bounds | {key: -0.0}
    assert repr(Real(name="a", **bounds)) == repr(Real(name="a", **twin))


def test_words_stand_for_members() -> None:
    assert Integer(name="a", minimum=0, maximum=1, outside="missing").outside is Outside.MISSING
    assert Datetime(name="a", minimum=DAY, maximum=LATER, resolution="hour").resolution is Resolution.HOUR


def test_one_value_is_a_range_of_integers() -> None:
    assert Integer(name="a", minimum=1, maximum=1).minimum == 1


def test_columns_are_frozen() -> None:
    column = Boolean(name="a")
    with pytest.raises(FrozenInstanceError):
        column.name = "b"
