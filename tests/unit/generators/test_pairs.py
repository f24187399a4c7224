"""Pairs of columns: references, coarse cells, splits, refined one-ways, denoised tables; each beside a plain twin."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.generators.mst import MOST_CELLS, coarse_cell_bounds
from dpsynth.generators.one_ways import OneWays, grid_of, read_one_ways
from dpsynth.generators.pairs import (
    all_pairs,
    coarse_counts,
    coarse_groups,
    denoise_pair,
    error_per_sigma,
    fine_groupings,
    merge_repeats,
    pair_cell_bound,
    product_references,
    refine_one_ways,
    split_by_cells,
    tree_cell_bound,
)
from tests.unit.generators.support import DOMAIN, answer, shares_at

WEIGHTS = st.lists(st.floats(1.0, 1e4), min_size=1, max_size=12)
SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=9)


def one_ways(counts: dict[str, np.ndarray], sigma: float = 1.0) -> OneWays:
    """One-ways of categories, one measured cell per fine cell."""
    domain = Domain(
        tuple(Category(name=n, values=tuple(map(str, range(len(c)))), required=True) for n, c in counts.items())
    )
    grids = {name: Grouping.identity(len(c)) for name, c in counts.items()}
    return read_one_ways(TableEncoder(domain), grids, tuple(answer((n,), c, sigma) for n, c in counts.items()))


def test_all_pairs_once_in_order() -> None:
    assert all_pairs(("b", "a", "c")) == [("b", "a"), ("b", "c"), ("a", "c")]
    assert all_pairs(("a",)) == []


def test_references_are_the_rounded_products() -> None:
    counts = {"a": np.array([10.4, 89.6]), "b": np.array([33.3, 33.3, 33.4])}
    (found,) = product_references(counts, 100.0, [("a", "b")]).values()
    wanted = [[round(x * y / 100.0) for y in counts["b"]] for x in counts["a"]]
    assert found.tolist() == wanted
    assert found.dtype == np.int64


@given(WEIGHTS, st.integers(0, 2**32 - 1))
def test_no_other_split_has_a_smaller_summed_error(weights: list[float], seed: int) -> None:
    """The error of i is weight_i x sigma_i, and sigma_i is 1 / sqrt(share_i)."""
    keyed = {(str(i), "x"): weight for i, weight in enumerate(weights)}
    shares = np.array(list(split_by_cells(keyed).values()))
    assert shares.sum() == pytest.approx(1.0)
    others = np.random.default_rng(seed).dirichlet(np.ones(len(weights)), 50).clip(1e-12)
    errors = (np.array(weights) / np.sqrt(others)).sum(axis=1)
    assert (np.array(weights) / np.sqrt(shares)).sum() <= errors.min() * (1 + 1e-9)


@given(st.integers(1, 500), st.integers(1, 500))
def test_the_error_of_a_pair_is_that_of_its_cells_or_less_where_denoising_helps(a: int, b: int) -> None:
    assert error_per_sigma((a, b)) == pytest.approx(error_per_sigma((b, a)))
    assert error_per_sigma((a, b)) <= a * b * (1 + 1e-12)
    if min(a, b) <= 2:  # nothing to shrink in a thin table
        assert error_per_sigma((a, b)) == pytest.approx(a * b)
    if min(a, b) >= 8:
        assert error_per_sigma((a, b)) < 0.8 * a * b


@given(SIZES)
def test_no_tree_has_more_cells_than_the_bound(sizes: list[int]) -> None:
    """A random tree, and the star around the widest column, which reaches the bound."""
    parents = [(i * 7 + 3) % i if i else -1 for i in range(len(sizes))]
    assert sum(sizes[i] * sizes[p] for i, p in enumerate(parents) if p >= 0) <= tree_cell_bound(sizes)
    widest = int(np.argmax(sizes))
    star = sum(sizes[widest] * size for i, size in enumerate(sizes) if i != widest)
    assert star == tree_cell_bound(sizes)
    assert pair_cell_bound(sizes) == sum(a * b for a, b in itertools.combinations(sizes, 2))


def test_coarse_cells_nest_and_keep_the_mass() -> None:
    encoder = TableEncoder(DOMAIN)
    rng = np.random.default_rng(3)
    grids = {name: grid_of(encoder.by_name(name), shares_at()) for name in encoder.names}
    noisy = tuple(answer((n,), rng.integers(0, 200, grid.size), 10.0) for n, grid in grids.items())
    ones = read_one_ways(encoder, grids, noisy)
    groups = coarse_groups(encoder, ones, 0.02 * ones.total, 12)
    fine, coarse = fine_groupings(ones, groups), coarse_counts(ones, groups)
    for name, grid in grids.items():
        for cell in range(encoder.sizes[name]):
            assert fine[name].cells[cell] == groups[name].cells[grid.cells[cell]]
        assert coarse[name].sum() == pytest.approx(ones.total)
        assert coarse[name].min() >= 0.01 * ones.total or groups[name].size <= 2


@pytest.mark.parametrize("spiky", [False, True])
def test_columns_never_have_more_coarse_cells_than_planned(spiky: bool) -> None:
    """Spikes at every third cell leave the most groups: each spike, and what lies between two of them."""
    encoder = TableEncoder(Domain((Integer(name="n", minimum=0, maximum=126, required=True),)))
    grids = {"n": grid_of(encoder.by_name("n"), shares_at())}
    counts = np.where(np.arange(127) % 3 == 0, 10_000, 300) if spiky else np.full(127, 1000)
    ones = read_one_ways(encoder, grids, (answer(("n",), counts, 1e-9),), denoise=False)
    found = coarse_groups(encoder, ones, 0.001 * ones.total, MOST_CELLS)["n"].size
    (bound,) = coarse_cell_bounds(encoder, grids)
    assert found <= bound
    assert (found > MOST_CELLS) == spiky  # the bound is not MOST_CELLS


def test_refined_one_ways_are_the_weighted_means_of_all_that_is_known() -> None:
    rng = np.random.default_rng(5)
    ones = one_ways({"a": rng.integers(300, 900, 6), "b": rng.integers(300, 900, 4), "c": np.array([1000, 1400])}, 9.0)
    groups = {
        "a": Grouping(np.array([0, 0, 1, 2, 2, 2]), 3),
        "b": Grouping.identity(4),
        "c": Grouping.identity(2),
    }
    pairs = [
        answer(("a", "b"), rng.integers(100, 300, (3, 4)), 4.0),
        answer(("c", "a"), rng.integers(0, 900, (2, 3)), 7.0),
    ]
    refined = refine_one_ways(ones, groups, pairs)
    for name, group in groups.items():
        means = []
        for cell in range(group.size):
            members = np.flatnonzero(group.cells == cell)
            known = [(ones.raw[name][members].sum(), len(members) * 81.0)]
            for pair in pairs:
                if name in pair.clique:
                    line = np.take(pair.values, cell, axis=pair.clique.index(name))
                    known.append((line.sum(), line.size * pair.sigma**2))
            means.append(sum(v / s for v, s in known) / sum(1 / s for _, s in known))
        shift = (np.sum(means) - ones.total) / len(means)  # on the simplex: nothing is near zero here
        assert np.allclose(refined[name], np.array(means) - shift)
        assert refined[name].sum() == pytest.approx(ones.total)


def test_a_refined_one_way_is_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(6)
    truth = np.outer([600, 300, 100], [0.5, 0.5])
    plain, better = 0.0, 0.0
    for _ in range(200):
        ones = one_ways(
            {"a": np.rint(truth.sum(1) + rng.normal(0, 40, 3)), "b": np.rint(truth.sum(0) + rng.normal(0, 40, 2))}, 40.0
        )
        pair = answer(("a", "b"), np.rint(truth + rng.normal(0, 20, (3, 2))), 20.0)
        groups = {name: Grouping.identity(len(c)) for name, c in ones.counts.items()}
        plain += np.abs(ones.counts["a"] - truth.sum(1)).sum()
        better += np.abs(refine_one_ways(ones, groups, [pair])["a"] - truth.sum(1)).sum()
    assert better < 0.75 * plain


def test_refined_cells_stay_above_zero() -> None:
    ones = one_ways({"a": np.array([1000, -80, -90])}, 50.0)
    refined = refine_one_ways(ones, {"a": Grouping.identity(3)}, [])
    assert (refined["a"] > 0).all()


def test_a_denoised_pair_has_its_margins_and_no_negative_cell() -> None:
    rng = np.random.default_rng(7)
    for shape in ((2, 2), (2, 9), (12, 30)):
        rows, columns = rng.dirichlet(np.ones(shape[0])) * 5000 + 1, rng.dirichlet(np.ones(shape[1])) * 5000 + 1
        columns *= rows.sum() / columns.sum()
        noisy = np.rint(np.outer(rows, columns) / rows.sum() + rng.normal(0, 60, shape)).astype(np.int64)
        table = denoise_pair(answer(("a", "b"), noisy, 60.0), rows, columns)
        assert (table >= 0).all()
        assert np.allclose(table.sum(1), rows, rtol=1e-3)
        assert np.allclose(table.sum(0), columns, rtol=1e-6)


def test_a_denoised_pair_is_nearer_to_a_dependent_truth_than_noise_and_than_independence() -> None:
    rng = np.random.default_rng(8)
    a, b = np.meshgrid(np.linspace(0, 1, 20), np.linspace(0, 1, 15), indexing="ij")
    truth = np.exp(-8 * (a - b) ** 2)
    truth *= 20_000 / truth.sum()
    rows, columns = truth.sum(1), truth.sum(0)
    noisy = np.rint(truth + rng.normal(0, 40, truth.shape)).astype(np.int64)
    found = np.abs(denoise_pair(answer(("a", "b"), noisy, 40.0), rows, columns) - truth).sum()
    assert found < 0.5 * np.abs(noisy - truth).sum()
    assert found < 0.5 * np.abs(np.outer(rows, columns) / rows.sum() - truth).sum()


def test_pure_noise_is_denoised_to_independence() -> None:
    rng = np.random.default_rng(9)
    rows, columns = np.full(25, 400.0), np.full(20, 500.0)
    base = np.outer(rows, columns) / 10_000
    noisy = np.rint(base + rng.normal(0, 30, base.shape)).astype(np.int64)
    assert (
        np.abs(denoise_pair(answer(("a", "b"), noisy, 30.0), rows, columns) - base).sum() < 0.03 * prod(base.shape) * 30
    )


def test_a_pair_in_which_one_column_tells_the_other_loses_its_noise() -> None:
    rng = np.random.default_rng(0)
    truth = np.diag(rng.integers(300, 2_000, 16)).astype(float)
    noisy = answer(("x", "y"), np.rint(truth + 30 * rng.normal(size=truth.shape)).astype(np.int64), 30.0)
    found = denoise_pair(noisy, truth.sum(1), truth.sum(0))
    assert np.abs(found - truth).sum() / truth.sum() < 0.05
    assert found.sum(1) == pytest.approx(truth.sum(1), rel=1e-4)


def test_repeats_are_merged_by_their_precision() -> None:
    one, two = answer(("x", "y"), np.array([[10, 0]]), 2.0), answer(("x", "y"), np.array([[20, 10]]), 4.0)
    other = answer(("x", "z"), np.array([[1]]), 1.0)
    merged = merge_repeats([one, other, two])
    assert merged[1] is other
    assert merged[0].values == pytest.approx(np.array([[12.0, 2.0]]))
    assert merged[0].sigma == pytest.approx((1 / (1 / 4 + 1 / 16)) ** 0.5)
