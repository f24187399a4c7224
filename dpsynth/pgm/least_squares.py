"""Non-negative, mutually consistent tables that fit noisy marginals best: a convex quadratic program.

Unknown are the tables of the junction tree's nodes. The objective is the weighted squared distance to the observations;
the tables must agree on what they share, sum to the total, and be non-negative. Leaving out non-negativity, the
solution is in closed form (`ConsistentTables`), so that Douglas-Rachford splitting has only two steps to alternate:
that solution, and clipping at zero. Anderson extrapolation shortens its tail. The distance between the two steps, in
standard deviations of the noise, is zero exactly at the optimum and is what stops the iteration.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from dpsynth.pgm.consistency import ConsistentTables, closed_sets
from dpsynth.pgm.factor import AxisSum, marginalize

__all__ = ["LeastSquares", "QuadraticTerm", "Solution", "history_depth"]

RELAXATION = 1.6  # over-relaxation of the splitting; 1 to 1.8 all work
PENALTY_OBSERVED = 2.0  # weight of a node's copy, in units of its observation's weight ...
PENALTY_PARTLY = 0.3  # ... and of its least detailed observation where the node itself is not observed
HISTORY_STEPS = (3, 10)  # past steps that the extrapolation combines, at least and at most ...
HISTORY_CELLS = 4_000_000  # ... and the numbers that they may hold in all
INTERVAL = 5  # steps between extrapolations
GROWTH = 2.0  # an extrapolation that lets the residual grow by more than this is undone


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticTerm:
    """sum over cells of weight / 2 (table - target)^2 for one clique.

    Attributes:
        clique: columns in the order of the model.
        target: float64 table.
        weight: one number above 0, or a float64 table of numbers from 0.
    """

    clique: tuple[str, ...]
    target: np.ndarray
    weight: float | np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Non-negative node tables that are consistent up to the residual.

    Attributes:
        tables: float64 counts, one per node, axes in the order of the model's columns.
        iterations: steps taken.
        residual: distance between the consistent and the non-negative iterate, in standard deviations of the noise.
        converged: whether the residual fell below the tolerance.
    """

    tables: list[np.ndarray]
    iterations: int
    residual: float
    converged: bool


