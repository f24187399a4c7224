"""Maps from fine to coarse cells."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.encoding.grouping import Grouping


def test_aggregate_sums_the_fine_cells() -> None:
    grouping = Grouping(np.array([0, 1, 1, 2]), 3)
    assert grouping.aggregate(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [1, 5, 4]
    assert Grouping.identity(3).aggregate(np.arange(3)).tolist() == [0, 1, 2]


def test_cells_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Grouping.identity(2).cells[0] = 1


@pytest.mark.parametrize("cells", [[0, 3], [-1, 0], [], [[0, 1]]])
def test_a_map_stays_in_its_range(cells: list[int]) -> None:
    with pytest.raises(ValueError, match="maps every fine cell"):
        Grouping(np.array(cells, dtype=np.int64), 2)


def test_every_coarse_cell_is_used() -> None:
    with pytest.raises(ValueError, match="uses every coarse cell"):
        Grouping(np.array([0, 2]), 3)


def test_digest_names_the_map() -> None:
    assert Grouping.identity(3).digest() == Grouping(np.arange(3), 3).digest()
    assert Grouping.identity(3).digest() != Grouping.identity(4).digest()
