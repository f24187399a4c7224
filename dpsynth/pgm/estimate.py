"""Fit a graphical model to noisy marginals by weighted least squares over distributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.factor import expand
from dpsynth.pgm.forecast import MEMORY_CAP_BYTES, forecast, require_fits
from dpsynth.pgm.junction_tree import JunctionTree
from dpsynth.pgm.model import Diagnostics, GraphicalModel
from dpsynth.pgm.observation import Observation
from dpsynth.pgm.propagation import Propagation

__all__ = ["estimate", "estimate_total"]


def estimate_total(observations: Iterable[Observation]) -> float:
    """The inverse-variance weighted mean of the observations' sums, at least 1 (1 when there is none).

    Args:
        observations: noisy marginals; those with an unobserved cell say nothing about the total.

    Returns:
        Estimated number of rows.

    Guarantee: unbiased before the floor, of least variance among weighted means of the sums; post-processing.
    """
    weight = weighted = 0.0
    for observation in observations:
        variance = float(np.sum(np.broadcast_to(observation.variance, observation.values.shape)))
        if np.isfinite(variance):
            weight += 1 / variance
            weighted += float(observation.values.sum()) / variance
    return max(1.0, weighted / weight) if weight else 1.0


@dataclass(frozen=True, slots=True)
class _Term:
    node: int
    axes: tuple[int, ...]
    shape: tuple[int, ...]
    target: np.ndarray
    precision: np.ndarray


def estimate(
    sizes: Mapping[str, int],
    observations: Sequence[Observation],
    *,
    cliques: Iterable[Sequence[str]] = (),
    total: float | None = None,
    tolerance: float = 0.01,
    max_iterations: int = 20000,
    memory_cap_bytes: int = MEMORY_CAP_BYTES,
) -> GraphicalModel:
    """The maximum-entropy distribution among those that fit noisy marginals best."""
    observations = tuple(observations)
    for observation in observations:
        expected = tuple(sizes.get(name, -1) for name in observation.clique)
        if expected != observation.values.shape:
            raise PlanError(
                f"An observation of {', '.join(observation.clique)} has shape {observation.values.shape}.\n"
                f"The columns' sizes are {expected} (-1: not in the model).\nGive sizes and values that agree."
            )
    plan = forecast(sizes, [*(o.clique for o in observations), *map(tuple, cliques)])
    require_fits(plan, memory_cap_bytes)
    tree = plan.tree
    count = estimate_total(observations) if total is None else float(total)
    terms = [_term(tree, o) for o in observations if o.clique]
    propagation = Propagation(tree)
    potentials = propagation.zeros()
    calibration = propagation.calibrate(potentials)

    def loss_and_gradient(marginals: list[np.ndarray]) -> tuple[float, list[np.ndarray]]:
        gradient = propagation.zeros()
        loss = 0.0
        for term in terms:
            fitted = np.add.reduce(marginals[term.node], axis=term.axes) * count
            residual = fitted - term.target
            slope = residual * term.precision
            loss += 0.5 * float(np.vdot(residual, slope))
            gradient[term.node] += slope.reshape(term.shape)
        return loss, gradient

    loss, gradient = loss_and_gradient(calibration.marginals)
    step = 1.0 / max(1e-300, sum(float(t.precision.max()) for t in terms) * count) if terms else 0.0
    iterations, gap = 0, 0.0
    for iterations in range(1, max_iterations + 1):
        if not terms:
            break
        if iterations % 20 == 1:
            inner = sum(float(np.vdot(g, m)) for g, m in zip(gradient, calibration.marginals, strict=True))
            gap = count * (inner + propagation.maximum([-g for g in gradient]))
            if gap <= tolerance**2:
                break
        inner = [np.vdot(g, m) for g, m in zip(gradient, calibration.marginals, strict=True)]
        while True:
            trial = [p - step * count * g for p, g in zip(potentials, gradient, strict=True)]
            candidate = propagation.calibrate(trial)
            new_loss, new_gradient = loss_and_gradient(candidate.marginals)
            moved = sum(
                float(np.vdot(g, m - n))
                for g, m, n in zip(gradient, calibration.marginals, candidate.marginals, strict=True)
            )
            if loss - new_loss >= 0.5 * count * moved or step < 1e-15:
                break
            step *= 0.5
        potentials, calibration, loss, gradient = trial, candidate, new_loss, new_gradient
        step *= 1.1
    converged = gap <= tolerance**2
    return GraphicalModel(
        tree, tuple(calibration.marginals), count, Diagnostics("estimate", iterations, sqrt(max(gap, 0.0)), converged)
    )


def _term(tree: JunctionTree, observation: Observation) -> _Term:
    node = tree.home(observation.clique)
    assert node is not None
    columns = tree.cliques[node]
    target = expand(observation.values, observation.clique, columns)
    precision = expand(observation.precision, observation.clique, columns)
    axes = tuple(axis for axis, name in enumerate(columns) if name not in observation.clique)
    kept = tuple(size for axis, size in enumerate(target.shape) if axis not in axes)
    assert prod(kept) == target.size
    return _Term(node, axes, target.shape, target.reshape(kept), precision.reshape(kept))
