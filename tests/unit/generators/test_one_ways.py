"""Noisy one-ways: public grids, the split of the budget, and what is made of the answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from dpsynth.domain.columns import Category, Grid, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.table import TableEncoder
from dpsynth.generators.one_ways import (
    EQUAL_CELLS,
    grid_of,
    one_way_query,
    one_way_share,
    one_way_sigmas,
    read_one_ways,
)
from tests.unit.generators.support import DOMAIN, answer, shares_at

ENCODER = TableEncoder(DOMAIN)
WIDE = TableEncoder(
    Domain(
        (
            Category(name="word", values=tuple(f"w{i}" for i in range(1000))),
            Integer(name="year", minimum=0, maximum=150),
            Integer(name="money", minimum=0, maximum=10**6, special=(0,), grid=Grid("log")),
            Real(name="share", minimum=0.0, maximum=1.0),
        )
    )
)


def test_grids_are_fine_where_a_column_has_few_cells_and_coarser_elsewhere() -> None:
    shares = shares_at()
    sizes = {name: grid_of(WIDE.by_name(name), shares).size for name in WIDE.names}
    assert sizes["word"] == 1001  # missing, and every category
    assert sizes["year"] == 152  # missing, and every integer
    assert sizes["share"] == 1 + EQUAL_CELLS
    assert sizes["money"] == 1 + 1 + 64  # missing, the special zero, and 64 log cells at epsilon 1


@pytest.mark.parametrize(("mu", "cells"), [(1e-4, 48), (0.268, 64), (0.536, 128), (50.0, 512)])
def test_log_grids_grow_with_the_budget_between_two_bounds(mu, cells) -> None:
    encoder = WIDE.by_name("money")
    fine = encoder.size - encoder.ordered_from
    assert grid_of(encoder, shares_at(mu)).size == encoder.ordered_from + min(cells, fine)


def test_missing_and_special_cells_stay_alone() -> None:
    for name in WIDE.names:
        encoder, grid = WIDE.by_name(name), grid_of(WIDE.by_name(name), shares_at())
        alone = encoder.ordered_from if encoder.ordered_from is not None else encoder.size
        assert grid.cells[:alone].tolist() == list(range(alone))
        assert (np.diff(grid.cells) >= 0).all()


def test_the_share_falls_as_the_budget_grows() -> None:
    found = [one_way_share(shares_at(mu)) for mu in (1e-3, 0.03, 0.268, 1.0, 100.0)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[2], found[-1]) == (0.35, pytest.approx(0.2), 0.1)


def test_the_split_minimises_the_summed_error() -> None:
    """The expected L1 error of a column is cells x sigma; no split of the same budget has a smaller sum."""
    shares = shares_at()
    grids = {name: grid_of(ENCODER.by_name(name), shares) for name in ENCODER.names}
    sizes = np.array([grid.size for grid in grids.values()], dtype=float)

    def error(parts: np.ndarray) -> float:
        parts = np.exp(parts) / np.exp(parts).sum()
        return float((sizes * [shares.marginal_sigma_up(0.2 * part) for part in parts]).sum())

    sigmas = one_way_sigmas(grids, shares, 0.2)
    ours = float((sizes * list(sigmas.values())).sum())
    best = minimize(error, np.zeros(len(sizes)))
    assert list(sigmas) == list(ENCODER.names)
    assert ours == pytest.approx(best.fun, rel=1e-4)
    assert error(np.zeros(len(sizes))) > 1.02 * ours  # and the even split has a larger one


def test_the_question_asks_every_column_once_on_its_grid() -> None:
    grids = {name: grid_of(ENCODER.by_name(name), shares_at()) for name in ENCODER.names}
    query = one_way_query(grids)
    assert query.cliques == tuple((name,) for name in DOMAIN.names if name != "key")
    assert query.groupings == grids


def _read(encoder: TableEncoder, noisy: dict[str, np.ndarray], sigma: float, **settings):
    grids = {name: grid_of(encoder.by_name(name), shares_at()) for name in noisy}
    return read_one_ways(encoder, grids, tuple(answer((n,), v, sigma) for n, v in noisy.items()), **settings)


def test_counts_are_not_negative_and_have_one_total() -> None:
    rng = np.random.default_rng(0)
    noisy = {n: rng.integers(-40, 60, grid_of(ENCODER.by_name(n), shares_at()).size) for n in ENCODER.names}
    found = _read(ENCODER, noisy, 20.0)
    for name, counts in found.counts.items():
        assert (counts >= 0).all()
        assert counts.sum() == pytest.approx(found.total)
        assert np.allclose(found.raw[name], noisy[name])
        assert found.sigmas[name] == pytest.approx(20.0)


def test_the_total_weighs_columns_by_how_exactly_they_know_it() -> None:
    """A column of c cells knows the total with variance c sigma^2."""
    encoder = TableEncoder(Domain((Category(name="a", values=("x",)), Category(name="b", values=tuple("uvwxy")))))
    found = _read(encoder, {"a": np.array([0, 100]), "b": np.array([0, 40, 30, 20, 10, 60])}, 3.0)
    assert found.total == pytest.approx((100 / 2 + 160 / 6) / (1 / 2 + 1 / 6))


def test_a_column_that_was_asked_twice_gets_the_better_of_both_answers() -> None:
    encoder = TableEncoder(Domain((Category(name="a", values=("x",), required=True),)))
    grids = {"a": grid_of(encoder.by_name("a"), shares_at())}
    found = read_one_ways(encoder, grids, (answer(("a",), [100], 1.0), answer(("a",), [130], 2.0)))
    assert found.raw["a"] == pytest.approx([106.0])  # weights 1 and 1/4
    assert found.sigmas["a"] == pytest.approx(0.8**0.5)
    assert found.total == pytest.approx(106.0)


def test_without_noise_the_counts_are_the_answers() -> None:
    encoder = TableEncoder(Domain((Integer(name="n", minimum=0, maximum=30),)))
    exact = np.arange(32) % 7
    assert np.allclose(_read(encoder, {"n": exact}, 1e-9).counts["n"], exact)


def test_only_ordered_cells_are_smoothed() -> None:
    """Next to a smooth histogram, a missing cell or a category keeps its own answer."""
    encoder = TableEncoder(Domain((Integer(name="n", minimum=0, maximum=63),)))
    rng = np.random.default_rng(1)
    truth = np.concatenate([[500], np.full(64, 100)])
    noisy = np.rint(truth + rng.normal(0, 20, 65)).astype(np.int64)
    smooth, rough = (_read(encoder, {"n": noisy}, 20.0, denoise=on).counts["n"] for on in (True, False))
    assert np.abs(smooth - truth)[1:].mean() < 0.5 * np.abs(rough - truth)[1:].mean()
    assert smooth[0] == pytest.approx(noisy[0], rel=0.05)
    words = TableEncoder(Domain((Category(name="n", values=tuple(f"w{i}" for i in range(64))),)))
    kept, plain = (_read(words, {"n": noisy}, 20.0, denoise=on).counts["n"] for on in (True, False))
    assert np.array_equal(kept, plain)


def test_a_table_that_looks_empty_has_a_total_of_one() -> None:
    encoder = TableEncoder(Domain((Category(name="a", values=("x", "y")),)))
    found = _read(encoder, {"a": np.array([-9, -3, -30])}, 5.0)
    assert found.total == 1.0
    assert found.counts["a"].sum() == pytest.approx(1.0)
