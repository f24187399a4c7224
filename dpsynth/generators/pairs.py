"""What generators do with pairs of columns: public references for scores, refined one-ways, denoised pair tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from dpsynth.denoise import (
    choose_by_fission,
    combine,
    keep_large_cells,
    project_simplex,
    project_transport,
    shrink_singular_values,
)
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.generators.compression import merge_light_cells
from dpsynth.generators.one_ways import OneWays
from dpsynth.measurement import Measurement

__all__ = [
    "BYTES_PER_SCORED_CELL",
    "Pair",
    "all_pairs",
    "coarse_counts",
    "coarse_groups",
    "denoise_pair",
    "fine_groupings",
    "merge_repeats",
    "pair_cell_bound",
    "product_references",
    "refine_one_ways",
    "split_by_cells",
    "tree_cell_bound",
]

Pair = tuple[str, str]

BYTES_PER_SCORED_CELL = 24
"""Reference, counts, and what lies between them while all pairs are scored at once."""


LARGE_CELLS = (2.0, 3.0)
"""Bars, in noise scales, above which the few cells of a sparse pair are kept."""


def all_pairs(names: Sequence[str]) -> list[Pair]:
    """All pairs of columns in order."""
    return list(itertools.combinations(names, 2))


def tree_cell_bound(sizes: Sequence[int]) -> int:
    """The most cells that the pairs of any tree can hold, from the cells of each column."""
    widest, *others = sorted(sizes, reverse=True)
    return sum(widest * size for size in others)


def pair_cell_bound(sizes: Sequence[int]) -> int:
    """The cells of all pairs together, from the cells of each column."""
    return (sum(sizes) ** 2 - sum(size * size for size in sizes)) // 2


def coarse_groups(encoder: TableEncoder, one_ways: OneWays, least: float, most_cells: float) -> dict[str, Grouping]:
    """Coarse cells of every column, from its noisy one-way (measured cells -> coarse cells).

    Args:
        encoder: the table's encoder.
        one_ways: denoised one-ways.
        least: smallest wanted mass of a coarse cell, in rows.
        most_cells: about how many cells an ordered column may have.

    Returns:
        A grouping of the measured cells by column.

    Guarantee:
        Post-processing.
    """
    groups = {}
    for name, grid in one_ways.grids.items():
        ordered_from = encoder.by_name(name).ordered_from
        start = None if ordered_from is None else int(grid.cells[ordered_from])
        cells = merge_light_cells(one_ways.counts[name], start, least, most_cells, one_ways.spikes.get(name))
        groups[name] = Grouping(cells, int(cells.max()) + 1)
    return groups


def fine_groupings(one_ways: OneWays, groups: Mapping[str, Grouping]) -> dict[str, Grouping]:
    """Fine cells -> coarse cells, which is what the gate counts on."""
    return {name: Grouping(groups[name].cells[grid.cells], groups[name].size) for name, grid in one_ways.grids.items()}


def coarse_counts(one_ways: OneWays, groups: Mapping[str, Grouping]) -> dict[str, np.ndarray]:
    """Denoised one-ways on the coarse cells."""
    return {name: group.aggregate(one_ways.counts[name]) for name, group in groups.items()}


def product_references(
    counts: Mapping[str, np.ndarray], total: float, pairs: Sequence[Pair]
) -> dict[tuple[str, ...], np.ndarray]:
    """Integer tables of independent pairs, built from noisy one-ways only: constants for the gate.

    Args:
        counts: coarse one-ways by column.
        total: estimated number of rows.
        pairs: pairs of columns.

    Returns:
        int64[a, b] by pair.

    Guarantee:
        Post-processing.
    """
    return {(a, b): np.rint(np.outer(counts[a], counts[b]) / total).astype(np.int64) for a, b in pairs}


def split_by_cells(weights: Mapping[Pair, float]) -> dict[Pair, float]:
    """Shares (summing to 1) that minimise the summed error when the error of i is weights[i] x sigma_i."""
    roots = {pair: weight ** (2 / 3) for pair, weight in weights.items()}
    whole = sum(roots.values())
    return {pair: root / whole for pair, root in roots.items()}


def error_per_sigma(sizes: tuple[int, int]) -> float:
    """Expected L1 error of a denoised pair table per unit of sigma, up to a constant.

    Denoising keeps about 2 (a + b) degrees of freedom of a x b cells, so the error grows like their geometric mean.
    """
    cells = prod(sizes)
    return float(np.sqrt(cells * min(cells, 2.0 * sum(sizes))))


def refine_one_ways(
    one_ways: OneWays, groups: Mapping[str, Grouping], pairs: Sequence[Measurement]
) -> dict[str, np.ndarray]:
    """Coarse one-ways once more: inverse-variance mean of their own answer and the margins of measured pairs.

    Args:
        one_ways: the first answers.
        groups: measured cells -> coarse cells.
        pairs: noisy pair tables on the coarse cells.

    Returns:
        float64[coarse] by column, above 0, summing to the estimated total.

    Guarantee:
        Post-processing.
    """
    refined = {}
    for name, group in groups.items():
        own = group.aggregate(one_ways.raw[name])
        variance = np.bincount(group.cells, minlength=group.size) * one_ways.sigmas[name] ** 2
        answers: list[tuple[np.ndarray, np.ndarray | float]] = [(own, variance)]
        for pair in pairs:
            if name in pair.clique:
                axis = 1 - pair.clique.index(name)
                answers.append((pair.values.sum(axis=axis), pair.values.shape[axis] * pair.sigma**2))
        mean, _ = combine(answers)
        positive = np.maximum(project_simplex(mean, one_ways.total), 1e-6 * one_ways.total)
        refined[name] = positive * one_ways.total / positive.sum()
    return refined


def merge_repeats(measured: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """One measurement per clique: the inverse-variance mean of all answers on it, in the order of the first ones.

    Guarantee:
        Post-processing.
    """
    by_clique: dict[tuple[str, ...], list[Measurement]] = {}
    for m in measured:
        by_clique.setdefault(m.clique, []).append(m)
    merged = []
    for found in by_clique.values():
        values, variance = combine((m.values, m.sigma**2) for m in found)
        merged.append(
            found[0] if len(found) == 1 else replace(found[0], values=values, sigma=float(np.sqrt(variance.flat[0])))
        )
    return tuple(merged)


def denoise_pair(pair: Measurement, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A pair table with given margins, denoised by whichever of two pictures fits it, then projected on tables >= 0.

    A few directions: the singular values of what is left beside independent columns, shrunk. A few cells: all small
    ones set to zero, as when one column tells the other. The noise, split in two, decides between them.

    Args:
        pair: noisy table int64[a, b].
        rows: float64[a], margin above 0.
        columns: float64[b], margin above 0 with the same sum.

    Returns:
        float64[a, b] with exactly these margins.

    Guarantee:
        Post-processing.
    """
    base = np.outer(rows, columns) / rows.sum()

    def few_directions(noisy: np.ndarray, sigma: float) -> np.ndarray:
        residual = noisy - base
        residual = residual - residual.mean(1, keepdims=True) - residual.mean(0, keepdims=True) + residual.mean()
        return base + shrink_singular_values(residual, sigma)

    pictures: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {"few directions": few_directions}
    for bar in LARGE_CELLS:
        pictures[f"few cells, {bar}"] = partial(keep_large_cells, bar=bar)
    noisy = pair.values.astype(np.float64)
    best = choose_by_fission(noisy, pair.sigma, pictures) if min(noisy.shape) > 2 else "few directions"
    return project_transport(pictures[best](noisy, pair.sigma), rows, columns)
