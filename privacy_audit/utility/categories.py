"""Which categories and which rare values survive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.marginals import cliques_of, flat
from privacy_audit.utility.views import View

__all__ = ["Categories", "RarePairs"]

RARE = 0.01
FEWEST = 5
"""A cell with fewer real rows need not appear in any other sample either."""


@final
class Categories(AbstractMeasure):
    """Category coverage (share of the real categories of a column that occur), rare-value recall, invented cells."""

    name: ClassVar[str] = "categories"
    ceiling: ClassVar[Literal["independent", "uniform"]] = "uniform"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        grid = bench.grid
        covered, rare_kept, rare_error, rare = [], 0, 0.0, 0
        for place in range(len(grid.names)):
            real, mine = _shares(bench.real, place, grid.sizes), _shares(candidate, place, grid.sizes)
            known = real > 0
            if place in grid.categorical:
                covered.append((float((mine[known] > 0).mean()), grid.names[place]))
            few = known & (real < RARE) & (real * bench.real.rows >= FEWEST)
            rare += int(few.sum())
            rare_kept += int((mine[few] > 0).sum())
            rare_error += float(np.minimum(1.0, np.abs(mine[few] - real[few]) / real[few]).sum())
        found = []
        if covered:
            worst = min(covered)
            found += [
                Reading(
                    "category_coverage_mean",
                    float(np.mean([share for share, _ in covered])),
                    "higher",
                    note="share of the real categories of a column that occur",
                ),
                Reading("category_coverage_min", worst[0], "higher", note=f"worst column: {worst[1]}"),
            ]
        if rare:
            found += [
                Reading(
                    "rare_recall",
                    rare_kept / rare,
                    "higher",
                    note=f"of {rare} values that {FEWEST} real rows up to 1 % have, the share that occurs",
                ),
                Reading(
                    "rare_error", rare_error / rare, "lower", note="mean relative error of their shares, at most 1"
                ),
            ]
        return found


@final
class RarePairs(AbstractMeasure):
    """Recall of rare pairs of values, and share of rows with a pair that no real row has."""

    name: ClassVar[str] = "rare_pairs"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        grid = bench.grid
        if len(grid.names) < 2:
            return []
        kept = rare = 0
        novel = np.zeros(candidate.rows, dtype=bool)
        for pair in cliques_of(len(grid.names), 2, bench.rng("cliques 2")):
            cells = int(grid.sizes[pair[0]] * grid.sizes[pair[1]])
            if cells > 1_000_000:
                continue
            real = np.bincount(flat(bench.real.codes, grid.sizes, pair), minlength=cells)
            where = flat(candidate.codes, grid.sizes, pair)
            mine = np.bincount(where, minlength=cells)
            few = (real >= FEWEST) & (real < RARE * bench.real.rows)
            rare += int(few.sum())
            kept += int((mine[few] > 0).sum())
            novel |= real[where] == 0
        found = [
            Reading(
                "novel_pair_rows",
                float(novel.mean()),
                "lower",
                note="share of rows with a pair of values that no real row has",
            )
        ]
        if rare:
            found.append(
                Reading("rare_pair_recall", kept / rare, "higher", note=f"of {rare} rare pairs, the share that occurs")
            )
        return found


def _shares(view: View, place: int, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    size = int(sizes[place])
    return np.bincount(view.codes[:, place], minlength=size)[:size] / max(1, view.rows)
