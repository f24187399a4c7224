"""Precision, recall, density and coverage: do candidate rows lie where real rows lie, and everywhere there?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.views import View

__all__ = ["Manifold"]

MOST_ROWS = 1_500
NEIGHBOURS = 5


@final
class Manifold(AbstractMeasure):
    """Precision, recall, density, coverage by balls that reach the fifth neighbour, against rows that are held out.

    A category counts 1 where it differs; a number counts the difference of ranks in the real table.

    Source: kynkaanniemi2019improved, naeem2020reliable
    """

    name: ClassVar[str] = "manifold"
    floor: ClassVar[Literal["bootstrap", "subset", "fresh"]] = "subset"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        rows = min(MOST_ROWS, bench.anchor.rows, candidate.rows)
        names = ("precision", "recall", "density", "coverage")
        if rows <= NEIGHBOURS:
            why = f"undefined: {NEIGHBOURS} neighbours need more rows"
            return [Reading(name, float("nan"), "higher", note=why) for name in names]
        ranks = bench.once(("ranks",), lambda: [np.sort(v[np.isfinite(v)]) for v in bench.real.numbers.T])
        real = _encode(bench, bench.anchor.sample(rows, bench.rng("manifold real")), ranks)
        mine = _encode(bench, candidate.sample(rows, bench.rng("manifold candidate")), ranks)
        real_radius = bench.once(("radius", rows), lambda: _radius(real))
        my_radius = _radius(mine)
        apart = _apart(mine, real)
        within = apart <= real_radius[None, :]
        notes = (
            "candidate rows that lie within reach of a real row",
            "real rows that lie within reach of a candidate row",
            "real rows within whose reach a candidate row lies, by their expected number",
            "real rows that have a candidate row within reach",
        )
        values = (
            within.any(1).mean(),
            (apart <= my_radius[:, None]).any(0).mean(),
            within.sum() / (NEIGHBOURS * len(apart)),
            within.any(0).mean(),
        )
        return [
            Reading(name, float(v), "higher", note=note) for name, v, note in zip(names, values, notes, strict=True)
        ]


Encoded = tuple[NDArray[np.int64], NDArray[np.float64]]


def _encode(bench: Bench, view: View, ranks: list[NDArray[np.float64]]) -> Encoded:
    numbers = np.zeros((view.rows, len(ranks)))
    for column, order in enumerate(ranks):
        values = view.numbers[:, column]
        filled = np.where(np.isfinite(values), values, -np.inf)
        left, right = np.searchsorted(order, filled, "left"), np.searchsorted(order, filled, "right")
        numbers[:, column] = np.where(np.isfinite(values), (left + right) / (2 * max(1, len(order))), -1.0)
    return view.codes[:, bench.grid.categorical], numbers


def _apart(first: Encoded, second: Encoded) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    apart = np.zeros((len(first[0]), len(second[0])))
    if first[0].shape[1]:
        apart += cdist(first[0], second[0], "hamming") * first[0].shape[1]
    if first[1].shape[1]:
        apart += cdist(first[1], second[1], "cityblock")
    return apart


def _radius(rows: Encoded) -> NDArray[np.float64]:
    apart = _apart(rows, rows)
    np.fill_diagonal(apart, np.inf)
    return np.partition(apart, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
