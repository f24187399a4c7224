"""Neighbours differ by one row, or by form only, and cover all kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.neighbours import KINDS, neighbour_pairs


def _table(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.integers(0, 90, n), "pay": rng.random(n), "town": rng.choice(["a", "b", "c"], n)})


def _rows(table: pd.DataFrame) -> list[str]:
    return sorted(repr([str(row[name]) for name in ("age", "pay", "town")]) for row in table.to_dict("records"))


def _difference(one: pd.DataFrame, other: pd.DataFrame) -> tuple[int, int]:
    a, b = _rows(one), _rows(other)
    for row in list(a):
        if row in b:
            a.remove(row)
            b.remove(row)
    return len(a), len(b)


@pytest.mark.parametrize("kind", KINDS)
def test_add_remove(kind) -> None:
    (pair,) = neighbour_pairs(_table(), 1, seed=3, kinds=[kind])
    assert pair.kind == kind
    lost, gained = _difference(pair.one.astype(object), pair.other.astype(object))
    assert (lost, gained) == ((0, 0) if pair.equal else ((1, 0) if kind.startswith("remove") else (0, 1)))


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("empty to one row", "duplicate")])
def test_replace_one_keeps_the_number_of_rows(kind) -> None:
    (pair,) = neighbour_pairs(_table(), 1, seed=3, kinds=[kind], relation="replace_one")
    assert len(pair.one) == len(pair.other)
    lost, gained = _difference(pair.one.astype(object), pair.other.astype(object))
    assert lost == gained <= 1


def test_kinds_take_turns() -> None:
    pairs = list(neighbour_pairs(_table(), 2 * len(KINDS), seed=1))
    assert [pair.kind for pair in pairs] == [*KINDS, *KINDS]


def test_kinds_that_fit_no_column_are_left_out() -> None:
    kinds = {pair.kind for pair in neighbour_pairs(_table()[["town"]], 60, seed=1)}
    assert "huge" not in kinds
    assert "new category" in kinds


def test_the_given_table_is_not_changed() -> None:
    table = _table()
    before = table.copy()
    list(neighbour_pairs(table, len(KINDS), seed=1))
    pd.testing.assert_frame_equal(table, before)


def test_refusals() -> None:
    with pytest.raises(InputError, match="fewer than six rows"):
        next(neighbour_pairs(_table(5), 1, seed=1))
    with pytest.raises(InputError, match="no kind of neighbour 'odd'"):
        next(neighbour_pairs(_table(), 1, seed=1, kinds=["odd"]))
    with pytest.raises(InputError, match="add_remove or replace_one"):
        next(neighbour_pairs(_table(), 1, seed=1, relation="swap"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="fits these columns"):
        next(neighbour_pairs(_table()[["town"]], 1, seed=1, kinds=["huge"]))
