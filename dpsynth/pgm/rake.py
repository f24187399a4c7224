"""Iterative proportional fitting on a junction tree, toward targets that a distribution can meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.factor import AxisSum, expand
from dpsynth.pgm.forecast import MEMORY_CAP_BYTES, forecast, require_fits
from dpsynth.pgm.junction_tree import JunctionTree
from dpsynth.pgm.model import Diagnostics, GraphicalModel
from dpsynth.pgm.propagation import Propagation

__all__ = ["Target", "fit_targets", "rake"]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A marginal that the model should have.

    Attributes:
        clique: columns.
        probabilities: float64 table from 0, summing to 1.
    """

    clique: tuple[str, ...]
    probabilities: np.ndarray


def rake(
    sizes: Mapping[str, int],
    targets: Mapping[tuple[str, ...], np.ndarray],
    *,
    cliques: Iterable[Sequence[str]] = (),
    total: float | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 500,
    memory_cap_bytes: int = MEMORY_CAP_BYTES,
) -> GraphicalModel:
    """The maximum-entropy distribution with given marginals, by iterative proportional fitting.

    For targets that are already non-negative and (nearly) consistent, such as denoised marginals; noisy ones go to
    `estimate`.

    Args:
        sizes: cells of each column; the model's columns are in this order.
        targets: float64 table from 0 per clique, one axis per column; each is scaled to sum to 1. Columns in none of
            them come out uniform and independent.
        cliques: further sets of columns that a node must hold.
        total: number of rows; otherwise the mean of the targets' sums (1 when there is none).
        tolerance: stop when every target is met within this total variation distance.
        max_iterations: sweeps at most; hitting the cap shows in the model's diagnostics.
        memory_cap_bytes: most memory that the fit may take.

    Returns:
        GraphicalModel with diagnostics; their residual is the largest total variation distance to a target.

    Raises:
        PlanError: shapes that do not agree, a negative or empty target, or a model above the cap.

    Guarantee: where the targets are marginals of one distribution, the result tends to the one of greatest entropy with
        those marginals; equal input gives equal output; post-processing.
    Source: csiszar1975idivergence
    """
    cleaned = []
    sums = []
    for clique, values in targets.items():
        table = np.asarray(values, dtype=np.float64)
        if table.shape != tuple(sizes.get(name, -1) for name in clique):
            raise PlanError(
                f"A target over {', '.join(clique)} has shape {table.shape}.\n"
                f"The columns' sizes are {tuple(sizes.get(name, -1) for name in clique)} (-1: not in the model).\n"
                "Give sizes and targets that agree."
            )
        mass = float(table.sum())
        if not (np.isfinite(mass) and mass > 0 and (table >= 0).all()):
            raise PlanError(
                f"A target over {', '.join(clique)} has a negative cell, or no mass.\n"
                "Project noisy marginals first, or use estimate()."
            )
        cleaned.append(Target(tuple(clique), table / mass))
        sums.append(mass)
    plan = forecast(sizes, [*targets, *map(tuple, cliques)], method="rake")
    require_fits(plan, memory_cap_bytes)
    start = [np.full(plan.tree.shape(node), 1.0) for node in range(len(plan.tree.cliques))]
    marginals, diagnostics = fit_targets(plan.tree, start, cleaned, tolerance, max_iterations)
    mean = float(np.mean(sums)) if sums else 1.0
    return GraphicalModel(plan.tree, tuple(marginals), mean if total is None else float(total), diagnostics)


def fit_targets(
    tree: JunctionTree,
    start: Sequence[np.ndarray],
    targets: Sequence[Target],
    tolerance: float,
    max_iterations: int,
) -> tuple[list[np.ndarray], Diagnostics]:
    """Scale a distribution toward targets, one after the other, keeping the tree calibrated.

    Args:
        tree: structure; each target lies in a node.
        start: node tables whose product is the unnormalised start (0 is a structural zero).
        targets: marginals, consistent with each other for an exact fit.
        tolerance: largest total variation distance to a target at the end.
        max_iterations: sweeps at most.

    Returns:
        Calibrated node tables, and Diagnostics whose residual is that distance.

    Guarantee: where the targets are marginals of one distribution that vanishes on the start's zeros, the result tends
        to the maximum-entropy one relative to the start. Steps are halved when a sweep no longer helps, so that
        inconsistent targets end in a compromise instead of a cycle.
    Source: csiszar1975idivergence
    """
    fitting = _Fitting(tree, start, targets)
    damping, best, worse = 1.0, np.inf, 0
    residual, iterations = np.inf, 0
    for iterations in range(1, max_iterations + 1):
        residual = fitting.sweep(damping)
        if residual <= tolerance:
            break
        worse = worse + 1 if residual > 0.999 * best else 0
        best = min(best, residual)
        if worse >= 3:
            damping, worse = damping / 2, 0
            if damping < 1e-3:
                break
    return fitting.marginals(), Diagnostics("rake", iterations, float(residual), bool(residual <= tolerance))


