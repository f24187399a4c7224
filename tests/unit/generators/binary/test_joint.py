"""Fast transforms of the cells of a few columns against sums that are taken cell by cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dpsynth.generators.binary.joint import Joint
from dpsynth.generators.binary.walsh import all_sets


@pytest.mark.parametrize("columns", [1, 3, 4, 5, 6])
def test_both_transforms_are_the_sums_that_they_say(columns: int) -> None:
    rng = np.random.default_rng(columns)
    centres = rng.uniform(-0.8, 0.8, columns)
    joint = Joint(centres)
    cells = np.array(list(itertools.product([1.0, -1.0], repeat=columns))) - centres
    features = np.array(
        [
            [np.prod([row[j] for j in range(columns) if place >> (columns - 1 - j) & 1]) for place in range(2**columns)]
            for row in cells
        ]
    )
    values = rng.normal(size=2**columns)
    assert joint.expand(values) == pytest.approx(features @ values)
    assert joint.moments(values) == pytest.approx(features.T @ values)


def test_a_place_is_the_cell_in_which_the_columns_of_the_set_are_negative() -> None:
    joint = Joint(np.zeros(3))
    assert joint.places_of(all_sets(3, 1)).tolist() == [4, 2, 1]
    assert joint.places_of(all_sets(3, 2)).tolist() == [6, 5, 3]
