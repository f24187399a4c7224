"""How the rest of the budget is spent: in whole, where it pays."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary.allocation import Order, plan_wave, predicted_error
from dpsynth.generators.binary.shrinkage import fit_prior


def _order(size: int, signal: float, noise: float, whole: bool = False, seed: int = 0) -> Order:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, signal, size) + rng.normal(0, noise, size)
    return Order(fit_prior(x, np.full(size, noise**2)), np.ones(size), whole)


def test_shares_sum_to_what_there_is_to_spend() -> None:
    orders = {1: _order(10, 1, 0.1, True), 2: _order(45, 0.3, 0.1, True), 3: _order(120, 0.1, 0.2)}
    wave = plan_wave(orders, 0.6, 1e-5, 0.0)
    assert sum(wave.shares.values()) == pytest.approx(0.6)
    assert wave.shares.keys() == wave.chosen.keys()
    for order, chosen in wave.chosen.items():
        assert 0 < len(chosen) <= len(orders[order].scale)
        assert (np.diff(chosen) > 0).all()


def test_whole_orders_are_measured_whole() -> None:
    wave = plan_wave({1: _order(10, 1, 0.5, True), 2: _order(45, 0.3, 0.5, True)}, 1.0, 1e-5, 0.0)
    assert [len(wave.chosen[k]) for k in (1, 2)] == [10, 45]


def test_an_order_with_signal_gets_more_than_one_without() -> None:
    low = {1: _order(10, 1, 0.1, True), 2: _order(45, 0.3, 0.1, True)}
    without, busy = (plan_wave({**low, 3: _order(120, signal, 0.2)}, 1, 1e-4, 0) for signal in (0.0, 0.5))
    assert without.shares.get(3, 0.0) + 0.1 < busy.shares[3]


def test_predictions_rise_with_columns_and_noise_and_stay_below_one() -> None:
    low = predicted_error({1: _order(10, 1, 0.01, True), 2: _order(45, 0.3, 0.01, True)}, 0.0)
    high = predicted_error({1: _order(10, 1, 0.1, True), 2: _order(45, 0.3, 0.1, True)}, 0.0)
    assert list(low) == [1, 2, 3, 4, 5]
    assert list(low.values()) == sorted(low.values())
    assert all(low[k] < high[k] for k in low)
    assert max(predicted_error({1: _order(10, 9, 9, True)}, 9.0).values()) == 1
