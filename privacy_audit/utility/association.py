"""How far correlations and associations of pairs of columns differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.marginals import cliques_of
from privacy_audit.utility.views import Grid, View

__all__ = ["Association", "associations"]


def associations(view: View, grid: Grid, pairs: list[tuple[int, ...]]) -> NDArray[np.float64]:
    """Strength of association of each pair: |Pearson|, correlation ratio, or Cramer's V.

    Args:
        view: the table.
        grid: its grid; missing numbers count as the lower end.
        pairs: positions of columns.

    Returns:
        float64[pairs] between 0 and 1; 0 for a constant column.
    """
    filled = np.clip(np.where(np.isfinite(view.numbers), view.numbers, grid.lows), grid.lows, grid.highs)
    numeric = {place: column for column, place in enumerate(grid.numeric)}
    found = []
    for first, second in pairs:
        a, b = numeric.get(first), numeric.get(second)
        if a is not None and b is not None:
            found.append(_pearson(filled[:, a], filled[:, b]))
        elif a is not None:
            found.append(_correlation_ratio(view.codes[:, second], filled[:, a]))
        elif b is not None:
            found.append(_correlation_ratio(view.codes[:, first], filled[:, b]))
        else:
            found.append(_cramers_v(view.codes[:, first], view.codes[:, second], int(grid.sizes[second])))
    return np.array(found, dtype=np.float64)


def _pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return abs(float(x @ y)) / norm if norm > 0 else 0.0


def _correlation_ratio(codes: NDArray[np.int64], x: NDArray[np.float64]) -> float:
    x = x - x.mean()
    total = float(x @ x)
    if total <= 0:
        return 0.0
    counts = np.bincount(codes)
    sums = np.bincount(codes, weights=x)
    seen = counts > 0
    return float(np.sqrt(min(1.0, max(0.0, float((sums[seen] ** 2 / counts[seen]).sum()) / total))))


def _cramers_v(first: NDArray[np.int64], second: NDArray[np.int64], size: int) -> float:
    a, b = np.unique(first, return_inverse=True)[1], np.unique(second, return_inverse=True)[1]
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    if min(rows, columns) < 2:
        return 0.0
    if rows * columns > 4_000_000:
        pairs, counts = np.unique(a * columns + b, return_counts=True)
        na, nb = np.bincount(a), np.bincount(b)
        squared = float((counts.astype(float) ** 2 / (na[pairs // columns] * nb[pairs % columns])).sum()) - 1.0
    else:
        table = np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns).astype(float)
        squared = float((table**2 / np.outer(table.sum(1), table.sum(0))).sum()) - 1.0
    return float(np.sqrt(max(0.0, squared) / (min(rows, columns) - 1)))


@final
class Association(AbstractMeasure):
    """Difference of the associations of all pairs of columns between the real and the candidate table."""

    name: ClassVar[str] = "association"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        grid = bench.grid
        if len(grid.names) < 2:
            return []
        pairs = cliques_of(len(grid.names), 2, bench.rng("cliques 2"))
        real = bench.once(("associations",), lambda: associations(bench.real, grid, pairs))
        apart = np.abs(real - associations(candidate, grid, pairs))
        note = "difference of |Pearson|, correlation ratio or Cramer's V"
        found = [
            Reading("association_mean", float(apart.mean()), note=f"mean {note}"),
            Reading("association_max", float(apart.max()), note=f"largest {note}"),
        ]
        both = np.array([set(pair) <= set(grid.numeric) for pair in pairs], dtype=bool)
        if both.any():
            found.append(Reading("correlation_mean", float(apart[both].mean()), note="mean difference of |Pearson|"))
        return found
