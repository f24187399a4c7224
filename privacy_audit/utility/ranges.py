"""Random range queries: how many rows lie in a box of one to three columns?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.views import View

__all__ = ["RangeQueries"]

QUERIES = 300
Condition = tuple[int, Any, Any]


@final
class RangeQueries(AbstractMeasure):
    """Error of the shares of rows in 300 random boxes; the ends of an interval are values of two real rows."""

    name: ClassVar[str] = "range_queries"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        queries = bench.once(("queries",), lambda: _queries(bench))
        truth = bench.once(("query truth",), lambda: _shares(bench, bench.real, queries))
        errors = np.abs(_shares(bench, candidate, queries) - truth)
        relative = errors / np.maximum(truth, 0.01)
        return [
            Reading("range_error_mean", float(errors.mean()), note=f"of the share of rows in {QUERIES} random boxes"),
            Reading("range_error_p95", float(np.quantile(errors, 0.95)), note="95 % of the boxes are better"),
            Reading(
                "range_error_relative", float(relative.mean()), note="relative to the share, or to 1 % where it is less"
            ),
        ]


def _queries(bench: Bench) -> list[list[Condition]]:
    rng, grid = bench.rng("queries"), bench.grid
    queries = []
    for number in range(QUERIES):
        places = rng.choice(len(grid.names), size=min(1 + number % 3, len(grid.names)), replace=False)
        conditions: list[Condition] = []
        for place in places.tolist():
            if place in grid.numeric:
                values = bench.real.numbers[rng.integers(bench.real.rows, size=2), grid.numeric.index(place)]
                conditions.append(
                    (place, float(np.nanmin(values)), float(np.nanmax(values)))
                    if _finite(values)
                    else (place, 0.0, 0.0)
                )
            else:
                wanted = rng.random(int(grid.sizes[place])) < rng.uniform(0.2, 0.8)
                wanted[bench.real.codes[rng.integers(bench.real.rows), place]] = True
                conditions.append((place, wanted, None))
        queries.append(conditions)
    return queries


def _finite(values: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(values).any())


def _shares(bench: Bench, view: View, queries: list[list[Condition]]) -> NDArray[np.float64]:
    shares = np.empty(len(queries))
    for number, conditions in enumerate(queries):
        inside = np.ones(view.rows, dtype=bool)
        for place, low, high in conditions:
            if high is None:
                inside &= low[view.codes[:, place]]
            else:
                values = view.numbers[:, bench.grid.numeric.index(place)]
                inside &= (values >= low) & (values <= high)
        shares[number] = inside.mean()
    return shares
