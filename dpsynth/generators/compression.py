"""Coarse cells of a column, read off its noisy one-way: heavy cells stay alone, light ones are merged.

Post-processing of a measurement that is already paid for; the rows are not looked at again.
"""

from __future__ import annotations

import numpy as np

__all__ = ["merge_light_cells"]


def merge_light_cells(
    counts: np.ndarray,
    first_ordered: int | None,
    least: float,
    most_cells: float,
    spikes: np.ndarray | None = None,
) -> np.ndarray:
    """Group measured cells so that pairs of columns have few cells and each of them holds enough rows.

    Cells with at least `least` rows (or a 1 / `most_cells` part of the rest) keep a cell of their own, wherever they
    are: a spike survives. Ordered neighbours are merged from left to right up to that mass; light unordered cells
    (rare categories, rare special values, a rare missing state) share one.

    Args:
        counts: float64[cells], denoised one-way.
        first_ordered: first cell of the ordered part (it runs to the end), or None.
        least: smallest wanted mass of a coarse cell, in rows.
        most_cells: about how many coarse cells the ordered part may have, at least 2.
        spikes: bool[cells], single values with many rows: they keep a cell from `least` rows on, whatever `most_cells`.

    Returns:
        int64[cells]: coarse cell of every measured cell, 0 .. k-1, every one used.

    Guarantee:
        At most 2 x `most_cells` + 1 coarse cells of the ordered part (heavy cells, and what lies between them) without
        spikes; each spike adds at most two.
        Post-processing.
    """
    cells = len(counts)
    unordered = cells if first_ordered is None else first_ordered
    groups = np.empty(cells, dtype=np.int64)
    groups[:unordered] = _merge_unordered(counts[:unordered], least)
    if unordered < cells:
        start = groups[:unordered].max() + 1 if unordered else 0
        alone = np.zeros(cells, dtype=bool) if spikes is None else spikes & (counts >= least)
        groups[unordered:] = start + _merge_ordered(counts[unordered:], alone[unordered:], least, most_cells)
    return _absorb_lightest(groups, counts, least, unordered)


def _merge_unordered(counts: np.ndarray, least: float) -> np.ndarray:
    light = counts < least
    groups = np.zeros(len(counts), dtype=np.int64)
    if light.sum() <= 1:
        return np.arange(len(counts), dtype=np.int64)
    groups[~light] = np.arange((~light).sum())
    groups[light] = (~light).sum()
    return groups


def _merge_ordered(counts: np.ndarray, alone: np.ndarray, least: float, most_cells: float) -> np.ndarray:
    heavy = alone.copy()
    bar, room = least, round(most_cells)
    while room >= 2:  # heavy cells leave less mass for the others, so the bar can fall and others pass it
        bar = max(least, counts[~heavy].sum() / room)
        wider = heavy | (counts >= bar)
        if (wider == heavy).all():
            break
        heavy, room = wider, round(most_cells) - int(wider.sum())
    groups = np.empty(len(counts), dtype=np.int64)
    current, mass, is_open = -1, 0.0, False
    for cell, count in enumerate(counts):
        if heavy[cell]:
            current, is_open = current + 1, False
        elif not is_open:
            current, mass, is_open = current + 1, float(count), True
        else:
            mass += float(count)
        groups[cell] = current
        if is_open and mass >= bar:
            is_open = False
    return groups


def _absorb_lightest(groups: np.ndarray, counts: np.ndarray, least: float, unordered: int) -> np.ndarray:
    """Join coarse cells under half the wanted mass to a neighbour (ordered) or to the lightest other (unordered)."""
    boundary = int(groups[unordered]) if unordered < len(groups) else int(groups.max()) + 1
    while groups.max() >= 2:
        mass = np.bincount(groups, weights=counts)
        lightest = int(np.argmin(mass))
        if mass[lightest] >= least / 2:
            break
        if lightest >= boundary and len(mass) - boundary > 1:
            left = mass[lightest - 1] if lightest > boundary else np.inf
            right = mass[lightest + 1] if lightest + 1 < len(mass) else np.inf
            other = lightest - 1 if left <= right else lightest + 1
        else:
            mass[lightest] = np.inf
            other = int(np.argmin(mass))
        keep, gone = min(lightest, other), max(lightest, other)
        groups = np.where(groups == gone, keep, groups)
        groups = np.where(groups > gone, groups - 1, groups)
        boundary -= int(gone < boundary)
    return groups
