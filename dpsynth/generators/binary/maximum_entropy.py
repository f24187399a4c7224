"""Penalised maximum entropy by Newton steps on Gibbs particles.

    maximise   sum theta_S y_S - n log Z(theta) - 1/2 sum lambda_S theta_S^2

Gradient: y - n m - lambda theta with m the particles' moments. Newton direction: conjugate gradients on the particles'
covariance of the features plus lambda plus a tenth of the diagonal. The step is cut so that the predicted divergence
between the old and the new model stays small (a chain that is left behind by its parameters diverges), and the state
goes back to the best one seen when the residuals blow up all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dpsynth.generators.binary.particles import Particles
from dpsynth.generators.binary.polynomial import Neighbours

__all__ = ["Target", "fit_particles"]

RATE = 0.3
MOST_DIVERGENCE = 0.02
SUBSAMPLE = 4000
SWEEPS_PER_STEP = 2
DAMPING = 0.1
CONJUGATE_STEPS = 10
BACKTRACKS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What one order's coefficients should meet.

    Attributes:
        sets: intp[m, order].
        sums: float64[m], noisy sums of centred products.
        noise: float64[m], variances of their noise.
        ridge: float64[m], lambda.
        scale: float64[m], variance of each feature in independent columns.
    """

    sets: np.ndarray
    sums: np.ndarray
    noise: np.ndarray
    ridge: np.ndarray
    scale: np.ndarray


def fit_particles(
    particles: Particles,
    targets: Mapping[int, Target],
    theta: Mapping[int, np.ndarray],
    total: float,
    *,
    steps: int,
    averaged: int,
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """Move theta, and the particles with it, toward the optimum.

    Args:
        particles: moved in place.
        targets: by order.
        theta: where to start, float64[m] by order.
        total: n.
        steps: Newton steps.
        averaged: how many of the last steps enter the mean.

    Returns:
        The last theta, and the mean of the last ones.

    Guarantee: post-processing; deterministic given the particles' generator.

    Source: tieleman2008training, for particles that go on from one step to the next.
    """
    orders = sorted(targets)
    sets = {order: targets[order].sets for order in orders}
    cuts = np.cumsum([0] + [len(sets[order]) for order in orders])
    sums, noise, ridge, scale = (
        np.concatenate([getattr(targets[order], name) for order in orders])
        for name in ("sums", "noise", "ridge", "scale")
    )
    diagonal = total * scale
    neighbours = Neighbours(len(particles.signs), sets)
    now = np.concatenate([theta[order] for order in orders])
    best, least, rate, back = (now, particles.signs.copy()), math.inf, RATE, 0
    mean, counted = np.zeros(len(now)), 0

    def by_order(flat: np.ndarray) -> dict[int, np.ndarray]:
        return {order: flat[cuts[i] : cuts[i + 1]] for i, order in enumerate(orders)}

    for step in range(steps + 1):  # the last turn only looks at where the steps have led
        particles.sweep(neighbours.all_polynomials(by_order(now)), SWEEPS_PER_STEP)
        moments = particles.moments(sets)
        gradient = sums - total * np.concatenate([moments[order] for order in orders]) - ridge * now
        badness = float(np.mean(gradient**2 / (noise + diagonal)))
        if badness < least:
            best, least = (now, particles.signs.copy()), badness
        elif badness > 3 * least + 1:
            now, particles.signs = best[0], best[1].copy()
            rate, back = rate / 2, back + 1
            mean, counted = np.zeros(len(now)), 0
            if back > BACKTRACKS:
                break
            continue
        if step == steps:
            break
        move, divergence = _direction(particles, sets, orders, gradient, diagonal, ridge, total)
        length = rate if step < 0.6 * steps else rate * max(0.2, 1 - (step - 0.6 * steps) / (0.4 * steps))
        now = now + min(length, math.sqrt(MOST_DIVERGENCE / max(divergence, 1e-12))) * move
        if step >= steps - averaged:
            mean, counted = mean + now, counted + 1
    if not counted:
        now, particles.signs = best
        mean, counted = now, 1
    return by_order(now), by_order(mean / counted)


def _direction(
    particles: Particles,
    sets: Mapping[int, np.ndarray],
    orders: list[int],
    gradient: np.ndarray,
    diagonal: np.ndarray,
    ridge: np.ndarray,
    total: float,
) -> tuple[np.ndarray, float]:
    """The Newton direction, and the divergence that a full step would predict."""
    count = particles.signs.shape[1]
    some = np.sort(particles.rng.choice(count, min(count, SUBSAMPLE), replace=False))
    block = particles.signs[:, some] - particles.centres[:, None]
    features = np.concatenate([np.prod(block[sets[order].T], axis=0) for order in orders])
    features -= features.mean(axis=1, keepdims=True)

    def fisher(x: np.ndarray) -> np.ndarray:
        spread = (features @ (x.astype(np.float32) @ features)).astype(np.float64)
        return total / len(some) * spread + (ridge + DAMPING * diagonal) * x

    preconditioner = 1 / (diagonal * (1 + DAMPING) + ridge)
    x, r = np.zeros(len(gradient)), gradient.copy()
    z = preconditioner * r
    p, rz = z.copy(), float(r @ z)
    goal = 1e-4 * rz
    for _ in range(CONJUGATE_STEPS if rz > 0 else 0):
        product = fisher(p)
        length = rz / float(p @ product)
        x += length * p
        r -= length * product
        z = preconditioner * r
        rz, before = float(r @ z), rz
        if rz < goal:
            break
        p = z + rz / before * p
    return x, 0.5 * float(x @ fisher(x)) / total
