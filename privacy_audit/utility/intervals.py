"""Would an analyst who takes the candidate for real rows be misled? Coverage and overlap of confidence intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.views import View

__all__ = ["Intervals"]

FEWEST_ROWS = 20
"""Values that fewer real rows have are not estimated."""
MOST_SLOPES = 60
MOST_OUTCOMES = 30
MOST_CATEGORIES = 50
"""Of wide tables: outcomes and categories that are crossed."""
Z = 1.959963984540054


@final
class Intervals(AbstractMeasure):
    """Share of naive 95 % intervals of the candidate that hold the real estimate, and their overlap with the real ones.

    The estimates are means and shares of single columns, and what depends on two: within each category the mean of
    every number and the share of the label's rarer value, and slopes of pairs of numbers.
    """

    name: ClassVar[str] = "intervals"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        real, real_error, joint = bench.once(("estimates",), lambda: _estimates(bench, bench.real))
        mine, my_error, _ = _estimates(bench, candidate)
        asked = np.isfinite(real) & np.isfinite(real_error) & (real_error > 0)
        found = []
        for name, kind in (("single", ~joint), ("joint", joint)):
            chosen = asked & kind
            if not chosen.any():
                continue
            a, b = mine[chosen], real[chosen]
            covers = np.abs(a - b) <= Z * my_error[chosen]
            overlap = _overlap(a, Z * my_error[chosen], b, Z * real_error[chosen])
            count = int(chosen.sum())
            found += [
                Reading(
                    f"interval_coverage_{name}",
                    float(np.where(np.isfinite(a), covers, False).mean()),
                    "higher",
                    note=f"of {count} naive 95 % intervals hold the real estimate; .95 is right",
                ),
                Reading(
                    f"interval_overlap_{name}",
                    float(np.where(np.isfinite(overlap), overlap, 0.0).mean()),
                    "higher",
                    note=f"mean overlap of {count} intervals with the real ones; 1 is equal, 0 is apart",
                ),
            ]
        return found


def _overlap(a: NDArray, a_half: NDArray, b: NDArray, b_half: NDArray) -> NDArray[np.float64]:
    """Mean share of each interval that the other one holds, 0 where they are apart."""
    shared = np.maximum(0.0, np.minimum(a + a_half, b + b_half) - np.maximum(a - a_half, b - b_half))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 0.5 * (shared / (2 * a_half) + shared / (2 * b_half))


def _estimates(bench: Bench, view: View) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Estimates, standard errors, and whether two columns take part; the same list for every table."""
    grid, values, errors, joint = bench.grid, [], [], []

    def add(value: NDArray[np.float64], error: NDArray[np.float64], two: bool) -> None:
        values.append(value)
        errors.append(error)
        joint.append(np.full(len(value), two))

    outcomes = [view.numbers[:, column] for column in range(len(grid.numeric))]
    places = list(grid.numeric)
    if bench.label is not None:
        counts = np.bincount(bench.real.codes[:, bench.label])
        rarest = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
        outcomes.append((view.codes[:, bench.label] == rarest).astype(float))
        places.append(bench.label)
    for outcome in outcomes[: len(grid.numeric)]:
        finite = outcome[np.isfinite(outcome)]
        mean = finite.mean() if len(finite) else np.nan
        add(np.array([mean]), np.array([_error(finite)]), False)
    crossed = [*zip(outcomes, places, strict=True)][-MOST_OUTCOMES:]  # the label is the last
    for number, place in enumerate(grid.categorical):
        size = int(grid.sizes[place])
        common = np.bincount(bench.real.codes[:, place], minlength=size) >= FEWEST_ROWS
        counts = np.bincount(view.codes[:, place], minlength=size)[:size]
        share = counts / view.rows
        add(share[common], np.sqrt(share * (1 - share) / view.rows)[common], False)
        for outcome, other in crossed if number < MOST_CATEGORIES else ():
            if other != place:
                mean, error = _by_category(outcome, view.codes[:, place], size)
                add(mean[common], error[common], True)
    pairs = [(i, j) for i in range(len(grid.numeric)) for j in range(i)][:MOST_SLOPES]
    if pairs:
        slopes = np.array([_slope(view.numbers[:, i], view.numbers[:, j]) for i, j in pairs])
        add(slopes[:, 0], slopes[:, 1], True)
    if not values:
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool)
    return np.concatenate(values), np.concatenate(errors), np.concatenate(joint)


def _error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _by_category(outcome: NDArray, codes: NDArray[np.int64], size: int) -> tuple[NDArray, NDArray]:
    finite = np.isfinite(outcome)
    outcome, codes = outcome[finite], codes[finite]
    centre = outcome.mean() if len(outcome) else 0.0
    counts = np.bincount(codes, minlength=size)[:size].astype(float)
    sums = np.bincount(codes, weights=outcome - centre, minlength=size)[:size]
    squares = np.bincount(codes, weights=(outcome - centre) ** 2, minlength=size)[:size]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / counts
        variance = np.maximum(0.0, squares - counts * mean**2) / (counts - 1)
        return mean + centre, np.sqrt(variance / counts)


def _slope(y: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[float, float]:
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) < 3:
        return float("nan"), float("nan")
    x, y = x - x.mean(), y - y.mean()
    spread = float(x @ x)
    if spread <= 0:
        return float("nan"), float("nan")
    slope = float(x @ y) / spread
    rest = y - slope * x
    # White's error, as spread often depends on x.
    return slope, float(np.sqrt(((x * rest) ** 2).sum())) / spread
