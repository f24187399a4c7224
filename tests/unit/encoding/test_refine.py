"""Grids that end where one says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dpsynth.domain.columns import Category, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.refine import lattice_edges, with_lattice_edges
from dpsynth.encoding.table import TableEncoder

COLUMNS = [
    Integer(name="x", minimum=-5, maximum=99_999),
    Integer(name="x", minimum=0, maximum=10**9, special=(7,), required=True),
    Real(name="x", minimum=0.0, maximum=60_000.0, decimals=1),
    Real(name="x", minimum=-0.25, maximum=9.99, decimals=2, special=(1.1,)),
    Real(name="x", minimum=0.003, maximum=1234.5, decimals=0),
]


def encoder_of(column):
    return TableEncoder(Domain((column,))).by_name("x")


@pytest.mark.parametrize("column", COLUMNS)
def test_the_new_grid_has_the_edges_that_were_asked_for(column) -> None:
    encoder = encoder_of(column)
    own = lattice_edges(encoder)
    rng = np.random.default_rng(0)
    inner = np.unique(rng.integers(own[0] + 1, own[-1], 500))
    edges = np.concatenate([own[:1], inner, own[-1:]])
    refined = encoder_of(with_lattice_edges(encoder, edges))
    assert np.array_equal(lattice_edges(refined), edges)
    assert refined.column.special == column.special


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_with_a_cell_of_its_own_comes_back(column) -> None:
    encoder = encoder_of(column)
    own = lattice_edges(encoder)
    steps = np.arange(own[0] + 11, own[0] + 700, 13)
    edges = np.unique(np.concatenate([own[[0, -1]], steps, steps + 1]))
    refined = encoder_of(with_lattice_edges(encoder, edges))
    scale = 1 if isinstance(column, Integer) else 10**column.decimals
    values = [step / scale for step in steps.tolist()]
    codes = refined.encode(pa.array(values))
    assert len(np.unique(codes)) == len(values)
    assert refined.decode(codes, np.random.default_rng(1)).tolist() == values


def test_one_cell_is_a_grid_too() -> None:
    encoder = encoder_of(COLUMNS[0])
    edges = lattice_edges(encoder)[[0, -1]]
    assert np.array_equal(lattice_edges(encoder_of(with_lattice_edges(encoder, edges))), edges)


def test_only_columns_with_a_lattice_have_lattice_edges() -> None:
    for column in (Category(name="x", values=("a",)), Real(name="x", minimum=0, maximum=1)):
        assert lattice_edges(encoder_of(column)) is None
        with pytest.raises(ValueError, match="no lattice"):
            with_lattice_edges(encoder_of(column), np.array([0, 1]))


@pytest.mark.parametrize("edges", [[-5, 7], [-4, 100_000], [-5, 3, 3, 100_000]])
def test_edges_that_do_not_span_the_lattice(edges) -> None:
    with pytest.raises(ValueError, match="do not span"):
        with_lattice_edges(encoder_of(COLUMNS[0]), np.array(edges))
