"""The planner: bias against noise."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.generators.adaptive.planner import (
    DENOISED,
    MEAN_ABSOLUTE,
    chance_distance,
    pair_biases,
    plan_pairs,
)
from dpsynth.generators.pairs import error_per_sigma

SIZES = {"a": 4, "b": 6, "c": 3, "d": 10}
PAIRS = list(itertools.combinations(SIZES, 2))


def plan(biases: dict, sigma: float = 5.0, total: float = 10_000, weights: dict | None = None, cap: int = 10**6):
    return plan_pairs(biases, SIZES, sigma_of_all=sigma, total=total, weights=weights or {}, cell_cap=cap)


def test_scores_far_above_the_noise_keep_their_size() -> None:
    scores = np.array([2_000, 9_000, 30_000, 45_000])
    assert pair_biases(scores, 10.0, np.zeros(4)) == pytest.approx(scores, rel=0.01)


def test_of_many_scores_of_pure_noise_nothing_is_left() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 100, 5_000)
    assert pair_biases(noise, 100.0, np.zeros(5_000)).mean() < 5
    some = np.concatenate([noise, np.full(50, 700.0)])
    found = pair_biases(some, 100.0, np.zeros(5_050))
    assert found[:5_000].mean() < 5
    assert found[5_000:].min() > 500
    assert found.min() >= 0


def test_chance_is_taken_off() -> None:
    """Scores that are all chance leave next to nothing; far above it, it counts as a variance does."""
    rng = np.random.default_rng(1)
    chance = np.full(500, 900.0)
    assert pair_biases(chance + rng.normal(0, 50, 500), 50.0, chance).mean() < 25
    found = pair_biases(np.full(3, 5_000.0), 1.0, np.full(3, 3_000.0))
    assert found == pytest.approx(4_000.0, rel=0.01)


def test_chance_is_what_sampling_shows_and_noise_hides() -> None:
    rng = np.random.default_rng(2)
    law = rng.dirichlet(np.ones(30))
    drawn = rng.multinomial(20_000, law, size=300)
    shown = np.abs(drawn - 20_000 * law).sum(1).mean()
    assert chance_distance(20_000 * law, 1e6) == pytest.approx(shown, rel=0.05)
    assert chance_distance(20_000 * law, 1.0) < 0.1 * shown
    assert chance_distance(np.zeros((2, 2)), 5.0) == 0.0


def test_nothing_is_measured_where_noise_outweighs_every_bias() -> None:
    chosen = plan(dict.fromkeys(PAIRS, 1e-4), sigma=1_000.0)
    assert chosen.pairs == ()
    assert chosen.tree == ()
    assert chosen.noise == 0.0
    assert chosen.bias == pytest.approx(1e-4)


def test_everything_is_measured_where_noise_is_small() -> None:
    chosen = plan(dict.fromkeys(PAIRS, 0.2), sigma=1.0)
    assert set(chosen.pairs) == set(PAIRS)
    assert sum(chosen.shares.values()) == pytest.approx(1.0)
    assert chosen.bias == 0.0


def test_pairs_above_the_cell_cap_stay_out_of_the_tree_but_are_measured() -> None:
    chosen = plan(dict.fromkeys(PAIRS, 0.2), sigma=1.0, cap=100)
    assert set(chosen.pairs) == set(PAIRS)
    assert 0 < len(chosen.tree) < len(PAIRS)
    assert set(chosen.tree) <= set(chosen.pairs)


def test_a_heavier_pair_gets_more_of_the_budget_and_comes_first() -> None:
    even = plan(dict.fromkeys(PAIRS, 0.2))
    heavy = plan(dict.fromkeys(PAIRS, 0.2), weights={("a", "d"): 8.0})
    assert heavy.shares["a", "d"] > even.shares["a", "d"]
    alone = plan(dict.fromkeys(PAIRS, 0.004), sigma=30.0, weights={("a", "d"): 8.0})
    assert alone.pairs[:1] in ((("a", "d"),), ())


@given(st.lists(st.floats(0, 0.3), min_size=6, max_size=6), st.floats(0.5, 200))
def test_the_plan_never_predicts_more_loss_than_measuring_nothing(biases: list[float], sigma: float) -> None:
    by_pair = dict(zip(PAIRS, biases, strict=True))
    chosen = plan(by_pair, sigma=sigma)
    nothing = sum(biases) / len(biases)
    assert chosen.noise + chosen.bias <= nothing + 1e-12


def test_the_split_is_the_one_that_minimises_summed_noise() -> None:
    chosen = plan(dict.fromkeys(PAIRS, 0.2), sigma=3.0)
    error = {p: DENOISED * error_per_sigma((SIZES[p[0]], SIZES[p[1]])) * MEAN_ABSOLUTE / 20_000 for p in PAIRS}

    def noise(shares: dict) -> float:
        return sum(error[p] * 3.0 / math.sqrt(shares[p]) for p in PAIRS)

    rng = np.random.default_rng(0)
    best = noise(chosen.shares)
    for _ in range(200):
        other = np.array([chosen.shares[p] for p in PAIRS]) * rng.uniform(0.7, 1.4, len(PAIRS))
        assert noise(dict(zip(PAIRS, other / other.sum(), strict=True))) >= best - 1e-12


def test_known_pairs_keep_their_shares_and_new_ones_divide_the_rest() -> None:
    known = {("a", "b"): 0.3, ("c", "d"): 0.2}
    chosen = plan_pairs(
        dict.fromkeys(PAIRS, 0.2), SIZES, sigma_of_all=1.0, total=10_000, weights={}, cell_cap=10**6, known=known
    )
    assert chosen.pairs[:2] == tuple(known)
    assert {pair: chosen.shares[pair] for pair in known} == known
    assert sum(chosen.shares.values()) == pytest.approx(1.0)
    assert set(known) <= set(chosen.tree)


def test_without_new_pairs_the_known_ones_get_what_is_left() -> None:
    known = {("a", "b"): 0.3, ("c", "d"): 0.2}
    chosen = plan_pairs(
        dict.fromkeys(PAIRS, 0.0), SIZES, sigma_of_all=1.0, total=10_000, weights={}, cell_cap=10**6, known=known
    )
    assert chosen.pairs == tuple(known)
    assert chosen.shares == {("a", "b"): pytest.approx(0.6), ("c", "d"): pytest.approx(0.4)}
