"""Groupings from the domain alone."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.domain.columns import Boolean, Category, Grid, Integer, Outside, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.encoding.table import TableEncoder

ENCODER = TableEncoder(
    Domain(
        (
            Category(name="word", values=("a", "b", "c"), outside=Outside.OTHER),
            Boolean(name="flag"),
            Integer(name="age", minimum=0, maximum=99, special=(-1,)),
            Real(name="share", minimum=0, maximum=1, grid=Grid("log"), required=True),
        )
    )
)


@pytest.mark.parametrize("cells", [1, 2, 7, 32, 100, 10_000])
@pytest.mark.parametrize("name", ["age", "share"])
def test_ordered_cells_merge_into_nearly_equal_runs(name: str, cells: int) -> None:
    column = ENCODER.by_name(name)
    start = column.ordered_from
    assert start is not None
    grouping = merge_adjacent(column, cells)
    assert grouping.size == start + min(cells, column.size - start)
    assert grouping.cells[:start].tolist() == list(range(start))
    assert set(np.diff(grouping.cells[start:])) <= {0, 1}
    assert np.ptp(np.bincount(grouping.cells)[start:]) <= 1


def test_lists_stay_as_they_are() -> None:
    for name in ("word", "flag"):
        assert merge_adjacent(ENCODER.by_name(name), 2).cells.tolist() == list(range(ENCODER.sizes[name]))
