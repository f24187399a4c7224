"""The demo's errors against a naive twin, and against marks that are known beforehand."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from dpsynth.cli.demo_utility import CELLS, compare
from dpsynth.domain.columns import Boolean, Category, Identifier, Integer, Real
from dpsynth.domain.table import Domain

DOMAIN = Domain(
    (
        Identifier(name="id"),
        Category(name="a", values=("x", " y")),
        Boolean(name="b"),
        Integer(name="c", minimum=1, maximum=3),
        Integer(name="d", minimum=0, maximum=999),
        Real(name="e", minimum=-1.0, maximum=1.0),
    )
)


def _frame(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a = rng.choice(np.array(["x", "y", "undeclared", None], dtype=object), n)
    return pd.DataFrame(
        {
            "id": range(n),
            "a": a,
            "b": a == "x",
            "c": rng.integers(1, 4, n),
            "d": rng.integers(-5, 1005, n),
            "e": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 1, n)),
        }
    )


def _cell(name: str, value: object) -> object:
    """What a reader of the docstring would write, one cell at a time."""
    if value is None or value != value:
        return None
    if name == "a":
        return str(value).strip() if str(value).strip() in ("x", "y") else None
    if name == "d":
        return min(int(min(max(float(value), 0), 999) * CELLS / 1000), CELLS - 1)  # type: ignore[arg-type]
    if name == "e":
        return min(int((min(max(float(value), -1.0), 1.0) + 1) / 2 * CELLS), CELLS - 1)  # type: ignore[arg-type]
    return value


def _naive(one: pd.DataFrame, other: pd.DataFrame, order: int) -> float:
    distances = []
    for clique in itertools.combinations("abcde", order):
        first, second = (
            Counter(
                tuple(_cell(n, v) for n, v in zip(clique, row, strict=True))
                for row in t[list(clique)].itertuples(index=False)
            )
            for t in (one, other)
        )
        cells = set(first) | set(second)
        distances.append(sum(abs(first[c] / len(one) - second[c] / len(other)) for c in cells) / 2)
    return float(np.mean(distances))


def test_errors_equal_a_naive_twin() -> None:
    real, made = _frame(1), _frame(2, 300)
    errors = compare(real, made, DOMAIN)[0]
    assert errors.name == "synthetic"
    assert errors.one == pytest.approx(_naive(real, made, 1), abs=1e-12)
    assert errors.two == pytest.approx(_naive(real, made, 2), abs=1e-12)
    assert errors.three == pytest.approx(_naive(real, made, 3), abs=1e-12)


def test_the_marks_lie_where_they_must() -> None:
    real = _frame(1, 4000)
    itself, independent, bootstrap = compare(real, real, DOMAIN)
    assert (itself.one, itself.two, itself.three) == (0, 0, 0)
    assert independent.one == 0
    assert independent.two > bootstrap.two > bootstrap.one > 0
    assert compare(real, real, DOMAIN)[1:] == [independent, bootstrap], "the marks are the same every time"