class LeastSquares:
    """The program for one junction tree.

    Args:
        sizes: cells of each column, in the order of the model.
        nodes: columns of each node, in the order of the model.
        separators: what neighbouring nodes share.
        terms: at most one per clique; each lies in some node.
        total: sum of every table.
        possible: bool table per node that has structural zeros.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        nodes: Sequence[tuple[str, ...]],
        separators: Sequence[Sequence[str]],
        terms: Sequence[QuadraticTerm],
        total: float,
        possible: Mapping[int, np.ndarray],
    ) -> None:
        self._nodes = list(nodes)
        self._total = total
        index = {clique: node for node, clique in enumerate(nodes)}
        merged = {index[t.clique]: t for t in terms if t.clique in index and isinstance(t.weight, float)}
        free = [t for t in terms if not isinstance(t.weight, float)]
        fixed = [t for t in terms if isinstance(t.weight, float) and t.clique not in index]
        # Tables with a copy of their own: the nodes, then the observations whose cells differ in weight.
        cliques = [*nodes, *(t.clique for t in free)]
        self._shapes = [tuple(sizes[name] for name in clique) for clique in cliques]
        self._ends = np.cumsum([0, *(prod(shape) for shape in self._shapes)])
        observed = [float(merged[node].weight) if node in merged else 0.0 for node in range(len(nodes))]
        scale = _scales(sizes, nodes, terms)
        penalty = [s * (PENALTY_OBSERVED if o else PENALTY_PARTLY) for s, o in zip(scale, observed, strict=True)]
        for term in free:
            weight = np.asarray(term.weight)
            penalty.append(float(np.median(weight[weight > 0])))
        shared = [*(frozenset(t.clique) for t in [*free, *fixed]), *(frozenset(s) for s in separators)]
        blended = [p + o for p, o in zip(penalty, [*observed, *(0.0 for _ in free)], strict=True)]
        self._tables = ConsistentTables(
            sizes,
            [*cliques, *(t.clique for t in fixed)],
            closed_sets(shared),
            [*blended, *(float(t.weight) for t in fixed)],
            total,
        )
        self._metric = np.sqrt(np.repeat(penalty, np.diff(self._ends)))
        # The closed form sees a node's observation and its copy as one table with a blended target.
        self._blend = {
            node: (penalty[node] / (penalty[node] + o), merged[node].target * (o / (penalty[node] + o)))
            for node, o in enumerate(observed)
            if o
        }
        self._fixed = self._tables.accumulators()
        for position, term in enumerate(fixed, start=len(cliques)):
            self._tables.weighted(position, self._tables.components(position, term.target), self._fixed)
        # Where an observation's marginal is read off a node, to judge a step in that observation's own units.
        self._judges: list[tuple[int, AxisSum, np.ndarray]] = []
        for term in terms:
            home = self._home(term.clique)
            drop = [axis for axis, name in enumerate(nodes[home]) if name not in term.clique]
            self._judges.append((home, AxisSum(self._shapes[home], drop), np.sqrt(np.asarray(term.weight))))
        self._copies = [(self._home(t.clique), t.clique) for t in free]
        self._possible = dict(possible)
        self._free = {
            len(nodes) + i: (np.asarray(t.weight) * t.target, np.asarray(t.weight) + penalty[len(nodes) + i])
            for i, t in enumerate(free)
        }
        self._penalty = penalty

    def _home(self, clique: tuple[str, ...]) -> int:
        """The smallest node that holds a clique."""
        fitting = (node for node, columns in enumerate(self._nodes) if set(clique) <= set(columns))
        return min(fitting, key=lambda node: prod(self._shapes[node]))

    def _views(self, state: np.ndarray) -> list[np.ndarray]:
        return [
            state[start:end].reshape(shape)
            for start, end, shape in zip(self._ends[:-1], self._ends[1:], self._shapes, strict=True)
        ]

    def _nearest_feasible(self, state: np.ndarray) -> np.ndarray:
        """Each copy by itself: non-negative nodes, and observations drawn to their target."""
        point = np.maximum(state, 0.0)
        if self._possible or self._free:
            views = self._views(point)
            for node, possible in self._possible.items():
                views[node] *= possible
            for table, (pull, weight) in self._free.items():
                start, end = self._ends[table], self._ends[table + 1]
                views[table][...] = (pull + self._penalty[table] * state[start:end].reshape(pull.shape)) / weight
        return point

    def _nearest_consistent(self, state: np.ndarray) -> np.ndarray:
        """All copies together, in closed form; overwrites its argument."""
        accumulated = list(self._fixed)
        components = []
        views = self._views(state)
        for table, values in enumerate(views):
            if table in self._blend:
                factor, pull = self._blend[table]
                values *= factor
                values += pull
            parts = self._tables.components(table, values)
            self._tables.weighted(table, parts, accumulated)
            components.append(parts)
        means = self._tables.means(accumulated)
        for table, (values, parts) in enumerate(zip(views, components, strict=True)):
            self._tables.correct(table, values, parts, means)
        return state

    def _initial(self, start: Sequence[np.ndarray] | None) -> np.ndarray:
        if start is None:
            return np.concatenate([np.full(prod(shape), self._total / prod(shape)) for shape in self._shapes])
        copies = [marginalize(start[node], self._nodes[node], clique) for node, clique in self._copies]
        return np.concatenate([table.ravel() for table in [*start, *copies]])

    def _misfit(self, step: np.ndarray) -> float:
        """How far a step moves the observed marginals, in standard deviations of their noise."""
        views = self._views(step)
        moved = [(marginal(views[node]) * root).ravel() for node, marginal, root in self._judges]
        return sqrt(sum(float(m @ m) for m in moved))

    def solve(self, tolerance: float, max_iterations: int, start: Sequence[np.ndarray] | None = None) -> Solution:
        """Iterate until the residual is below the tolerance.

        Args:
            tolerance: in standard deviations of the noise, over all cells together.
            max_iterations: hard cap.
            start: non-negative counts per node to begin at (default: uniform); the optimum does not depend on it.

        Returns:
            Solution; `converged` is False where the cap was hit.

        Guarantee: at residual 0 the tables minimise the objective; deterministic; post-processing.
        Source: eckstein1992douglas
        """
        state = self._initial(start)
        history = _Extrapolation(history_depth(len(state)))
        point, residual, iterations = self._nearest_feasible(state), np.inf, 0
        for iterations in range(1, max_iterations + 1):
            step = self._nearest_consistent(2 * point - state)
            step -= point
            scaled = step * self._metric
            residual = sqrt(float(scaled @ scaled))
            if residual <= tolerance:
                residual = max(residual, self._misfit(step))
                if residual <= tolerance:
                    break
            step *= RELAXATION
            step += state
            state = history.advance(step, scaled, residual)
            point = self._nearest_feasible(state)
        return Solution(self._views(point)[: len(self._nodes)], iterations, residual, residual <= tolerance)


def history_depth(cells: int) -> int:
    """How many past steps a fit of so many cells keeps."""
    least, most = HISTORY_STEPS
    return max(least, min(most, HISTORY_CELLS // (2 * max(cells, 1))))


class _Extrapolation:
    """Anderson extrapolation of a fixed-point iteration, undone where it does harm.

    Source: walker2011anderson
    """

    def __init__(self, depth: int) -> None:
        self._steps: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=depth)
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._plain: tuple[np.ndarray, float] | None = None
        self._count = 0

    def advance(self, image: np.ndarray, scaled: np.ndarray, residual: float) -> np.ndarray:
        """The next state, given the image of the present one and its residual (scaled, and its norm)."""
        self._count += 1
        if self._plain is not None:
            plain, before = self._plain
            self._plain = None
            if residual > GROWTH * before:
                self._steps.clear()
                self._last = None
                return plain
        if self._last is not None:
            self._steps.append((image - self._last[0], scaled - self._last[1]))
        self._last = image, scaled
        if self._count % INTERVAL or len(self._steps) < 2:
            return image
        gram = np.array([[float(a @ b) for _, b in self._steps] for _, a in self._steps])
        gram += np.eye(len(gram)) * (1e-10 * np.trace(gram))
        right = np.array([float(a @ scaled) for _, a in self._steps])
        try:
            mixture = np.linalg.solve(gram, right)
        except np.linalg.LinAlgError:
            return image
        self._plain = image, residual
        extrapolated = image.copy()
        for factor, (move, _) in zip(mixture, self._steps, strict=True):
            extrapolated -= factor * move
        return extrapolated


def _scales(sizes: Mapping[str, int], nodes: Sequence[tuple[str, ...]], terms: Sequence[QuadraticTerm]) -> list[float]:
    """For every node the least weight per cell that an observation inside it implies."""
    found: list[float] = []
    for clique in nodes:
        cells = prod(sizes[name] for name in clique)
        inside = [
            float(np.median(np.asarray(t.weight))) * cells / t.target.size
            for t in terms
            if set(t.clique) <= set(clique)
        ]
        found.append(min((s for s in inside if s > 0), default=0.0))
    per_table = [s / prod(sizes[n] for n in clique) for s, clique in zip(found, nodes, strict=True) if s > 0]
    usual = float(np.median(per_table)) if per_table else 1.0
    return [s or usual * prod(sizes[n] for n in clique) for s, clique in zip(found, nodes, strict=True)]
