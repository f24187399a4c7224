"""Least squares over families of tables that agree on what they share, in closed form.

Any table splits into orthogonal components, one per set of columns. Where every table has one weight, the component of
a set of columns is estimated independently of all others: as the mean of that component over the tables that hold it,
weighted by (weight / cells of the table). Those weights depend only on which tables hold the set, so that it is enough
to walk the sets that are intersections of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, prod

import numpy as np

from dpsynth.pgm.factor import AxisSum

__all__ = ["ConsistentTables", "closed_sets"]


def closed_sets(cliques: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Every intersection of the given sets, the empty one included, smallest first.

    Args:
        cliques: sets of columns that several tables share.

    Returns:
        The sets and all their intersections.
    """
    found: set[frozenset[str]] = {frozenset()}
    for clique in dict.fromkeys(cliques):
        found |= {clique & other for other in found} | {clique}
    return sorted(found, key=lambda s: (len(s), sorted(s)))


@dataclass(frozen=True, slots=True)
class _Step:
    """One summation on the way from a table to the closed sets that it holds."""

    source: int  # an earlier step, or -1 for the table itself
    down: AxisSum
    up: tuple[slice | None, ...]  # index that makes the sums broadcast over the source
    scale: float  # 1 / cells summed


@dataclass(frozen=True, slots=True)
class _Part:
    """One closed set inside one table."""

    key: int
    step: int  # where its sums are found, -1 for the table itself
    lower: tuple[tuple[int, tuple[int, ...], float], ...]  # (earlier part, its shape here, 1 / cells between)


@dataclass(slots=True)
class _Plan:
    """How a table is taken apart and put together; parts go from small to large."""

    steps: list[_Step] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)


class ConsistentTables:
    """The minimiser of sum_t weight_t / 2 ||z_t - b_t||^2 over tables z that agree on all shared marginals.

    Args:
        sizes: cells of each column; axes of all tables are in this order.
        cliques: columns of each table, in that order.
        shared: closed sets, smallest first, that hold every intersection of two tables.
        weights: weight of each table, above 0.
        total: the sum of every table.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        cliques: Sequence[tuple[str, ...]],
        shared: Sequence[frozenset[str]],
        weights: Sequence[float],
        total: float,
    ) -> None:
        self._sizes = sizes
        self._shared = [tuple(name for name in sizes if name in s) for s in shared]
        self._total = total
        self._plans = [self._plan(clique) for clique in cliques]
        self._weights = [w / self._count(clique) for w, clique in zip(weights, cliques, strict=True)]
        sums = np.zeros(len(shared))
        for weight, plan in zip(self._weights, self._plans, strict=True):
            for part in plan.parts:
                sums[part.key] += weight
        self._inverse = [float(1 / s) if s > 0 else 0.0 for s in sums]

    def _count(self, columns: Iterable[str]) -> int:
        return prod(self._sizes[name] for name in columns)

    def _shape(self, columns: Sequence[str], onto: Sequence[str]) -> tuple[int, ...]:
        return tuple(self._sizes[name] if name in columns else 1 for name in onto)

    def _plan(self, clique: tuple[str, ...]) -> _Plan:
        plan = _Plan()
        keys = [key for key, s in enumerate(self._shared) if set(s) <= set(clique)]
        where: dict[tuple[str, ...], int] = {}
        self._sum(plan, where, clique, -1, [self._shared[key] for key in keys])
        for position, key in enumerate(keys):
            columns = self._shared[key]
            below = [p for p in range(position) if set(self._shared[keys[p]]) < set(columns)]
            lower = tuple(
                (p, self._shape(held, columns), self._count(held) / self._count(columns))
                for p, held in ((p, self._shared[keys[p]]) for p in below)
            )
            plan.parts.append(_Part(key, where[columns], lower))
        return plan

    def _sum(
        self,
        plan: _Plan,
        where: dict[tuple[str, ...], int],
        columns: tuple[str, ...],
        step: int,
        wanted: list[tuple[str, ...]],
    ) -> None:
        """Share the summations that lead to several sets: one column is summed out for all sets without it."""
        while wanted:
            if columns in wanted:
                where[columns] = step
                wanted = [w for w in wanted if w != columns]
                continue
            without = {name: [w for w in wanted if name not in w] for name in columns}
            dropped = {name for name in columns if len(without[name]) == len(wanted)}
            chosen = wanted
            if not dropped:
                first = max(columns, key=lambda name: len(without[name]) * log(1 + self._sizes[name]))
                dropped, chosen = {first}, without[first]
            left = tuple(name for name in columns if name not in dropped)
            drop = tuple(axis for axis, name in enumerate(columns) if name in dropped)
            index = tuple(None if name in dropped else slice(None) for name in columns)
            ratio = self._count(left) / self._count(columns)
            plan.steps.append(_Step(step, AxisSum(self._shape(columns, columns), drop), index, ratio))
            self._sum(plan, where, left, len(plan.steps) - 1, chosen)
            wanted = [w for w in wanted if w not in chosen]

    def components(self, table: int, values: np.ndarray) -> list[np.ndarray]:
        """Components of one table, one per closed set that it holds (smallest set first)."""
        plan = self._plans[table]
        sums: list[np.ndarray] = []
        for step in plan.steps:
            sums.append(step.down(values if step.source < 0 else sums[step.source]))
        found: list[np.ndarray] = []
        for part in plan.parts:
            component = values if part.step < 0 else sums[part.step]
            for lower, shape, scale in part.lower:
                component = component - found[lower].reshape(shape) * scale
            found.append(component)
        return found

    def accumulators(self) -> list[np.ndarray | float]:
        """Empty accumulators for `weighted`, one per closed set."""
        return [0.0] * len(self._shared)

    def weighted(self, table: int, components: Sequence[np.ndarray], into: list[np.ndarray | float]) -> None:
        """Add a table's weighted components to the accumulators."""
        weight = self._weights[table]
        for part, component in zip(self._plans[table].parts, components, strict=True):
            into[part.key] = into[part.key] + component * weight

    def means(self, accumulated: Sequence[np.ndarray | float]) -> list[np.ndarray]:
        """The estimated component of every closed set; that of the empty set is the total."""
        means = [np.asarray(held * inverse) for held, inverse in zip(accumulated, self._inverse, strict=True)]
        means[0] = np.asarray(self._total)
        return means

    def correct(
        self, table: int, values: np.ndarray, components: Sequence[np.ndarray], means: Sequence[np.ndarray]
    ) -> None:
        """Move a table, in place, to the estimated components."""
        plan = self._plans[table]
        moves: list[np.ndarray | None] = [None] * len(plan.steps)
        for part, component in zip(plan.parts, components, strict=True):
            move = means[part.key] - component
            if part.step < 0:
                values += move
            else:
                moves[part.step] = move
        for position in range(len(plan.steps) - 1, -1, -1):
            step, move = plan.steps[position], moves[position]
            if move is None:
                continue
            spread = move[step.up] * step.scale
            held = moves[step.source] if step.source >= 0 else values
            if step.source < 0:
                values += spread
            else:
                moves[step.source] = spread if held is None else held + spread
