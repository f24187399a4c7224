"""Public grids and the values inside their cells."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.domain.columns import Grid
from dpsynth.encoding.lattice import Lattice, find_cells, real_edges


def test_few_whole_numbers_have_a_cell_each() -> None:
    assert Lattice.over(17, 90, Grid()).edges.tolist() == list(range(17, 92))
    assert Lattice.over(0, 199, Grid("log")).cells == 200
    assert Lattice.over(5, 5, Grid()).cells == 1


def test_many_whole_numbers_share_1024_cells() -> None:
    grid = Lattice.over(0, 200, Grid())
    assert grid.cells == 201
    edges = Lattice.over(-7, 1_499_999, Grid()).edges
    assert len(edges) == 1025
    assert edges[0] == -7
    assert edges[-1] == 1_500_000
    assert np.ptp(np.diff(edges)) <= 1


def test_a_grid_may_say_how_many_cells_or_where_they_end() -> None:
    assert Lattice.over(0, 99, Grid(cells=10)).edges.tolist() == list(range(0, 101, 10))
    assert Lattice.over(0, 99, Grid(cells=500)).cells == 100
    assert Lattice.over(0, 10, Grid("edges", edges=(0, 0.5, 0.7, 4, 10))).edges.tolist() == [0, 1, 4, 11]


def test_log_grid_grows_away_from_the_bound_nearest_zero() -> None:
    edges = Lattice.over(0, 99_999, Grid("log")).edges
    assert edges[:4].tolist() == [0, 1, 2, 3]
    width = np.diff(edges)
    assert (width[edges[:-1] > 1000][:-1] > 5).all()
    assert width.max() < 0.03 * 100_000
    mirrored = Lattice.over(-99_999, 0, Grid("log")).edges
    assert (np.diff(mirrored) == width[::-1]).all()


def test_log_grid_across_zero_is_mirrored() -> None:
    edges = Lattice.over(-5000, 5000, Grid("log", cells=200)).edges
    cells = list(zip(edges, edges[1:] - 1, strict=False))
    assert (0, 0) in cells
    assert {(-b, -a) for a, b in cells} == set(cells)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 5000.0), (2.0, 5000.0), (-5000.0, 0.0), (-5000.0, -2.0), (-10.0, 5000.0), (0.001, 0.002)]
)
def test_real_log_grids(low: float, high: float) -> None:
    edges = real_edges(low, high, Grid("log"))
    assert edges[0] == low
    assert edges[-1] == high
    assert (np.diff(edges) > 0).all()
    assert 500 <= len(edges) <= 520
    nearest = min(max(0.0, low), high)
    (place,) = find_cells(edges, np.array([nearest]))
    # The bound nearest zero, or zero itself, is alone in its cell.
    assert edges[place + 1] - edges[place] <= np.spacing(max(abs(nearest), 5e-324))


def test_real_equal_grid_and_edges() -> None:
    assert np.allclose(real_edges(-1.0, 3.0, Grid()), np.linspace(-1, 3, 1025), rtol=0, atol=1e-15)
    assert real_edges(0.0, 1.0, Grid(cells=2)).tolist() == [0, 0.5, 1]
    assert real_edges(0.0, 1.0, Grid("edges", edges=(0, 0.1, 1))).tolist() == [0, 0.1, 1]


@pytest.mark.parametrize(
    "edges",
    [
        np.linspace(-0.1, 0.3, 1025),
        np.array([0.0, 1.0, 10.0, 11.0]),
        np.array([2.0, 3.0]),
        np.geomspace(1e-3, 1e9, 700),
    ],
)
def test_cells_are_found_as_by_bisection(edges: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([edges, np.nextafter(edges[1:], -np.inf), np.nextafter(edges[:-1], np.inf)])
    values = np.concatenate([values, rng.uniform(edges[0], edges[-1], 2000)])
    found = find_cells(edges, values)
    assert found.dtype == np.int32
    assert (found == np.clip(np.searchsorted(edges, values, "right") - 1, 0, len(edges) - 2)).all()


def test_long_lattices_find_without_a_table() -> None:
    for lattice in (Lattice.over(0, 10**6, Grid("log")), Lattice.over(-(2**53), 2**53, Grid())):
        assert lattice.table is None
        values = np.array([0.0, 1.0, 999_999.0, 10.0**6])
        assert (lattice.find(values) == np.searchsorted(lattice.edges, values.astype(np.int64), "right") - 1).all()


def test_draws_are_uniform_and_leave_out_what_has_a_cell_elsewhere() -> None:
    lattice = Lattice.over(0, 11, Grid(cells=3), excluded=(0, 2, 5, 99, 8, 9, 10, 11))
    assert lattice.edges.tolist() == [0, 4, 8, 12]
    drawn = lattice.draw(np.repeat([0, 1, 2], 3000), np.random.default_rng(0)).reshape(3, -1)
    assert [sorted(set(cell)) for cell in drawn.tolist()] == [[1, 3], [4, 6, 7], [8, 9, 10, 11]]
    for cell, values in zip(drawn, ([1, 3], [4, 6, 7], [8, 9, 10, 11]), strict=True):
        counts = np.array([(cell == value).sum() for value in values])
        expected = 3000 / len(values)
        assert (np.abs(counts - expected) < 6 * np.sqrt(expected)).all()
