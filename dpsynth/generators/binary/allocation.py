"""How to spend what is left: which coefficients to measure once more, and how finely.

Each order's coefficients have an expected squared error (posterior under the fitted prior). Measuring m of them in one
vector with share f of the budget adds noise of variance proportional to m / f. The error of a k-way marginal is about

    TVD_k = .4 sqrt(sum_j C(k, j) e_j^2),        e_j^2 = mean squared error of a parity of order j, per row

and the split that makes the product of the TVD_2 .. TVD_5 least is found by looking at all splits on a grid.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dpsynth.generators.binary.shrinkage import Prior

__all__ = ["WAYS", "Order", "Wave", "plan_wave", "predicted_error"]

UNITS = 24
MEAN_ABSOLUTE = math.sqrt(2 / math.pi)  # E|Z| of a standard normal Z
WAYS = (2, 3, 4, 5)
_PARTS = (0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """What is known of the coefficients of one order.

    Attributes:
        prior: of standardised residuals.
        scale: float64[m], variance of the feature: an error of standardised coefficients times this is per row.
        whole: whether only all sets of the order may be measured.
    """

    prior: Prior
    scale: np.ndarray
    whole: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """Shares of the budget by order, and which coefficients to measure (places in the order's list)."""

    shares: Mapping[int, float]
    chosen: Mapping[int, np.ndarray]


def plan_wave(orders: Mapping[int, Order], share: float, unit_noise: float, floor: float) -> Wave:
    """Split `share` among the orders.

    Args:
        orders: by order.
        share: of the budget, to be spent in whole.
        unit_noise: variance of the noise of one sum, per row squared, if it took the whole budget alone.
        floor: what no measurement removes of an error per row squared (rows are drawn).

    Returns:
        Shares that sum to `share`.

    Guarantee: post-processing.
    """
    names = sorted(orders)
    curves, best = {}, {}
    for name in names:
        curves[name], best[name] = _curve(orders[name], share, unit_noise)
    found, least = None, math.inf
    for split in _splits(UNITS, len(names)):
        loss = 0.0
        for ways in WAYS:
            total = sum(
                math.comb(ways, name) * (curves[name][units] + floor) for name, units in zip(names, split, strict=True)
            )
            loss += math.log(total)
        if loss < least - 1e-12:
            found, least = split, loss
    assert found is not None
    shares = {name: share * units / UNITS for name, units in zip(names, found, strict=True) if units}
    chosen = {name: np.sort(_ranked(orders[name])[: best[name][found[names.index(name)]]]) for name in shares}
    return Wave(shares, chosen)


def predicted_error(orders: Mapping[int, Order], floor: float) -> dict[int, float]:
    """Expected mean total variation distance of all k-way marginals, k = 1..5, from what is known of each order.

    Args:
        orders: by order; orders that were not measured count as well predicted.
        floor: squared error per row and parity of low order that drawing rows adds.

    Returns:
        A prediction from noisy answers, not a bound.

    Guarantee: post-processing.
    """
    squares = {name: float((order.scale * order.prior.error()).mean()) + floor for name, order in orders.items()}
    return {
        ways: min(1.0, MEAN_ABSOLUTE / 2 * math.sqrt(sum(math.comb(ways, k) * square for k, square in squares.items())))
        for ways in (1, *WAYS)
    }


def _ranked(order: Order) -> np.ndarray:
    return np.argsort(-(order.scale * order.prior.error()), kind="stable")


def _curve(order: Order, share: float, unit_noise: float) -> tuple[list[float], list[int]]:
    """Mean error per row by units of share spent, and how many coefficients to measure for it."""
    ranked = _ranked(order)
    size = len(ranked)
    now = order.scale * order.prior.error()
    errors, counts = [float(now.mean())], [0]
    parts = (1.0,) if order.whole else _PARTS
    options = sorted({max(1, round(size * part)) for part in parts})
    for units in range(1, UNITS + 1):
        least, most = math.inf, 0
        for count in options:
            more = np.full(size, np.inf)
            more[ranked[:count]] = count * unit_noise / (share * units / UNITS)
            error = float((order.scale * order.prior.error(more / order.scale)).mean())
            if error < least:
                least, most = error, count
        errors.append(least)
        counts.append(most)
    return errors, counts


def _splits(units: int, parts: int) -> Iterator[tuple[int, ...]]:
    for bars in itertools.combinations(range(units + parts - 1), parts - 1):
        yield tuple(b - a - 1 for a, b in itertools.pairwise((-1, *bars, units + parts - 1)))
