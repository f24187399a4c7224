"""Errors of 1-, 2-, 3- and 4-way marginals, and the k-marginal score."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.views import View

__all__ = ["KMarginal", "Marginals", "MeasuredMarginals", "OneWay", "Twentieths", "cliques_of", "distances"]

MOST_CLIQUES = {1: 2_000, 2: 2_000, 3: 600, 4: 150}
MOST_CELLS = 4_000_000
"""Larger joint tables are counted by the cells that occur."""


def cliques_of(columns: int, order: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """All cliques of this order, or a random sample where there are more than `MOST_CLIQUES`."""
    if math.comb(columns, order) <= MOST_CLIQUES[order]:
        return list(itertools.combinations(range(columns), order))
    found: set[tuple[int, ...]] = set()
    while len(found) < MOST_CLIQUES[order]:
        found.add(tuple(sorted(rng.choice(columns, order, replace=False).tolist())))
    return sorted(found)


def flat(codes: NDArray[np.int64], sizes: NDArray[np.int64], clique: Sequence[int]) -> NDArray[np.int64]:
    """Cell number of each row in a joint table; equal rows have equal numbers, others differ.

    Args:
        codes: int64[rows, columns].
        sizes: int64[columns].
        clique: positions of columns whose sizes multiply to less than 2**62.
    """
    cells = codes[:, clique[0]]
    for place in clique[1:]:
        cells = cells * sizes[place] + codes[:, place]
    return cells


def distance(first: NDArray[np.int64], second: NDArray[np.int64], cells: int) -> float:
    """Total variation distance of two vectors of cell numbers: 0 is equal, 1 disjoint."""
    if not len(first) or not len(second):
        return math.nan
    if cells > MOST_CELLS:
        both = np.unique(np.concatenate([first, second]), return_inverse=True)[1]
        first, second, cells = both[: len(first)], both[len(first) :], int(both.max()) + 1
    shares = np.bincount(first, minlength=cells) / len(first) - np.bincount(second, minlength=cells) / len(second)
    return float(0.5 * np.abs(shares).sum())


def distances(
    real: NDArray[np.int64],
    other: NDArray[np.int64],
    sizes: NDArray[np.int64],
    cliques: Iterable[Sequence[int]],
) -> NDArray[np.float64]:
    """Total variation distance of each marginal.

    Args:
        real: int64[rows, columns], cells of the real table.
        other: int64[rows', columns], cells of the other table.
        sizes: int64[columns].
        cliques: which marginals.

    Returns:
        float64[cliques].
    """
    found = []
    for clique in cliques:
        cells = math.prod(int(sizes[place]) for place in clique)
        if cells < 2**62:
            found.append(distance(flat(real, sizes, clique), flat(other, sizes, clique), cells))
            continue
        rows = np.concatenate([real[:, clique], other[:, clique]])
        both = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
        found.append(distance(both[: len(real)], both[len(real) :], int(both.max()) + 1))
    return np.array(found, dtype=np.float64)


def _kept(bench: Bench, candidate: View, order: int) -> NDArray[np.float64]:
    """Distances of all marginals of an order; computed once per table."""

    def make() -> NDArray[np.float64]:
        cliques = cliques_of(len(bench.grid.names), order, bench.rng(f"cliques {order}"))
        return distances(bench.real.codes, candidate.codes, bench.grid.sizes, cliques)

    return bench.once(("marginals", order, id(candidate)), make)


def _mean_and_worst(name: str, found: NDArray[np.float64], what: str) -> list[Reading]:
    if not len(found):
        return []
    return [
        Reading(f"{name}_mean", float(found.mean()), note=f"mean total variation distance of {len(found)} {what}"),
        Reading(f"{name}_max", float(found.max()), note=f"largest total variation distance of {len(found)} {what}"),
    ]


@final
class OneWay(AbstractMeasure):
    """Total variation distance of single columns, numbers in 32 equal cells."""

    name: ClassVar[str] = "one_way"
    ceiling: ClassVar[Literal["independent", "uniform"]] = "uniform"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        return _mean_and_worst("tvd1", _kept(bench, candidate, 1), "columns")


@final
class Marginals(AbstractMeasure):
    """Total variation distance of 2-, 3- and 4-way marginals, numbers in 32 equal cells."""

    name: ClassVar[str] = "marginals"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        columns, found = len(bench.grid.names), []
        for order in (2, 3, 4):
            if columns >= order:
                distances_found = _kept(bench, candidate, order)
                found += _mean_and_worst(f"tvd{order}", distances_found, f"{order}-way marginals")
        return found


@final
class Twentieths(AbstractMeasure):
    """The same with numbers cut at the twentieths of the real table, which shows what equal cells hide."""

    name: ClassVar[str] = "twentieths"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        grid, found = bench.grid, []
        if not grid.numeric:
            return []
        for order in (2, 3):
            if len(grid.names) < order:
                continue
            cliques = cliques_of(len(grid.names), order, bench.rng(f"cliques {order}"))
            what = f"{order}-way marginals, numbers in twentieths"
            apart = distances(bench.real.quantiles, candidate.quantiles, grid.quantile_sizes, cliques)
            found += _mean_and_worst(f"tvd{order}_q20", apart, what)
        return found


@final
class KMarginal(AbstractMeasure):
    """1,000 times one less the mean distance of all 2- and 3-way marginals: 1,000 is perfect."""

    name: ClassVar[str] = "k_marginal"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        orders = [order for order in (2, 3) if len(bench.grid.names) >= order]
        if not orders:
            return []
        every = np.concatenate([_kept(bench, candidate, order) for order in orders])
        return [
            Reading("k_marginal", float(1000 * (1 - every.mean())), "higher", note="of 1,000; 2- and 3-way marginals")
        ]


@final
class MeasuredMarginals(AbstractMeasure):
    """Marginals that the maker measured, against those of the same orders that it did not."""

    name: ClassVar[str] = "measured"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        if not bench.measured:
            return []
        grid, measured = bench.grid, sorted(set(bench.measured))
        orders = sorted({len(clique) for clique in measured if len(clique) in MOST_CLIQUES})
        every = [c for order in orders for c in cliques_of(len(grid.names), order, bench.rng(f"cliques {order}"))]
        inside = [set(clique) for clique in measured]
        others = [clique for clique in every if not any(set(clique) <= known for known in inside)]
        found = []
        for name, cliques in (("tvd_measured", measured), ("tvd_unmeasured", others)):
            apart = distances(bench.real.codes, candidate.codes, grid.sizes, cliques)
            found += _mean_and_worst(name, apart, "marginals that were " + name.removeprefix("tvd_"))
        return found