class _Fitting:
    """Beliefs of the nodes while they are being scaled; the node being visited is always calibrated."""

    def __init__(self, tree: JunctionTree, start: Sequence[np.ndarray], targets: Sequence[Target]) -> None:
        self._tree = tree
        self._propagation = Propagation(tree)
        with np.errstate(divide="ignore"):
            self._beliefs = self._propagation.calibrate([np.log(table) for table in start])
        self._children: list[list[int]] = [[] for _ in tree.cliques]
        for node, parent in enumerate(tree.parents):
            if parent >= 0:
                self._children[parent].append(node)
        self._targets: list[list[tuple[AxisSum, np.ndarray]]] = [[] for _ in tree.cliques]
        for target in sorted(targets, key=lambda target: target.probabilities.size):
            node = tree.home(target.clique)
            if node is None:
                raise ValueError("a target lies in no node of the tree")
            columns = tree.cliques[node]
            table = expand(target.probabilities, target.clique, columns)
            axes = tuple(axis for axis, name in enumerate(columns) if name not in target.clique)
            self._targets[node].append((AxisSum(tree.shape(node), axes), table))
        self._separators = [self._propagation.separator_below(node, self._beliefs) for node in range(len(tree.cliques))]

    def sweep(self, damping: float) -> float:
        """Visit every node; returns the largest total variation distance met before scaling."""
        worst = 0.0
        for root in (node for node, parent in enumerate(self._tree.parents) if parent < 0):
            stack: list[tuple[int, int]] = [(root, 0)]
            worst = max(worst, self._scale(root, damping))
            while stack:
                node, position = stack.pop()
                if position < len(self._children[node]):
                    child = self._children[node][position]
                    stack.append((node, position + 1))
                    self._push_down(child)
                    worst = max(worst, self._scale(child, damping))
                    stack.append((child, 0))
                elif self._tree.parents[node] >= 0:
                    self._push_up(node)
        return worst

    def _scale(self, node: int, damping: float) -> float:
        belief, worst = self._beliefs[node], 0.0
        for marginal, target in self._targets[node]:
            current = marginal(belief).reshape(target.shape)
            worst = max(worst, 0.5 * float(np.abs(current - target).sum()))
            ratio = np.divide(target, current, out=np.zeros(target.shape), where=current > 0)
            belief *= ratio if damping == 1.0 else ratio**damping
        return worst

    def _push_down(self, child: int) -> None:
        new, old = self._propagation.separator_above(child, self._beliefs), self._separators[child]
        if new.ndim:
            ratio = np.divide(new, old, out=np.zeros_like(new), where=old > 0)
            belief = self._beliefs[child]
            belief *= ratio.reshape(ratio.shape + (1,) * (belief.ndim - ratio.ndim))
            self._separators[child] = new

    def _push_up(self, child: int) -> None:
        new, old = self._propagation.separator_below(child, self._beliefs), self._separators[child]
        if new.ndim:
            ratio = np.divide(new, old, out=np.zeros_like(new), where=old > 0)
            parent = self._tree.parents[child]
            columns, separator = self._tree.cliques[parent], self._tree.separators[child]
            self._beliefs[parent] *= expand(ratio, separator, columns)
            self._separators[child] = new

    def marginals(self) -> list[np.ndarray]:
        """Calibrated probabilities."""
        for node, parent in enumerate(self._tree.parents):
            if parent >= 0:
                self._push_down(node)
            belief = self._beliefs[node]
            belief /= belief.sum()
        return self._beliefs
