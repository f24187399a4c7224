"""Coarse cells from noisy one-ways."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.generators.compression import merge_light_cells

COUNTS = st.lists(st.floats(0, 500), min_size=1, max_size=60)


@given(COUNTS, st.integers(0, 60), st.floats(1, 300), st.floats(4, 48))
def test_every_coarse_cell_is_used_and_ordered_groups_are_contiguous(
    counts: list[float], start: int, least: float, most: float
) -> None:
    first = start if start < len(counts) else None
    groups = merge_light_cells(np.array(counts), first, least, most)
    assert set(groups) == set(range(groups.max() + 1))
    if first == 0:
        assert (np.diff(groups) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4, 10, 48]), st.floats(0.0001, 0.1))
def test_the_ordered_part_has_at_most_twice_the_cells_and_one(seed: int, most: int, least: float) -> None:
    """Heavy cells with light ones between them leave the most groups."""
    rng = np.random.default_rng(seed)
    cells = int(rng.integers(2, 200))
    counts = rng.pareto(rng.uniform(0.3, 3), cells) * np.where(rng.random(cells) < rng.random(), 1.0, 0.01)
    groups = merge_light_cells(counts, 0, least * counts.sum(), most)
    assert groups.max() + 1 <= 2 * most + 1


def test_more_coarse_cells_than_asked_for_can_be_needed() -> None:
    """Negative control: `most_cells` itself is no bound."""
    counts = np.where(np.arange(80) % 2 == 0, 100.0, 5.0)
    assert merge_light_cells(counts, 0, 6.0, 48).max() + 1 > 48


def test_a_spike_keeps_its_own_cell() -> None:
    counts = np.full(80, 10.0)
    counts[40] = 2000.0
    groups = merge_light_cells(counts, 0, 100.0, 20.0)
    assert (groups == groups[40]).sum() == 1


def test_rare_categories_share_one_cell_and_common_ones_do_not() -> None:
    groups = merge_light_cells(np.array([900.0, 3.0, 500.0, 2.0, 60.0, 1.0]), None, 50.0, 48.0)
    assert groups[0] != groups[2]
    assert groups[1] == groups[3] == groups[5]


def test_light_special_cells_do_not_stay_alone() -> None:
    counts = np.concatenate([[0.0, 1.0], np.full(20, 100.0)])  # a missing and a special cell that hardly occur
    groups = merge_light_cells(counts, 2, 50.0, 48.0)
    mass = np.bincount(groups, weights=counts)
    assert (mass >= 25.0).all()


def test_all_zero_counts_leave_few_cells() -> None:
    assert merge_light_cells(np.zeros(30), 0, 5.0, 10.0).max() <= 1


def test_a_spike_keeps_its_cell_however_few_there_may_be() -> None:
    counts = np.full(60, 20.0)
    counts[[10, 30]] = 150.0
    spikes = np.zeros(60, dtype=bool)
    spikes[[10, 30]] = True
    groups = merge_light_cells(counts, 0, 100.0, 4, spikes)
    for cell in (10, 30):
        assert (groups == groups[cell]).sum() == 1
    assert (merge_light_cells(counts, 0, 200.0, 4, spikes) == merge_light_cells(counts, 0, 200.0, 4)).all()
