"""17 to 40 columns: the joint is too large to hold, so the model is a set of Gibbs particles.

`look` fits the orders below the highest, one after the other, and finds each order's prior from what its sums say
beyond the particles' prediction. `finish` fits all orders to the final sums and edits the particles into rows: the
targets are y - lambda theta with the mean theta of the last steps, which at the optimum is the model's own moment but
carries neither the sampling noise nor the lag of the chain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dpsynth.generators.binary.flips import flip_rows
from dpsynth.generators.binary.maximum_entropy import Target, fit_particles
from dpsynth.generators.binary.particles import Particles
from dpsynth.generators.binary.polynomial import Neighbours
from dpsynth.generators.binary.shrinkage import Prior, connections
from dpsynth.generators.binary.sums import Centred, Sums
from dpsynth.generators.binary.walsh import shift

__all__ = ["Look", "finish", "look"]

SEED = 20260100  # public: it only picks among equally good particles
FEWEST, MOST = 20_000, 100_000  # particles
STEPS = 15
LAST_STEPS = 20
AVERAGED = 10
PREDICTION_SWEEPS = 6
FLIP_SWEEPS = 50
FLIP_WEIGHTS = {1: 4.0, 2: 1.0, 3: 0.5, 4: 0.25}
MOST_SETS = {3: 5000, 4: 1500}
VISIBLE = 2.0  # a fourth-order effect is kept if it is this many standard deviations of n rows


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the first answers say.

    Attributes:
        particles: as they stand.
        theta: natural parameters float64[m] by order, of the orders fitted so far.
        centres: float64[columns], the centres of their basis.
        predicted: sums that the model below each order predicts for it, per row.
        priors: by order.
    """

    particles: Particles
    theta: dict[int, np.ndarray]
    centres: np.ndarray
    predicted: dict[int, np.ndarray]
    priors: dict[int, Prior]


def look(sums: Sums) -> Look:
    """Fit the lower orders and find the priors of all.

    Guarantee: post-processing; deterministic.
    """
    centred = sums.centred()
    count = int(np.clip(round(centred.total), FEWEST, MOST))
    particles = Particles(centred.centres, count, np.random.Generator(np.random.PCG64(SEED)))
    theta = {1: np.arctanh(centred.centres)}
    priors = {1: Prior.flat(centred.noise[1] / (centred.total**2 * centred.scale[1]))}
    predicted = {1: np.zeros(sums.columns), 2: np.zeros(len(centred.sets[2]))}
    top = max(centred.sums)
    for order in range(2, top + 1):
        if order > 2:
            predicted[order] = _predict(particles, centred, theta, order)
        priors[order] = _prior(centred, order, predicted, priors)
        if order < top or order == 2:
            theta[order] = np.zeros(len(centred.sets[order]))
            theta, _, _ = _fit(particles, centred, theta, priors, STEPS, 1)
    return Look(particles, theta, centred.centres, predicted, priors)


def finish(sums: Sums, seen: Look) -> tuple[np.ndarray, dict[int, Prior]]:
    """Fit everything that was measured, and make rows of it.

    Args:
        sums: all answers.
        seen: from `look` on the first ones; its particles move on.

    Returns:
        bool[rows, columns], true where the sign is negative, about n rows; and the final priors.

    Guarantee: post-processing; deterministic.
    """
    centred = sums.centred(seen.centres)
    priors = {1: Prior.flat(centred.noise[1] / (centred.total**2 * centred.scale[1]))}
    for order in range(2, max(centred.sums) + 1):
        priors[order] = _prior(centred, order, seen.predicted, priors)
    theta = {k: seen.theta[k] if k in seen.theta else np.zeros(len(centred.sets[k])) for k in priors}
    _, mean, targets = _fit(seen.particles, centred, theta, priors, LAST_STEPS, AVERAGED)
    rows = max(1, min(round(centred.total), seen.particles.signs.shape[1]))
    signs = seen.particles.signs[:, :rows].copy()
    _edit(signs, centred, targets, mean)
    return signs.T < 0, priors


def _fit(
    particles: Particles,
    centred: Centred,
    theta: dict[int, np.ndarray],
    priors: dict[int, Prior],
    steps: int,
    averaged: int,
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray], dict[int, Target]]:
    """Fit the parameters that are kept: last theta (all sets, zero where none is kept), their mean, the targets."""
    kept = {order: _kept(centred, order, priors[order]) for order in theta}
    kept = {order: places for order, places in kept.items() if len(places)}
    targets = {order: _target(centred, order, priors[order], places) for order, places in kept.items()}
    start = {order: theta[order][places] for order, places in kept.items()}
    last, mean = fit_particles(particles, targets, start, centred.total, steps=steps, averaged=averaged)
    whole = {order: np.zeros(len(values)) for order, values in theta.items()}
    for order, places in kept.items():
        whole[order][places] = last[order]
    return whole, mean, targets


def _edit(signs: np.ndarray, centred: Centred, targets: dict[int, Target], theta: dict[int, np.ndarray]) -> None:
    """Flip bits of the rows until their plain parities are those of the model."""
    sets = {0: np.zeros((1, 0), np.intp)} | {order: target.sets for order, target in targets.items()}
    goal = {0: np.array([centred.total])}
    goal |= {order: target.sums - target.ridge * theta[order] for order, target in targets.items()}
    plain = shift(goal, sets, centred.centres)
    scale = signs.shape[1] / centred.total
    flip_rows(
        signs,
        {order: target.sets for order, target in targets.items()},
        {order: plain[order] * scale for order in targets},
        FLIP_WEIGHTS,
        np.random.Generator(np.random.PCG64(SEED + 1)),
        sweeps=FLIP_SWEEPS,
    )


def _predict(particles: Particles, centred: Centred, theta: dict[int, np.ndarray], order: int) -> np.ndarray:
    """Means of the products of an order under the model, over some sweeps."""
    fields = Neighbours(len(particles.signs), {k: centred.sets[k] for k in theta}).all_polynomials(theta)
    total = np.zeros(len(centred.sets[order]))
    for _ in range(PREDICTION_SWEEPS):
        particles.sweep(fields)
        total += particles.moments({order: centred.sets[order]})[order]
    return total / PREDICTION_SWEEPS


def _prior(centred: Centred, order: int, predicted: dict[int, np.ndarray], priors: dict[int, Prior]) -> Prior:
    closeness = None
    if order > 2:
        ties = np.zeros((len(centred.centres),) * 2)
        one, two = centred.sets[2].T
        ties[one, two] = ties[two, one] = np.abs(priors[2].residuals * priors[2].shrinkage)
        closeness = connections(ties, centred.sets[order])
    return centred.prior(order, centred.total * predicted[order], closeness)


def _target(centred: Centred, order: int, prior: Prior, places: np.ndarray) -> Target:
    ridge = np.zeros(len(places)) if order == 1 else centred.ridge(order, prior)[places]
    return Target(
        centred.sets[order][places],
        centred.sums[order][places],
        centred.noise[order][places],
        ridge,
        centred.scale[order][places],
    )


def _kept(centred: Centred, order: int, prior: Prior) -> np.ndarray:
    """Which sets get a parameter: all, but of the third order the largest effects, of the fourth the visible ones."""
    size = len(centred.sets[order])
    if order not in MOST_SETS:
        return np.arange(size)
    effect = np.abs(prior.residuals) * prior.shrinkage
    order_of_size = np.argsort(-effect * np.sqrt(centred.scale[order]), kind="stable")[: MOST_SETS[order]]
    if order == 4:
        order_of_size = order_of_size[effect[order_of_size] > VISIBLE / math.sqrt(centred.total)]
    return np.sort(order_of_size)
